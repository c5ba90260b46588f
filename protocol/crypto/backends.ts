import { nativeBls, nobleBls } from './bls.js';
import { nativeKeccak256, nativeSha256, nobleKeccak256, nobleSha256 } from './hash.js';
import type { Loaded } from './native.js';
import { nativeSecp256k1, nobleSecp256k1 } from './secp256k1.js';

export type CryptoPrimitive = 'sha256' | 'keccak256' | 'secp256k1' | 'bls12-381';

export interface CryptoBackend {
  readonly primitive: CryptoPrimitive;
  /** The library in use. */
  readonly library: string;
  /** Why the fast library did not load; undefined when it is the one in use. */
  readonly slowBecause: string | undefined;
}

/** The library behind each primitive. A node warns of every `slowBecause`: the slow paths are 3 to 24 times slower. */
export function cryptoBackends(): readonly CryptoBackend[] {
  return [
    report('sha256', nativeSha256, nobleSha256),
    report('keccak256', nativeKeccak256, nobleKeccak256),
    report('secp256k1', nativeSecp256k1, nobleSecp256k1),
    report('bls12-381', nativeBls, nobleBls),
  ];
}

function report(
  primitive: CryptoPrimitive,
  native: Loaded<{ readonly name: string }>,
  fallback: { readonly name: string },
): CryptoBackend {
  return native.ok
    ? { primitive, library: native.module.name, slowBecause: undefined }
    : { primitive, library: fallback.name, slowBecause: native.reason };
}
