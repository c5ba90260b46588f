import { bytesEqual, concatBytes } from './bytes.js';
import { sha256 } from './crypto/hash.js';
import { MAX_BLOCK_TRANSACTIONS } from './limits.js';
import { elementGindex, listBranch, rootOfBranch } from './ssz/branch.js';
import { BlockReceiptsType, receiptCodec, type BlockReceipts, type Receipt } from './types/receipt.js';
import type { Header } from './types/header.js';

/** That a transaction is at a place of a block, and what it did there; for whoever believes the header. */
export interface ReceiptProof {
  readonly transactionHash: Uint8Array;
  readonly index: number;
  readonly receipt: Receipt;
  /** From the hash up to `transactionsRoot`. */
  readonly transactionBranch: readonly Uint8Array[];
  /** From the receipt up to `receiptsRoot`. */
  readonly receiptBranch: readonly Uint8Array[];
}

/** Place of the list of receipts in `BlockReceipts`, which has four leaves: begin logs, receipts, end logs, nothing. */
const RECEIPTS_GINDEX = 5;

/** Whether a header commits to what a proof says. */
export function verifyReceiptProof(
  { transactionsRoot, receiptsRoot }: Pick<Header, 'transactionsRoot' | 'receiptsRoot'>,
  proof: ReceiptProof,
): boolean {
  const { index } = proof;
  if (!Number.isSafeInteger(index) || index < 0 || index >= MAX_BLOCK_TRANSACTIONS) return false;
  const gindex = elementGindex(index, MAX_BLOCK_TRANSACTIONS);
  const transactions = rootOfBranch(proof.transactionHash, proof.transactionBranch, gindex);
  const receiptGindex = RECEIPTS_GINDEX * 2 * MAX_BLOCK_TRANSACTIONS + index;
  const receipts = rootOfBranch(receiptCodec.root(proof.receipt), proof.receiptBranch, receiptGindex);
  return (
    transactions !== undefined &&
    receipts !== undefined &&
    bytesEqual(transactions, transactionsRoot) &&
    bytesEqual(receipts, receiptsRoot)
  );
}

/** @param receiptRoots of all receipts of the block, in order */
export function proveReceipt(
  transactionHashes: readonly Uint8Array[],
  receipts: BlockReceipts,
  receiptRoots: readonly Uint8Array[],
  index: number,
): Pick<ReceiptProof, 'transactionBranch' | 'receiptBranch'> {
  const { beginLogs, endLogs } = BlockReceiptsType.fields;
  return {
    transactionBranch: listBranch(transactionHashes, index, MAX_BLOCK_TRANSACTIONS),
    receiptBranch: [
      ...listBranch(receiptRoots, index, MAX_BLOCK_TRANSACTIONS),
      beginLogs.hashTreeRoot(receipts.beginLogs),
      sha256(concatBytes(endLogs.hashTreeRoot(receipts.endLogs), new Uint8Array(32))),
    ],
  };
}
