import type { Transaction } from '../../protocol/transactions/types.js';
import { feeCapPerGas } from '../../protocol/transactions/types.js';
import { paramsRecord, progressRecord } from '../../state/system/chain.js';
import type { Deadline } from '../transport/deadline.js';
import type { ChainReader } from './chain-reader.js';
import type { StoredBlock } from './stored-block.js';

/** Blocks that are looked at, and transactions of each. */
const BLOCKS = 20;
const SAMPLES = 64;
/** Of the tips that were paid: more than this part of them are below what is advised. */
const PERCENTILE = 60;

/** Advises what to offer the proposer for a unit of gas. */
export class TipAdvisor {
  readonly #chain: ChainReader;
  #advice: { readonly height: number; readonly tipWei: bigint } | undefined;

  constructor(chain: ChainReader) {
    this.#chain = chain;
  }

  /** In wei: a usual tip of the last blocks, and where none was paid a tenth of the lowest base fee. */
  async tipWei(deadline: Deadline): Promise<bigint> {
    const { height } = this.#chain.head;
    if (this.#advice?.height === height) return this.#advice.tipWei;
    const tips: bigint[] = [];
    for (let at = height; at > Math.max(0, height - BLOCKS); at--) {
      const stored = await this.#chain.block(at);
      if (stored !== undefined) tips.push(...(await sampleTips(stored, deadline)));
    }
    tips.sort((a, b) => (a < b ? -1 : Number(a > b)));
    const { minBaseFeeWei } = paramsRecord.read(this.#chain.store).blocks;
    const usual = tips[Math.floor((tips.length * PERCENTILE) / 100)];
    const least = minBaseFeeWei / 10n > 0n ? minBaseFeeWei / 10n : 1n;
    const tipWei = usual === undefined || usual < least ? least : usual;
    this.#advice = { height, tipWei };
    return tipWei;
  }

  /** What a unit of gas costs in the next block, in wei. */
  get baseFeeWei(): bigint {
    return progressRecord.read(this.#chain.store).baseFeeWei;
  }
}

async function sampleTips(stored: StoredBlock, deadline: Deadline): Promise<bigint[]> {
  const { transactionCount, header } = stored;
  const step = Math.max(1, Math.ceil(transactionCount / SAMPLES));
  const tips: bigint[] = [];
  for (let index = 0; index < transactionCount; index += step) {
    tips.push(paidTipWei(stored.transaction(index), header.baseFeeWei));
    await deadline.slice();
  }
  return tips;
}

/** What a unit of gas brought the proposer. */
export function paidTipWei(transaction: Transaction, baseFeeWei: bigint): bigint {
  const room = feeCapPerGas(transaction) - baseFeeWei;
  if (transaction.type !== 'eip1559') return room;
  return transaction.maxPriorityFeePerGas < room ? transaction.maxPriorityFeePerGas : room;
}
