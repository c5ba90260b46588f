import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AbiCoder, Interface, ParamType } from 'ethers';
import {
  decodeErrorResult,
  decodeEventLog,
  decodeFunctionData,
  encodeAbiParameters,
  encodeEventTopics,
  encodeFunctionData,
  type Abi,
  type Hex,
} from 'viem';
import { decodeAbi } from '../../../protocol/abi/decode.js';
import { encodeAbi } from '../../../protocol/abi/encode.js';
import {
  compileError,
  compileEvent,
  compileFunction,
  createDispatcher,
  decodeCall,
  encodeCall,
  encodeEvent,
  encodeRevert,
} from '../../../protocol/abi/items.js';
import {
  AbiError,
  parseAbiType,
  type AbiErrorItem,
  type AbiEvent,
  type AbiFunction,
  type AbiParameter,
  type AbiValue,
} from '../../../protocol/abi/types.js';
import { toChecksumAddress } from '../../../protocol/address.js';
import { fromHex, toHex } from '../../../protocol/bytes.js';
import { mutate } from '../../fuzz/target.js';
import { createPrng } from '../../support/prng.js';
import { foreignValue, randomParameters, randomValue } from '../../support/abi-samples.js';

const CASES = 500;
const ethersCoder = AbiCoder.defaultAbiCoder();

function ethersTypes(parameters: readonly AbiParameter[]): ParamType[] {
  return parameters.map((parameter) => ParamType.from(parameter));
}

test(`${CASES} random types and values: our bytes are viem's and ethers'`, () => {
  for (let seed = 0; seed < CASES; seed++) {
    const prng = createPrng(seed);
    const parameters = randomParameters(prng);
    const types = parameters.map((parameter) => parseAbiType(parameter));
    const values = types.map((type) => randomValue(prng, type));
    const foreign = parameters.map((parameter, index) => foreignValue(parameter, values[index] ?? false));
    const bytes = encodeAbi(types, values);
    assert.equal(toHex(bytes), encodeAbiParameters(parameters, foreign), `viem, seed ${seed}`);
    assert.equal(toHex(bytes), ethersCoder.encode(ethersTypes(parameters), foreign), `ethers, seed ${seed}`);
    assert.deepEqual(decodeAbi(types, bytes), values, `seed ${seed}`);
  }
});

test('mutated encodings: a typed refusal, or the very encoding of what was decoded', () => {
  let refused = 0;
  for (let seed = 0; seed < 4 * CASES; seed++) {
    const prng = createPrng(seed);
    const types = randomParameters(prng).map((parameter) => parseAbiType(parameter));
    const bytes = mutate(
      prng,
      encodeAbi(
        types,
        types.map((type) => randomValue(prng, type)),
      ),
    );
    try {
      assert.deepEqual(encodeAbi(types, decodeAbi(types, bytes)), bytes, `seed ${seed}`);
    } catch (error) {
      assert.ok(error instanceof AbiError, `seed ${seed}: ${String(error)}`);
      refused++;
    }
  }
  assert.ok(refused > CASES, `only ${refused} refused`);
});

const DELEGATE: AbiFunction = {
  type: 'function',
  name: 'delegate',
  inputs: [
    { name: 'validator', type: 'address' },
    {
      name: 'notes',
      type: 'tuple[]',
      components: [
        { name: 'text', type: 'string' },
        { name: 'weight', type: 'uint16' },
      ],
    },
  ],
  outputs: [{ name: 'shares', type: 'uint256' }],
  stateMutability: 'payable',
};
const TRANSFER: AbiEvent = {
  type: 'event',
  name: 'Delegated',
  inputs: [
    { name: 'validator', type: 'address', indexed: true },
    { name: 'memo', type: 'string', indexed: true },
    { name: 'amountWei', type: 'uint256', indexed: false },
  ],
};
const INSUFFICIENT: AbiErrorItem = {
  type: 'error',
  name: 'InsufficientLockup',
  inputs: [
    { name: 'required', type: 'uint256' },
    { name: 'available', type: 'uint256' },
  ],
};
const ABI: Abi = [DELEGATE, TRANSFER, INSUFFICIENT];
const ethersInterface = new Interface([DELEGATE, TRANSFER, INSUFFICIENT]);
const validator = fromHex('0x70997970c51812dc3a010c7d01b50e0d17dc79c8');

describe('functions, events and errors', () => {
  const values: AbiValue[] = [
    validator,
    [
      ['first', 1n],
      ['é𝔱', 65_535n],
    ],
  ];
  const foreign = [
    toChecksumAddress(validator),
    [
      { text: 'first', weight: 1 },
      { text: 'é𝔱', weight: 65_535 },
    ],
  ];

  test('a call is what viem and ethers send, and is dispatched', () => {
    const calldata = encodeCall(compileFunction(DELEGATE), values);
    assert.equal(toHex(calldata), encodeFunctionData({ abi: ABI, functionName: 'delegate', args: foreign }));
    assert.equal(toHex(calldata), ethersInterface.encodeFunctionData('delegate', foreign));
    assert.equal(decodeFunctionData({ abi: ABI, data: toHex(calldata) }).functionName, 'delegate');
    const { called, values: decoded } = decodeCall(createDispatcher([DELEGATE]), calldata);
    assert.equal(called.item.name, 'delegate');
    assert.deepEqual(decoded, values);
  });

  test('an event is decoded by viem and ethers', () => {
    const { topics, data } = encodeEvent(compileEvent(TRANSFER), [validator, 'memo', 7n]);
    const hexTopics = topics.map(toHex) as [Hex, ...Hex[]];
    assert.deepEqual(
      hexTopics,
      encodeEventTopics({ abi: ABI, eventName: 'Delegated', args: [toHex(validator), 'memo'] }),
    );
    const log = decodeEventLog({ abi: ABI, topics: hexTopics, data: toHex(data) });
    assert.equal((log.args as unknown as { amountWei: bigint }).amountWei, 7n);
    assert.equal(ethersInterface.parseLog({ topics: hexTopics, data: toHex(data) })?.args['amountWei'], 7n);
  });

  test('a revert is decoded by viem and ethers', () => {
    const data = toHex(encodeRevert(compileError(INSUFFICIENT), [10n, 3n]));
    assert.deepEqual(decodeErrorResult({ abi: ABI, data }).args, [10n, 3n]);
    assert.equal(ethersInterface.parseError(data)?.name, 'InsufficientLockup');
  });
});
