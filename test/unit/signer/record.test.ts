import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { SignerError } from '../../../consensus/signer/errors.js';
import { blsSigningKey } from '../../../consensus/signer/local-signer.js';
import { MAX_SLOTS, recordIn } from '../../../consensus/signer/record-file.js';
import {
  decodeRecord,
  encodeRecord,
  PRECOMMIT_STEP,
  SLOT_BYTES,
  type SignerRecord,
} from '../../../consensus/signer/record.js';
import { concatBytes, fromHex, toHex } from '../../../protocol/bytes.js';
import { sha256 } from '../../../protocol/crypto/hash.js';
import { SimulatedDisk } from '../../sim/disk.js';
import { createPrng } from '../../support/prng.js';
import { CHAIN, FAKE_KEY, openOn, vote } from './support.js';

const RECORD = {
  identity: { ...CHAIN, publicKey: FAKE_KEY.publicKey },
  last: {
    height: 5,
    round: 2,
    step: PRECOMMIT_STEP,
    signBytes: new Uint8Array(32).fill(1),
    extension: [{ content: Uint8Array.of(1, 2, 3), signBytes: new Uint8Array(32).fill(2) }],
  },
};

describe('the record of what was signed last', () => {
  test('is read as it was written', () => {
    assert.deepEqual(decodeRecord(encodeRecord(RECORD)), RECORD);
    const fresh = { ...RECORD, last: undefined };
    assert.deepEqual(decodeRecord(encodeRecord(fresh)), fresh);
  });

  test('has a format that is locked', () => {
    assert.equal(
      toHex(sha256(encodeRecord(RECORD))),
      '0x2bcdd1d571a4f17f4d5bedd5b2fa8ce6209ae3521a9581d1f2f84bbce55d5221',
      'the format of a record changed: older nodes cannot read it',
    );
  });

  test('is read in the format it had before, and only whole', async () => {
    const old = fromHex(FIRST_FORMAT);
    assert.deepEqual(recordIn(old), RECORD);
    const disk = await usedDisk();
    disk.rot('signer', 'record', () => old);
    assert.deepEqual((await openOn(disk)).record, RECORD);
    assert.equal(disk.durableContent('signer', 'record')?.length, SLOT_BYTES);
    for (const rotten of [...rottenBits(old), ...shortened(old), concatBytes(old, Uint8Array.of(0))]) {
      assert.throws(() => recordIn(rotten), { name: 'SignerError' });
    }
  });

  test('is refused where the only one there is has any bit changed or any byte missing', async () => {
    const bytes = encodeRecord(RECORD);
    for (const rotten of [...rottenBits(bytes), ...shortened(bytes)]) {
      const isVersion = rotten.length === bytes.length && rotten.subarray(8, 12).join() !== '0,0,0,2';
      const code = isVersion ? 'SIGNER_RECORD_VERSION' : 'SIGNER_RECORD_CORRUPT';
      assert.throws(() => recordIn(rotten), { code });
    }
    const disk = await usedDisk();
    disk.rot('signer', 'record', () => new Uint8Array(SLOT_BYTES));
    const error = await refused(openOn(disk), 'SIGNER_RECORD_CORRUPT');
    assert.match(String(error.data.cure), /do not start from zero/);
  });

  test('is the newest whole one: the last may be torn, one before a whole one may not', () => {
    const records = [undefined, 5, 6, 7].map(recordAt);
    const slots = records.map(encodeRecord);
    const file = concatBytes(...slots);
    assert.deepEqual(recordIn(file), records[3]);
    for (let length = SLOT_BYTES; length < file.length; length += 97) {
      assert.deepEqual(recordIn(file.slice(0, length)), records[Math.floor(length / SLOT_BYTES) - 1]);
    }
    for (let at = 0; at < file.length; at += 61) {
      const rotten = file.slice();
      rotten[at] = (rotten[at] ?? 0) ^ 1;
      if (at >= 3 * SLOT_BYTES) assert.deepEqual(recordIn(rotten), records[2], `byte ${at}`);
      else assert.throws(() => recordIn(rotten), { name: 'SignerError' }, `byte ${at}`);
    }
  });

  test('is never one that a torn write brought back from an older file or that of another key', () => {
    const newest = recordAt(6);
    const file = concatBytes(encodeRecord(recordAt(5)), encodeRecord(newest));
    const { identity } = recordAt(7);
    const foreign = { ...recordAt(7), identity: { ...identity, publicKey: new Uint8Array(48) } };
    for (const stale of [recordAt(4), newest, recordAt(undefined), foreign]) {
      assert.deepEqual(recordIn(concatBytes(file, encodeRecord(stale))), newest);
    }
  });

  test('takes one append and one sync, in a file that is begun anew before it grows long', async () => {
    const disk = new SimulatedDisk({ prng: createPrng(1) });
    const signer = await openOn(disk);
    let [most, anew] = [0, 0];
    for (let height = 1; height < 2 * MAX_SLOTS; height++) {
      const { steps } = disk;
      await signer.signPrevote(vote(height, 0, 1));
      const taken = disk.steps - steps;
      assert.ok(taken === 2 || taken === 6, `${taken} steps`);
      if (taken === 6) anew++;
      const content = disk.durableContent('signer', 'record') ?? assert.fail();
      assert.equal(decodeRecord(content.subarray(-SLOT_BYTES))?.last?.height, height);
      most = Math.max(most, content.length);
    }
    assert.equal(most, MAX_SLOTS * SLOT_BYTES);
    assert.equal(anew, 1);
    await signer.close();
    assert.equal((await openOn(disk)).record.last?.height, 2 * MAX_SLOTS - 1);
  });

  test('of a later format is refused as such', async () => {
    const disk = await usedDisk();
    disk.rot('signer', 'record', (bytes) => {
      const content = bytes.slice();
      content[11] = 3;
      return content;
    });
    await refused(openOn(disk), 'SIGNER_RECORD_VERSION');
  });

  test('is missed when it is gone', async () => {
    const disk = await usedDisk();
    disk.deleteFile('signer', 'record');
    await refused(openOn(disk, { create: true }), 'SIGNER_RECORD_MISSING');
    await refused(openOn(disk.crash(), { create: false }), 'SIGNER_RECORD_MISSING');
  });

  test('is made only where that is asked for, and only in a folder that never had one', async () => {
    const disk = new SimulatedDisk({ prng: createPrng(1) });
    await refused(openOn(disk, { create: false }), 'SIGNER_RECORD_MISSING');
    const signer = await openOn(disk, { create: true });
    assert.equal(signer.record.last, undefined);
    await openOn(disk.crash(), { create: false });
  });

  test('of another key or chain is refused', async () => {
    const disk = await usedDisk();
    const key = blsSigningKey(new Uint8Array(32).fill(4));
    await refused(openOn(disk, { key }), 'SIGNER_RECORD_FOREIGN');
    await refused(openOn(disk, { genesisId: new Uint8Array(32) }), 'SIGNER_RECORD_FOREIGN');
    assert.equal((await openOn(disk)).record.last?.height, 1);
  });
});

