import { secp256k1 as curve } from '@noble/curves/secp256k1.js';
import { invariant } from '../invariant.js';
import { loadNative, type Loaded } from './native.js';
import type { RecoverableSignature } from './secp256k1.js';

/** The arithmetic behind `Secp256k1`: lengths, ranges and tags of every argument are checked before it is called. */
export interface Secp256k1Engine {
  readonly name: string;
  publicKey(secretKey: Uint8Array): Uint8Array;
  sign(digest: Uint8Array, secretKey: Uint8Array): RecoverableSignature;
  verify(signature: Uint8Array, digest: Uint8Array, publicKey: Uint8Array): boolean;
  recover(digest: Uint8Array, signature: Uint8Array, yParity: 0 | 1): Uint8Array | undefined;
  uncompress(publicKey: Uint8Array): Uint8Array | undefined;
}

/** What is used of `secp256k1/bindings`, the native half of the package: the other half is slow JavaScript. */
interface Bindings {
  publicKeyCreate(secretKey: Uint8Array, compressed: boolean): Uint8Array;
  publicKeyConvert(publicKey: Uint8Array, compressed: boolean): Uint8Array;
  ecdsaSign(digest: Uint8Array, secretKey: Uint8Array): { signature: Uint8Array; recid: number };
  ecdsaVerify(signature: Uint8Array, digest: Uint8Array, publicKey: Uint8Array): boolean;
  ecdsaRecover(
    signature: Uint8Array,
    recoveryId: number,
    digest: Uint8Array,
    compressed: boolean,
  ): Uint8Array;
}

const COMPRESSED = false;

export const bindingsEngine: Loaded<Secp256k1Engine> = loadBindings();

function loadBindings(): Loaded<Secp256k1Engine> {
  const loaded = loadNative<Bindings>('secp256k1/bindings');
  if (!loaded.ok) return loaded;
  const bindings = loaded.module;
  const engine: Secp256k1Engine = {
    name: 'secp256k1/bindings',
    publicKey: (secretKey) => bindings.publicKeyCreate(secretKey, COMPRESSED),
    sign: (digest, secretKey) => {
      const { signature, recid } = bindings.ecdsaSign(digest, secretKey);
      return { signature, yParity: parityOf(recid) };
    },
    verify: (signature, digest, publicKey) =>
      attempt(() => bindings.ecdsaVerify(signature, digest, publicKey)) ?? false,
    recover: (digest, signature, yParity) =>
      attempt(() => bindings.ecdsaRecover(signature, yParity, digest, COMPRESSED)),
    uncompress: (publicKey) => attempt(() => bindings.publicKeyConvert(publicKey, COMPRESSED)),
  };
  return { ok: true, module: engine };
}

export const nobleEngine: Secp256k1Engine = {
  name: '@noble/curves',
  publicKey: (secretKey) => curve.getPublicKey(secretKey, COMPRESSED),
  sign: (digest, secretKey) => {
    const bytes = curve.sign(digest, secretKey, { prehash: false, lowS: true, format: 'recovered' });
    return { signature: bytes.slice(1), yParity: parityOf(bytes[0] ?? 0) };
  },
  verify: (signature, digest, publicKey) =>
    attempt(() => curve.verify(signature, digest, publicKey, { prehash: false, lowS: true })) ?? false,
  recover: (digest, signature, yParity) =>
    attempt(() =>
      curve.Signature.fromBytes(signature, 'compact')
        .addRecoveryBit(yParity)
        .recoverPublicKey(digest)
        .toBytes(COMPRESSED),
    ),
  uncompress: (publicKey) => attempt(() => curve.Point.fromBytes(publicKey).toBytes(COMPRESSED)),
};

/** Ids 2 and 3 mean a nonce point whose x is ≥ n: one in 2^127 signatures. */
function parityOf(recoveryId: number): 0 | 1 {
  invariant(recoveryId === 0 || recoveryId === 1, 'a signature has recovery id 0 or 1');
  return recoveryId;
}

/** Both libraries report points off the curve and results at infinity by throwing. */
function attempt<Result>(compute: () => Result): Result | undefined {
  try {
    return compute();
  } catch {
    return undefined;
  }
}
