import type * as blst from '@chainsafe/blst';
import type { BlsEngine, DecodedKey } from './bls-engine.js';
import { loadNative, type Loaded } from './native.js';

export const blstEngine: Loaded<BlsEngine<blst.PublicKey>> = loadBlst();

function loadBlst(): Loaded<BlsEngine<blst.PublicKey>> {
  const loaded = loadNative<typeof blst>('@chainsafe/blst');
  return loaded.ok ? { ok: true, module: createBlstEngine(loaded.module) } : loaded;
}

/** The binding's tag is fixed: BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_. */
function createBlstEngine(library: typeof blst): BlsEngine<blst.PublicKey> {
  const { SecretKey, Signature } = library;
  const decodeSignature = (bytes: Uint8Array): blst.Signature | undefined =>
    attempt(() => Signature.fromBytes(bytes, true));

  return {
    name: '@chainsafe/blst',
    publicKey: (secretKey) => plainBytes(SecretKey.fromBytes(secretKey).toPublicKey().toBytes()),
    sign: (secretKey, message) => plainBytes(SecretKey.fromBytes(secretKey).sign(message).toBytes()),
    decodeKey: (bytes) => decodeKey(library, bytes),
    isInSubgroup: (signature) => decodeSignature(signature) !== undefined,
    aggregateSignatures: (signatures) =>
      attempt(() => plainBytes(library.aggregateSerializedSignatures([...signatures], true).toBytes())),
    verify: (key, message, signature) => {
      const decoded = decodeSignature(signature);
      return decoded !== undefined && library.verify(message, key, decoded);
    },
    fastAggregateVerify: (keys, message, signature) => {
      const decoded = decodeSignature(signature);
      return decoded !== undefined && library.fastAggregateVerify(message, [...keys], decoded);
    },
    aggregateVerify: (keys, messages, signature) => {
      const decoded = decodeSignature(signature);
      return decoded !== undefined && library.aggregateVerify([...messages], [...keys], decoded);
    },
    verifySameMessage: (entries, message) => {
      const sets = entries.map(({ key, signature }) => ({ pk: key, sig: signature }));
      const blinded = attempt(() => library.aggregateWithRandomness(sets));
      return blinded !== undefined && library.verify(message, blinded.pk, blinded.sig);
    },
    verifyBatch: (entries) => {
      const sets: blst.SignatureSet[] = [];
      for (const { key, message, signature } of entries) {
        const sig = decodeSignature(signature);
        if (sig === undefined) return false;
        sets.push({ pk: key, msg: message, sig });
      }
      return library.verifyMultipleAggregateSignatures(sets);
    },
  };
}

function decodeKey(library: typeof blst, bytes: Uint8Array): DecodedKey<blst.PublicKey> {
  try {
    return { ok: true, key: library.PublicKey.fromBytes(bytes, true) };
  } catch (error) {
    const isOffCurve = error instanceof Error && 'code' in error && error.code === 'BLST_POINT_NOT_ON_CURVE';
    return { ok: false, fault: isOffCurve ? 'not-on-curve' : 'not-in-subgroup' };
  }
}

/** The binding reports bad points by throwing. */
function attempt<Result>(compute: () => Result): Result | undefined {
  try {
    return compute();
  } catch {
    return undefined;
  }
}

/** The binding answers with a `Buffer`, whose `slice` shares memory. */
function plainBytes(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}
