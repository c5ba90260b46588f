import { MAX_EXTENSION_BYTES } from '../limits.js';
import { createCodec } from '../ssz/codec.js';
import { byteList, bytes20, bytes96, ContainerType, uint32, uint64, type ValueOf } from '../ssz/types.js';

/**
 * What is signed in a vote extension. Carries no signer, so that empty extensions share their sign-bytes and aggregate.
 * The content is opaque here; `./audit.js` gives it meaning.
 */
export const ExtensionPayloadType = new ContainerType({
  height: uint64,
  round: uint32,
  content: byteList(MAX_EXTENSION_BYTES),
});

/** Rides on a non-nil precommit, signed apart from it. */
export const VoteExtensionType = new ContainerType({
  payload: ExtensionPayloadType,
  /** Validator id of the signer. */
  validator: bytes20,
  signature: bytes96,
});

export type ExtensionPayload = ValueOf<typeof ExtensionPayloadType>;
export type VoteExtension = ValueOf<typeof VoteExtensionType>;

export const extensionPayloadCodec = createCodec<ExtensionPayload>('ExtensionPayload', ExtensionPayloadType);
export const voteExtensionCodec = createCodec<VoteExtension>('VoteExtension', VoteExtensionType);
