import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Attempt } from '../../../consensus/verification/attempt.js';
import { blsSigningKey } from '../../../consensus/signer/local-signer.js';
import { MaterialsError, type Materials } from '../../../node/verifier/materials.js';
import { Verifier } from '../../../node/verifier/verifier.js';
import { VerdictStore } from '../../../node/verifier/verdict-store.js';
import type { OgpuError } from '../../../protocol/errors.js';
import * as audit from '../../../protocol/types/audit.js';
import { SimulatedDisk } from '../../sim/disk.js';
import { AuditWorld, runPhase, CHAIN_ID, type WorldOptions } from '../../support/audit-world.js';
import { HandClock } from '../../support/hand-clock.js';
import { nextTick } from '../../support/next-tick.js';
import { createPrng } from '../../support/prng.js';

const CHAIN = { chainId: CHAIN_ID, genesisId: new Uint8Array(32), protocolVersion: 1 };
const KEY = blsSigningKey(new Uint8Array(32).fill(7));

/** The service of the first verifier of a world, with data and a device that a test holds in its hands. */
class Bench {
  readonly world: AuditWorld;
  readonly clock = new HandClock();
  readonly warnings: OgpuError[] = [];
  readonly failures: unknown[] = [];
  disk = new SimulatedDisk({ prng: createPrng(1) });
  device: Materials['judge'];
  holdsOutput = true;
  isAvailable = true;
  judged: (readonly number[])[] = [];
  told = 0;
  #verifier: Verifier | undefined;
  #unlock: () => Promise<void> = () => Promise.resolve();

  constructor(options: WorldOptions = {}) {
    this.world = new AuditWorld(options);
    this.device = (_, segments) => Promise.resolve(this.world.truth(segments));
  }

  get id(): Uint8Array {
    return this.world.verifiers[0]?.id ?? assert.fail();
  }

  get verifier(): Verifier {
    return this.#verifier ?? assert.fail('it is open');
  }

  async open(attempts: () => readonly Attempt[] = () => [this.world.attempt]): Promise<void> {
    const { folder, unlock } = this.disk.openFolder('verdicts');
    this.#unlock = unlock;
    const onWarning = (error: OgpuError): void => void this.warnings.push(error);
    this.#verifier = new Verifier({
      validator: { id: this.id, key: KEY },
      chain: () => CHAIN,
      attempts,
      materials: {
        judge: (attempt, segments, signal) => {
          this.judged.push(segments);
          return this.device(attempt, segments, signal);
        },
        hasOutput: () => Promise.resolve(this.holdsOutput),
        isAvailable: () => Promise.resolve(this.isAvailable),
      },
      verdicts: await VerdictStore.open(folder, onWarning),
      clock: {
        nowMs: () => this.clock.nowMs,
        setTimer: (delayMs, run) => this.clock.setTimer(delayMs, run),
      },
      onEntry: () => {
        this.told++;
      },
      onWarning,
      onFailure: (error) => this.failures.push(error),
    });
  }

  async restart(): Promise<void> {
    await this.verifier.stop();
    await this.#unlock();
    this.disk = this.disk.crash('power', { prng: createPrng(2) });
    await this.open();
  }

  /** A final block: state is what it is now. */
  async follow(): Promise<void> {
    this.clock.nowMs = this.world.now.timeMs;
    this.verifier.follow();
    await nextTick();
  }

  /** Time passes, and nothing else. */
  async wait(ms: number): Promise<void> {
    const until = this.clock.nowMs + ms;
    for (;;) {
      const next = Math.min(...[...this.clock.timers].map(({ atMs }) => atMs));
      if (next > until) break;
      this.clock.fireNext();
      await nextTick();
    }
    this.clock.nowMs = until;
  }

  kinds(): number[] {
    return this.verifier.entries().map(({ entry }) => entry.kind);
  }

  /** The chain hears what the verifier has to say now. */
  hear(): audit.AuditEntry {
    const [first] = this.verifier.entries();
    assert.ok(first, 'it has something to say');
    this.world.do({ kind: 'entry', validator: this.id, entry: first.entry });
    return first.entry;
  }

  /** All others do what they owe, up to a phase. */
  runTo(phase: Attempt['phase']): void {
    for (let steps = 0; this.world.attempt.phase !== phase; steps++) {
      assert.ok(steps < 10, `${this.world.attempt.phase} becomes ${phase}`);
      runPhase(this.world);
    }
  }

  /** Others seal or reveal, so that only this verifier is waited for. */
  othersSpeak(): void {
    const { attempt } = this.world;
    const voices = attempt.escalation?.voices ?? attempt.seats;
    const isSealing = attempt.phase.endsWith('SEALING') && attempt.phase !== 'UNSEALING';
    for (const voice of voices) {
      if (voice.validator === this.id || voice.validator.join() === this.id.join()) continue;
      this.world.do(isSealing ? this.world.seal(voice) : this.world.reveal(voice));
    }
  }
}

