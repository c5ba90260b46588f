import { z } from 'zod';
import type { ChainReader } from '../chain/chain-reader.js';
import { invalidParams } from '../errors/rpc-error.js';
import type { LogFilter } from '../logs/log-filter.js';
import type { LogQuery } from '../logs/find-logs.js';
import { AddressText, BlockNumberOrTag, Hash, LATEST, optional } from './values.js';

/** Alternatives of one criterion. */
const MAX_ALTERNATIVES = 1_000;

const Addresses = z
  .union([AddressText.transform((address) => [address]), z.array(AddressText).max(MAX_ALTERNATIVES)], {
    error: `expected an address, or up to ${MAX_ALTERNATIVES} of them`,
  })
  .nullish()
  .transform((addresses) => addresses ?? []);

const TopicChoice = z
  .union(
    [
      z.null().transform((): Uint8Array[] => []),
      Hash.transform((topic) => [topic]),
      z.array(Hash).max(MAX_ALTERNATIVES),
    ],
    { error: 'expected null, a topic, or a list of topics' },
  )
  .describe('null for any; a topic; any of several.');

const Topics = z
  .array(TopicChoice)
  .max(4)
  .nullish()
  .transform((topics) => topics ?? []);

/** Which logs, wherever they are. */
export const LogCriteria = z
  .object({ address: Addresses, topics: Topics })
  .meta({ id: 'LogCriteria', description: 'Logs by emitter and topics.' });

/** Which logs of which blocks. */
export const LogRequest = z
  .object({
    address: Addresses,
    topics: Topics,
    fromBlock: optional(BlockNumberOrTag).describe('latest unless given.'),
    toBlock: optional(BlockNumberOrTag).describe('latest unless given.'),
    blockHash: optional(Hash).describe('In place of a range: one block.'),
  })
  .meta({ id: 'LogFilter', description: 'Logs by emitter and topics in a range of blocks.' });

export type LogRequest = z.output<typeof LogRequest>;

export function filterOf({ address, topics }: z.output<typeof LogCriteria>): LogFilter {
  return { addresses: address, topics };
}

/**
 * The range a request means, cut at the head.
 *
 * @returns undefined where it is above the head altogether
 * @throws RpcError RPC_PARAMS_INVALID | RPC_BLOCK_UNKNOWN
 */
export function queryOf(chain: ChainReader, request: LogRequest): LogQuery | undefined {
  const filter = filterOf(request);
  const { fromBlock, toBlock, blockHash } = request;
  if (blockHash !== undefined) {
    if (fromBlock !== undefined || toBlock !== undefined)
      throw invalidParams('cannot specify both blockHash and fromBlock/toBlock, choose one or the other');
    const height = chain.requireHeight({ kind: 'hash', hash: blockHash });
    return { filter, from: Math.max(height, 1), to: height };
  }
  const head = chain.head.height;
  const heightOf = (reference: LogRequest['fromBlock']): number =>
    reference?.kind === 'height' ? reference.height : (chain.heightOf(reference ?? LATEST) ?? head);
  const [from, to] = [heightOf(fromBlock), heightOf(toBlock)];
  if (from > to) throw invalidParams('invalid block range params: fromBlock is above toBlock');
  // The genesis is no block and has no logs.
  return from > head ? undefined : { filter, from: Math.max(from, 1), to: Math.min(to, head) };
}
