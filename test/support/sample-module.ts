import type { AbiParameter, AbiValue } from '../../protocol/abi/types.js';
import { addToPool, poolBalanceWei, takeFromPool } from '../../state/accounts/pools.js';
import { credit } from '../../state/accounts/account.js';
import { defineError, defineEvent } from '../../state/modules/interface.js';
import { defineModule, Revert, type ModuleFunction } from '../../state/modules/module.js';

/** A tuple with a tuple in it. */
const entry = (name: string, brackets: '' | '[]'): AbiParameter => ({
  name,
  type: `tuple${brackets}`,
  internalType: `struct ISample.Entry${brackets}`,
  components: [
    { name: 'text', type: 'string' },
    {
      name: 'weight',
      type: 'tuple',
      internalType: 'struct ISample.Weight',
      components: [
        { name: 'units', type: 'uint16' },
        { name: 'bias', type: 'int8' },
      ],
    },
  ],
});

const DEPOSITED = defineEvent('Deposited', 'Somebody deposited; amounts are in wei.', [
  { name: 'sender', type: 'address', indexed: true },
  { name: 'memo', type: 'string', indexed: true },
  { name: 'amountWei', type: 'uint256' },
]);
const ECHOED = defineEvent('Echoed', 'Somebody heard an echo.', [
  { name: 'raw', type: 'bytes', indexed: true },
  { name: 'offset', type: 'int64', indexed: true },
  { name: 'isUrgent', type: 'bool', indexed: true },
  entry('entries', '[]'),
  { name: 'keys', type: 'bytes32[2]' },
]);
const NUDGED = defineEvent('Nudged', 'Somebody looked whether anybody is there.', []);

const INSUFFICIENT_DEPOSIT = defineError('InsufficientDeposit', 'Less is deposited; amounts are in wei.', [
  { name: 'requiredWei', type: 'uint256' },
  { name: 'availableWei', type: 'uint256' },
]);
const REJECTED = defineError('Rejected', 'An entry has no text.', [
  entry('first', ''),
  entry('entries', '[]'),
  { name: 'proofs', type: 'bytes[]' },
]);

const deposit: ModuleFunction = {
  item: {
    type: 'function',
    name: 'deposit',
    inputs: [{ name: 'memo', type: 'string' }],
    outputs: [{ name: 'totalWei', type: 'uint256' }],
    stateMutability: 'payable',
  },
  notice: 'Deposits the value of the call; returns what is deposited in all, in wei.',
  gas: 10_000,
  run: ({ state, caller, valueWei, emit }, [memo = '']) => {
    addToPool(state, 'verifierPool', valueWei);
    emit(DEPOSITED, [caller, memo, valueWei]);
    return [poolBalanceWei(state, 'verifierPool')];
  },
};

const withdraw: ModuleFunction = {
  item: {
    type: 'function',
    name: 'withdraw',
    inputs: [
      { name: 'receiver', type: 'address' },
      { name: 'amountWei', type: 'uint256' },
    ],
    outputs: [],
    stateMutability: 'nonpayable',
  },
  notice: 'Gives what is deposited to anybody, in wei.',
  gas: 10_000,
  run: ({ state }, [receiver, amountWei]) => {
    const availableWei = poolBalanceWei(state, 'verifierPool');
    if (!(receiver instanceof Uint8Array) || typeof amountWei !== 'bigint') return [];
    if (amountWei > availableWei) throw new Revert(INSUFFICIENT_DEPOSIT, [amountWei, availableWei]);
    takeFromPool(state, 'verifierPool', amountWei);
    credit(state, receiver, amountWei);
    return [];
  },
};

const echo: ModuleFunction = {
  item: {
    type: 'function',
    name: 'echo',
    inputs: [
      entry('entries', '[]'),
      { name: 'keys', type: 'bytes32[2]' },
      { name: 'offset', type: 'int64' },
      { name: 'isUrgent', type: 'bool' },
      { name: 'raw', type: 'bytes' },
    ],
    outputs: [entry('copies', '[]'), entry('first', ''), { name: 'chunks', type: 'bytes[]' }],
    stateMutability: 'nonpayable',
  },
  notice: 'Returns and logs its arguments.',
  gas: 20_000,
  run: ({ emit }, [entries = [], keys = [], offset = 0n, isUrgent = false, raw = '']) => {
    const [first = ['', [0n, 0n]]] = entries as readonly (readonly AbiValue[])[];
    if (first[0] === '') throw new Revert(REJECTED, [first, entries, [raw]]);
    emit(ECHOED, [raw, offset, isUrgent, entries, keys]);
    return [entries, first, [raw, raw]];
  },
};

const nudge: ModuleFunction = {
  item: { type: 'function', name: 'nudge', inputs: [], outputs: [], stateMutability: 'nonpayable' },
  notice: 'Does nothing but log.',
  gas: 1_000,
  run: ({ emit }) => {
    emit(NUDGED, []);
    return [];
  },
};

const total: ModuleFunction = {
  item: {
    type: 'function',
    name: 'total',
    inputs: [],
    outputs: [{ name: 'totalWei', type: 'uint256' }],
    stateMutability: 'view',
  },
  notice: 'What is deposited in all, in wei.',
  gas: 1_000,
  run: ({ state }) => [poolBalanceWei(state, 'verifierPool')],
};

const latest: ModuleFunction = {
  item: {
    type: 'function',
    name: 'latest',
    inputs: [],
    outputs: [entry('entry', '')],
    stateMutability: 'view',
  },
  notice: 'Always the same entry.',
  gas: 1_000,
  run: () => [['first', [1n, -1n]]],
};

/** Not of any chain: has every shape that an interface may have. */
export const SAMPLE_MODULE = defineModule({
  name: 'sample',
  address: new Uint8Array(20).fill(0x0f),
  functions: [deposit, withdraw, echo, nudge, total, latest],
  events: [DEPOSITED, ECHOED, NUDGED],
  errors: [INSUFFICIENT_DEPOSIT, REJECTED],
});
