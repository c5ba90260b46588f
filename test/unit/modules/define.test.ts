import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { AbiFunction, AbiParameter } from '../../../protocol/abi/types.js';
import { InvariantError } from '../../../protocol/invariant.js';
import { defineError, defineEvent, interfaceOf } from '../../../state/modules/interface.js';
import { defineModule, type ModuleDefinition, type ModuleFunction } from '../../../state/modules/module.js';

const VALID: ModuleDefinition = {
  name: 'empty',
  address: new Uint8Array(20).fill(1),
  functions: [],
  events: [],
  errors: [],
};
const NUMBER: AbiParameter = { name: 'count', type: 'uint64' };

function functionOf(name: string, changes: Partial<AbiFunction> = {}): ModuleFunction {
  const item: AbiFunction = {
    type: 'function',
    name,
    inputs: [],
    outputs: [],
    stateMutability: 'view',
    ...changes,
  };
  return { item, notice: 'Does nothing.', gas: 1, run: () => [] };
}

function struct(internalType: string, components: readonly AbiParameter[]): AbiParameter {
  return { name: 'value', type: 'tuple', internalType, components };
}

test('an interface lists functions, events and errors in order, and the errors every module has', () => {
  const module = defineModule({
    ...VALID,
    functions: [functionOf('second'), functionOf('first')],
    events: [defineEvent('Changed', 'It changed.', [NUMBER])],
    errors: [defineError('Full', 'It is full.', [])],
  });
  assert.deepEqual(
    interfaceOf(module).map(({ type, name }) => `${type} ${name}`),
    [
      'function second',
      'function first',
      'event Changed',
      'error Full',
      'error UnknownFunction',
      'error InvalidCalldata',
      'error NotPayable',
    ],
  );
  assert.equal(module.byName.get('first')?.item.name, 'first');
});

describe('a definition that clients could misread is refused', () => {
  const structs = (...types: AbiParameter[]): Partial<ModuleDefinition> => ({
    functions: types.map((type, i) => functionOf(`f${i}`, { outputs: [type] })),
  });
  const cases: [string, () => Partial<ModuleDefinition>][] = [
    ['a name in upper case', () => ({ name: 'Empty' })],
    ['an address of 19 bytes', () => ({ address: new Uint8Array(19) })],
    [
      'two functions of one name',
      () => ({ functions: [functionOf('f'), functionOf('f', { inputs: [NUMBER] })] }),
    ],
    ['two functions of one selector', () => ({ functions: [functionOf('fzom'), functionOf('f9g4')] })],
    ['two errors of one name', () => ({ errors: ['E', 'E'].map((name) => defineError(name, 'Why.', [])) })],
    [
      'two errors of one selector',
      () => ({ errors: ['fzom', 'f9g4'].map((n) => defineError(n, 'Why.', [])) }),
    ],
    ['an error every module has', () => ({ errors: [defineError('NotPayable', 'Why.', [])] })],
    [
      "Solidity's own error",
      () => ({ errors: [defineError('Error', 'Why.', [{ name: 's', type: 'string' }])] }),
    ],
    ['two events of one name', () => ({ events: ['E', 'E'].map((name) => defineEvent(name, 'What.', [])) })],
    [
      'an event and an error of one name',
      () => ({ events: [defineEvent('Full', 'What.', [])], errors: [defineError('Full', 'Why.', [])] }),
    ],
    [
      'four indexed parameters',
      () => ({
        events: [
          defineEvent(
            'E',
            'What.',
            ['a', 'b', 'c', 'd'].map((name) => ({ name, type: 'bool', indexed: true })),
          ),
        ],
      }),
    ],
    [
      'a parameter without a name',
      () => ({ functions: [functionOf('f', { inputs: [{ name: '', type: 'bool' }] })] }),
    ],
    ['two parameters of one name', () => ({ functions: [functionOf('f', { inputs: [NUMBER, NUMBER] })] })],
    ['a name that is no identifier', () => ({ functions: [functionOf('f(uint8)')] })],
    ['no notice', () => ({ functions: [{ ...functionOf('f'), notice: '' }] })],
    [
      'a notice that ends its comment',
      () => ({ functions: [{ ...functionOf('f'), notice: 'Ends */ here.' }] }),
    ],
    ['a notice of two lines', () => ({ errors: [defineError('E', 'One.\nTwo.', [])] })],
    ['half a unit of gas', () => ({ functions: [{ ...functionOf('f'), gas: 1 / 2 }] })],
    ['a tuple without a name', () => structs({ name: 'value', type: 'tuple', components: [NUMBER] })],
    ["another interface's struct", () => structs(struct('struct IOther.Value', [NUMBER]))],
    [
      'a struct without its brackets',
      () => structs({ ...struct('struct IEmpty.Value', [NUMBER]), type: 'tuple[]' }),
    ],
    [
      'two structs of one name',
      () =>
        structs(
          struct('struct IEmpty.S', [NUMBER]),
          struct('struct IEmpty.S', [{ ...NUMBER, type: 'bool' }]),
        ),
    ],
    ['a struct with the name of a function', () => structs(struct('struct IEmpty.f0', [NUMBER]))],
  ];
  for (const [what, changes] of cases) {
    test(what, () => assert.throws(() => defineModule({ ...VALID, ...changes() }), InvariantError));
  }
  test('but not these, put right', () => {
    const value = struct('struct IEmpty.Value', [NUMBER]);
    const list = { ...value, type: 'tuple[]', internalType: 'struct IEmpty.Value[]' };
    defineModule({ ...VALID, ...structs(value, list), errors: [defineError('E', 'Why.', [list])] });
  });
});
