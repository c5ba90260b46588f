import { OgpuError } from '../errors.js';
import { invariant } from '../invariant.js';
import { blstEngine } from './bls-blst.js';
import {
  BLS_PUBLIC_KEY_LENGTH,
  BLS_SIGNATURE_LENGTH,
  classifyPoint,
  isBlsSecretKey,
} from './bls-encoding.js';
import type { BlsEngine, EngineEntry, KeyFault } from './bls-engine.js';
import { nobleBlsEngine } from './bls-noble.js';
import { provePossession, verifyPossession } from './bls-possession.js';
import type { Loaded } from './native.js';

export { BLS_PUBLIC_KEY_LENGTH, BLS_SECRET_KEY_LENGTH, BLS_SIGNATURE_LENGTH } from './bls-encoding.js';

/** Most keys, signatures or messages in one call. */
export const MAX_BLS_BATCH = 1024;

export class BlsError extends OgpuError<
  | 'BLS_SECRET_KEY'
  | 'BLS_KEY_LENGTH'
  | 'BLS_KEY_NON_CANONICAL'
  | 'BLS_KEY_INFINITY'
  | 'BLS_KEY_NOT_ON_CURVE'
  | 'BLS_KEY_NOT_IN_SUBGROUP'
  | 'BLS_SIGNATURE_INVALID'
  | 'BLS_AGGREGATE_EMPTY'
  | 'BLS_BATCH_TOO_LARGE'
> {}

/** A public key that passed KeyValidate (draft §2.5). Only the `Bls` that parsed it can use it. */
export interface BlsPublicKey {
  /** The 48-byte encoding. Do not change it. */
  readonly bytes: Uint8Array;
}

export interface SignedBy {
  readonly key: BlsPublicKey;
  /** 96 bytes, unchecked. */
  readonly signature: Uint8Array;
}

export interface SignedMessage extends SignedBy {
  readonly message: Uint8Array;
}

/**
 * BLS signatures over BLS12-381, minimal public keys: draft-irtf-cfrg-bls-signature-05, ciphersuite
 * BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_, as on Ethereum's beacon chain.
 *
 * A verification answers false for whatever a peer may send: signatures of wrong length, not canonical, off the curve
 * or the subgroup, and empty lists. Unlike the draft it also refuses the signature at infinity, which only keys that
 * cancel each other could make. Every verification of several keys is sound only for keys whose possession was proved.
 */
