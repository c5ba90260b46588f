import { invariant } from '../protocol/invariant.js';
import {
  MAX_BLOCK_BYTES,
  MAX_BLOCK_EVIDENCE,
  MAX_BLOCK_EXTENSIONS,
  MAX_BLOCK_TRANSACTIONS,
} from '../protocol/limits.js';
import { createCodec } from '../protocol/ssz/codec.js';
import {
  bytes12,
  bytes20,
  bytes96,
  ContainerType,
  listOf,
  uint32,
  uint64,
  type ValueOf,
} from '../protocol/ssz/types.js';
import type { Body } from '../protocol/types/body.js';
import { CommitType } from '../protocol/types/commit.js';
import { EvidenceType } from '../protocol/types/evidence.js';
import { VoteExtensionType } from '../protocol/types/extension.js';
import { HeaderType, type Header } from '../protocol/types/header.js';

/*
 * A block whose transactions are named instead of sent: whoever is asked to vote for it has most of them in its pool, verified. A megabyte
 * becomes tens of kilobytes, and the block reaches a hundred validators while the block itself would reach ten. The idea of
 * BIP 152; the header's transaction root tells at the end whether every name was understood.
 */

/** Of a transaction's hash, from its start. Two transactions of one short id would take 2^48 hashes to find, and delay one block. */
export const SHORT_ID_BYTES = 12;

/** What execution needs to know of a header, known before it. */
export type BlockPremise = Pick<Header, 'height' | 'round' | 'timeMs' | 'proposer' | 'beaconReveal'>;

/** What a block carries, with names in the place of transactions, and all that its execution needs beside it. */
const CompactBodyType = new ContainerType({
  height: uint64,
  round: uint32,
  timeMs: uint64,
  proposer: bytes20,
  beaconReveal: bytes96,
  /** Of the body's transactions, in order. */
  shortIds: listOf(bytes12, MAX_BLOCK_TRANSACTIONS),
  evidence: listOf(EvidenceType, MAX_BLOCK_EVIDENCE),
  parentCommit: CommitType,
  parentExtensions: listOf(VoteExtensionType, MAX_BLOCK_EXTENSIONS),
});

const CompactBlockType = new ContainerType({ header: HeaderType, body: CompactBodyType });

export type CompactBody = ValueOf<typeof CompactBodyType>;
export type CompactBlock = ValueOf<typeof CompactBlockType>;

const BOUNDS = { maxBytes: MAX_BLOCK_BYTES, oneCopy: true };

/** Its root names a body before there is a header. */
export const compactBodyCodec = createCodec<CompactBody>('CompactBody', CompactBodyType, BOUNDS);
export const compactBlockCodec = createCodec<CompactBlock>('CompactBlock', CompactBlockType, BOUNDS);

/** @param hashes of the body's transactions, in order */
export function compactBody(
  { height, round, timeMs, proposer, beaconReveal }: BlockPremise,
  body: Body,
  hashes: readonly Uint8Array[],
): CompactBody {
  invariant(hashes.length === body.transactions.length, 'every transaction has its hash');
  const { evidence, parentCommit, parentExtensions } = body;
  return {
    ...{ height, round, timeMs, proposer, beaconReveal },
    ...{ shortIds: hashes.map(shortIdOf), evidence, parentCommit, parentExtensions },
  };
}

/** @param transactions as many as it names */
export function expandedBody(compact: CompactBody, transactions: readonly Uint8Array[]): Body {
  invariant(transactions.length === compact.shortIds.length, 'every name stands for a transaction');
  const { evidence, parentCommit, parentExtensions } = compact;
  return { transactions: [...transactions], evidence, parentCommit, parentExtensions };
}

export function shortIdOf(hash: Uint8Array): Uint8Array {
  return hash.subarray(0, SHORT_ID_BYTES);
}
