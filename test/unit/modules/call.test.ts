import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { decodeAbi } from '../../../protocol/abi/decode.js';
import { encodeAbi, word } from '../../../protocol/abi/encode.js';
import { encodeCall } from '../../../protocol/abi/items.js';
import type { AbiValue } from '../../../protocol/abi/types.js';
import { concatBytes } from '../../../protocol/bytes.js';
import { InvariantError } from '../../../protocol/invariant.js';
import { MAX_LOG_DATA_BYTES } from '../../../protocol/limits.js';
import type { Log } from '../../../protocol/types/receipt.js';
import { defineEvent } from '../../../state/modules/interface.js';
import {
  defineModule,
  INVALID_CALLDATA,
  NOT_PAYABLE,
  resolveCall,
  Revert,
  runCall,
  UNKNOWN_FUNCTION,
  type Module,
  type ModuleFunction,
} from '../../../state/modules/module.js';
import { Overlay } from '../../../state/store/overlay.js';
import { blockContext, TestLedger } from '../../support/ledger.js';

const HEARD = defineEvent('Heard', 'Somebody said something.', [{ name: 'words', type: 'bytes' }]);

const say: ModuleFunction = {
  item: {
    type: 'function',
    name: 'say',
    inputs: [{ name: 'words', type: 'bytes' }],
    outputs: [],
    stateMutability: 'nonpayable',
  },
  notice: 'Logs its argument.',
  gas: 1,
  run: ({ emit }, [words = '']) => {
    emit(HEARD, [words]);
    return [];
  },
};

function parrot(changes: Partial<ModuleFunction> = {}, events = [HEARD]): Module {
  const functions = [{ ...say, ...changes }];
  return defineModule({ name: 'parrot', address: new Uint8Array(20), functions, events, errors: [] });
}

function call(module: Module, calldata: Uint8Array, valueWei = 0n): Log[] {
  const logs: Log[] = [];
  const ledger = new TestLedger();
  const state = new Overlay(ledger, { maxBytes: 1 << 20 });
  const context = { state, block: blockContext(ledger), caller: new Uint8Array(20), valueWei };
  runCall(module, resolveCall(module, calldata, valueWei), context, logs);
  return logs;
}

function revertOf(run: () => unknown): { error: Revert['error']; values: AbiValue[] } {
  try {
    run();
  } catch (error) {
    assert.ok(error instanceof Revert, String(error));
    return { error: error.error, values: decodeAbi(error.error.inputs, error.revertData.subarray(4)) };
  }
  assert.fail('did not revert');
}

function saying(length: number): Uint8Array {
  const [compiled] = [...parrot().dispatcher.values()];
  assert.ok(compiled !== undefined);
  return encodeCall(compiled, [new Uint8Array(length).fill(7)]);
}

describe('the reason of InvalidCalldata is the same on every machine', () => {
  const selector = saying(0).subarray(0, 4);
  const cases: [string, Uint8Array, string][] = [
    ['nothing', new Uint8Array(0), 'ABI_TOO_SHORT: the bytes end before the values do'],
    [
      'an offset of 64',
      concatBytes(word(64n), word(0n), word(0n)),
      'ABI_NOT_CANONICAL: offset is not canonically encoded',
    ],
    [
      'dirty padding',
      concatBytes(word(32n), word(1n), word(1n)),
      'ABI_NOT_CANONICAL: padding is not canonically encoded',
    ],
    [
      'a byte too many',
      concatBytes(encodeAbi([{ kind: 'bytes' }], [new Uint8Array(1)]), Uint8Array.of(0)),
      'ABI_TRAILING_BYTES: 1 bytes after the values',
    ],
  ];
  for (const [what, encoded, reason] of cases) {
    test(`${what}: ${reason}`, () => {
      const { error, values } = revertOf(() => call(parrot(), concatBytes(selector, encoded)));
      assert.deepEqual([error, values], [INVALID_CALLDATA, [reason]]);
    });
  }
});

test('an unknown selector is given back, no more than four bytes of it', () => {
  for (const calldata of [new Uint8Array(0), Uint8Array.of(1, 2), new Uint8Array(100_000).fill(9)]) {
    const { error, values } = revertOf(() => call(parrot(), calldata));
    assert.deepEqual([error, values], [UNKNOWN_FUNCTION, [calldata.subarray(0, 4)]]);
  }
});

test('value for a function that takes none', () => {
  assert.equal(revertOf(() => call(parrot(), saying(3), 1n)).error, NOT_PAYABLE);
});

test('the largest log fits in a receipt, the next one reverts', () => {
  const largest = MAX_LOG_DATA_BYTES - 64;
  const [log] = call(parrot(), saying(largest));
  assert.equal(log?.data.length, MAX_LOG_DATA_BYTES);
  const { error, values } = revertOf(() => call(parrot(), saying(largest + 1)));
  assert.deepEqual(
    [error, values],
    [INVALID_CALLDATA, ['LOG_TOO_LARGE: more than 65536 bytes of event data']],
  );
});

describe('a module that does what it does not say', () => {
  test('logs an event it does not declare', () => {
    assert.throws(() => call(parrot({}, []), saying(1)), InvariantError);
  });
  test('logs in a view', () => {
    const view = parrot({ item: { ...say.item, stateMutability: 'view' } });
    assert.throws(() => call(view, saying(1)), InvariantError);
  });
});