/** `RECORD` as the first format had it. */
const FIRST_FORMAT = [
  '0x6f4750552d534947000000010cfd00000000000007070707070707070707070707070707070707070707070707070707070707',
  '070909090909090909090909090909090909090909090909090909090909090909090909090909090909090909090909095c0000',
  '00040000000500000000000000020000000301010101010101010101010101010101010101010101010101010101010101013100',
  '00000400000024000000020202020202020202020202020202020202020202020202020202020202020201020330eead14e605a1',
  '24b795e4616a0bec9aeb9417673868bbfae3ed7d60c8b95028',
].join('');

/** A record of a precommit; undefined for none. */
function recordAt(height: number | undefined): SignerRecord {
  return { ...RECORD, last: height === undefined ? undefined : { ...RECORD.last, height } };
}

/** With one bit of each byte changed. */
function rottenBits(bytes: Uint8Array): Uint8Array[] {
  return Array.from(bytes, (byte, at) => {
    const rotten = bytes.slice();
    rotten[at] = byte ^ (1 << (at % 8));
    return rotten;
  });
}

function shortened(bytes: Uint8Array): Uint8Array[] {
  return Array.from(bytes, (_, length) => bytes.slice(0, length));
}

async function usedDisk(): Promise<SimulatedDisk> {
  const disk = new SimulatedDisk({ prng: createPrng(1) });
  await (await openOn(disk)).signPrevote(vote(1, 0, 1));
  return disk;
}

async function refused(opening: Promise<unknown>, code: SignerError['code']): Promise<SignerError> {
  let caught: unknown;
  await assert.rejects(opening, (error: unknown) => {
    caught = error;
    return true;
  });
  const error = caught as SignerError;
  assert.equal(error.code, code);
  return error;
}
