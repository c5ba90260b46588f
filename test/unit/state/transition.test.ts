import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { decodeErrorResult, type Abi } from 'viem';
import { encodeCall, compileFunction } from '../../../protocol/abi/items.js';
import type { AbiFunction } from '../../../protocol/abi/types.js';
import { WEI_PER_OGPU } from '../../../protocol/amounts.js';
import { toHex } from '../../../protocol/bytes.js';
import type { Transaction } from '../../../protocol/transactions/types.js';
import { AccountError, decodeAccount, encodeAccount, readAccount } from '../../../state/accounts/account.js';
import { addToPool, poolBalanceWei } from '../../../state/accounts/pools.js';
import { defineError, defineEvent, interfaceOf } from '../../../state/modules/interface.js';
import { defineModule, Revert, type ModuleFunction } from '../../../state/modules/module.js';
import { Overlay } from '../../../state/store/overlay.js';
import { progressRecord } from '../../../state/system/chain.js';
import { AdmissionError } from '../../../state/transition/admission.js';
import type { ModuleTable } from '../../../state/modules/index.js';
import { executeTransaction } from '../../../state/transition/execute-transaction.js';
import { BlockInvalidError, transition } from '../../../state/transition/transition.js';
import {
  blockContext,
  genesisValidator,
  GWEI,
  nextInput,
  TestLedger,
  TIP_RECIPIENT,
  transferFrom,
} from '../../support/ledger.js';
import { createPrng } from '../../support/prng.js';

const ALICE = new Uint8Array(20).fill(0xa1);
const BOB = new Uint8Array(20).fill(0xb0);
const MODULE_ADDRESS = new Uint8Array(20).fill(0x0f);
const NO_MODULES: ModuleTable = new Map();

function funded(balanceWei = 100n * WEI_PER_OGPU): TestLedger {
  const ledger = new TestLedger();
  ledger.setAccount(ALICE, { balanceWei });
  return ledger;
}

describe('a plain transfer', () => {
  test('costs 21,000 gas: base fee to the verifier pool, tip to the proposer, the rest comes back', () => {
    const ledger = funded();
    const before = ledger.totalWei();
    const transfer = transferFrom(ALICE, { to: BOB, value: WEI_PER_OGPU, gasLimit: 50_000n });
    const outcome = transition(ledger, nextInput(ledger, { transactions: [transfer] }));
    ledger.apply(outcome.changes);
    assert.equal(outcome.gasUsed, 21_000);
    assert.deepEqual(outcome.receipts.receipts, [
      { type: 2, status: 1, cumulativeGasUsed: 21_000, logs: [] },
    ]);
    assert.equal(readAccount(ledger, BOB).balanceWei, WEI_PER_OGPU);
    assert.equal(readAccount(ledger, TIP_RECIPIENT).balanceWei, 21_000n * GWEI);
    assert.equal(poolBalanceWei(ledger, 'verifierPool'), 21_000n * GWEI);
    const alice = readAccount(ledger, ALICE);
    assert.deepEqual([alice.nonce, alice.balanceWei], [1, 99n * WEI_PER_OGPU - 42_000n * GWEI]);
    assert.equal(ledger.totalWei(), before);
  });

  test('legacy and EIP-2930 pay their gas price, EIP-1559 never more than its cap', () => {
    const cases: [Partial<Transaction>, bigint][] = [
      [{ type: 'legacy', gasPrice: 5n * GWEI }, 5n * GWEI],
      [{ type: 'eip2930', gasPrice: 5n * GWEI }, 5n * GWEI],
      [{ maxFeePerGas: 5n * GWEI, maxPriorityFeePerGas: 2n * GWEI }, 3n * GWEI],
      [{ maxFeePerGas: (3n * GWEI) / 2n, maxPriorityFeePerGas: GWEI }, (3n * GWEI) / 2n],
      [{ maxFeePerGas: GWEI, maxPriorityFeePerGas: 0n }, GWEI],
    ];
    for (const [fields, priceWei] of cases) {
      const ledger = funded();
      const transactions = [transferFrom(ALICE, { ...fields, value: 0n })];
      ledger.apply(transition(ledger, nextInput(ledger, { transactions })).changes);
      assert.equal(
        100n * WEI_PER_OGPU - readAccount(ledger, ALICE).balanceWei,
        21_000n * priceWei,
        JSON.stringify(Object.keys(fields)),
      );
    }
  });

  test('to oneself, and one that empties the account to the wei', () => {
    const ledger = funded(21_000n * 3n * GWEI);
    const toOneself = [transferFrom(ALICE, { to: ALICE, value: 0n })];
    ledger.apply(transition(ledger, nextInput(ledger, { transactions: toOneself })).changes);
    assert.equal(readAccount(ledger, ALICE).nonce, 1);
    const exact = funded(21_000n * GWEI + 7n);
    const fields = { to: BOB, value: 7n, maxFeePerGas: GWEI, maxPriorityFeePerGas: 0n };
    const emptying = [transferFrom(ALICE, fields)];
    exact.apply(transition(exact, nextInput(exact, { transactions: emptying })).changes);
    assert.equal(readAccount(exact, ALICE).balanceWei, 0n);
    assert.equal(
      readAccount(exact, ALICE).nonce,
      1,
      'an account that has sent is kept, or its nonces could be used again',
    );
  });
});

