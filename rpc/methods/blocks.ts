import { z } from 'zod';
import { RPC } from '../errors/codes.js';
import { RpcError } from '../errors/rpc-error.js';
import { defineMethod, parameter, RawJson, type MethodContext, type RpcMethod } from '../method.js';
import {
  BlockNumberOrTag,
  BlockSelector,
  Hash,
  quantity,
  QuantityText,
  type BlockReference,
} from '../schema/values.js';
import type { StoredBlock } from '../chain/stored-block.js';
import { blockJson, BlockShape, genesisJson } from '../shapes/block.js';
import { receiptJson, ReceiptShape } from '../shapes/receipt.js';

const number = parameter('block', BlockNumberOrTag, 'Number or tag.');
const hash = parameter('blockHash', Hash, 'Id of the block.');
const full = parameter(
  'full',
  z.boolean().optional().default(false),
  'Whole transactions instead of their hashes.',
);
const nullable = 'null for a block that does not exist.';
const errors = ['RPC_BLOCK_PRUNED'];

/** Final blocks. */
export const blockMethods: readonly RpcMethod[] = [
  defineMethod({
    name: 'eth_blockNumber',
    summary: 'Height of the last final block.',
    parameters: [],
    result: { description: 'Its number.', schema: QuantityText },
    call: ({ services }) => quantity(services.chain.head.height),
  }),
  defineMethod({
    name: 'eth_getBlockByNumber',
    summary: 'A block by its number or a tag.',
    description: 'There is no block in the making to show: pending is the last final block.',
    parameters: [number, full],
    result: { description: `The block; ${nullable}`, schema: BlockShape.nullable() },
    errors,
    call: (context, reference, isFull) => answerBlock(context, reference, isFull),
  }),
  defineMethod({
    name: 'eth_getBlockByHash',
    summary: 'A block by its hash.',
    parameters: [hash, full],
    result: { description: `The block; ${nullable}`, schema: BlockShape.nullable() },
    errors,
    call: (context, id, isFull) => answerBlock(context, { kind: 'hash', hash: id }, isFull),
  }),
  defineMethod({
    name: 'eth_getBlockTransactionCountByNumber',
    summary: 'How many transactions a block has.',
    parameters: [number],
    result: { description: nullable, schema: QuantityText.nullable() },
    errors,
    call: (context, reference) => countTransactions(context, reference),
  }),
  defineMethod({
    name: 'eth_getBlockTransactionCountByHash',
    summary: 'How many transactions a block has.',
    parameters: [hash],
    result: { description: nullable, schema: QuantityText.nullable() },
    errors,
    call: (context, id) => countTransactions(context, { kind: 'hash', hash: id }),
  }),
  defineMethod({
    name: 'eth_getUncleCountByBlockNumber',
    summary: 'Uncles of a block: none.',
    parameters: [number],
    result: { description: nullable, schema: QuantityText.nullable() },
    call: ({ services }, reference) => (services.chain.heightOf(reference) === undefined ? null : '0x0'),
  }),
  defineMethod({
    name: 'eth_getUncleCountByBlockHash',
    summary: 'Uncles of a block: none.',
    parameters: [hash],
    result: { description: nullable, schema: QuantityText.nullable() },
    call: ({ services }, id) =>
      services.chain.heightOf({ kind: 'hash', hash: id }) === undefined ? null : '0x0',
  }),
  defineMethod({
    name: 'eth_getBlockReceipts',
    summary: 'Receipts of all transactions of a block.',
    description: 'Logs of the system phases are in no receipt; eth_getLogs has them.',
    isHeavy: true,
    parameters: [parameter('block', BlockSelector, 'Number, tag or hash.')],
    result: { description: nullable, schema: z.array(ReceiptShape).nullable() },
    errors,
    call: async ({ services, deadline }, reference) => {
      const height = services.chain.heightOf(reference);
      if (height === undefined) return null;
      if (height === 0) return [];
      const stored = await findBlock(services.chain, height);
      const receipts = await services.chain.receipts(height, deadline);
      if (receipts === undefined) throw pruned(height, services.chain.lowestHeight);
      const answers: unknown[] = [];
      for (let index = 0; index < stored.transactionCount; index++) {
        answers.push(receiptJson(stored, receipts, index));
        await deadline.slice();
      }
      return answers;
    },
  }),
];

/** Final blocks do not change: an answer is kept as text. */
function answerBlock(context: MethodContext, reference: BlockReference, isFull: boolean): unknown {
  const { chain, answers } = context.services;
  const height = chain.heightOf(reference);
  if (height === undefined) return null;
  if (height === 0) return genesisJson(chain);
  const key = `${height}${isFull ? ' full' : ''}`;
  const known = answers.get(key);
  if (known !== undefined) return new RawJson(known);
  const make = async (): Promise<RawJson> => {
    const stored = await findBlock(chain, height);
    const text = JSON.stringify(await blockJson(stored, isFull, context.deadline));
    answers.set(key, text, text.length);
    return new RawJson(text);
  };
  return make();
}

function countTransactions(
  { services }: MethodContext,
  reference: BlockReference,
): string | null | Promise<string> {
  const height = services.chain.heightOf(reference);
  if (height === undefined) return null;
  if (height === 0) return '0x0';
  return findBlock(services.chain, height).then(({ transactionCount }) => quantity(transactionCount));
}

/** @throws RpcError RPC_BLOCK_PRUNED */
export async function findBlock(
  chain: MethodContext['services']['chain'],
  height: number,
): Promise<StoredBlock> {
  const stored = await chain.block(height);
  if (stored === undefined) throw pruned(height, chain.lowestHeight);
  return stored;
}

export function pruned(height: number, lowestHeight: number): RpcError {
  const text = `block ${height} is not available: this node keeps blocks from ${lowestHeight} on`;
  return new RpcError(RPC.resourceNotFound, 'RPC_BLOCK_PRUNED', text, { height, lowest: lowestHeight });
}