async function sealing(options: WorldOptions = {}): Promise<Bench> {
  const bench = new Bench(options);
  await bench.open();
  bench.runTo('SEALING');
  return bench;
}

describe('a verifier', () => {
  test('judges its seats, seals, and reveals once it holds the output', async () => {
    const bench = await sealing();
    assert.deepEqual(bench.kinds(), []);
    await bench.follow();
    assert.deepEqual(bench.kinds(), [audit.AUDIT_SEAL]);
    assert.ok(bench.told > 0);
    bench.othersSpeak();
    bench.hear();
    await bench.follow();
    assert.deepEqual(bench.kinds(), [], 'what state shows is not repeated');
    bench.holdsOutput = false;
    bench.runTo('REVEALING');
    await bench.follow();
    assert.deepEqual(bench.kinds(), [], 'the output is still looked for');
    bench.holdsOutput = true;
    await bench.wait(1_000);
    assert.deepEqual(bench.kinds(), [audit.AUDIT_REVEAL]);
    bench.othersSpeak();
    assert.equal(bench.hear().flags, audit.AUDIT_FLAG_DELIVERED);
    assert.equal(bench.world.attempt.ending, 'CONFIRMED');
    assert.equal(bench.judged.length, 1);
    await bench.follow();
    assert.deepEqual(bench.failures, []);
  });

  test('whose device differs after a crash opens its seal all the same', async () => {
    const bench = await sealing();
    await bench.follow();
    bench.othersSpeak();
    bench.hear();
    await bench.restart();
    bench.device = (_, segments) => Promise.resolve(segments.map(() => bench.world.hash('flaky')));
    bench.runTo('REVEALING');
    await bench.follow();
    bench.othersSpeak();
    bench.hear();
    assert.equal(bench.world.attempt.ending, 'CONFIRMED');
    assert.equal(bench.judged.length, 1, 'it judges nothing twice');
  });

  test('that has lost its disk judges again, and opens its seal', async () => {
    const bench = await sealing();
    await bench.follow();
    bench.othersSpeak();
    bench.hear();
    await bench.verifier.stop();
    bench.disk = new SimulatedDisk({ prng: createPrng(3) });
    await bench.open();
    bench.runTo('REVEALING');
    await bench.follow();
    bench.othersSpeak();
    bench.hear();
    assert.equal(bench.world.attempt.ending, 'CONFIRMED');
  });

  test('says nothing before its verdict is durable', async () => {
    const bench = await sealing();
    let finish: (answers: readonly Uint8Array[]) => void = () => undefined;
    bench.device = () => new Promise((resolve) => (finish = resolve));
    await bench.follow();
    assert.deepEqual(bench.kinds(), []);
    const [seat] = bench.world.attempt.seats;
    assert.ok(seat);
    finish(bench.world.truth(seat.segments));
    assert.deepEqual(bench.kinds(), []);
    await nextTick();
    const [said] = bench.verifier.entries();
    await bench.restart();
    await bench.follow();
    assert.deepEqual(bench.verifier.entries()[0]?.entry, said?.entry);
  });

  test('calls data unavailable late in the window only, and seals when it comes after all', async () => {
    const bench = await sealing();
    const { device } = bench;
    bench.device = () =>
      Promise.reject(new MaterialsError('MATERIALS_UNAVAILABLE', 'nobody hands out the input'));
    await bench.follow();
    assert.deepEqual(bench.kinds(), []);
    const leftMs = bench.world.attempt.deadline.timeMs - bench.clock.nowMs;
    await bench.wait(Math.floor(leftMs / 2));
    assert.deepEqual(bench.kinds(), []);
    assert.ok(bench.judged.length > 2, 'it is looked for again and again');
    await bench.wait(Math.floor(leftMs / 4));
    assert.deepEqual(bench.kinds(), [audit.AUDIT_UNAVAILABLE]);
    bench.device = device;
    await bench.wait(1_000);
    assert.deepEqual(bench.kinds(), [audit.AUDIT_SEAL]);
  });

  test('says at once that it cannot judge', async () => {
    const bench = await sealing();
    bench.device = () => Promise.reject(new MaterialsError('MATERIALS_UNFIT', 'too large for this device'));
    await bench.follow();
    assert.deepEqual(bench.kinds(), [audit.AUDIT_CANNOT_JUDGE]);
    assert.deepEqual(
      bench.warnings.map(({ code }) => code),
      ['MATERIALS_UNFIT'],
    );
  });

  test('disputes what is faked, judges it with all others, and overturns it', async () => {
    const bench = await sealing({ provider: { fakes: new Set(Array.from({ length: 64 }, (_, i) => i)) } });
    for (const phase of ['SEALING', 'REVEALING', 'ESCALATION_SEALING', 'ESCALATION_REVEALING'] as const) {
      bench.runTo(phase);
      await bench.follow();
      bench.othersSpeak();
      const { segment } = bench.hear();
      if (phase === 'REVEALING') assert.ok(bench.world.attempt.segments.includes(segment));
    }
    assert.equal(bench.world.attempt.ending, 'FRAUD');
  });

  test('says of published data whether it can be had', async () => {
    const bench = new Bench({
      behaviours: ['undelivered', 'undelivered', 'undelivered', 'undelivered'],
      provider: { publishes: false },
    });
    await bench.open();
    bench.runTo('PUBLISHING');
    bench.isAvailable = false;
    await bench.follow();
    assert.deepEqual(bench.kinds(), []);
    bench.isAvailable = true;
    await bench.wait(1_000);
    assert.deepEqual(bench.kinds(), [audit.AUDIT_AVAILABLE]);
  });

  test('with no output in time reveals that it has none', async () => {
    const bench = await sealing();
    bench.holdsOutput = false;
    await bench.follow();
    bench.othersSpeak();
    bench.hear();
    bench.runTo('REVEALING');
    await bench.follow();
    await bench.wait(Math.floor((bench.world.attempt.deadline.timeMs - bench.clock.nowMs) * 0.8));
    assert.equal(bench.hear().flags, 0);
  });

  test('drops verdicts of what has ended, and stops what nobody waits for', async () => {
    const bench = await sealing();
    const attempts = [bench.world.attempt];
    await bench.verifier.stop();
    bench.disk = new SimulatedDisk({ prng: createPrng(4) });
    await bench.open(() => attempts);
    await bench.follow();
    const { folder } = bench.disk.copy().openFolder('verdicts');
    assert.equal((await folder.list()).length, 1);
    attempts.length = 0;
    await bench.follow();
    assert.deepEqual(bench.kinds(), []);
    assert.deepEqual(await bench.disk.copy().openFolder('verdicts').folder.list(), []);
    assert.equal(bench.clock.timers.size, 0);
  });

  test('judges what is due first before the rest, one at a time', async () => {
    const worlds = [30_000, 20_000, 10_000].map((judgeMs, seed) => {
      const world = new AuditWorld({ seed: seed + 1, terms: { judgeMs } });
      while (world.attempt.phase !== 'SEALING') runPhase(world);
      return world;
    });
    const bench = new Bench();
    const order: Attempt[] = [];
    let finish: () => void = () => undefined;
    bench.device = async (attempt, segments) => {
      order.push(attempt);
      await new Promise<void>((resolve) => (finish = resolve));
      return segments.map(() => new Uint8Array(32));
    };
    await bench.open(() => worlds.map(({ attempt }) => attempt));
    await bench.follow();
    assert.equal(order.length, 1);
    for (const _ of worlds) {
      finish();
      await nextTick();
    }

    // The first was begun before the others were known.
    assert.deepEqual(
      order.map(({ terms }) => terms.judgeMs),
      [30_000, 10_000, 20_000],
    );
    assert.equal(bench.kinds().length, 3);
  });
});

test('a damaged verdict is no verdict', async () => {
  const bench = new Bench();
  const { folder, unlock } = bench.disk.openFolder('verdicts');
  await folder.writeFile('ab-0-0.verdict', Uint8Array.of(1));
  await unlock();
  await bench.open();
  assert.deepEqual(
    bench.warnings.map(({ code }) => code),
    ['VERDICT_FILE_CORRUPT'],
  );
});