describe('what may not be in a block is refused, with what to change', () => {
  const cases: [string, Partial<Transaction>, AdmissionError['code'], object][] = [
    ['a creation', { to: undefined }, 'TX_CREATION_UNSUPPORTED', {}],
    ['a used nonce', { nonce: 4n }, 'TX_NONCE_TOO_LOW', { expected: 5n, received: 4n }],
    ['a nonce too far', { nonce: 6n }, 'TX_NONCE_GAP', { expected: 5n, received: 6n }],
    [
      'a low fee cap',
      { maxFeePerGas: GWEI - 1n, maxPriorityFeePerGas: 0n },
      'TX_FEE_CAP_BELOW_BASE_FEE',
      { feeCapPerGas: GWEI - 1n, baseFeeWei: GWEI },
    ],
    [
      'too little gas',
      { gasLimit: 20_999n },
      'TX_GAS_LIMIT_BELOW_INTRINSIC',
      { gasLimit: 20_999n, required: 21_000n },
    ],
    [
      'too little gas for its data',
      { data: new Uint8Array(1) },
      'TX_GAS_LIMIT_BELOW_INTRINSIC',
      { gasLimit: 21_000n, required: 21_004n },
    ],
    [
      'more gas than the block has',
      { gasLimit: 120_000_001n },
      'TX_GAS_LIMIT_ABOVE_BLOCK',
      { gasLimit: 120_000_001n, available: 120_000_000 },
    ],
    [
      'more than there is',
      { value: 101n * WEI_PER_OGPU },
      'TX_INSUFFICIENT_FUNDS',
      { requiredWei: 101n * WEI_PER_OGPU + 63_000n * GWEI, availableWei: 100n * WEI_PER_OGPU },
    ],
  ];
  for (const [what, fields, code, data] of cases) {
    test(`${what}: ${code}`, () => {
      const ledger = funded();
      ledger.setAccount(ALICE, { nonce: 5, balanceWei: 100n * WEI_PER_OGPU });
      const state = new Overlay(ledger, { maxBytes: 1 << 20 });
      const transaction = transferFrom(ALICE, { nonce: 5n, ...fields });
      assert.throws(
        () => executeTransaction(state, transaction, blockContext(ledger), NO_MODULES, 0),
        (error) => {
          assert.ok(error instanceof AdmissionError);
          assert.equal(error.code, code);
          assert.deepEqual(error.data, data);
          return true;
        },
      );
      assert.deepEqual(state.changes(), []);
      assert.throws(
        () => transition(ledger, nextInput(ledger, { transactions: [transaction] })),
        (error) =>
          error instanceof BlockInvalidError && error.data['index'] === 0 && error.data['reason'] === code,
      );
    });
  }
});

