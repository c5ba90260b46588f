import { createCodec } from '../ssz/codec.js';
import {
  bytes20,
  bytes32,
  bytes96,
  ContainerType,
  uint32,
  uint64,
  uint8,
  type ValueOf,
} from '../ssz/types.js';

/** What is signed in a vote. Carries neither time nor signer, so equal votes of all validators share their sign-bytes. */
export const VotePayloadType = new ContainerType({
  height: uint64,
  round: uint32,
  /** `NIL_BLOCK_ID` votes for no block. */
  blockId: bytes32,
});

export const PREVOTE = 1;
export const PRECOMMIT = 2;

/** A prevote or precommit with its signature. */
export const VoteType = new ContainerType({
  /** `PREVOTE` or `PRECOMMIT`. */
  kind: uint8,
  payload: VotePayloadType,
  /** Validator id of the signer. */
  validator: bytes20,
  /** BLS signature of the payload under the domain of the kind. */
  signature: bytes96,
});

export type VotePayload = ValueOf<typeof VotePayloadType>;
export type Vote = ValueOf<typeof VoteType>;
export type VoteKind = typeof PREVOTE | typeof PRECOMMIT;

export const votePayloadCodec = createCodec<VotePayload>('VotePayload', VotePayloadType);
export const voteCodec = createCodec<Vote>('Vote', VoteType);

/** Stands for "no block" in a vote; no header hashes to it. */
export const NIL_BLOCK_ID: Uint8Array = new Uint8Array(32);

export function isNilBlockId(id: Uint8Array): boolean {
  return id.every((byte) => byte === 0);
}
