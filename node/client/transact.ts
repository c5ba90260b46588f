import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { compileFunction, encodeCall } from '../../protocol/abi/items.js';
import type { AbiValue } from '../../protocol/abi/types.js';
import type { Address } from '../../protocol/address.js';
import { toHex } from '../../protocol/bytes.js';
import { invariant } from '../../protocol/invariant.js';
import { encodeTransaction } from '../../protocol/transactions/encode.js';
import { signTransaction } from '../../protocol/transactions/sign.js';
import { transactionHash } from '../../protocol/transactions/hash.js';
import type { Module } from '../../state/modules/module.js';
import { jobsModule } from '../../state/modules/jobs.js';
import { providersModule } from '../../state/modules/providers.js';
import { sourcesModule } from '../../state/modules/sources.js';
import { stakingModule } from '../../state/modules/staking.js';
import { LatestBlock, Quantity, Receipt } from './answers.js';
import { ClientError } from './errors.js';
import type { RpcClient } from './rpc-client.js';
import type { Wallet } from './wallet.js';

/** What a transaction is to do. */
export interface Intent {
  readonly to: Address;
  readonly valueWei: bigint;
  readonly data: Uint8Array;
}

/** What a transaction has done. */
export interface Outcome {
  readonly hash: string;
  readonly height: number;
  readonly gasUsed: bigint;
  readonly feeWei: bigint;
}

/** A call of the staking module. */
export function stakingIntent(name: string, values: readonly AbiValue[], valueWei = 0n): Intent {
  return intentOf(stakingModule, name, values, valueWei);
}

/** A call of the providers module. */
export function providersIntent(name: string, values: readonly AbiValue[], valueWei = 0n): Intent {
  return intentOf(providersModule, name, values, valueWei);
}

/** A call of the sources module. */
export function sourcesIntent(name: string, values: readonly AbiValue[], valueWei = 0n): Intent {
  return intentOf(sourcesModule, name, values, valueWei);
}

/** A call of the jobs module. */
export function jobsIntent(name: string, values: readonly AbiValue[], valueWei = 0n): Intent {
  return intentOf(jobsModule, name, values, valueWei);
}

function intentOf(module: Module, name: string, values: readonly AbiValue[], valueWei: bigint): Intent {
  const called = module.byName.get(name);
  invariant(called !== undefined, 'the module has this function');
  return { to: module.address, valueWei, data: encodeCall(compileFunction(called.item), values) };
}

/**
 * Signs what is intended, sends it and waits until it is final. It is simulated first, so that what would be undone costs nothing.
 *
 * @param waitMs 0 does not wait: only the hash is known then
 * @throws ClientError CALL_REVERTED | RPC_REFUSED | TRANSACTION_FAILED | TRANSACTION_PENDING, and as calls do
 */
export async function transact(
  rpc: RpcClient,
  wallet: Wallet,
  intent: Intent,
  waitMs: number,
): Promise<Outcome | { readonly hash: string }> {
  const { hash, envelope } = await sign(rpc, wallet, intent);
  await broadcast(rpc, envelope);
  if (waitMs === 0) return { hash };
  return outcomeOf(rpc, wallet, intent, hash, await waitForReceipt(rpc, hash, waitMs));
}

/** Brings a signed transaction to the node. @throws ClientError RPC_REFUSED, and as calls do */
export async function broadcast(rpc: RpcClient, envelope: Uint8Array): Promise<void> {
  await rpc.call('eth_sendRawTransaction', [toHex(envelope)], z.unknown());
}

/** Of a transaction that is final; null of any other. @throws as calls do */
export function receiptOf(rpc: RpcClient, hash: string): Promise<Receipt | null> {
  return rpc.call('eth_getTransactionReceipt', [hash], Receipt.nullable());
}

/** What a final transaction has done. @throws ClientError TRANSACTION_FAILED, and as calls do */
export async function outcomeOf(
  rpc: RpcClient,
  wallet: Wallet,
  intent: Intent,
  hash: string,
  receipt: Receipt,
): Promise<Outcome> {
  const outcome = {
    hash,
    height: Number(receipt.blockNumber),
    gasUsed: receipt.gasUsed,
    feeWei: receipt.gasUsed * receipt.effectiveGasPrice,
  };
  if (receipt.status === 1n) return outcome;
  throw await failure(rpc, wallet, intent, outcome);
}