describe('calls of a module', () => {
  const deposit: AbiFunction = {
    type: 'function',
    name: 'deposit',
    inputs: [{ name: 'memo', type: 'string' }],
    outputs: [{ name: 'total', type: 'uint256' }],
    stateMutability: 'payable',
  };
  const fail: AbiFunction = {
    type: 'function',
    name: 'fail',
    inputs: [],
    outputs: [],
    stateMutability: 'payable',
  };
  const look: AbiFunction = {
    type: 'function',
    name: 'look',
    inputs: [],
    outputs: [],
    stateMutability: 'nonpayable',
  };
  const deposited = defineEvent('Deposited', 'Somebody deposited wei.', [
    { name: 'from', type: 'address', indexed: true },
    { name: 'amountWei', type: 'uint256' },
  ]);
  const tooLittle = defineError('TooLittle', 'Less than 10 wei.', [
    { name: 'required', type: 'uint256' },
    { name: 'available', type: 'uint256' },
  ]);
  const depositFunction: ModuleFunction = {
    item: deposit,
    notice: 'Deposits wei.',
    gas: 10_000,
    run: (context) => {
      addToPool(context.state, 'verifierPool', context.valueWei);
      context.emit(deposited, [context.caller, context.valueWei]);
      return [poolBalanceWei(context.state, 'verifierPool')];
    },
  };
  const failFunction: ModuleFunction = {
    item: fail,
    notice: 'Deposits wei in vain.',
    gas: 10_000,
    run: (context) => {
      addToPool(context.state, 'verifierPool', context.valueWei);
      context.emit(deposited, [context.caller, context.valueWei]);
      throw new Revert(tooLittle, [10n, context.valueWei]);
    },
  };
  const lookFunction: ModuleFunction = { item: look, notice: 'Does nothing.', gas: 10_000, run: () => [] };
  const module = defineModule({
    name: 'bank',
    address: MODULE_ADDRESS,
    functions: [depositFunction, failFunction, lookFunction],
    events: [deposited],
    errors: [tooLittle],
  });
  const modules: ModuleTable = new Map([[toHex(MODULE_ADDRESS), module]]);
  const abi = interfaceOf(module) as Abi;

  function call(
    data: Uint8Array,
    fields: Partial<Transaction> = {},
  ): { ledger: TestLedger; outcome: ReturnType<typeof executeTransaction> } {
    const ledger = funded();
    const before = ledger.totalWei();
    const state = new Overlay(ledger, { maxBytes: 1 << 20 });
    const transaction = transferFrom(ALICE, {
      to: MODULE_ADDRESS,
      data,
      gasLimit: 100_000n,
      value: 0n,
      ...fields,
    });
    const outcome = executeTransaction(state, transaction, blockContext(ledger), modules, 0);
    ledger.apply(state.changes());
    const feesWei = outcome.baseWei + outcome.tipWei;
    assert.equal(feesWei, BigInt(outcome.gasUsed) * 2n * GWEI);
    assert.equal(ledger.totalWei() + feesWei, before, 'money is conserved');
    return { ledger, outcome };
  }

  const revertName = (output: Uint8Array): string =>
    decodeErrorResult({ abi, data: toHex(output) }).errorName;

  test('a payable function gets the value, returns and logs', () => {
    const { ledger, outcome } = call(encodeCall(compileFunction(deposit), ['hi']), { value: 5n });
    assert.equal(outcome.receipt.status, 1);
    assert.equal(poolBalanceWei(ledger, 'verifierPool'), 5n);
    assert.equal(BigInt(toHex(outcome.output)), 5n);
    assert.equal(outcome.receipt.logs.length, 1);
    assert.deepEqual(outcome.receipt.logs[0]?.address, MODULE_ADDRESS);
  });

  test('a revert undoes everything but nonce and fee and returns typed data', () => {
    const { ledger, outcome } = call(encodeCall(compileFunction(fail), []), { value: 5n });
    assert.deepEqual([outcome.receipt.status, outcome.receipt.logs], [0, []]);
    assert.equal(poolBalanceWei(ledger, 'verifierPool'), 0n);
    assert.deepEqual(decodeErrorResult({ abi, data: toHex(outcome.output) }).args, [10n, 5n]);
    const alice = readAccount(ledger, ALICE);
    assert.equal(alice.nonce, 1);
    assert.equal(alice.balanceWei, 100n * WEI_PER_OGPU - BigInt(outcome.gasUsed) * 2n * GWEI);
  });

  test('unknown functions, broken calldata and unwanted value revert by name', () => {
    assert.equal(revertName(call(new Uint8Array(0)).outcome.output), 'UnknownFunction');
    assert.equal(revertName(call(Uint8Array.of(1, 2, 3, 4)).outcome.output), 'UnknownFunction');
    const broken = encodeCall(compileFunction(deposit), ['hi']).subarray(0, 40);
    assert.equal(revertName(call(broken).outcome.output), 'InvalidCalldata');
    assert.equal(
      revertName(call(encodeCall(compileFunction(look), []), { value: 1n }).outcome.output),
      'NotPayable',
    );
  });

  test('too little gas for the function takes it all and does nothing', () => {
    const { ledger, outcome } = call(encodeCall(compileFunction(deposit), ['hi']), {
      value: 5n,
      gasLimit: 25_000n,
    });
    assert.deepEqual([outcome.receipt.status, outcome.gasUsed, outcome.output.length], [0, 25_000, 0]);
    assert.equal(poolBalanceWei(ledger, 'verifierPool'), 0n);
  });

  test('a fault of the code is not taken for a revert', () => {
    const run = (): never => {
      throw new TypeError('bug');
    };
    const broken = defineModule({
      name: 'broken',
      address: MODULE_ADDRESS,
      functions: [{ ...lookFunction, run }],
      events: [],
      errors: [],
    });
    const ledger = funded();
    const state = new Overlay(ledger, { maxBytes: 1 << 20 });
    const transaction = transferFrom(ALICE, {
      to: MODULE_ADDRESS,
      data: encodeCall(compileFunction(look), []),
      gasLimit: 50_000n,
      value: 0n,
    });
    const table: ModuleTable = new Map([[toHex(MODULE_ADDRESS), broken]]);
    assert.throws(() => executeTransaction(state, transaction, blockContext(ledger), table, 0), TypeError);
  });
});

