import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SignerError } from '../../../consensus/signer/errors.js';
import type { LocalSigner } from '../../../consensus/signer/local-signer.js';
import type { SignedPrecommit } from '../../../consensus/signer/signer.js';
import { toHex } from '../../../protocol/bytes.js';
import { OgpuError } from '../../../protocol/errors.js';
import { SimulatedCrash, SimulatedDisk, type CrashKind } from '../../sim/disk.js';
import { createPrng, type Prng } from '../../support/prng.js';
import { openOn, proposal, signedMessage, vote } from './support.js';

/** Everything that ever left a validator, over all its lives: for each place what was signed there. */
class Released {
  readonly #votes = new Map<string, string>();
  readonly #extensions = new Map<string, string>();
  count = 0;

  add(place: string, signature: Uint8Array): void {
    this.count++;
    once(this.#votes, place, toHex(signedMessage(signature)));
  }

  addPrecommit(place: string, { signature, extension }: SignedPrecommit): void {
    this.add(place, signature);
    if (extension === undefined) return;
    const { payload } = extension;
    once(this.#extensions, place, `${toHex(extension.signature)} ${toHex(payload.content)}`);
  }
}

function once(signed: Map<string, string>, place: string, what: string): void {
  const before = signed.get(place);
  assert.ok(before === undefined || before === what, `two different signatures at ${place}`);
  signed.set(place, what);
}

/** A request of consensus: what is proposed and voted for depends on `choice`, as it would after losing its memory. */
type Request = (signer: LocalSigner, released: Released, choice: number) => Promise<void>;

const propose =
  (height: number, round: number): Request =>
  async (signer, released, choice) =>
    released.add(
      `${height}/${round}/proposal`,
      await signer.signProposal(proposal(height, round, 1 + (choice % 2))),
    );

const prevote =
  (height: number, round: number): Request =>
  async (signer, released, choice) =>
    released.add(`${height}/${round}/prevote`, await signer.signPrevote(vote(height, round, choice % 3)));

const precommit =
  (height: number, round: number): Request =>
  async (signer, released, choice) => {
    const block = choice % 3;
    const content = block === 0 ? undefined : Uint8Array.of(choice);
    released.addPrecommit(
      `${height}/${round}/precommit`,
      await signer.signPrecommit(vote(height, round, block), content),
    );
  };

const SCRIPT: readonly Request[] = [
  propose(1, 0),
  prevote(1, 0),
  precommit(1, 0),
  prevote(1, 1),
  precommit(1, 1),
  propose(2, 0),
  precommit(2, 0),
];

describe('a signer whose process dies or whose power fails', () => {
  test('in any step of any request never signs two things for one place', async () => {
    const steps = await stepsOf(SCRIPT);
    assert.ok(steps > 7 * 5);
    for (const kind of ['process', 'power'] as const) {
      for (let step = 1; step <= steps; step++) {
        for (let seed = 0; seed < 8; seed++) await twoLives({ step }, kind, seed);
      }
    }
  });

  test('at any byte of the record', async () => {
    const disk = new SimulatedDisk({ prng: createPrng(1) });
    await play(disk, SCRIPT, new Released(), () => 1);
    for (const kind of ['process', 'power'] as const) {
      for (let byte = 1; byte <= disk.appendedBytes; byte += 5) await twoLives({ byte }, kind, byte);
    }
  });

  test('keeps a record that it found readable but not yet durable', async () => {
    for (let seed = 0; seed < 40; seed++) {
      const disk = new SimulatedDisk({ prng: createPrng(seed) });
      const signer = await openOn(disk);
      // In the rename, the fourth step of the write: done or not, and not durable.
      disk.crashAt = { step: disk.steps + 4 };
      await assert.rejects(signer.signPrevote(vote(1, 0, 5)), SimulatedCrash);
      const second = disk.crash('process');
      await (await openOn(second)).signPrevote(vote(1, 0, 5));
      const third = await openOn(second.crash('power'));
      await assert.rejects(third.signPrevote(vote(1, 0, 6)), { code: 'SIGNER_CONFLICT' });
    }
  });

  test('over and over, whatever it is asked, through any history', async () => {
    let released = 0;
    for (let seed = 0; seed < 200; seed++) released += await randomHistory(createPrng(seed));
    assert.ok(released > 1000, 'it does sign');
  });
});

describe('a signer on a disk that fails', () => {
  test('lets nothing leave while the disk is full, and goes on once there is space', async () => {
    const disk = new SimulatedDisk({ prng: createPrng(1) });
    const signer = await openOn(disk);
    const released = new Released();
    for (let capacity = 0; capacity < 400; capacity += 13) {
      disk.capacityBytes = capacity;
      await precommit(1, 0)(signer, released, 4).catch((error: unknown) => {
        assert.ok(error instanceof OgpuError && error.code === 'DISK_FULL');
      });
      if (released.count > 0) break;
      assert.equal(signer.record.last, undefined);
    }
    disk.capacityBytes = Infinity;
    await precommit(1, 0)(signer, released, 4);
    await assert.rejects(precommit(1, 0)(signer, released, 5), { code: 'SIGNER_CONFLICT' });
  });

  test('lets nothing leave when a step of writing fails, and keeps its word after a restart', async () => {
    // Steps of the write: open, append, sync-file, rename, sync-folder.
    for (let step = 1; step <= 5; step++) {
      for (let seed = 0; seed < 10; seed++) {
        const disk = new SimulatedDisk({ prng: createPrng(seed) });
        const signer = await openOn(disk);
        const released = new Released();
        await prevote(1, 0)(signer, released, 1);
        disk.failAt = disk.steps + step;
        await assert.rejects(precommit(1, 0)(signer, released, 1), { code: 'DISK_FAILED' });
        assert.equal(released.count, 1);
        await prevote(1, 0)(signer, released, 1);
        const next = await openOn(disk.crash('process'));
        for (const request of SCRIPT) await ask(next, request, released, 2);
      }
    }
  });
});

/**
 * Dies once; then power fails in the second life as well, which is asked for the same or for something else, and a third one is
 * asked for anything.
 */
async function twoLives(
  crashAt: { readonly step?: number; readonly byte?: number },
  kind: CrashKind,
  seed: number,
): Promise<void> {
  const prng = createPrng(seed);
  const released = new Released();
  const first = new SimulatedDisk({ prng });
  first.crashAt = crashAt;
  await play(first, SCRIPT, released, () => 1);
  const second = first.crash(kind);
  second.crashAt = { step: 1 + prng.below(12) };
  await play(second, SCRIPT, released, () => 1 + (seed % 2));
  const third = second.crash('power');
  await play(third, SCRIPT, released, () => prng.below(6));
  await openOn(third.crash('process'), { create: false });
}

async function randomHistory(prng: Prng): Promise<number> {
  const released = new Released();
  let disk = new SimulatedDisk({ prng });
  for (let life = 0; life < 6; life++) {
    disk.crashAt = { step: 1 + prng.below(80) };
    const requests = Array.from({ length: 20 }, () =>
      prng.pick([propose, prevote, precommit])(life + prng.below(2), prng.below(3)),
    );
    await play(disk, requests, released, () => prng.below(7));
    disk = disk.crash(prng.pick<CrashKind>(['process', 'power']));
  }
  return released.count;
}

/** Asks for all of it until the process dies. */
async function play(
  disk: SimulatedDisk,
  requests: readonly Request[],
  released: Released,
  choose: () => number,
): Promise<void> {
  try {
    const signer = await openOn(disk);
    for (const request of requests) await ask(signer, request, released, choose());
  } catch (error) {
    if (!(error instanceof SimulatedCrash)) throw error;
  }
}

/** A request that the signer may refuse, for its reasons only. */
async function ask(signer: LocalSigner, request: Request, released: Released, choice: number): Promise<void> {
  await request(signer, released, choice).catch((error: unknown) => {
    if (error instanceof SignerError && /CONFLICT|REGRESSION/.test(error.code)) return;
    throw error;
  });
}

async function stepsOf(script: readonly Request[]): Promise<number> {
  const disk = new SimulatedDisk({ prng: createPrng(1) });
  await play(disk, script, new Released(), () => 1);
  return disk.steps;
}
