import {
  MAX_BLOCK_BYTES,
  MAX_BLOCK_EVIDENCE,
  MAX_BLOCK_EXTENSIONS,
  MAX_BLOCK_TRANSACTIONS,
  MAX_TRANSACTION_BYTES,
} from '../limits.js';
import { createCodec } from '../ssz/codec.js';
import { byteList, bytes32, ContainerType, listOf, type ValueOf } from '../ssz/types.js';
import { commitCodec, CommitType } from './commit.js';
import { EvidenceType } from './evidence.js';
import { VoteExtensionType } from './extension.js';
import type { Header } from './header.js';

export const TransactionHashesType = listOf(bytes32, MAX_BLOCK_TRANSACTIONS);
const EvidenceListType = listOf(EvidenceType, MAX_BLOCK_EVIDENCE);
const ExtensionListType = listOf(VoteExtensionType, MAX_BLOCK_EXTENSIONS);

/** What a block carries; the header commits to every part of it, so one id means one body. */
export const BodyType = new ContainerType({
  /** Ethereum transaction envelopes, in execution order. */
  transactions: listOf(byteList(MAX_TRANSACTION_BYTES), MAX_BLOCK_TRANSACTIONS),
  evidence: EvidenceListType,
  parentCommit: CommitType,
  /** The extension of every signer of the parent commit, then late ones. */
  parentExtensions: ExtensionListType,
});

export type Body = ValueOf<typeof BodyType>;

export const bodyCodec = createCodec<Body>('Body', BodyType, { maxBytes: MAX_BLOCK_BYTES, oneCopy: true });

export type BodyRoots = Pick<
  Header,
  'transactionsRoot' | 'evidenceRoot' | 'parentCommitRoot' | 'extensionsRoot'
>;

/**
 * The header fields that commit to a body. Transactions enter by hash: the hashes are known anyway, and hashing raw bytes
 * again would cost tens of milliseconds in a full block.
 *
 * @param transactionHashes keccak-256 of each envelope of `body.transactions`, in order
 */
export function bodyRoots(body: Body, transactionHashes: readonly Uint8Array[]): BodyRoots {
  return {
    transactionsRoot: TransactionHashesType.hashTreeRoot([...transactionHashes]),
    evidenceRoot: EvidenceListType.hashTreeRoot(body.evidence),
    parentCommitRoot: commitCodec.root(body.parentCommit),
    extensionsRoot: ExtensionListType.hashTreeRoot(body.parentExtensions),
  };
}
