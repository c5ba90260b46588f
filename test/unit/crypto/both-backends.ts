import { nativeBls, nobleBls, type Bls } from '../../../protocol/crypto/bls.js';
import { nativeKeccak256, nativeSha256, nobleKeccak256, nobleSha256 } from '../../../protocol/crypto/hash.js';
import type { Loaded } from '../../../protocol/crypto/native.js';
import { nativeSecp256k1, nobleSecp256k1, type Secp256k1 } from '../../../protocol/crypto/secp256k1.js';
import { skipWithout, type PrebuiltModule } from './prebuilt.js';

/**
 * The native implementation, then its fallback; the fallback alone on a platform that the native one is not made for.
 * Where it is, a machine without it would test half of the claims.
 */
export const BLS_BACKENDS: readonly Bls[] = [...prebuilt('blst', nativeBls), nobleBls];
export const SECP256K1_BACKENDS: readonly Secp256k1[] = [
  ...prebuilt('secp256k1', nativeSecp256k1),
  nobleSecp256k1,
];
/** Part of Node.js and WebAssembly: on every platform. */
export const SHA256_BACKENDS = [loaded(nativeSha256), nobleSha256];
export const KECCAK256_BACKENDS = [loaded(nativeKeccak256), nobleKeccak256];

function prebuilt<Module>(name: PrebuiltModule, candidate: Loaded<Module>): Module[] {
  return skipWithout(name) !== false ? [] : [loaded(candidate)];
}

function loaded<Module>(candidate: Loaded<Module>): Module {
  if (!candidate.ok) throw new TypeError(`native backend missing: ${candidate.reason}`);
  return candidate.module;
}
