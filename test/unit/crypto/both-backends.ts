import { nativeBls, nobleBls, type Bls } from '../../../protocol/crypto/bls.js';
import { nativeKeccak256, nativeSha256, nobleKeccak256, nobleSha256 } from '../../../protocol/crypto/hash.js';
import type { Loaded } from '../../../protocol/crypto/native.js';
import { nativeSecp256k1, nobleSecp256k1, type Secp256k1 } from '../../../protocol/crypto/secp256k1.js';

/** The native implementation and its fallback. A test machine without the native one would test half of the claims. */
export const BLS_BACKENDS: readonly [Bls, Bls] = [loaded(nativeBls), nobleBls];
export const SECP256K1_BACKENDS: readonly [Secp256k1, Secp256k1] = [loaded(nativeSecp256k1), nobleSecp256k1];
export const SHA256_BACKENDS = [loaded(nativeSha256), nobleSha256];
export const KECCAK256_BACKENDS = [loaded(nativeKeccak256), nobleKeccak256];

function loaded<Module>(candidate: Loaded<Module>): Module {
  if (!candidate.ok) throw new TypeError(`native backend missing: ${candidate.reason}`);
  return candidate.module;
}
