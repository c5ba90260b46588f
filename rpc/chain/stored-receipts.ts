import { invariant } from '../../protocol/invariant.js';
import type { BlockReceipts, Receipt } from '../../protocol/types/receipt.js';

/** What a final block did. */
export class StoredReceipts {
  readonly receipts: BlockReceipts;
  #firstLogs: readonly number[] | undefined;

  constructor(receipts: BlockReceipts) {
    this.receipts = receipts;
  }

  receipt(index: number): Receipt {
    const receipt = this.receipts.receipts[index];
    invariant(receipt !== undefined, 'each transaction has a receipt');
    return receipt;
  }

  gasUsed(index: number): number {
    const before = index === 0 ? 0 : this.receipt(index - 1).cumulativeGasUsed;
    return this.receipt(index).cumulativeGasUsed - before;
  }

  /** Number, within the block, of the first log of a transaction; of the index after the last, that of the phase after them. */
  firstLog(index: number): number {
    this.#firstLogs ??= numbering(this.receipts);
    return this.#firstLogs[index] ?? 0;
  }

  get approximateBytes(): number {
    const { beginLogs, receipts, endLogs } = this.receipts;
    const logs = [...beginLogs, ...receipts.flatMap((receipt) => receipt.logs), ...endLogs];
    return receipts.length * 200 + logs.reduce((sum, { data }) => sum + data.length + 400, 0);
  }
}

function numbering({ beginLogs, receipts }: BlockReceipts): number[] {
  const first = [beginLogs.length];
  let next = beginLogs.length;
  for (const { logs } of receipts) first.push((next += logs.length));
  return first;
}
