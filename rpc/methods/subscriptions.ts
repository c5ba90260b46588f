import { z } from 'zod';
import { toChecksumAddress } from '../../protocol/address.js';
import { toHex } from '../../protocol/bytes.js';
import { RPC } from '../errors/codes.js';
import { invalidParams, RpcError } from '../errors/rpc-error.js';
import { matches } from '../logs/log-filter.js';
import { defineMethod, parameter, type MethodContext, type RpcMethod } from '../method.js';
import { filterOf, LogCriteria } from '../schema/logs.js';
import { logJson, logsOfBlock } from '../shapes/log.js';
import type { PushChannel } from '../transport/session.js';
import type { StoredBlock } from '../chain/stored-block.js';
import type { StoredReceipts } from '../chain/stored-receipts.js';
import { pruned } from './blocks.js';
import { Height } from './status.js';

const id = parameter('subscription', z.string().max(66), 'Id of the subscription.');
const idResult = { description: 'Its id.', schema: z.string().regex(/^0x[0-9a-f]{32}$/) };
const errors = ['RPC_WEBSOCKET_ONLY', 'RPC_TOO_MANY_SUBSCRIPTIONS'];

const FollowOptions = z
  .object({
    cursor: Height.optional().describe(
      'The first height to be told of: cursor of the last notification, to go on without a gap. The next block unless given.',
    ),
    address: LogCriteria.shape.address.describe('For events: emitters.'),
    topics: LogCriteria.shape.topics.describe('For events: topics.'),
  })
  .meta({ id: 'FollowOptions', description: 'Where to begin, and for events which ones.' });

type FollowOptions = z.output<typeof FollowOptions>;

/** Being told. */
export const subscriptionMethods: readonly RpcMethod[] = [
  defineMethod({
    name: 'eth_subscribe',
    summary: 'Begins to tell of new heads, events, transactions in the mempool, or syncing.',
    description:
      'Over WebSocket alone, by notifications eth_subscription. A block is told of when it is final, so nothing is ever removed. A client that does not read is closed with code 1013 when more than 4 MiB wait for it.',
    parameters: [
      parameter(
        'kind',
        z.enum(['newHeads', 'logs', 'newPendingTransactions', 'syncing']),
        'What to be told of.',
      ),
      parameter(
        'options',
        z.union([LogCriteria, z.boolean()]).optional(),
        'For logs: which ones. For newPendingTransactions: true for whole transactions.',
      ),
    ],
    result: idResult,
    errors,
    call: (context, kind, options) => {
      const channel = channelOf(context);
      const { hub } = context.services;
      switch (kind) {
        case 'newHeads':
          return hub.newHeads(channel);
        case 'logs':
          if (typeof options === 'boolean') throw invalidParams('a filter for logs is an object');
          return hub.logs(channel, options === undefined ? EVERYTHING : filterOf(options));
        case 'newPendingTransactions':
          return hub.pendingTransactions(channel, options === true);
        case 'syncing':
          return hub.syncing(channel);
      }
    },
  }),
  defineMethod({
    name: 'eth_unsubscribe',
    summary: 'Ends a subscription.',
    parameters: [id],
    result: { description: 'Whether there was one.', schema: z.boolean() },
    errors: ['RPC_WEBSOCKET_ONLY'],
    call: (context, subscription) => context.services.hub.leave(channelOf(context), subscription),
  }),
  defineMethod({
    name: 'ogpu_subscribe',
    summary: 'Tells of every block, or of the events of every block, without a gap.',
    description:
      'Over WebSocket alone, by notifications ogpu_subscription. Each has a cursor: who begins again with it goes on where it was, after a broken connection or a restart of the node, as long as the blocks are kept. blocks: one notification for each final block with who committed it. events: one for each block that has any, with those of both system phases. A slow client is told later, at its own pace.',
    parameters: [
      parameter('kind', z.enum(['blocks', 'events']), 'What to be told of.'),
      parameter('options', FollowOptions.prefault({}), 'Where to begin, and which events.'),
    ],
    result: idResult,
    errors: [...errors, 'RPC_CURSOR_INVALID', 'RPC_BLOCK_PRUNED'],
    call: (context, kind, options) => {
      const channel = channelOf(context);
      const { hub } = context.services;
      const from = firstHeight(context, options);
      const tell = kind === 'blocks' ? tellBlock : tellEvents(options);
      return hub.follow(channel, { from, tell });
    },
  }),
  defineMethod({
    name: 'ogpu_unsubscribe',
    summary: 'Ends a subscription.',
    parameters: [id],
    result: { description: 'Whether there was one.', schema: z.boolean() },
    errors: ['RPC_WEBSOCKET_ONLY'],
    call: (context, subscription) => context.services.hub.leave(channelOf(context), subscription),
  }),
];

const EVERYTHING = { addresses: [], topics: [] };

function channelOf({ session }: MethodContext): PushChannel {
  if (session.push !== undefined) return session.push;
  const text = 'notifications not supported: connect by WebSocket';
  throw new RpcError(RPC.methodNotSupported, 'RPC_WEBSOCKET_ONLY', text);
}

function firstHeight({ services }: MethodContext, { cursor }: FollowOptions): number {
  const { chain } = services;
  const next = chain.head.height + 1;
  if (cursor === undefined) return next;
  if (cursor > next) {
    const text = 'the cursor is above the head: not one of this chain';
    throw new RpcError(RPC.invalidParams, 'RPC_CURSOR_INVALID', text, { cursor, head: next - 1 });
  }
  const from = Math.max(cursor, 1);
  if (from < chain.lowestHeight) throw pruned(from, chain.lowestHeight);
  return from;
}

function tellBlock({ header, id: hash, transactionCount }: StoredBlock): string {
  return JSON.stringify({
    cursor: header.height + 1,
    height: header.height,
    id: toHex(hash),
    parentId: toHex(header.parentId),
    timeMs: header.timeMs,
    round: header.round,
    proposer: toChecksumAddress(header.proposer),
    stateRoot: toHex(header.stateRoot),
    transactions: transactionCount,
    gasUsed: header.gasUsed,
    baseFeeWei: header.baseFeeWei.toString(),
  });
}

function tellEvents(
  options: FollowOptions,
): (stored: StoredBlock, receipts: StoredReceipts) => string | undefined {
  const filter = filterOf(options);
  return (stored, receipts) => {
    const found = [...logsOfBlock(receipts)].filter(({ log }) => matches(filter, log));
    if (found.length === 0) return undefined;
    const events = found.map((placed) => ({ phase: placed.section, ...logJson(stored, placed) }));
    return JSON.stringify({ cursor: stored.height + 1, height: stored.height, id: toHex(stored.id), events });
  };
}
