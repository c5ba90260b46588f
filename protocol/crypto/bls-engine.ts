export type KeyFault = 'not-on-curve' | 'not-in-subgroup';

export type DecodedKey<Key> =
  { readonly ok: true; readonly key: Key } | { readonly ok: false; readonly fault: KeyFault };

export interface EngineEntry<Key> {
  readonly key: Key;
  readonly signature: Uint8Array;
}

export interface EngineMessage<Key> extends EngineEntry<Key> {
  readonly message: Uint8Array;
}

/**
 * The arithmetic behind `Bls`. Before a call: secret keys are in [1, r), lists are not empty, lists of keys and messages
 * are equally long, keys and signatures are canonical and not infinity (the terms of `aggregateSignatures` may be).
 * Whether a signature is on the curve and in the subgroup is for the engine to check.
 */
export interface BlsEngine<Key> {
  readonly name: string;
  publicKey(secretKey: Uint8Array): Uint8Array;
  sign(secretKey: Uint8Array, message: Uint8Array): Uint8Array;
  decodeKey(bytes: Uint8Array): DecodedKey<Key>;
  isInSubgroup(signature: Uint8Array): boolean;
  /** Undefined when a signature is not in the subgroup. */
  aggregateSignatures(signatures: readonly Uint8Array[]): Uint8Array | undefined;
  verify(key: Key, message: Uint8Array, signature: Uint8Array): boolean;
  fastAggregateVerify(keys: readonly Key[], message: Uint8Array, signature: Uint8Array): boolean;
  aggregateVerify(keys: readonly Key[], messages: readonly Uint8Array[], signature: Uint8Array): boolean;
  verifySameMessage(entries: readonly EngineEntry<Key>[], message: Uint8Array): boolean;
  verifyBatch(entries: readonly EngineMessage<Key>[]): boolean;
}
