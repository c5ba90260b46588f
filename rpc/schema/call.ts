import { z } from 'zod';
import type { AccountOverride, Message } from '../execution/simulate.js';
import { invalidParams } from '../errors/rpc-error.js';
import { bytesEqual } from '../../protocol/bytes.js';
import { AddressText, Count, Data, Hash, optional, Quantity } from './values.js';

/** Entries of an access list, and storage keys of each. */
const MAX_LIST = 1_000;

/** A transaction to be simulated. Fields that make no difference here are taken and left aside. */
export const CallRequest = z
  .object({
    from: optional(AddressText).describe('Zero address unless given.'),
    to: optional(AddressText).describe('Required: there are no contracts to create yet.'),
    gas: optional(Quantity),
    gasPrice: optional(Quantity),
    maxFeePerGas: optional(Quantity),
    maxPriorityFeePerGas: optional(Quantity),
    value: optional(Quantity),
    data: optional(Data),
    input: optional(Data).describe('The same as data; both must be equal when both are given.'),
    nonce: optional(Quantity).describe('Not looked at.'),
    chainId: optional(Quantity),
    type: optional(Count),
    accessList: optional(
      z.array(z.object({ address: AddressText, storageKeys: z.array(Hash).max(MAX_LIST) })).max(MAX_LIST),
    ),
  })
  .meta({ id: 'CallRequest', description: 'A transaction that need not be signed.' });

export type CallRequest = z.output<typeof CallRequest>;

/** Accounts that one call may override. */
const MAX_OVERRIDES = 256;

/** As in other nodes, for balances and nonces: there is no code and no storage to override. */
export const StateOverrides = z
  .record(
    z.string().regex(/^0x[0-9a-fA-F]{40}$/, 'expected an address'),
    z.strictObject({ balance: Quantity.optional(), nonce: Count.optional() }),
  )
  .refine((overrides) => Object.keys(overrides).length <= MAX_OVERRIDES, 'too many accounts')
  .transform((overrides): readonly AccountOverride[] =>
    Object.entries(overrides).map(([address, { balance, nonce }]) => ({
      address: AddressText.parse(address),
      balanceWei: balance,
      nonce,
    })),
  )
  .meta({ id: 'StateOverrides', description: 'Balances and nonces by address, for this call alone.' });

const NOBODY = new Uint8Array(20);
const NO_DATA = new Uint8Array(0);
const MAX_BALANCE_WEI = 1n << 128n;

/** @throws RpcError RPC_PARAMS_INVALID */
export function messageOf(
  request: CallRequest,
  chainId: number,
  overrides: readonly AccountOverride[] = [],
): Message {
  const { gasPrice, maxFeePerGas, maxPriorityFeePerGas, data, input } = request;
  if (data !== undefined && input !== undefined && !bytesEqual(data, input))
    throw invalidParams('both "data" and "input" are set and not equal; use "input"');
  if (gasPrice !== undefined && (maxFeePerGas !== undefined || maxPriorityFeePerGas !== undefined))
    throw invalidParams('both gasPrice and (maxFeePerGas or maxPriorityFeePerGas) specified');
  if (maxFeePerGas !== undefined && maxPriorityFeePerGas !== undefined && maxFeePerGas < maxPriorityFeePerGas)
    throw invalidParams('maxFeePerGas is below maxPriorityFeePerGas');
  if (request.chainId !== undefined && request.chainId !== BigInt(chainId))
    throw invalidParams(`chainId does not match node's (have=${request.chainId}, want=${chainId})`);
  if (overrides.some(({ balanceWei }) => balanceWei !== undefined && balanceWei >= MAX_BALANCE_WEI))
    throw invalidParams('a balance has at most 128 bits');
  return {
    from: request.from ?? NOBODY,
    to: request.to,
    valueWei: request.value ?? 0n,
    data: input ?? data ?? NO_DATA,
    gasLimit: request.gas,
    feeCapWei: gasPrice ?? maxFeePerGas,
    accessList: request.accessList,
    overrides,
  };
}
