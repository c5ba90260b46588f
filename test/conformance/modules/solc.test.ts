import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { describe, test } from 'node:test';
import type { AbiItem, AbiParameter } from '../../../protocol/abi/types.js';
import { interfaceOf, solidityName } from '../../../state/modules/interface.js';
import { solidityInterface } from '../../../state/modules/solidity.js';
import { TESTED_MODULES } from '../../support/modules.js';

/** What of the compiler's standard JSON we look at. */
interface Compiled {
  readonly errors?: readonly { readonly formattedMessage: string }[];
  readonly contracts: Readonly<Record<string, Readonly<Record<string, Contract>>>>;
}

interface Contract {
  readonly abi: readonly (AbiItem & { readonly anonymous?: boolean })[];
  readonly userdoc: {
    readonly methods: Readonly<Record<string, { readonly notice: string }>>;
  };
}

const solc = createRequire(import.meta.url)('solc') as { compile: (input: string) => string };

function compile(sources: Readonly<Record<string, string>>): Compiled {
  const input = {
    language: 'Solidity',
    sources: Object.fromEntries(Object.entries(sources).map(([file, content]) => [file, { content }])),
    settings: { outputSelection: { '*': { '*': ['abi', 'userdoc'] } } },
  };
  return JSON.parse(solc.compile(JSON.stringify(input))) as Compiled;
}

/** All of them in one run: they must also get along with each other. */
const files = TESTED_MODULES.map((module) => [`${solidityName(module.name)}.sol`, solidityInterface(module)]);
const imports = files.map(([file = '']) => `import "${file}";\n`).join('');
const everything = `// SPDX-License-Identifier: Apache-2.0\npragma solidity ^0.8.4;\n${imports}`;
const compiled = compile({
  ...(Object.fromEntries(files) as Record<string, string>),
  'Everything.sol': everything,
});

test('solc accepts every interface, and all together, without a warning', () => {
  assert.deepEqual(compiled.errors ?? [], []);
});

test('solc would have warned, here of a missing licence', () => {
  const text = 'pragma solidity ^0.8.4; interface I { function f() external; }';
  assert.equal(compile({ 'I.sol': text }).errors?.length, 1);
});

for (const module of TESTED_MODULES) {
  describe(`${module.name}: solc reads from the interface`, () => {
    const name = solidityName(module.name);
    const contract = compiled.contracts[`${name}.sol`]?.[name];
    assert.ok(contract !== undefined);
    const theirs = new Map(contract.abi.map((item) => [item.name, item]));

    for (const item of interfaceOf(module)) {
      test(`${item.type} ${item.name}`, () => {
        assert.deepEqual(comparable(theirs.get(item.name)), comparable(item));
      });
    }
    test('nothing else', () => {
      assert.deepEqual(
        [...theirs.keys()].sort(),
        interfaceOf(module)
          .map((item) => item.name)
          .sort(),
      );
    });
    test('the notice of every function', () => {
      const notices = Object.values(contract.userdoc.methods).map(({ notice }) => notice);
      assert.deepEqual(notices.sort(), module.functions.map(({ notice }) => notice).sort());
    });
  });
}

/** The item without what solc says of elementary types only, which repeats the type. */
function comparable(item: (AbiItem & { readonly anonymous?: boolean }) | undefined): unknown {
  if (item === undefined) return undefined;
  const { anonymous = false, ...rest } = item;
  assert.equal(anonymous, false);
  if (rest.type !== 'function') return { ...rest, inputs: rest.inputs.map(bare) };
  return { ...rest, inputs: rest.inputs.map(bare), outputs: rest.outputs.map(bare) };
}

function bare({ internalType, components, ...rest }: AbiParameter): object {
  return components === undefined ? rest : { ...rest, internalType, components: components.map(bare) };
}
