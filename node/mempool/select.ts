import { readAccount, type Account } from '../../state/accounts/account.js';
import type { Reader } from '../../state/store/store.js';
import { admit, AdmissionError } from '../../state/transition/admission.js';
import type { PoolEntry, RecoveredTransaction } from './entry.js';
import { IndexedHeap, type HeapNode } from './indexed-heap.js';
import { isBetter } from './orders.js';
import type { SenderNode, SenderQueue } from './sender-queue.js';

/** The block to fill. */
export interface SelectRequest {
  /** The state the block follows. */
  readonly state: Reader;
  readonly baseFeeWei: bigint;
  /** For the gas limits of all selected transactions: what they will use is not known yet. */
  readonly gasLimit: number;
  /** For the transactions in the body, their offsets included. */
  readonly maxBytes: number;
  readonly maxCount: number;
}

/** Senders whose next transaction does not fit, before the block is taken for full. */
const MAX_SKIPPED_SENDERS = 1_024;

/** What an SSZ list of variable items needs for each besides its bytes. */
const OFFSET_BYTES = 4;

/**
 * Fills a block with the best transactions of each sender in the order of nonces, the best price first, ties by arrival. Every one of them
 * has passed `admit` as it will in the block: with the sender's account in this state less the maximum cost of the sender's earlier ones.
 *
 * Goes through the heap of heads without changing it: what comes after a head in the heap is looked at only when the head has been, so that the
 * work grows with what is selected, not with the pool.
 */
export function selectTransactions(
  heads: IndexedHeap<SenderNode>,
  request: SelectRequest,
): RecoveredTransaction[] {
  const selected: RecoveredTransaction[] = [];
  const frontier = new IndexedHeap<Candidate>((a, b) => isBetter(a.entry, b.entry));
  let [gasLeft, bytesLeft, skipped] = [request.gasLimit, request.maxBytes, 0];
  pushHead(frontier, heads, 0);
  for (;;) {
    const candidate = frontier.at(0);
    const isOver = selected.length >= request.maxCount || skipped >= MAX_SKIPPED_SENDERS;
    if (candidate === undefined || candidate.entry.tipWei < 0n || isOver) return selected;
    frontier.place(candidate, false);
    if (candidate.headIndex !== undefined) {
      pushHead(frontier, heads, 2 * candidate.headIndex + 1);
      pushHead(frontier, heads, 2 * candidate.headIndex + 2);
    }
    const { recovered } = candidate.entry;
    const sizeBytes = recovered.bytes.length + OFFSET_BYTES;
    const account = candidate.account ?? readAccount(request.state, candidate.queue.address);
    const fits = recovered.transaction.gasLimit <= BigInt(gasLeft) && sizeBytes <= bytesLeft;
    if (!fits || !isAdmitted(recovered, account, request.baseFeeWei, gasLeft)) {
      skipped++;
      continue;
    }
    selected.push(recovered);
    gasLeft -= Number(recovered.transaction.gasLimit);
    bytesLeft -= sizeBytes;
    pushSuccessor(frontier, candidate, account);
  }
}

/** Somebody's next transaction. */
interface Candidate extends HeapNode {
  readonly entry: PoolEntry;
  readonly queue: SenderQueue;
  /** Place of the entry in its queue. */
  readonly position: number;
  /** Place in the heap of heads, where it stands for what is below it. */
  readonly headIndex: number | undefined;
  /** The sender's account after the transactions before it; undefined where there are none. */
  readonly account: Account | undefined;
}

function pushHead(frontier: IndexedHeap<Candidate>, heads: IndexedHeap<SenderNode>, headIndex: number): void {
  const queue = heads.at(headIndex)?.queue;
  const entry = queue?.entries[0];
  if (queue === undefined || entry === undefined) return;
  frontier.place({ entry, queue, position: 0, headIndex, account: undefined, slot: -1 }, true);
}

function pushSuccessor(
  frontier: IndexedHeap<Candidate>,
  { entry: before, queue, position }: Candidate,
  account: Account,
): void {
  const entry = queue.entries[position + 1];
  if (entry === undefined || position + 1 >= queue.measure.executable) return;
  const after = {
    ...account,
    nonce: account.nonce + 1,
    balanceWei: account.balanceWei - before.maxCostWei,
  };
  frontier.place(
    { entry, queue, position: position + 1, headIndex: undefined, account: after, slot: -1 },
    true,
  );
}

function isAdmitted(
  { transaction }: RecoveredTransaction,
  account: Account,
  baseFeeWei: bigint,
  gasLeft: number,
): boolean {
  try {
    admit(transaction, account, { baseFeeWei, gasLeft });
    return true;
  } catch (error) {
    if (error instanceof AdmissionError) return false;
    throw error;
  }
}
