import { z } from 'zod';
import { toHex } from '../../protocol/bytes.js';
import { readAccount } from '../../state/accounts/account.js';
import type { Reader } from '../../state/store/store.js';
import { ExecutionReverted } from '../errors/rpc-error.js';
import { fundsError, simulate, type Message } from '../execution/simulate.js';
import { defineMethod, parameter, type MethodContext, type RpcMethod } from '../method.js';
import { CallRequest, messageOf, StateOverrides } from '../schema/call.js';
import {
  BlockSelector,
  HexText,
  LATEST,
  quantity,
  QuantityText,
  type BlockReference,
} from '../schema/values.js';
import { AccessListShape } from '../shapes/transaction.js';
import { then } from '../transport/then.js';

const request = parameter('transaction', CallRequest, 'What to simulate.');
const block = parameter(
  'block',
  BlockSelector.optional(),
  'On the state after which block, as if in the next one; latest unless given.',
);
const overrides = parameter('overrides', StateOverrides.optional(), 'Balances and nonces to assume.');
const errors = [
  'RPC_BLOCK_UNKNOWN',
  'RPC_CREATION_UNSUPPORTED',
  'RPC_FUNDS',
  'RPC_GAS_EXCEEDED',
  'PAST_STATE_PRUNED',
  'PAST_STATE_TOO_MANY_KEYS',
];

const AccessListAnswer = z.strictObject({
  accessList: AccessListShape,
  gasUsed: QuantityText,
  error: z.string().optional(),
});

/** What transactions would do. */
export const executionMethods: readonly RpcMethod[] = [
  defineMethod({
    name: 'eth_call',
    summary: 'Result of a call that nobody sends.',
    description:
      'Runs as in the block after the given one. Time in it is now for latest and pending, and one millisecond after the block for others. A revert is error 3 with its data.',
    isHeavy: true,
    parameters: [request, block, overrides],
    result: { description: 'What the call returns; 0x for a plain account.', schema: HexText },
    errors,
    call: (context, transaction, reference = LATEST, accounts = []) => {
      const message = messageOf(transaction, context.services.chain.chainId, accounts);
      const outcome = run(context, reference, (view, nowMs) => simulate(view, message, nowMs));
      return then(outcome, ({ output }) => toHex(output));
    },
  }),
  defineMethod({
    name: 'eth_estimateGas',
    summary: 'Gas that a transaction will use.',
    description: 'Exact: gas does not depend on the state. It fails as the transaction would.',
    isHeavy: true,
    parameters: [request, block, overrides],
    result: { description: 'Gas.', schema: QuantityText },
    errors,
    call: (context, transaction, reference = LATEST, accounts = []) => {
      const message = messageOf(transaction, context.services.chain.chainId, accounts);
      return then(
        run(context, reference, (view, nowMs) => estimate(view, message, nowMs)),
        quantity,
      );
    },
  }),
  defineMethod({
    name: 'eth_createAccessList',
    summary: 'The access list that would save gas: an empty one, for none does here.',
    isHeavy: true,
    parameters: [request, block],
    result: { description: 'With gasUsed, and error where the call reverts.', schema: AccessListAnswer },
    errors,
    call: (context, transaction, reference = LATEST) => {
      const message = messageOf(transaction, context.services.chain.chainId);
      return run(context, reference, (view, nowMs) => accessList(view, message, nowMs));
    },
  }),
];

/** The present for the present, and the past as it was. */
function run<Result>(
  { services, deadline }: MethodContext,
  reference: BlockReference,
  read: (view: Reader, nowMs: number) => Result,
): Result | Promise<Result> {
  const nowMs = reference.kind === 'latest' || reference.kind === 'pending' ? services.backend.nowMs() : 0;
  return services.chain.readState(reference, (view) => {
    deadline.check();
    return read(view, nowMs);
  });
}

/** A limit that is named is only a bound: what is used does not depend on it. */
function estimate(view: Reader, message: Message, nowMs: number): number {
  const { gasUsed } = simulate(view, { ...message, feeCapWei: undefined }, nowMs);
  const { feeCapWei = 0n, valueWei, from, overrides: accounts } = message;
  const overridden = accounts.find(({ address }) => toHex(address) === toHex(from))?.balanceWei;
  const balanceWei = overridden ?? readAccount(view, from).balanceWei;
  const requiredWei = BigInt(gasUsed) * feeCapWei + valueWei;
  if (requiredWei > balanceWei) throw fundsError(balanceWei, requiredWei);
  return gasUsed;
}

function accessList(view: Reader, message: Message, nowMs: number): z.input<typeof AccessListAnswer> {
  try {
    return { accessList: [], gasUsed: quantity(estimate(view, message, nowMs)) };
  } catch (error) {
    if (!(error instanceof ExecutionReverted)) throw error;
    return { accessList: [], gasUsed: '0x0', error: error.message };
  }
}
