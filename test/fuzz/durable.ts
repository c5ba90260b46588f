import assert from 'node:assert/strict';
import { SignerError } from '../../consensus/signer/errors.js';
import { exportRecord, parseDocument } from '../../consensus/signer/interchange.js';
import { decodeRecord, encodeRecord, type SignerRecord } from '../../consensus/signer/record.js';
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
      const bytes = encodeRecord(signerRecord(prng));
      const body = mutate(prng, bytes.subarray(0, bytes.length - 32));
      // Half of them with a checksum that holds, so that what is behind it is attacked too.
      const mutated = prng.chance(1, 2)
        ? concatBytes(body, sha256(body))
        : concatBytes(body, bytes.slice(-32));
      const found = orRefused(SignerError, () => decodeRecord(mutated));
      if (found !== undefined) assert.deepEqual(encodeRecord(found), mutated);
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

/** Undefined where the answer was a refusal of its own kind; anything else that is thrown is a failure. */
function orRefused<T>(kind: abstract new (...parameters: never[]) => Error, decode: () => T): T | undefined {
  try {
    return decode();
  } catch (error) {
    if (error instanceof kind) return undefined;
    throw error;
  }
}
