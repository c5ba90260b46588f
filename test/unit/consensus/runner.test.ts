import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ConsensusEngine } from '../../../consensus/engine/engine.js';
import type { HeightContext, Input } from '../../../consensus/engine/input.js';
import type { EncodedRecord } from '../../../consensus/engine/record.js';
import { Runner, type HeightLog, type Host } from '../../../consensus/engine/runner.js';
import { WalError } from '../../../consensus/wal/errors.js';
import { PRESETS } from '../../../protocol/presets.js';
import { isNilBlockId } from '../../../protocol/types/vote.js';
import { createPrng } from '../../support/prng.js';
import { blockId } from '../../../protocol/types/header.js';
import { nextTick } from '../../support/next-tick.js';
import { SAMPLES } from '../../support/samples.js';

const OWN = new Uint8Array(20).fill(1);
const CONTEXT: HeightContext = {
  height: 5,
  validators: [{ id: OWN, blsPublicKey: new Uint8Array(48), votingPower: 1 }],
  params: PRESETS.devnet.params.consensus,
  proposerOf: () => OWN,
};

/** A validator alone on its chain, and all that it does in order. */
class Hermit implements Host, HeightLog {
  readonly told: string[] = [];
  readonly records: EncodedRecord[] = [];
  readonly engine = new ConsensusEngine(OWN);
  readonly runner: Runner;
  failure: unknown;
  capacity = Infinity;

  constructor() {
    this.runner = new Runner({
      engine: this.engine,
      log: this,
      host: this,
      signer: {
        sign: (effect) => {
          const { kind, payload } = effect;
          this.told.push(kind);
          const { height, round } = payload;
          const hasExtension = kind === 'sign-precommit' && !isNilBlockId(payload.blockId);
          const extension = hasExtension
            ? {
                payload: { height, round, content: new Uint8Array(0) },
                validator: OWN,
                signature: new Uint8Array(96),
              }
            : null;
          return Promise.resolve({ signature: new Uint8Array(96), extension });
        },
      },
    });
  }

  append(record: EncodedRecord): void {
    if (this.records.length >= this.capacity) throw new WalError('WAL_FULL', 'the log is full');
    this.records.push(record);
    this.told.push('append');
  }

  sync(): Promise<void> {
    this.told.push('sync');
    return Promise.resolve();
  }

  startHeight(height: number): Promise<void> {
    this.told.push(`start ${height}`);
    return Promise.resolve();
  }

  extensionContent(): Uint8Array {
    return new Uint8Array(0);
  }

  decide(): Promise<void> {
    this.told.push('decide');
    return Promise.resolve();
  }

  perform({ kind }: { readonly kind: string }): void {
    this.told.push(kind);
  }

  handled({ kind }: Input): void {
    this.told.push(`handled ${kind}`);
  }

  warn(): void {
    this.told.push('warn');
  }

  fail(error: unknown): void {
    this.failure = error;
  }
}

/** From the start to the decision of its own block. */
async function live(hermit: Hermit, recovered?: readonly EncodedRecord[]): Promise<void> {
  const { height } = CONTEXT;
  await hermit.runner.start(CONTEXT, recovered);
  if (hermit.engine.height !== height || recovered !== undefined) return;
  hermit.runner.submit({ kind: 'timer', timer: { kind: 'idle', height } });
  const header = { ...SAMPLES.header(createPrng(1)), height, round: 0, proposer: OWN };
  const block = { header, body: SAMPLES.body(createPrng(2)) };
  hermit.runner.submit({ kind: 'built', height, round: 0, id: blockId(header), block });
  await hermit.runner.whenIdle();
}

describe('the order of effects', () => {
  test('what led to a signature is durable before it is made, and known here before it leaves', async () => {
    const hermit = new Hermit();
    await live(hermit);
    assert.equal(hermit.failure, undefined);
    const signatures = hermit.told.flatMap((what, index) => (what.startsWith('sign-') ? [index] : []));
    assert.equal(signatures.length, 3);
    for (const index of signatures) {
      assert.equal(hermit.told[index - 1], 'sync');
      assert.equal(hermit.told[index + 1], 'append');
    }
    assert.ok(hermit.told.indexOf('decide') > (signatures.at(-1) ?? Infinity));
  });

  test('a full log silences the height, and the node goes on', async () => {
    const whole = new Hermit();
    await live(whole);
    for (let capacity = 0; capacity < whole.records.length; capacity++) {
      const hermit = new Hermit();
      hermit.capacity = capacity;
      await live(hermit);
      assert.equal(hermit.failure, undefined);
      const full = hermit.told.indexOf('warn');
      assert.ok(full >= 0);
      assert.equal(hermit.told.filter((what) => what === 'warn').length, 1);
      assert.ok(
        hermit.told.slice(full).every((what) => !what.startsWith('sign-')),
        `${capacity}`,
      );
    }
  });
});

describe('a log', () => {
  test('cut after any record is replayed to the same end: what is in it is not signed again', async () => {
    const whole = new Hermit();
    await live(whole);
    for (let length = 1; length <= whole.records.length; length++) {
      const hermit = new Hermit();
      await live(hermit, whole.records.slice(0, length));
      assert.equal(hermit.failure, undefined, `after ${length} records`);
      const signed = (told: readonly string[]): number =>
        told.filter((what) => what.startsWith('sign-')).length;
      const isDecided = hermit.engine.height === undefined;
      assert.ok(!hermit.told.includes('start 5'), 'the log goes on');
      if (!isDecided) assert.ok(hermit.told.includes('build'), 'what was under way is begun again');
      else
        assert.ok(
          !hermit.told.includes('build') && !hermit.told.includes('validate'),
          'a height that is over is left alone',
        );
      if (length === whole.records.length) assert.equal(signed(hermit.told), 0);
    }
  });

  test('with a record of a kind that nobody writes is refused, and says so', async () => {
    const hermit = new Hermit();
    await live(hermit, [{ kind: 200, payload: new Uint8Array(0) }]);
    assert.match(String(hermit.failure), /unknown kind of log record/);
    assert.ok(hermit.runner.isStopped);
  });
});

test('what peers send is dropped where too much waits; what is the node’s own is not', async () => {
  const hermit = new Hermit();
  await hermit.runner.start(CONTEXT, undefined);
  let taken = 0;
  for (let i = 0; i < 20_000; i++) if (hermit.runner.submit({ kind: 'work-notice', height: 4 })) taken++;
  assert.ok(taken >= 16_384 && taken < 16_400, `${taken}`);
  assert.ok(hermit.runner.submit({ kind: 'timer', timer: { kind: 'idle', height: CONTEXT.height } }));
  await nextTick();
  await hermit.runner.whenIdle();
  assert.ok(hermit.told.includes('handled timer'));
  hermit.runner.stop();
  assert.ok(!hermit.runner.submit({ kind: 'timer', timer: { kind: 'idle', height: CONTEXT.height } }));
});