describe('stored accounts', () => {
  test('survive their encoding', () => {
    const prng = createPrng(9);
    for (let i = 0; i < 300; i++) {
      const contract = prng.chance(1, 2)
        ? undefined
        : { codeHash: prng.bytes(32), storagePrefix: prng.bytes(32) };
      const account = {
        nonce: prng.pick([0, 1, Number.MAX_SAFE_INTEGER, prng.u32()]),
        balanceWei: prng.pick([0n, (1n << 128n) - 1n, prng.bigint(128), prng.bigint(64)]),
        contract,
      };
      assert.deepEqual(decodeAccount(encodeAccount(account)), account);
    }
  });
  test('damaged ones are refused', () => {
    for (const bytes of [
      new Uint8Array(0),
      new Uint8Array(23),
      new Uint8Array(25),
      new Uint8Array(24).fill(0xff),
    ]) {
      assert.throws(() => decodeAccount(bytes), AccountError);
    }
  });
});

test('long random histories agree with a model in plain arithmetic, conserve money, and every block can be undone', () => {
  for (let seed = 0; seed < 12; seed++) {
    const prng = createPrng(seed);
    const people = Array.from({ length: 6 }, () => prng.bytes(20));
    const validators = [1, 2, 3].map((n) => genesisValidator(n, { payout: prng.pick(people) }));
    const ledger = new TestLedger({ validators });
    const model = new Map<string, { nonce: number; balanceWei: bigint }>();
    for (const person of people.slice(0, 4)) {
      ledger.setAccount(person, { balanceWei: WEI_PER_OGPU });
      model.set(toHex(person), { nonce: 0, balanceWei: WEI_PER_OGPU });
    }
    const supply = ledger.totalWei();
    for (let height = 1; height <= 30; height++) {
      const baseFeeWei = 1n + prng.bigint(32);
      setBaseFee(ledger, baseFeeWei);
      const { owner: proposer, payout } = prng.pick(validators);
      const transactions = Array.from({ length: prng.below(8) }, () => {
        const sender = prng.pick(people.slice(0, 4));
        const person = model.get(toHex(sender)) ?? { nonce: 0, balanceWei: 0n };
        const maxFeePerGas = baseFeeWei + prng.bigint(30);
        const maxPriorityFeePerGas = prng.bigint(30) % (maxFeePerGas + 1n);
        const [gasLimit, value, to] = [21_000n + prng.bigint(10), prng.bigint(58), prng.pick(people)];
        if (person.balanceWei < gasLimit * maxFeePerGas + value) return [];
        const wanted = baseFeeWei + maxPriorityFeePerGas;
        const priceWei = wanted < maxFeePerGas ? wanted : maxFeePerGas;
        add(model, sender, -value - 21_000n * priceWei, 1);
        add(model, to, value, 0);
        add(model, payout, 21_000n * (priceWei - baseFeeWei), 0);
        return [
          transferFrom(sender, {
            nonce: BigInt(person.nonce),
            gasLimit,
            value,
            to,
            maxFeePerGas,
            maxPriorityFeePerGas,
          }),
        ];
      }).flat();
      const before = ledger.dump();
      const { changes, gasUsed } = transition(ledger, nextInput(ledger, { proposer, transactions }));
      assert.deepEqual(ledger.dump(), before, 'executing changes nothing by itself');
      ledger.apply(changes);
      const after = ledger.dump();
      assert.equal(gasUsed, 21_000 * transactions.length);
      assert.equal(ledger.totalWei(), supply, `seed ${seed}, height ${height}`);
      for (const person of people) {
        const { nonce, balanceWei } = readAccount(ledger, person);
        assert.deepEqual(
          { nonce, balanceWei },
          model.get(toHex(person)) ?? { nonce: 0, balanceWei: 0n },
          `seed ${seed}, height ${height}`,
        );
      }
      ledger.undo(changes);
      assert.deepEqual(ledger.dump(), before, 'undone');
      ledger.apply(changes);
      assert.deepEqual(ledger.dump(), after);
    }
  }
});

function setBaseFee(ledger: TestLedger, baseFeeWei: bigint): void {
  const state = new Overlay(ledger, { maxBytes: 1 << 16 });
  progressRecord.write(state, { ...progressRecord.read(ledger), baseFeeWei });
  ledger.apply(state.changes());
}

function add(
  model: Map<string, { nonce: number; balanceWei: bigint }>,
  address: Uint8Array,
  amountWei: bigint,
  nonces: number,
): void {
  const { nonce, balanceWei } = model.get(toHex(address)) ?? { nonce: 0, balanceWei: 0n };
  model.set(toHex(address), { nonce: nonce + nonces, balanceWei: balanceWei + amountWei });
}
