import { pbkdf2, scrypt } from 'node:crypto';
import { promisify } from 'node:util';
import { scryptAsync } from '@noble/hashes/scrypt.js';
import { KeystoreError } from './keystore-error.js';

export interface ScryptParams {
  readonly function: 'scrypt';
  /** Cost: a power of two above 1. */
  readonly n: number;
  readonly r: number;
  readonly p: number;
}

export interface Pbkdf2Params {
  readonly function: 'pbkdf2';
  /** Iterations of HMAC-SHA-256. */
  readonly c: number;
}

export type KdfParams = ScryptParams | Pbkdf2Params;

/** What keys are written with: 256 MiB and about a second, as in EIP-2335's vectors and geth's "standard" strength. */
export const STANDARD_SCRYPT: ScryptParams = { function: 'scrypt', n: 262_144, r: 8, p: 1 };

/** Bytes derived: 16 for AES-128, 16 for the checksum. */
export const DERIVED_KEY_BYTES = 32;

/** Twice the standard; a keystore asking for more is an attack on our memory, or not meant for a server. */
export const MAX_SCRYPT_MEMORY_BYTES = 512 * 1024 * 1024;
/** N·r·p is proportional to time; the standard is 2^21, so this is about six seconds. */
export const MAX_SCRYPT_WORK = 2 ** 24;
/** About two seconds. */
export const MAX_PBKDF2_ITERATIONS = 10_000_000;

/**
 * The decryption key of a password, without blocking the event loop.
 *
 * scrypt: RFC 7914 §6; pbkdf2: RFC 8018 §5.2 with HMAC-SHA-256.
 *
 * @returns DERIVED_KEY_BYTES bytes
 * @throws KeystoreError KEYSTORE_KDF_BOUNDS before any work is done | KEYSTORE_KDF_FAILED (out of memory)
 */
export async function deriveKey(
  password: Uint8Array,
  salt: Uint8Array,
  params: KdfParams,
): Promise<Uint8Array> {
  checkKdfBounds(params);
  try {
    if (params.function === 'scrypt') return await deriveScrypt(password, salt, params);
    const key = await promisify(pbkdf2)(password, salt, params.c, DERIVED_KEY_BYTES, 'sha256');
    return Uint8Array.from(key);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new KeystoreError(
      'KEYSTORE_KDF_FAILED',
      `${params.function} failed: ${reason}`,
      { ...params, memoryBytes: memoryBytes(params), cure: 'free some memory and try again' },
      { cause },
    );
  }
}

/**
 * Refuses parameters that are no valid input of the function, or would take unreasonable memory or time.
 *
 * @throws KeystoreError KEYSTORE_KDF_BOUNDS, data: every limit that is broken
 */
export function checkKdfBounds(params: KdfParams): void {
  const faults = params.function === 'scrypt' ? scryptFaults(params) : pbkdf2Faults(params);
  if (faults.length === 0) return;
  throw new KeystoreError(
    'KEYSTORE_KDF_BOUNDS',
    `refused ${params.function} parameters: ${faults.join('; ')}`,
    {
      ...params,
      faults,
      cure: 're-encrypt the key with standard parameters in the tool that made it',
    },
  );
}

/** Whether guessing a password against these parameters is cheaper than against the ones we write. */
export function isWeakerThanStandard(params: KdfParams): boolean {
  if (params.function === 'pbkdf2') return true;
  return params.n * params.r * params.p < STANDARD_SCRYPT.n * STANDARD_SCRYPT.r * STANDARD_SCRYPT.p;
}

function scryptFaults({ n, r, p }: ScryptParams): string[] {
  const faults: string[] = [];
  if (!isPositiveInteger(n) || !isPositiveInteger(r) || !isPositiveInteger(p)) {
    return ['n, r and p must be positive integers'];
  }
  if (n < 2 || n > 2 ** 30 || !Number.isInteger(Math.log2(n))) faults.push('n must be a power of two');
  const memory = memoryBytes({ function: 'scrypt', n, r, p });
  if (memory > MAX_SCRYPT_MEMORY_BYTES) {
    faults.push(`needs ${memory} bytes of memory, at most ${MAX_SCRYPT_MEMORY_BYTES}`);
  }
  if (n * r * p > MAX_SCRYPT_WORK) faults.push(`n·r·p is ${n * r * p}, at most ${MAX_SCRYPT_WORK}`);
  return faults;
}

function pbkdf2Faults({ c }: Pbkdf2Params): string[] {
  if (!isPositiveInteger(c)) return ['c must be a positive integer'];
  return c > MAX_PBKDF2_ITERATIONS ? [`c is ${c}, at most ${MAX_PBKDF2_ITERATIONS}`] : [];
}

/** The larger of scrypt's two buffers, V and B (RFC 7914 §6). */
function memoryBytes(params: KdfParams): number {
  return params.function === 'scrypt' ? 128 * params.r * Math.max(params.n, params.p) : 0;
}

function isPositiveInteger(value: number): boolean {
  return Number.isSafeInteger(value) && value > 0;
}

/**
 * RFC 7914 §2 wants n < 2^(16·r) and OpenSSL insists on it, but geth and the vectors of Web3 Secret Storage have r = 1
 * with n = 2^18 (see also the RFC's errata). Those few files take the slower JavaScript.
 */
function deriveScrypt(
  password: Uint8Array,
  salt: Uint8Array,
  { n, r, p }: ScryptParams,
): Promise<Uint8Array> {
  if (Math.log2(n) >= 16 * r) {
    return scryptAsync(password, salt, {
      N: n,
      r,
      p,
      dkLen: DERIVED_KEY_BYTES,
      maxmem: 2 * MAX_SCRYPT_MEMORY_BYTES,
    });
  }
  return new Promise((resolve, reject) => {
    const options = { N: n, r, p, maxmem: 2 * MAX_SCRYPT_MEMORY_BYTES };
    scrypt(password, salt, DERIVED_KEY_BYTES, options, (error, key) => {
      if (error === null) resolve(Uint8Array.from(key));
      else reject(error);
    });
  });
}
