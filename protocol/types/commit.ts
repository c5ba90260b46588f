import { MAX_VALIDATORS } from '../limits.js';
import { createCodec } from '../ssz/codec.js';
import {
  bitList,
  BitArray,
  bytes32,
  bytes96,
  ContainerType,
  listOf,
  uint32,
  uint64,
  type ValueOf,
} from '../ssz/types.js';
import { VoteExtensionType } from './extension.js';
import { NIL_BLOCK_ID } from './vote.js';

/** Proof that +2/3 of a validator set precommitted one block: one aggregate signature and who is in it. */
export const CommitType = new ContainerType({
  height: uint64,
  round: uint32,
  blockId: bytes32,
  /** Bit i is validator i of the set of this height, in the order of the set. */
  signers: bitList(MAX_VALIDATORS),
  /** Aggregate of the signers' precommits. */
  signature: bytes96,
});

/** A commit with the extension of every signer: stored with the block and served to who catches up. */
export const ExtendedCommitType = new ContainerType({
  commit: CommitType,
  extensions: listOf(VoteExtensionType, MAX_VALIDATORS),
});

export type Commit = ValueOf<typeof CommitType>;
export type ExtendedCommit = ValueOf<typeof ExtendedCommitType>;

export const commitCodec = createCodec<Commit>('Commit', CommitType);
export const extendedCommitCodec = createCodec<ExtendedCommit>('ExtendedCommit', ExtendedCommitType);

/** What block 1 carries as its parent's commit: the genesis was signed by nobody. */
export function emptyCommit(): Commit {
  return {
    height: 0,
    round: 0,
    blockId: NIL_BLOCK_ID,
    signers: BitArray.fromBitLen(0),
    signature: new Uint8Array(96),
  };
}
