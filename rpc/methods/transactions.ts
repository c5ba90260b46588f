import { z } from 'zod';
import { toHex } from '../../protocol/bytes.js';
import { keccak256 } from '../../protocol/crypto/hash.js';
import { OgpuError } from '../../protocol/errors.js';
import { RPC } from '../errors/codes.js';
import { RpcError, SyncSendError } from '../errors/rpc-error.js';
import { defineMethod, parameter, type MethodContext, type RpcMethod } from '../method.js';
import {
  BlockNumberOrTag,
  Count,
  Data,
  Hash,
  HashText,
  HexText,
  type BlockReference,
} from '../schema/values.js';
import { receiptJson, ReceiptShape, type ReceiptJson } from '../shapes/receipt.js';
import { minedTransaction, pooledTransaction, TransactionShape } from '../shapes/transaction.js';
import { findBlock, pruned } from './blocks.js';

const transactionHash = parameter('hash', Hash, 'Hash of the transaction.');
const envelope = parameter('data', Data, 'The signed envelope.');
const index = parameter('index', Count, 'Place in the block, from 0.');
const transactionResult = {
  description: 'null for one that is not there.',
  schema: TransactionShape.nullable(),
};
const refusals = ['TX_NONCE_TOO_LOW', 'TX_INSUFFICIENT_FUNDS', 'MEMPOOL_KNOWN', 'MEMPOOL_UNDERPRICED'];

/** Sending transactions, and finding them. */
export const transactionMethods: readonly RpcMethod[] = [
  defineMethod({
    name: 'eth_sendRawTransaction',
    summary: 'Sends a signed transaction.',
    description:
      'Refusals have the texts of go-ethereum, and in data a typed code with what to change: docs/mempool.md has them all.',
    parameters: [envelope],
    result: { description: 'Its hash.', schema: HashText },
    errors: refusals,
    call: async ({ services }, bytes) => toHex(await services.backend.submit(bytes)),
  }),
  defineMethod({
    name: 'eth_sendRawTransactionSync',
    summary: 'Sends a signed transaction and waits for its receipt (EIP-7966).',
    description:
      'A time beyond what the node allows is not an error: the node’s own is taken, as EIP-7966 says. One that is known already is waited for, and of one that is final there is the receipt at once.',
    parameters: [
      envelope,
      parameter(
        'timeout',
        z.union([z.int().min(0).max(Number.MAX_SAFE_INTEGER), Count]).optional(),
        'Longest wait in ms, as a number or a quantity.',
      ),
    ],
    result: { description: 'The receipt.', schema: ReceiptShape },
    errors: [...refusals, 'RPC_BUSY'],
    call: (context, bytes, timeoutMs) => sendAndWait(context, bytes, timeoutMs),
  }),
  defineMethod({
    name: 'eth_getTransactionByHash',
    summary: 'A transaction, final or in the mempool.',
    parameters: [transactionHash],
    result: transactionResult,
    call: async ({ services }, hash) => {
      const place = services.chain.placeOf(hash);
      if (place === undefined) {
        const pooled = services.backend.pool.get(hash);
        return pooled === undefined ? null : pooledTransaction(pooled);
      }
      return minedTransaction(await findBlock(services.chain, place.height), place.index);
    },
  }),
  defineMethod({
    name: 'eth_getTransactionByBlockNumberAndIndex',
    summary: 'A transaction by its place in a block.',
    parameters: [parameter('block', BlockNumberOrTag, 'Number or tag.'), index],
    result: transactionResult,
    errors: ['RPC_BLOCK_PRUNED'],
    call: (context, reference, at) => transactionAt(context, reference, at),
  }),
  defineMethod({
    name: 'eth_getTransactionByBlockHashAndIndex',
    summary: 'A transaction by its place in a block.',
    parameters: [parameter('blockHash', Hash, 'Id of the block.'), index],
    result: transactionResult,
    errors: ['RPC_BLOCK_PRUNED'],
    call: (context, hash, at) => transactionAt(context, { kind: 'hash', hash }, at),
  }),
  defineMethod({
    name: 'eth_getRawTransactionByHash',
    summary: 'The envelope of a transaction, final or in the mempool.',
    parameters: [transactionHash],
    result: { description: 'null for one that is not there.', schema: HexText.nullable() },
    call: async ({ services }, hash) => {
      const place = services.chain.placeOf(hash);
      if (place !== undefined)
        return toHex((await findBlock(services.chain, place.height)).envelope(place.index));
      const pooled = services.backend.pool.get(hash);
      return pooled === undefined ? null : toHex(pooled.bytes);
    },
  }),
  defineMethod({
    name: 'eth_getTransactionReceipt',
    summary: 'What a transaction has done.',
    description: 'A receipt is final: there is nothing to wait for.',
    parameters: [transactionHash],
    result: { description: 'null while it is in no block.', schema: ReceiptShape.nullable() },
    call: async (context, hash) => (await findReceipt(context, hash)) ?? null,
  }),
];

