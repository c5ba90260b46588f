import { z } from 'zod';
import { toHex } from '../../protocol/bytes.js';
import { readAccount } from '../../state/accounts/account.js';
import { MODULE_TABLE } from '../../state/modules/index.js';
import { defineMethod, parameter, type RpcMethod } from '../method.js';
import {
  AddressResult,
  AddressText,
  BlockSelector,
  Hash,
  HashText,
  HexText,
  LATEST,
  Quantity,
  quantity,
  QuantityText,
} from '../schema/values.js';
import { then } from '../transport/then.js';

/** In place of a module's code: REVERT with nothing. Wallets take an address with code for a contract. */
export const MODULE_CODE = '0x60006000fd';

const address = parameter('address', AddressText, 'The account.');
const block = parameter('block', BlockSelector.optional(), 'After which block; latest unless given.');
const ZERO_WORD = toHex(new Uint8Array(32));
const pastErrors = ['RPC_BLOCK_UNKNOWN', 'PAST_STATE_PRUNED'];

/** What the state says of accounts. */
export const accountMethods: readonly RpcMethod[] = [
  defineMethod({
    name: 'eth_getBalance',
    summary: 'Balance of an account, in wei.',
    parameters: [address, block],
    result: { description: 'Wei.', schema: QuantityText },
    errors: pastErrors,
    call: ({ services }, account, reference = LATEST) =>
      then(
        services.chain.readState(reference, (view) => readAccount(view, account).balanceWei),
        quantity,
      ),
  }),
  defineMethod({
    name: 'eth_getTransactionCount',
    summary: 'The nonce of the next transaction of an account.',
    description:
      'With pending, what waits in the mempool counts: the first nonce that is missing after the account’s.',
    parameters: [address, block],
    result: { description: 'The nonce.', schema: QuantityText },
    errors: pastErrors,
    call: ({ services }, account, reference = LATEST) => {
      if (reference.kind === 'pending') return quantity(services.backend.pool.pendingNonce(account));
      const nonce = services.chain.readState(reference, (view) => readAccount(view, account).nonce);
      return then(nonce, quantity);
    },
  }),
  defineMethod({
    name: 'eth_getCode',
    summary: 'Code of an account.',
    description: `There is none yet. The addresses of modules answer ${MODULE_CODE}, so that wallets treat them as contracts.`,
    parameters: [address, block],
    result: { description: 'Bytes; 0x for an account without code.', schema: HexText },
    errors: pastErrors,
    call: ({ services }, account, reference = LATEST) => {
      services.chain.requireHeight(reference);
      return MODULE_TABLE.has(toHex(account)) ? MODULE_CODE : '0x';
    },
  }),
  defineMethod({
    name: 'eth_getStorageAt',
    summary: 'Storage of a contract.',
    description: 'There are no contracts yet: always zero. The state of modules is read through their views.',
    parameters: [address, parameter('slot', z.union([Hash, Quantity]), 'Number of the slot.'), block],
    result: { description: 'The word.', schema: HashText },
    errors: pastErrors,
    call: ({ services }, _account, _slot, reference = LATEST) => {
      services.chain.requireHeight(reference);
      return ZERO_WORD;
    },
  }),
  defineMethod({
    name: 'eth_accounts',
    summary: 'Accounts the node signs for: none.',
    parameters: [],
    result: { description: 'Empty: keys stay in wallets.', schema: z.array(AddressResult) },
    call: () => [],
  }),
  defineMethod({
    name: 'eth_coinbase',
    summary: 'The validator this node signs for.',
    parameters: [],
    result: { description: 'Its id; the zero address for a node that only follows.', schema: AddressResult },
    call: ({ services }) => toHex(services.backend.status().validator ?? new Uint8Array(20)),
  }),
];
