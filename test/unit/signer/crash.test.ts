import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SignerError } from '../../../consensus/signer/errors.js';
import type { LocalSigner } from '../../../consensus/signer/local-signer.js';
import { MAX_SLOTS } from '../../../consensus/signer/record-file.js';
import { SLOT_BYTES } from '../../../consensus/signer/record.js';
import type { SignedPrecommit } from '../../../consensus/signer/signer.js';
import { toHex } from '../../../protocol/bytes.js';
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
    assert.ok(steps > 7 * 2 + 10);
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
      for (let byte = 1; byte <= disk.appendedBytes; byte += 71) await twoLives({ byte }, kind, byte);
    }
  });

  test('keeps a record that it found readable but not yet durable', async () => {
    for (let seed = 0; seed < 40; seed++) {
      const disk = new SimulatedDisk({ prng: createPrng(seed) });
      const signer = await openOn(disk);
      // In the sync, the second step of the write: done or not, so that it may be readable and not durable.
      disk.crashAt = { step: disk.steps + 2 };
      await assert.rejects(signer.signPrevote(vote(1, 0, 5)), SimulatedCrash);
      const second = disk.crash('process');
      await (await openOn(second)).signPrevote(vote(1, 0, 5));
      const third = await openOn(second.crash('power'));
      await assert.rejects(third.signPrevote(vote(1, 0, 6)), { code: 'SIGNER_CONFLICT' });
    }
  });

  test('in any step of the request with which the file of the record begins anew', async () => {
    for (const kind of ['process', 'power'] as const) {
      // Steps of it: open, append, sync-file, rename, sync-folder, close, and those of the requests around it.
      for (let step = 1; step <= 10; step++) {
        for (let seed = 0; seed < 3; seed++) await dyingOnceFull(step, kind, seed);
      }
    }
  });

  test('over and over, whatever it is asked, through any history', async () => {
    let released = 0;
    for (let seed = 0; seed < 200; seed++) released += await randomHistory(createPrng(seed));
    assert.ok(released > 1000, 'it does sign');
  });
});

describe('a signer on a disk that fails', () => {
  test('lets nothing leave once the disk is full, and goes on from there when there is space', async () => {
    for (let free = 0; free <= SLOT_BYTES; free += 512) {
      const disk = new SimulatedDisk({ prng: createPrng(free) });
      const signer = await openOn(disk);
      const released = new Released();
      await prevote(1, 0)(signer, released, 1);
      disk.capacityBytes = usedBytes(disk) + free;
      const request = precommit(1, 0)(signer, released, 4);
      if (free < SLOT_BYTES) {
        await assert.rejects(request, { code: 'DISK_FULL' });
        await assert.rejects(precommit(1, 0)(signer, released, 5), { code: 'DISK_BROKEN' });
        assert.equal(released.count, 1);
      } else {
        await request;
      }
      const kind = free % 1024 === 0 ? 'process' : 'power';
      const next = await openOn(disk.crash(kind, { capacityBytes: Infinity }), { create: false });
      await precommit(1, 0)(next, released, 4);
      await assert.rejects(precommit(1, 0)(next, released, 5), { code: 'SIGNER_CONFLICT' });
    }
  });

  test('lets nothing leave when a step of writing fails, and keeps its word after a restart', async () => {
    // Steps of the write: append and sync-file; then those of a file that begins anew, of which closing the old one may fail.
    for (let step = 1; step <= 7; step++) {
      for (let seed = 0; seed < 10; seed++) {
        const disk = new SimulatedDisk({ prng: createPrng(seed) });
        const signer = await openOn(disk);
        const released = new Released();
        if (step > 2) await fillRecord(signer, released);
        const height = MAX_SLOTS;
        await prevote(height, 0)(signer, released, 1);
        const { count } = released;
        disk.failAt = disk.steps + (step > 2 ? step - 2 : step);
        await assert.rejects(precommit(height, 0)(signer, released, 1), { code: 'DISK_FAILED' });
        assert.equal(released.count, count);
        await prevote(height, 0)(signer, released, 1);
        const next = await openOn(disk.crash('process'));
        for (const request of SCRIPT) await ask(next, request, released, 2);
        await ask(next, precommit(height, 0), released, 2);
      }
    }
  });
});

/** As many signatures as leave room for one more in the file. */
async function fillRecord(signer: LocalSigner, released: Released): Promise<void> {
  for (let height = 1; height < MAX_SLOTS - 1; height++) await prevote(height, 0)(signer, released, 1);
}

/** Dies around the request that finds no room in the file; the second life is asked for something else. */
async function dyingOnceFull(step: number, kind: CrashKind, seed: number): Promise<void> {
  const released = new Released();
  const disk = new SimulatedDisk({ prng: createPrng(seed) });
  const signer = await openOn(disk);
  await fillRecord(signer, released);
  disk.crashAt = { step: disk.steps + step };
  const requests = [prevote(MAX_SLOTS, 0), precommit(MAX_SLOTS, 0), prevote(MAX_SLOTS, 1)];
  await ignoringDeath(async () => {
    for (const request of requests) await ask(signer, request, released, 1);
  });
  const second = disk.crash(kind);
  await play(second, requests, released, () => 2);
  await play(second.crash('power'), [precommit(MAX_SLOTS, 1), ...requests], released, () => 1);
}

function usedBytes(disk: SimulatedDisk): number {
  const names = ['record', 'has-record'];
  return names.reduce((sum, name) => sum + (disk.durableContent('signer', name)?.length ?? 0), 0);
}

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
  await ignoringDeath(async () => {
    const signer = await openOn(disk);
    for (const request of requests) await ask(signer, request, released, choose());
  });
}

async function ignoringDeath(life: () => Promise<void>): Promise<void> {
  await life().catch((error: unknown) => {
    if (!(error instanceof SimulatedCrash)) throw error;
  });
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
