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
  const hash = await submit(rpc, wallet, intent);
  return waitMs === 0 ? { hash } : settle(rpc, wallet, intent, hash, waitMs);
}

/** Simulates, signs and sends. One after the other for one wallet: each takes the next nonce. @returns the hash. Throws as `transact` */
export async function submit(rpc: RpcClient, wallet: Wallet, intent: Intent): Promise<string> {
  const { envelope, hash } = await sign(rpc, wallet, intent);
  await rpc.call('eth_sendRawTransaction', [toHex(envelope)], z.unknown());
  return hash;
}

/** Waits until what was sent is final. @throws ClientError TRANSACTION_FAILED | TRANSACTION_PENDING, and as calls do */
export async function settle(
  rpc: RpcClient,
  wallet: Wallet,
  intent: Intent,
  hash: string,
  waitMs: number,
): Promise<Outcome> {
  const receipt = await waitForReceipt(rpc, hash, waitMs);
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

async function sign(
  rpc: RpcClient,
  { address, secretKey }: Wallet,
  intent: Intent,
): Promise<{ readonly envelope: Uint8Array; readonly hash: string }> {
  const from = toHex(address);
  const [chainId, nonce, tip, { baseFeePerGas }] = await Promise.all([
    rpc.call('eth_chainId', [], Quantity),
    rpc.call('eth_getTransactionCount', [from, 'pending'], Quantity),
    rpc.call('eth_maxPriorityFeePerGas', [], Quantity),
    rpc.call('eth_getBlockByNumber', ['latest', false], LatestBlock),
  ]);
  const maxFeePerGas = BASE_FEE_HEADROOM * baseFeePerGas + tip;
  const gasLimit = await rpc.call(
    'eth_estimateGas',
    [{ ...callOf(from, intent), maxFeePerGas: quantity(maxFeePerGas) }],
    Quantity,
  );
  const transaction = signTransaction(
    {
      type: 'eip1559',
      ...{ chainId, nonce, gasLimit, maxFeePerGas, maxPriorityFeePerGas: tip },
      ...{ to: intent.to, value: intent.valueWei, data: intent.data, accessList: [] },
    },
    secretKey,
  );
  return { envelope: encodeTransaction(transaction), hash: toHex(transactionHash(transaction)) };
}

const FIRST_POLL_MS = 50;
const MAX_POLL_MS = 1_000;

async function waitForReceipt(rpc: RpcClient, hash: string, waitMs: number): Promise<Receipt> {
  const endMs = performance.now() + waitMs;
  for (let pollMs = FIRST_POLL_MS; ; pollMs = Math.min(2 * pollMs, MAX_POLL_MS)) {
    const receipt = await rpc.call('eth_getTransactionReceipt', [hash], Receipt.nullable());
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