export interface Bls {
  readonly name: string;
  /** @throws BlsError BLS_SECRET_KEY unless the key is 32 bytes in [1, r) */
  publicKey(secretKey: Uint8Array): Uint8Array;
  /** @throws BlsError BLS_SECRET_KEY */
  sign(secretKey: Uint8Array, message: Uint8Array): Uint8Array;
  /**
   * KeyValidate (draft §2.5).
   *
   * @throws BlsError BLS_KEY_LENGTH | BLS_KEY_NON_CANONICAL | BLS_KEY_INFINITY | BLS_KEY_NOT_ON_CURVE |
   * BLS_KEY_NOT_IN_SUBGROUP
   */
  parsePublicKey(bytes: Uint8Array): BlsPublicKey;
  verify(key: BlsPublicKey, message: Uint8Array, signature: Uint8Array): boolean;
  /**
   * The sum of the signatures (draft §2.8), each checked to be in the subgroup. Infinity is a legal term and a possible
   * result.
   *
   * @throws BlsError BLS_AGGREGATE_EMPTY | BLS_BATCH_TOO_LARGE | BLS_SIGNATURE_INVALID with its `index`
   */
  aggregateSignatures(signatures: readonly Uint8Array[]): Uint8Array;
  /**
   * One aggregate of many keys over one message (draft §3.3.4).
   *
   * @throws BlsError BLS_BATCH_TOO_LARGE
   */
  fastAggregateVerify(keys: readonly BlsPublicKey[], message: Uint8Array, signature: Uint8Array): boolean;
  /**
   * One aggregate over a message per key (draft §3.3.2); false when the lists differ in length.
   *
   * @throws BlsError BLS_BATCH_TOO_LARGE
   */
  aggregateVerify(
    keys: readonly BlsPublicKey[],
    messages: readonly Uint8Array[],
    signature: Uint8Array,
  ): boolean;
  /**
   * Whether **each** signature is its key's over the one message. Random coefficients keep bad signatures from
   * cancelling out; a wrong answer has probability below 2^-63.
   *
   * @throws BlsError BLS_BATCH_TOO_LARGE
   */
  verifySameMessage(entries: readonly SignedBy[], message: Uint8Array): boolean;
  /**
   * Indices, ascending, of the entries that make `verifySameMessage` fail, by bisection: about 2·k·log2(n/k) checks for
   * k bad ones among n.
   *
   * @throws BlsError BLS_BATCH_TOO_LARGE
   */
  findInvalid(entries: readonly SignedBy[], message: Uint8Array): number[];
  /**
   * As `verifySameMessage`, with a message per entry.
   *
   * @throws BlsError BLS_BATCH_TOO_LARGE
   */
  verifyBatch(entries: readonly SignedMessage[]): boolean;
  /**
   * PopProve (draft §3.3.2): the key's signature over itself, under a tag of its own. In JavaScript everywhere, tens of
   * milliseconds: no native binding takes that tag.
   *
   * @throws BlsError BLS_SECRET_KEY
   */
  provePossession(secretKey: Uint8Array): Uint8Array;
  /** PopVerify (draft §3.3.3). False also for a key that `parsePublicKey` refuses. As slow as `provePossession`. */
  verifyPossession(publicKey: Uint8Array, proof: Uint8Array): boolean;
}

export const nobleBls: Bls = createBls(nobleBlsEngine);
export const nativeBls: Loaded<Bls> = blstEngine.ok
  ? { ok: true, module: createBls(blstEngine.module) }
  : blstEngine;

/** The fastest implementation that loads here. */
export const bls: Bls = nativeBls.ok ? nativeBls.module : nobleBls;

/** Checks what the engines would each judge in their own way, so that both see only clean input. */
function createBls<Key>(engine: BlsEngine<Key>): Bls {
  const keyOf = new WeakMap<BlsPublicKey, Key>();
  const engineKey = (key: BlsPublicKey): Key => {
    const found = keyOf.get(key);
    invariant(found !== undefined, 'a BLS key is used by the backend that parsed it');
    return found;
  };
  const decodeKey = (bytes: Uint8Array): Key => {
    const encoding = classifyPoint(bytes, BLS_PUBLIC_KEY_LENGTH);
    if (encoding !== 'point') throw keyError(encoding, bytes);
    const decoded = engine.decodeKey(bytes);
    if (!decoded.ok) throw keyError(decoded.fault, bytes);
    return decoded.key;
  };
  const toEngine = (entry: SignedBy): EngineEntry<Key> => ({
    key: engineKey(entry.key),
    signature: entry.signature,
  });
  const verifySameMessage = (entries: readonly SignedBy[], message: Uint8Array): boolean =>
    isUsableBatch(entries.length) &&
    entries.every(({ signature }) => isUsableSignature(signature)) &&
    engine.verifySameMessage(entries.map(toEngine), message);

  return {
    name: engine.name,
    publicKey: (secretKey) => engine.publicKey(checkedSecretKey(secretKey)),
    sign: (secretKey, message) => engine.sign(checkedSecretKey(secretKey), message),
    parsePublicKey: (bytes) => {
      const key: BlsPublicKey = { bytes: Uint8Array.from(bytes) };
      keyOf.set(key, decodeKey(key.bytes));
      return key;
    },
    verify: (key, message, signature) =>
      isUsableSignature(signature) && engine.verify(engineKey(key), message, signature),
    aggregateSignatures: (signatures) => aggregate(engine, signatures),
    fastAggregateVerify: (keys, message, signature) =>
      isUsableBatch(keys.length) &&
      isUsableSignature(signature) &&
      engine.fastAggregateVerify(keys.map(engineKey), message, signature),
    aggregateVerify: (keys, messages, signature) =>
      isUsableBatch(Math.max(keys.length, messages.length)) &&
      keys.length === messages.length &&
      isUsableSignature(signature) &&
      engine.aggregateVerify(keys.map(engineKey), messages, signature),
    verifySameMessage,
    findInvalid: (entries, message) =>
      isUsableBatch(entries.length) ? bisect(entries, (part) => verifySameMessage(part, message)) : [],
    verifyBatch: (entries) =>
      isUsableBatch(entries.length) &&
      entries.every(({ signature }) => isUsableSignature(signature)) &&
      engine.verifyBatch(entries.map((entry) => ({ ...toEngine(entry), message: entry.message }))),
    provePossession: (secretKey) => provePossession(checkedSecretKey(secretKey), engine.publicKey(secretKey)),
    verifyPossession,
  };
}

