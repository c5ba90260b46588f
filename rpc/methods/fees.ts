import { z } from 'zod';
import type { Header } from '../../protocol/types/header.js';
import { paidTipWei } from '../chain/tip-advisor.js';
import { invalidParams } from '../errors/rpc-error.js';
import { defineMethod, parameter, type MethodContext, type RpcMethod } from '../method.js';
import { BlockNumberOrTag, Count, quantity, QuantityText, type BlockReference } from '../schema/values.js';

const MAX_BLOCKS = 1_024;
const MAX_PERCENTILES = 100;

const FeeHistoryShape = z.strictObject({
  oldestBlock: QuantityText,
  baseFeePerGas: z.array(QuantityText).describe('Of each block, and of the one after the last.'),
  gasUsedRatio: z.array(z.number().min(0).max(1)),
  reward: z.array(z.array(QuantityText)).optional().describe('Tips at the percentiles, in wei per gas.'),
});

/** What gas costs. */
export const feeMethods: readonly RpcMethod[] = [
  defineMethod({
    name: 'eth_gasPrice',
    summary: 'What to offer for a unit of gas in a transaction without fee cap and tip.',
    parameters: [],
    result: { description: 'Base fee of the next block and a usual tip, in wei.', schema: QuantityText },
    call: async ({ services, deadline }) =>
      quantity(services.tips.baseFeeWei + (await services.tips.tipWei(deadline))),
  }),
  defineMethod({
    name: 'eth_maxPriorityFeePerGas',
    summary: 'A usual tip.',
    description: 'The 60th percentile of what the last 20 blocks were paid.',
    parameters: [],
    result: { description: 'Wei per gas.', schema: QuantityText },
    call: async ({ services, deadline }) => quantity(await services.tips.tipWei(deadline)),
  }),
  defineMethod({
    name: 'eth_feeHistory',
    summary: 'Base fees, fullness and tips of past blocks.',
    description: `At most ${MAX_BLOCKS} blocks; fewer where fewer are kept.`,
    isHeavy: true,
    parameters: [
      parameter(
        'blockCount',
        z.union([Count, z.int().min(0).max(Number.MAX_SAFE_INTEGER)]),
        'How many blocks.',
      ),
      parameter('newestBlock', BlockNumberOrTag, 'The last of them.'),
      parameter(
        'rewardPercentiles',
        z.array(z.number().min(0).max(100)).max(MAX_PERCENTILES).optional(),
        'Ascending, from 0 to 100.',
      ),
    ],
    result: { description: 'By block, the oldest first.', schema: FeeHistoryShape },
    errors: ['RPC_BLOCK_UNKNOWN'],
    call: (context, blockCount, newest, percentiles) => feeHistory(context, blockCount, newest, percentiles),
  }),
];

async function feeHistory(
  context: MethodContext,
  blockCount: number,
  newest: BlockReference,
  percentiles: readonly number[] | undefined,
): Promise<z.input<typeof FeeHistoryShape>> {
  const { chain } = context.services;
  if (percentiles?.some((each, index) => each < (percentiles[index - 1] ?? 0)) === true)
    throw invalidParams('rewardPercentiles must ascend');
  const last = chain.requireHeight(newest);
  const first = Math.max(last - Math.min(blockCount, MAX_BLOCKS) + 1, chain.lowestHeight);
  const baseFees: bigint[] = [];
  const ratios: number[] = [];
  const rewards: string[][] = [];
  for (let height = first; height <= last; height++) {
    const stored = await chain.block(height);
    if (stored === undefined) break;
    baseFees.push(stored.header.baseFeeWei);
    ratios.push(fullness(stored.header));
    if (percentiles !== undefined) rewards.push((await tipsAt(context, height, percentiles)).map(quantity));
    await context.deadline.slice();
  }
  if (baseFees.length > 0) baseFees.push(await baseFeeAfter(context, last));
  return {
    oldestBlock: quantity(first),
    baseFeePerGas: baseFees.map(quantity),
    gasUsedRatio: ratios,
    ...(percentiles === undefined ? {} : { reward: rewards }),
  };
}

function fullness({ gasUsed, gasLimit }: Header): number {
  return gasLimit === 0 ? 0 : gasUsed / gasLimit;
}

async function baseFeeAfter({ services }: MethodContext, height: number): Promise<bigint> {
  const next = height < services.chain.head.height ? await services.chain.block(height + 1) : undefined;
  return next?.header.baseFeeWei ?? services.tips.baseFeeWei;
}

/** Of each percentile the tip below which that part of the block's gas was bought. */
async function tipsAt(
  { services, deadline }: MethodContext,
  height: number,
  percentiles: readonly number[],
): Promise<bigint[]> {
  const stored = await services.chain.block(height);
  const receipts = await services.chain.receipts(height, deadline);
  const paid: { readonly tipWei: bigint; readonly gasUsed: number }[] = [];
  for (let index = 0; stored !== undefined && index < stored.transactionCount; index++) {
    const tipWei = paidTipWei(stored.transaction(index), stored.header.baseFeeWei);
    paid.push({ tipWei, gasUsed: receipts?.gasUsed(index) ?? 0 });
    await deadline.slice();
  }
  paid.sort((a, b) => (a.tipWei < b.tipWei ? -1 : Number(a.tipWei > b.tipWei)));
  const total = stored?.header.gasUsed ?? 0;
  return percentiles.map((percentile) => {
    let sum = 0;
    for (const { tipWei, gasUsed } of paid) {
      sum += gasUsed;
      if (sum * 100 >= total * percentile) return tipWei;
    }
    return paid.at(-1)?.tipWei ?? 0n;
  });
}