async function transactionAt(
  { services }: MethodContext,
  reference: BlockReference,
  at: number,
): Promise<unknown> {
  const height = services.chain.heightOf(reference);
  if (height === undefined || height === 0) return null;
  const stored = await findBlock(services.chain, height);
  return at < stored.transactionCount ? minedTransaction(stored, at) : null;
}

async function findReceipt(
  { services, deadline }: MethodContext,
  hash: Uint8Array,
): Promise<ReceiptJson | undefined> {
  const { chain } = services;
  const place = chain.placeOf(hash);
  if (place === undefined) return undefined;
  const stored = await findBlock(chain, place.height);
  const receipts = await chain.receipts(place.height, deadline);
  if (receipts === undefined) throw pruned(place.height, chain.lowestHeight);
  return receiptJson(stored, receipts, place.index);
}

async function sendAndWait(
  context: MethodContext,
  bytes: Uint8Array,
  timeoutMs: number | undefined,
): Promise<ReceiptJson> {
  const { backend, news, limits } = context.services;
  if (news.waiting >= limits.maxSyncWaiting) {
    const text = 'too many wait for receipts: send without waiting';
    throw new RpcError(RPC.limitExceeded, 'RPC_BUSY', text, { maxWaiting: limits.maxSyncWaiting });
  }
  const isUsable = timeoutMs !== undefined && timeoutMs > 0 && timeoutMs <= limits.maxSyncWaitMs;
  const waitMs = isUsable ? timeoutMs : limits.syncWaitMs;
  const done = await findReceipt(context, keccak256(bytes));
  if (done !== undefined) return done;
  const hash = await submitOrKnown(context, bytes);
  const pooled = backend.pool.get(hash);
  const isReady =
    pooled === undefined ||
    backend.pool.contentOf(pooled.sender).pending.some((each) => toHex(each.hash) === toHex(hash));
  if (!isReady) {
    const text =
      'the transaction is in the mempool, but an earlier nonce or money is missing: it cannot be included yet';
    throw new SyncSendError(RPC.notReady, text, hash);
  }
  const found = await waitForReceipt(context, hash, waitMs);
  if (found !== undefined) return found;
  const text = `the transaction was added to the mempool but was not included within ${waitMs} ms`;
  throw new SyncSendError(RPC.waitTimedOut, text, hash);
}

/** The wait begins before the look: what becomes final in between is not missed. */
async function waitForReceipt(
  context: MethodContext,
  hash: Uint8Array,
  waitMs: number,
): Promise<ReceiptJson | undefined> {
  const expectation = context.services.news.expect(hash, waitMs);
  try {
    const found = await findReceipt(context, hash);
    if (found !== undefined) return found;
    return (await expectation.isFinal) ? await findReceipt(context, hash) : undefined;
  } finally {
    expectation.cancel();
  }
}

/** @returns the hash; of one that is in the pool already too: sending twice is sending once */
async function submitOrKnown({ services }: MethodContext, bytes: Uint8Array): Promise<Uint8Array> {
  try {
    return await services.backend.submit(bytes);
  } catch (error) {
    const hash =
      error instanceof OgpuError && error.code === 'MEMPOOL_KNOWN' ? error.data['hash'] : undefined;
    if (typeof hash !== 'string') throw error;
    return Hash.parse(hash);
  }
}
