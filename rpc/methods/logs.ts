import { z } from 'zod';
import { toHex } from '../../protocol/bytes.js';
import { findLogs, type LogQuery } from '../logs/find-logs.js';
import { defineMethod, parameter, RawJson, type MethodContext, type RpcMethod } from '../method.js';
import { LogRequest, queryOf } from '../schema/logs.js';
import { HashText } from '../schema/values.js';
import { LogShape } from '../shapes/log.js';
import { pruned } from './blocks.js';

const filterId = parameter('filter', z.string().max(66), 'Id of the filter.');
const request = parameter('filter', LogRequest, 'Which logs.');
const idResult = { description: 'Its id.', schema: z.string().regex(/^0x[0-9a-f]{32}$/) };
const searchErrors = ['RPC_BLOCK_PRUNED', 'RPC_BLOCK_UNKNOWN', 'RPC_LOG_RANGE', 'RPC_TOO_MANY_LOGS'];
const forgotten =
  'A filter that nobody asks for is forgotten after five minutes, and with a restart of the node.';

/** Events, by asking. */
export const logMethods: readonly RpcMethod[] = [
  defineMethod({
    name: 'eth_getLogs',
    summary: 'Events by emitter, topics and range of blocks.',
    description:
      'Those of the system phases too: rewards, unbonding, slashes, epochs. Their transactionHash is the hash of the block. A range that ends above the head ends at it. An answer that would be too large is refused, with a range that would do.',
    isHeavy: true,
    parameters: [request],
    result: { description: 'In the order of the chain.', schema: z.array(LogShape) },
    errors: searchErrors,
    call: (context, wanted) => getLogs(context, wanted),
    known: (context, wanted) => knownLogs(context, wanted),
  }),
  defineMethod({
    name: 'eth_newFilter',
    summary: 'Begins to collect events for eth_getFilterChanges.',
    description: forgotten,
    parameters: [request],
    result: idResult,
    errors: ['RPC_TOO_MANY_FILTERS'],
    call: ({ services }, wanted) => services.filters.addLogs(wanted),
  }),
  defineMethod({
    name: 'eth_newBlockFilter',
    summary: 'Begins to collect block hashes for eth_getFilterChanges.',
    description: forgotten,
    parameters: [],
    result: idResult,
    errors: ['RPC_TOO_MANY_FILTERS'],
    call: ({ services }) => services.filters.addBlocks(),
  }),
  defineMethod({
    name: 'eth_newPendingTransactionFilter',
    summary: 'Begins to collect hashes of new transactions for eth_getFilterChanges.',
    description: forgotten,
    parameters: [],
    result: idResult,
    errors: ['RPC_TOO_MANY_FILTERS'],
    call: ({ services }) => services.filters.addPending(),
  }),
  defineMethod({
    name: 'eth_getFilterChanges',
    summary: 'What a filter has collected since it was last asked.',
    description: 'As much as fits into one answer; ask again for the rest.',
    isHeavy: true,
    parameters: [filterId],
    result: { description: 'Logs, or hashes.', schema: z.union([z.array(LogShape), z.array(HashText)]) },
    errors: ['RPC_FILTER_UNKNOWN'],
    call: ({ services, deadline }, id) => services.filters.changes(id, deadline),
  }),
  defineMethod({
    name: 'eth_getFilterLogs',
    summary: 'All events of a filter for logs, as eth_getLogs.',
    isHeavy: true,
    parameters: [filterId],
    result: { description: 'In the order of the chain.', schema: z.array(LogShape) },
    errors: ['RPC_FILTER_UNKNOWN', ...searchErrors],
    call: (context, id) => getLogs(context, context.services.filters.requestOf(id)),
  }),
  defineMethod({
    name: 'eth_uninstallFilter',
    summary: 'Forgets a filter.',
    parameters: [filterId],
    result: { description: 'Whether there was one.', schema: z.boolean() },
    call: ({ services }, id) => services.filters.remove(id),
  }),
];

async function getLogs({ services, deadline }: MethodContext, wanted: LogRequest): Promise<RawJson> {
  const { chain, limits, answers } = services;
  const query = queryOf(chain, wanted);
  if (query === undefined || query.from > query.to) return NO_LOGS;
  if (query.from < chain.lowestHeight) throw pruned(query.from, chain.lowestHeight);
  const { logs } = await findLogs(chain, query, { ...limits, isPartial: false }, deadline);
  // What was dropped while it was read is not there, and must not look as if it had never been.
  if (query.from < chain.lowestHeight) throw pruned(query.from, chain.lowestHeight);
  const text = JSON.stringify(logs);
  const key = answerKey(query);
  answers.set(key, text, key.length + text.length);
  return new RawJson(text);
}

/** Final blocks do not change: nor do the logs of some of them. */
function knownLogs({ services: { chain, answers } }: MethodContext, wanted: LogRequest): RawJson | undefined {
  const query = queryOf(chain, wanted);
  if (query === undefined || query.from < chain.lowestHeight) return undefined;
  const text = answers.get(answerKey(query));
  return text === undefined ? undefined : new RawJson(text);
}

const NO_LOGS = new RawJson('[]');

function answerKey({ filter: { addresses, topics }, from, to }: LogQuery): string {
  const criteria = [addresses, ...topics].map((choices) => choices.map(toHex).join());
  return `logs ${from} ${to} ${criteria.join(' ')}`;
}
