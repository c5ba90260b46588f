import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Interface } from 'ethers';
import {
  decodeErrorResult,
  decodeEventLog,
  decodeFunctionData,
  decodeFunctionResult,
  encodeErrorResult,
  encodeEventTopics,
  encodeFunctionData,
  encodeFunctionResult,
  keccak256,
  toEventSelector,
  toFunctionSelector,
  type Abi,
  type AbiEvent as ViemEvent,
  type AbiFunction as ViemFunction,
  type Hex,
} from 'viem';
import { encodeAbi } from '../../../protocol/abi/encode.js';
import { decodeCall, encodeCall, encodeEvent, encodeRevert } from '../../../protocol/abi/items.js';
import type { AbiParameter, AbiValue } from '../../../protocol/abi/types.js';
import { toHex } from '../../../protocol/bytes.js';
import { interfaceOf, type ModuleEvent } from '../../../state/modules/interface.js';
import { foreignValues, ownValue, ownValues, randomValues } from '../../support/abi-samples.js';
import { TESTED_MODULES } from '../../support/modules.js';
import { createPrng } from '../../support/prng.js';

const CASES = 40;

for (const module of TESTED_MODULES) {
  const abi = interfaceOf(module) as Abi;
  const ethers = new Interface(interfaceOf(module));

  describe(`${module.name}: viem and ethers send, read and refuse as we do`, () => {
    for (const compiled of module.dispatcher.values()) {
      const { item, selector, inputs, outputs } = compiled;
      test(`function ${item.name}`, () => {
        assert.equal(toHex(selector), toFunctionSelector(item as ViemFunction));
        assert.equal(toHex(selector), ethers.getFunction(item.name)?.selector);
        for (let seed = 0; seed < CASES; seed++) {
          const prng = createPrng(seed);
          const values = randomValues(prng, inputs);
          const args = foreignValues(item.inputs, values);
          const data = toHex(encodeCall(compiled, values));
          assert.equal(data, encodeFunctionData({ abi, functionName: item.name, args }), `seed ${seed}`);
          assert.equal(data, ethers.encodeFunctionData(item.name, args), `seed ${seed}`);
          const read = decodeFunctionData({ abi, data });
          assert.equal(read.functionName, item.name);
          assert.deepEqual(ownValues(item.inputs, read.args ?? []), values);
          assert.deepEqual(ownValues(item.inputs, ethers.decodeFunctionData(item.name, data)), values);
          assert.deepEqual(decodeCall(module.dispatcher, encodeCall(compiled, values)).values, values);

          const results = randomValues(prng, outputs);
          const returned = toHex(encodeAbi(outputs, results));
          const foreign = foreignValues(item.outputs, results);
          const result = foreign.length === 1 ? foreign[0] : foreign;
          assert.equal(returned, encodeFunctionResult({ abi, functionName: item.name, result }));
          assert.equal(returned, ethers.encodeFunctionResult(item.name, foreign));
          const viemResult: unknown = decodeFunctionResult({ abi, functionName: item.name, data: returned });
          const viemResults = outputs.length === 1 ? [viemResult] : ((viemResult ?? []) as unknown[]);
          assert.deepEqual(ownValues(item.outputs, viemResults), results);
          assert.deepEqual(
            ownValues(item.outputs, ethers.decodeFunctionResult(item.name, returned)),
            results,
          );
        }
      });
    }

    for (const event of module.events) {
      const { item, topic } = event;
      test(`event ${item.name}`, () => {
        assert.equal(toHex(topic), toEventSelector(item as ViemEvent));
        assert.equal(toHex(topic), ethers.getEvent(item.name)?.topicHash);
        for (let seed = 0; seed < CASES; seed++) {
          const values = randomValues(createPrng(seed), event.inputs);
          const foreign = foreignValues(item.inputs, values);
          const log = encodeEvent(event, values);
          const topics = log.topics.map(toHex) as [Hex, ...Hex[]];
          const data = toHex(log.data);
          const indexed = foreign.filter((_, i) => item.inputs[i]?.indexed === true);
          assert.deepEqual(topics, encodeEventTopics({ abi, eventName: item.name, args: indexed }));
          assert.deepEqual({ topics, data }, ethers.encodeEventLog(item.name, foreign), `seed ${seed}`);

          const viemLog = decodeEventLog({ abi, topics, data, strict: true });
          assert.equal(viemLog.eventName, item.name);
          const viemArgs = (viemLog.args ?? {}) as unknown as Readonly<Record<string, unknown>>;
          assertLogged(event, values, (_, name) => viemArgs[name]);
          const ethersLog = ethers.parseLog({ topics, data });
          assert.equal(ethersLog?.name, item.name);
          assertLogged(event, values, (i) => {
            const argument: unknown = ethersLog.args[i];
            return isHashed(item.inputs[i]) ? (argument as { readonly hash: string }).hash : argument;
          });
        }
      });
    }

    for (const error of module.errors) {
      const { item, selector } = error;
      test(`error ${item.name}`, () => {
        assert.equal(toHex(selector), ethers.getError(item.name)?.selector);
        for (let seed = 0; seed < CASES; seed++) {
          const values = randomValues(createPrng(seed), error.inputs);
          const args = foreignValues(item.inputs, values);
          const data = toHex(encodeRevert(error, values));
          assert.equal(data, encodeErrorResult({ abi, errorName: item.name, args }), `seed ${seed}`);
          assert.equal(data, ethers.encodeErrorResult(item.name, args), `seed ${seed}`);
          const viemError = decodeErrorResult({ abi, data });
          assert.equal(viemError.errorName, item.name);
          assert.deepEqual(ownValues(item.inputs, viemError.args ?? []), values);
          const ethersError = ethers.parseError(data);
          assert.equal(ethersError?.name, item.name);
          assert.deepEqual(ownValues(item.inputs, ethersError.args), values);
        }
      });
    }
  });
}

/** That a library reads `values` from the log of `event`; of what is hashed it can only know the hash. */
function assertLogged(
  { item }: ModuleEvent,
  values: readonly AbiValue[],
  readBy: (index: number, name: string) => unknown,
): void {
  item.inputs.forEach((input, i) => {
    const read = readBy(i, input.name);
    const value = values[i] ?? false;
    if (isHashed(input)) assert.equal(read, keccak256(contentOf(value)));
    else assert.deepEqual(ownValue(input, read), value, input.name);
  });
}

function isHashed(parameter: AbiParameter | undefined): boolean {
  return parameter?.indexed === true && (parameter.type === 'string' || parameter.type === 'bytes');
}

function contentOf(value: AbiValue): Uint8Array {
  return value instanceof Uint8Array ? value : new TextEncoder().encode(String(value));
}
