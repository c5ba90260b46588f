import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, test, type TestContext } from 'node:test';
import { DEFAULT_BLOB_LIMITS } from '../../../compute/blobs/store.js';
import { BlobService } from '../../../node/blobs/service.js';
import { SourceShelf } from '../../../node/verifier/source-shelf.js';
import { SourceWatch } from '../../../node/verifier/source-watch.js';
import type { OgpuError } from '../../../protocol/errors.js';
import { encodeGraph } from '../../../protocol/graph/encode.js';
import { AUDIT_SOURCE_RUNNABLE } from '../../../protocol/types/audit.js';
import { nextValidators } from '../../../state/staking/active-set.js';
import { STATE_KEYS } from '../../../state/store/keys.js';
import type { Entry } from '../../../state/store/store.js';
import { HandClock } from '../../support/hand-clock.js';
import { CLIENT, JobChain } from '../../support/jobs.js';
import { ofSource, registerSource } from '../../support/market.js';
import { enlargingNetwork } from '../../support/tensor/programs.js';

const { program, weights } = enlargingNetwork(6, 2, 1, 1);
const SOURCE_KEY = STATE_KEYS.source.encode(program.hash);
const GIB = 2 ** 30;

/** A validator of a real ledger that has one source, and a blob store without peers. */
class Bench {
  readonly clock = new HandClock();
  readonly warnings: OgpuError[] = [];
  readonly watch: SourceWatch;
  readonly chain: JobChain;
  readonly blobs: BlobService;
  readonly #told: (() => void)[] = [];
  runnable = 0;

  constructor(chain: JobChain, blobs: BlobService, maxMemoryBytes: number) {
    this.chain = chain;
    this.blobs = blobs;
    const { ledger } = chain;
    this.watch = new SourceWatch({
      store: {
        get: (key) => ledger.get(key),
        range: async function* (): AsyncGenerator<readonly Entry[]> {
          const value = ledger.get(SOURCE_KEY);
          yield await Promise.resolve(value === undefined ? [] : [{ key: SOURCE_KEY, value }]);
        },
      },
      ...{
        validator: this.validator,
        shelf: new SourceShelf(ledger, blobs),
        blobs,
        hidden: [],
        maxMemoryBytes,
      },
      executor: () => Promise.resolve('reference'),
      clock: {
        nowMs: () => this.clock.nowMs,
        setTimer: (delayMs, run) => this.clock.setTimer(delayMs, run),
      },
      onEntry: () => undefined,
      onRunnable: () => {
        this.runnable++;
        this.#tell();
      },
      onWarning: (error) => {
        this.warnings.push(error);
        this.#tell();
      },
      onFailure: (error) => assert.fail(String(error)),
    });
  }

  static async open(t: TestContext, maxMemoryBytes = GIB): Promise<Bench> {
    const folder = await mkdtemp(join(tmpdir(), 'ogpu-sources-'));
    const chain = await new JobChain({ checksWhole: false }).open();
    await chain.run(registerSource(CLIENT, encodeGraph(program.graph)));
    const blobs = await BlobService.open({
      ...{ folder, limits: DEFAULT_BLOB_LIMITS, keepMs: 60_000, fetchTimeoutMs: 1_000 },
      network: () => undefined,
      onFailure: (error) => assert.fail(String(error)),
    });
    const bench = new Bench(chain, blobs, maxMemoryBytes);
    t.after(async () => {
      await bench.watch.stop();
      await blobs.close();
      await rm(folder, { recursive: true, force: true });
    });
    return bench;
  }

  get validator(): Uint8Array {
    return nextValidators(this.chain.ledger)[0]?.id ?? assert.fail();
  }

  async bringWeights(): Promise<void> {
    await this.blobs.write({ uploader: 'test', bytes: Readable.from([weights]) });
  }

  /** Lets the next try begin, and waits until it has come to something. @returns how long it had been put off */
  async tryNext(): Promise<number> {
    const beforeMs = this.clock.nowMs;
    const told = new Promise<void>((resolve) => this.#told.push(resolve));
    this.clock.fireNext();
    await told;
    return this.clock.nowMs - beforeMs;
  }

  kinds(): number[] {
    return this.watch.entries().map(({ entry }) => entry.kind);
  }

  #tell(): void {
    for (const resolve of this.#told.splice(0)) resolve();
  }
}

describe('a validator and the sources there are', { timeout: 120_000 }, () => {
  test('it says that it can run one when it has run it, until the ledger has heard that', async (t) => {
    const bench = await Bench.open(t);
    await bench.bringWeights();
    await bench.watch.start();
    assert.deepEqual(bench.kinds(), [], 'not before it has tried');
    await bench.tryNext();
    assert.equal(bench.runnable, 1);
    assert.deepEqual(bench.kinds(), [AUDIT_SOURCE_RUNNABLE]);
    assert.equal(bench.blobs.status(program.graph.weightsHash).pins.source, 1);
    const [said] = bench.watch.entries();
    assert.ok(said);
    bench.chain.say(bench.validator, said.entry);
    await bench.chain.next();
    assert.deepEqual(bench.kinds(), []);
    bench.watch.follow([{ key: SOURCE_KEY, value: undefined }]);
    assert.equal(bench.clock.timers.size, 0, 'what is known is not tried again');
  });

  test('weights that nobody has are looked for again, later each time', async (t) => {
    const bench = await Bench.open(t);
    await bench.watch.start();
    await bench.tryNext();
    assert.deepEqual(
      bench.warnings.map(({ code }) => code),
      ['MATERIALS_UNAVAILABLE'],
    );
    assert.equal(await bench.tryNext(), 1_000);
    await bench.bringWeights();
    assert.equal(await bench.tryNext(), 2_000);
    assert.deepEqual(bench.kinds(), [AUDIT_SOURCE_RUNNABLE]);
  });

  test('one that takes more memory than it may is left to others', async (t) => {
    const bench = await Bench.open(t, 1);
    await bench.bringWeights();
    await bench.watch.start();
    await bench.tryNext();
    assert.deepEqual(
      bench.warnings.map(({ code }) => code),
      ['MATERIALS_UNFIT'],
    );
    assert.equal(bench.clock.timers.size, 0);
    assert.deepEqual(bench.kinds(), []);
  });

  test('one that is retired is let go', async (t) => {
    const bench = await Bench.open(t);
    await bench.bringWeights();
    await bench.watch.start();
    await bench.tryNext();
    await bench.chain.run(ofSource(CLIENT, 'retire', program.hash));
    bench.watch.follow([{ key: SOURCE_KEY, value: bench.chain.ledger.get(SOURCE_KEY) }]);
    assert.deepEqual(bench.kinds(), []);
    while (bench.blobs.status(program.graph.weightsHash).pins.source > 0)
      await new Promise((resolve) => setImmediate(resolve));
  });
});
