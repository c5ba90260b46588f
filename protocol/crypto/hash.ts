import { sha256 as nobleSha256Hash } from '@noble/hashes/sha2.js';
import { keccak_256 as nobleKeccak256Hash } from '@noble/hashes/sha3.js';
import type { createKeccak } from 'hash-wasm';
import type * as nodeCrypto from 'node:crypto';
import { loadNative, type Loaded } from './native.js';

export const HASH_LENGTH = 32;

/** A 32-byte digest of the whole input. The result is fresh: the caller may keep and change it. */
export type HashFunction = (bytes: Uint8Array) => Uint8Array;

export interface HashBackend {
  readonly name: string;
  readonly hash: HashFunction;
}

export const nobleSha256: HashBackend = { name: '@noble/hashes', hash: (bytes) => nobleSha256Hash(bytes) };
export const nobleKeccak256: HashBackend = {
  name: '@noble/hashes',
  hash: (bytes) => nobleKeccak256Hash(bytes),
};
export const nativeSha256: Loaded<HashBackend> = loadNodeSha256();
export const nativeKeccak256: Loaded<HashBackend> = await loadWasmKeccak256();

/** SHA-256 (FIPS 180-4). */
export const sha256: HashFunction = (nativeSha256.ok ? nativeSha256.module : nobleSha256).hash;

/** Keccak-256 with the original padding, as in Ethereum; not FIPS 202's SHA3-256. */
export const keccak256: HashFunction = (nativeKeccak256.ok ? nativeKeccak256.module : nobleKeccak256).hash;

/** `hash` came with Node.js 20.12. */
type NodeCrypto = Pick<typeof nodeCrypto, 'createHash'> & Partial<Pick<typeof nodeCrypto, 'hash'>>;

function loadNodeSha256(): Loaded<HashBackend> {
  const loaded = loadNative<NodeCrypto>('node:crypto');
  if (!loaded.ok) return loaded;
  const { hash: oneShot, createHash } = loaded.module;
  const hash: HashFunction =
    oneShot === undefined
      ? (bytes) => Uint8Array.from(createHash('sha256').update(bytes).digest())
      : (bytes) => bytesOfText(oneShot('sha256', bytes, 'binary'));
  return { ok: true, module: { name: 'node:crypto', hash } };
}

/** A digest as text of one character per byte: making a `Buffer` costs more than hashing 65 bytes and reading such a text together. */
function bytesOfText(text: string): Uint8Array {
  const bytes = new Uint8Array(HASH_LENGTH);
  for (let i = 0; i < HASH_LENGTH; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

async function loadWasmKeccak256(): Promise<Loaded<HashBackend>> {
  const loaded = loadNative<{ createKeccak: typeof createKeccak }>('hash-wasm');
  if (!loaded.ok) return loaded;
  try {
    // One stateful hasher serves every caller: init, update and digest never yield in between.
    const hasher = await loaded.module.createKeccak(256);
    const hash: HashFunction = (bytes) => hasher.init().update(bytes).digest('binary');
    return { ok: true, module: { name: 'hash-wasm', hash } };
  } catch (error) {
    return { ok: false, reason: error instanceof Error ? error.message : String(error) };
  }
}
