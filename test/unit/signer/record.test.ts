import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { SignerError } from '../../../consensus/signer/errors.js';
import { blsSigningKey } from '../../../consensus/signer/local-signer.js';
import { decodeRecord, encodeRecord, PRECOMMIT_STEP } from '../../../consensus/signer/record.js';
import { concatBytes, toHex } from '../../../protocol/bytes.js';
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
      '0xc727f93e13902491f9b01e4a06cc8ec2ffd2f1ae61e6f292b0a2fcc336cd9545',
      'the format of a record changed: older nodes cannot read it',
    );
  });

  test('is refused with any bit changed, any byte missing or one too many', async () => {
    const bytes = encodeRecord(RECORD);
    const broken = [
      ...Array.from(bytes, (byte, at) => {
        const rotten = bytes.slice();
        rotten[at] = byte ^ (1 << (at % 8));
        return rotten;
      }),
      ...Array.from(bytes, (_, length) => bytes.slice(0, length)),
      concatBytes(bytes, Uint8Array.of(0)),
    ];
    for (const rotten of broken) {
      const disk = await usedDisk();
      disk.rot('signer', 'record', () => rotten);
      const error = await refused(openOn(disk), 'SIGNER_RECORD_CORRUPT');
      assert.match(String(error.data.cure), /do not start from zero/);
    }
  });

  test('of a later format is refused as such', async () => {
    const disk = await usedDisk();
    disk.rot('signer', 'record', (bytes) => {
      const content = bytes.slice(0, -32);
      content[11] = 2;
      return concatBytes(content, sha256(content));
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
