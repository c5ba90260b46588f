import { parentPort } from 'node:worker_threads';
import { findInvalidSignatures } from '../../consensus/signatures.js';
import { addressFromPublicKey } from '../../protocol/address.js';
import { bls, BlsError, type BlsPublicKey, type SignedMessage } from '../../protocol/crypto/bls.js';
import { secp256k1 } from '../../protocol/crypto/secp256k1.js';
import { invariant, InvariantError } from '../../protocol/invariant.js';
import {
  OP,
  packRecovered,
  unpackAggregates,
  unpackPossession,
  unpackRecoveries,
  unpackSameMessage,
  type Packed,
  type Recovery,
} from './wire.js';

/** Parsing a key costs as much as a share of a batch, and the same validators vote at every height. */
const MAX_CACHED_KEYS = 4096;
const cachedKeys = new Map<string, BlsPublicKey>();

const port = parentPort;
invariant(port !== null, 'this file runs as a worker');
port.on('message', (request: Uint8Array) => {
  if (request[0] === OP.close) {
    port.close();
    return;
  }
  const response = answer(request);
  port.postMessage(response, [response.buffer]);
});

function answer(request: Uint8Array): Packed {
  switch (request[0]) {
    case OP.recover:
      return packRecovered(unpackRecoveries(request).map(recoverAddress));
    case OP.sameMessage:
      return judgeVotes(request);
    case OP.possession: {
      const { publicKey, signature } = unpackPossession(request);
      return Uint8Array.of(Number(bls.verifyPossession(publicKey, signature)));
    }
    case OP.aggregates:
      return judgeStatements(request);
    default:
      throw new InvariantError('the pool sends only the operations it shares with the worker');
  }
}

function recoverAddress({ digest, signature, yParity }: Recovery): Uint8Array | undefined {
  const publicKey = secp256k1.recover(digest, signature, yParity);
  return publicKey === undefined ? undefined : addressFromPublicKey(publicKey);
}

function judgeVotes(request: Uint8Array): Packed {
  const { message, votes } = unpackSameMessage(request);
  const entries = votes.flatMap(({ publicKey, signature }, index) => {
    const key = parsedKey(publicKey);
    return key === undefined ? [] : [{ index, key, signature }];
  });
  const valid = new Uint8Array(votes.length);
  for (const { index } of entries) valid[index] = 1;
  for (const position of bls.findInvalid(entries, message)) {
    const entry = entries[position];
    invariant(entry !== undefined, 'an invalid entry is one of those checked');
    valid[entry.index] = 0;
  }
  return valid;
}

function judgeStatements(request: Uint8Array): Packed {
  const statements = unpackAggregates(request).map(({ keys, message, signature }) => {
    const parsed = keys.flatMap(({ bytes }) => parsedKey(bytes) ?? []);
    return { keys: parsed, isUsable: parsed.length === keys.length, message, signature };
  });
  const valid = new Uint8Array(statements.length);
  const alone: (SignedMessage & { readonly index: number })[] = [];
  for (const [index, { keys, isUsable, message, signature }] of statements.entries()) {
    const [key] = keys;
    if (!isUsable || key === undefined) continue;
    if (keys.length === 1) alone.push({ key, message, signature, index });
    else valid[index] = Number(bls.fastAggregateVerify(keys, message, signature));
  }
  const invalid = new Set(findInvalidSignatures(bls, alone));
  for (const [place, { index }] of alone.entries()) valid[index] = Number(!invalid.has(place));
  return valid;
}

/** Undefined when `Bls.parsePublicKey` refuses the bytes. */
function parsedKey(bytes: Uint8Array): BlsPublicKey | undefined {
  const name = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
  const cached = cachedKeys.get(name);
  if (cached !== undefined) return cached;
  try {
    const key = bls.parsePublicKey(bytes);
    if (cachedKeys.size >= MAX_CACHED_KEYS) cachedKeys.clear();
    cachedKeys.set(name, key);
    return key;
  } catch (error) {
    if (error instanceof BlsError) return undefined;
    throw error;
  }
}