function aggregate<Key>(engine: BlsEngine<Key>, signatures: readonly Uint8Array[]): Uint8Array {
  if (!isUsableBatch(signatures.length)) throw new BlsError('BLS_AGGREGATE_EMPTY', 'nothing to aggregate');
  const isBadlyEncoded = (signature: Uint8Array): boolean =>
    !['point', 'infinity'].includes(classifyPoint(signature, BLS_SIGNATURE_LENGTH));
  const aggregated = signatures.some(isBadlyEncoded) ? undefined : engine.aggregateSignatures(signatures);
  if (aggregated !== undefined) return aggregated;
  const index = signatures.findIndex(
    (signature) => isBadlyEncoded(signature) || !engine.isInSubgroup(signature),
  );
  throw new BlsError('BLS_SIGNATURE_INVALID', `signature ${index} is not a point of G2`, { index });
}

/**
 * Indices of the entries that fail on their own. A part that fails while its left half holds must fail in its right
 * half, which spares that check.
 */
function bisect<Entry>(entries: readonly Entry[], holds: (part: readonly Entry[]) => boolean): number[] {
  const invalid: number[] = [];
  const search = (start: number, end: number, isKnownBad: boolean): boolean => {
    if (!isKnownBad && holds(entries.slice(start, end))) return true;
    if (end - start === 1) {
      invalid.push(start);
      return false;
    }
    const middle = (start + end) >>> 1;
    const leftHolds = search(start, middle, false);
    search(middle, end, leftHolds);
    return false;
  };
  search(0, entries.length, false);
  return invalid;
}

function isUsableBatch(size: number): boolean {
  if (size > MAX_BLS_BATCH) {
    throw new BlsError('BLS_BATCH_TOO_LARGE', `at most ${MAX_BLS_BATCH} entries in one call`, { size });
  }
  return size > 0;
}

function isUsableSignature(signature: Uint8Array): boolean {
  return classifyPoint(signature, BLS_SIGNATURE_LENGTH) === 'point';
}

function checkedSecretKey(secretKey: Uint8Array): Uint8Array {
  if (isBlsSecretKey(secretKey)) return secretKey;
  throw new BlsError('BLS_SECRET_KEY', 'a BLS secret key is 32 bytes in [1, r)', {
    length: secretKey.length,
  });
}

const KEY_ERRORS = {
  length: ['BLS_KEY_LENGTH', 'has the wrong length'],
  'non-canonical': ['BLS_KEY_NON_CANONICAL', 'is not canonically encoded'],
  infinity: ['BLS_KEY_INFINITY', 'is the point at infinity'],
  'not-on-curve': ['BLS_KEY_NOT_ON_CURVE', 'is not on the curve'],
  'not-in-subgroup': ['BLS_KEY_NOT_IN_SUBGROUP', 'is not in the prime-order subgroup'],
} as const;

function keyError(fault: 'length' | 'non-canonical' | 'infinity' | KeyFault, bytes: Uint8Array): BlsError {
  const [code, text] = KEY_ERRORS[fault];
  return new BlsError(code, `BLS public key ${text}`, { length: bytes.length });
}
