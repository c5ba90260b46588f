import { z } from 'zod';
import { toChecksumAddress } from '../../protocol/address.js';
import { toHex } from '../../protocol/bytes.js';
import type { PooledTransaction, TransactionPool } from '../backend.js';
import { defineMethod, parameter, type RpcMethod } from '../method.js';
import { AddressText, quantity, QuantityText } from '../schema/values.js';
import { pooledTransaction, TransactionShape } from '../shapes/transaction.js';
import type { Deadline } from '../transport/deadline.js';
import { WeiText } from './status.js';

/** Transactions in one answer: those that came first. */
const MAX_CONTENT = 4_096;

const ByNonce = z.record(z.string(), TransactionShape);
const BySender = z.record(z.string(), ByNonce);
const TextBySender = z.record(z.string(), z.record(z.string(), z.string()));
const bounded = `At most ${MAX_CONTENT} transactions: those that came first.`;

/** What waits for a block. */
export const poolMethods: readonly RpcMethod[] = [
  defineMethod({
    name: 'txpool_status',
    summary: 'How many transactions wait.',
    parameters: [],
    result: {
      description: 'pending can be included; queued wait for an earlier nonce or for money.',
      schema: z.strictObject({ pending: QuantityText, queued: QuantityText }),
    },
    call: ({ services }) => {
      const { pending, queued } = services.backend.pool.stats();
      return { pending: quantity(pending), queued: quantity(queued) };
    },
  }),
  defineMethod({
    name: 'txpool_content',
    summary: 'Transactions that wait, by sender and nonce.',
    description: bounded,
    isHeavy: true,
    parameters: [],
    result: {
      description: 'In two groups.',
      schema: z.strictObject({ pending: BySender, queued: BySender }),
    },
    call: ({ services, deadline }) => contentOf(services.backend.pool, deadline, pooledTransaction),
  }),
  defineMethod({
    name: 'txpool_contentFrom',
    summary: 'Transactions of one sender that wait, by nonce.',
    parameters: [parameter('address', AddressText, 'The sender.')],
    result: { description: 'In two groups.', schema: z.strictObject({ pending: ByNonce, queued: ByNonce }) },
    call: ({ services }, address) => {
      const { pending, queued } = services.backend.pool.contentOf(address);
      return { pending: byNonce(pending, pooledTransaction), queued: byNonce(queued, pooledTransaction) };
    },
  }),
  defineMethod({
    name: 'txpool_inspect',
    summary: 'Transactions that wait, one line each.',
    description: bounded,
    isHeavy: true,
    parameters: [],
    result: {
      description: 'In two groups.',
      schema: z.strictObject({ pending: TextBySender, queued: TextBySender }),
    },
    call: ({ services, deadline }) => contentOf(services.backend.pool, deadline, inLine),
  }),
  defineMethod({
    name: 'ogpu_mempool',
    summary: 'Figures of the mempool.',
    parameters: [],
    result: {
      description: 'Now, and since the start of the node.',
      schema: z.strictObject({
        count: z.int(),
        sizeBytes: z.int(),
        pending: z.int(),
        queued: z.int(),
        senders: z.int(),
        baseFeeWei: WeiText.describe('Of the block to come.'),
        accepted: z.int(),
        replaced: z.int(),
        refused: z.int(),
        evicted: z.int(),
        expired: z.int(),
        included: z.int(),
      }),
    },
    call: ({ services }) => {
      const { count, sizeBytes, pending, queued, senders, baseFeeWei, ...rest } =
        services.backend.pool.stats();
      const { accepted, replaced, refused, evicted, expired, included } = rest;
      return {
        ...{ count, sizeBytes, pending, queued, senders, baseFeeWei: baseFeeWei.toString() },
        ...{ accepted, replaced, refused, evicted, expired, included },
      };
    },
  }),
];

type Group<Shown> = Record<string, Record<string, Shown>>;

async function contentOf<Shown>(
  pool: TransactionPool,
  deadline: Deadline,
  show: (pooled: PooledTransaction) => Shown,
): Promise<{ readonly pending: Group<Shown>; readonly queued: Group<Shown> }> {
  const wanted = new Map<string, PooledTransaction>();
  for (const { recovered } of pool.entries()) {
    if (wanted.size >= MAX_CONTENT) break;
    wanted.set(toHex(recovered.hash), recovered);
  }
  const senders = new Map([...wanted.values()].map(({ sender }) => [toHex(sender), sender]));
  const [pending, queued]: [Group<Shown>, Group<Shown>] = [{}, {}];
  for (const sender of senders.values()) {
    const content = pool.contentOf(sender);
    for (const [group, all] of [
      [pending, content.pending],
      [queued, content.queued],
    ] as const) {
      const some = all.filter(({ hash }) => wanted.has(toHex(hash)));
      if (some.length > 0) group[toChecksumAddress(sender)] = byNonce(some, show);
    }
    await deadline.slice();
  }
  return { pending, queued };
}

function byNonce<Shown>(
  all: readonly PooledTransaction[],
  show: (pooled: PooledTransaction) => Shown,
): Record<string, Shown> {
  return Object.fromEntries(all.map((pooled) => [pooled.transaction.nonce.toString(), show(pooled)]));
}

function inLine({ transaction }: PooledTransaction): string {
  const { to, value, gasLimit } = transaction;
  const price = transaction.type === 'eip1559' ? transaction.maxFeePerGas : transaction.gasPrice;
  const recipient = to === undefined ? 'contract creation' : toChecksumAddress(to);
  return `${recipient}: ${value.toString()} wei + ${gasLimit.toString()} gas × ${price.toString()} wei`;
}