/** Base fees of the blocks it may have to wait for: each is an eighth above the one before at most. */
const BASE_FEE_HEADROOM = 2n;

export interface Fees {
  readonly maxFeePerGas: bigint;
  readonly maxPriorityFeePerGas: bigint;
}

/** A transaction that is ready to be sent. */
export interface Signed extends Fees {
  readonly envelope: Uint8Array;
  readonly hash: string;
  readonly nonce: bigint;
  readonly gasLimit: bigint;
  readonly chainId: bigint;
}

/** What is paid for gas now, with room for the blocks a transaction may have to wait for. @throws as calls do */
export async function readFees(rpc: RpcClient): Promise<Fees> {
  const [tip, { baseFeePerGas }] = await Promise.all([
    rpc.call('eth_maxPriorityFeePerGas', [], Quantity),
    rpc.call('eth_getBlockByNumber', ['latest', false], LatestBlock),
  ]);
  return { maxFeePerGas: BASE_FEE_HEADROOM * baseFeePerGas + tip, maxPriorityFeePerGas: tip };
}

/** Simulates, and signs with the next nonce that the node knows of. @throws ClientError CALL_REVERTED | RPC_REFUSED, and as calls do */
export async function sign(rpc: RpcClient, wallet: Wallet, intent: Intent): Promise<Signed> {
  const from = toHex(wallet.address);
  const [chainId, nonce, fees] = await Promise.all([
    rpc.call('eth_chainId', [], Quantity),
    rpc.call('eth_getTransactionCount', [from, 'pending'], Quantity),
    readFees(rpc),
  ]);
  const call = { ...callOf(from, intent), maxFeePerGas: quantity(fees.maxFeePerGas) };
  const gasLimit = await rpc.call('eth_estimateGas', [call], Quantity);
  return signAs(wallet, intent, { chainId, nonce, gasLimit, ...fees });
}

/** The same intent with these figures. */
export function signAs(
  { secretKey }: Wallet,
  { to, valueWei, data }: Intent,
  figures: Omit<Signed, 'envelope' | 'hash'>,
): Signed {
  const { chainId, nonce, gasLimit, maxFeePerGas, maxPriorityFeePerGas } = figures;
  const transaction = signTransaction(
    {
      type: 'eip1559',
      ...{ chainId, nonce, gasLimit, maxFeePerGas, maxPriorityFeePerGas },
      ...{ to, value: valueWei, data, accessList: [] },
    },
    secretKey,
  );
  const hash = toHex(transactionHash(transaction));
  return { ...figures, envelope: encodeTransaction(transaction), hash };
}

const FIRST_POLL_MS = 50;
const MAX_POLL_MS = 1_000;

async function waitForReceipt(rpc: RpcClient, hash: string, waitMs: number): Promise<Receipt> {
  const endMs = performance.now() + waitMs;
  for (let pollMs = FIRST_POLL_MS; ; pollMs = Math.min(2 * pollMs, MAX_POLL_MS)) {
    const receipt = await receiptOf(rpc, hash);
    if (receipt !== null) return receipt;
    if (performance.now() + pollMs > endMs) break;
    await delay(pollMs);
  }
  throw new ClientError('TRANSACTION_PENDING', `the transaction is not final after ${waitMs / 1000} s`, {
    hash,
    cure: 'it may still become final: look again with `ogpu tx`; do not send it anew before',
  });
}

/** The state may have changed between the simulation and the block: what the call says now is the best that can be told. */
async function failure(
  rpc: RpcClient,
  { address }: Wallet,
  intent: Intent,
  outcome: Outcome,
): Promise<ClientError> {
  const reason = await rpc.call('eth_call', [callOf(toHex(address), intent), 'latest'], z.unknown()).then(
    () => undefined,
    (error: unknown) => (error instanceof ClientError && error.code === 'CALL_REVERTED' ? error : undefined),
  );
  const { hash, height, feeWei } = outcome;
  const data = { hash, height, feeWei: feeWei.toString(), ...reason?.data };
  const text =
    reason === undefined
      ? 'the transaction was undone; its fee is paid'
      : `the transaction was undone: ${reason.message}`;
  return new ClientError('TRANSACTION_FAILED', text, data);
}

function callOf(from: string, { to, valueWei, data }: Intent): Record<string, string> {
  return { from, to: toHex(to), value: quantity(valueWei), data: toHex(data) };
}

function quantity(value: bigint): string {
  return `0x${value.toString(16)}`;
}
