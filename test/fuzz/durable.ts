import assert from 'node:assert/strict';
import { isDeepStrictEqual } from 'node:util';
import { SignerError } from '../../consensus/signer/errors.js';
import { exportRecord, parseDocument } from '../../consensus/signer/interchange.js';
import { recordIn } from '../../consensus/signer/record-file.js';
import { decodeRecord, encodeRecord, SLOT_BYTES, type SignerRecord } from '../../consensus/signer/record.js';
import { WalError } from '../../consensus/wal/errors.js';
import { encodeGroup, type WalRecord } from '../../consensus/wal/group.js';
import { encodeHeader, MARKER_BYTES } from '../../consensus/wal/header.js';
import { recover, walFileName } from '../../consensus/wal/recovery.js';
import { concatBytes } from '../../protocol/bytes.js';
import { sha256 } from '../../protocol/crypto/hash.js';
import type { Prng } from '../support/prng.js';
import { mutateText } from './protocol.js';
import { mutate, type FuzzTarget } from './target.js';

const IDENTITY = { chainId: 64_780, genesisId: new Uint8Array(32).fill(7), validator: new Uint8Array(20) };

/** What a node finds of itself on a disk that may have changed any of it. */
export const durableTargets: readonly FuzzTarget[] = [
  {
    name: 'durable/wal',
    attack: (prng) => {
      const height = prng.below(1000);
      const marker = prng.bytes(MARKER_BYTES);
      const groups = Array.from({ length: prng.below(5) }, () =>
        Array.from({ length: 1 + prng.below(4) }, () => record(prng)),
      );
      const file = concatBytes(
        encodeHeader({ identity: IDENTITY, height, marker }),
        ...groups.map((records, index) => encodeGroup(marker, index + 1, records)),
      );
      const found = orRefused(WalError, () => recover(walFileName(height), mutate(prng, file), IDENTITY));
      if (found === undefined) return;
      const written = groups.flat().slice(0, found.records.length);
      assert.deepEqual(found.records.map(plain), written.map(plain), 'invented or reordered records');
    },
  },
  {
    name: 'durable/signer-record',
    attack: (prng) => {
      let record = signerRecord(prng);
      const records = [record];
      for (let left = prng.below(4); left > 0; left--) records.push((record = later(record, prng)));
      const file = concatBytes(...records.map(encodeRecord));
      const found = orRefused(SignerError, () => recordIn(mutate(prng, file)));
      if (found === undefined) return;
      assert.ok(
        records.some((record) => isDeepStrictEqual(record, found)),
        'an invented record',
      );
    },
  },
  {
    name: 'durable/signer-document',
    attack: (prng) => {
      const text = mutateText(prng, JSON.stringify(exportRecord(signerRecord(prng))));
      const found = orRefused(SignerError, () => parseDocument(text));
      if (found === undefined) return;
      assert.deepEqual(parseDocument(JSON.stringify(exportRecord(found))), found);
      assert.deepEqual(decodeRecord(encodeRecord(found)), found);
    },
  },
  {
    name: 'durable/signer-slot',
    attack: (prng) => {
      const length = prng.below(400);
      const header = encodeRecord(signerRecord(prng)).slice(0, 16);
      new DataView(header.buffer).setUint32(12, length);
      // With a checksum that holds, so that what is behind it is attacked too.
      const body = mutate(prng, encodeRecord(signerRecord(prng)).subarray(16, 16 + length));
      const content = concatBytes(header, concatBytes(body, new Uint8Array(length)).subarray(0, length));
      const sealed = concatBytes(content, sha256(content), new Uint8Array(SLOT_BYTES - 48 - length));
      const found = decodeRecord(sealed);
      if (found !== undefined) assert.deepEqual(encodeRecord(found), sealed);
    },
  },
];

function record(prng: Prng): WalRecord {
  return { kind: prng.below(256), payload: prng.bytes(prng.below(60)) };
}

function plain({ kind, payload }: WalRecord): unknown {
  return [kind, ...payload];
}

function signerRecord(prng: Prng): SignerRecord {
  const identity = { chainId: prng.below(2 ** 32), genesisId: prng.bytes(32), publicKey: prng.bytes(48) };
  const extension = { content: prng.bytes(prng.below(100)), signBytes: prng.bytes(32) };
  const step = 1 + prng.below(3);
  const last = {
    height: prng.below(2 ** 32),
    round: prng.below(100),
    step,
    signBytes: prng.bytes(32),
    extension: step === 3 ? [extension] : [],
  };
  return { identity, last: prng.chance(1, 4) ? undefined : last };
}

/** What the same key signs after a record. */
function later({ identity, last }: SignerRecord, prng: Prng): SignerRecord {
  const next = signerRecord(prng).last ?? last;
  const height = (last?.height ?? 0) + 1;
  return { identity, last: next && { ...next, height } };
}

/** Undefined where the answer was a refusal of its own kind; anything else that is thrown is a failure. */
function orRefused<T>(kind: abstract new (...parameters: never[]) => Error, decode: () => T): T | undefined {
  try {
    return decode();
  } catch (error) {
    if (error instanceof kind) return undefined;
    throw error;
  }
}
