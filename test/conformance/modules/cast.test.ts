import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { decodeCall, encodeCall, encodeEvent, encodeRevert } from '../../../protocol/abi/items.js';
import { encodeAbi } from '../../../protocol/abi/encode.js';
import { abiSignature, isDynamic, type AbiType, type AbiValue } from '../../../protocol/abi/types.js';
import { fromHex, toHex } from '../../../protocol/bytes.js';
import type { ModuleEvent } from '../../../state/modules/interface.js';
import { ownValues, randomValues } from '../../support/abi-samples.js';
import { cast, CAST_UNAVAILABLE, castJson } from '../../support/cast.js';
import { TESTED_MODULES } from '../../support/modules.js';
import { createPrng } from '../../support/prng.js';

/** Every case is a process of its own. */
const CASES = 3;

for (const module of TESTED_MODULES) {
  describe(`${module.name}: cast`, { skip: CAST_UNAVAILABLE ?? false }, () => {
    for (const compiled of module.dispatcher.values()) {
      const { item, selector, inputs, outputs } = compiled;
      const signature = abiSignature(item.name, item.inputs);
      test(`calls ${item.name} and reads what it returns`, () => {
        assert.equal(cast(['sig', signature]), toHex(selector));
        for (let seed = 0; seed < CASES; seed++) {
          const prng = createPrng(seed);
          const spoken = inputs.map((type) => speakable(type, randomValues(prng, [type])[0] ?? false));
          const written = fromHex(
            cast(['calldata', signature, ...inputs.map((t, i) => said(t, spoken[i] ?? ''))]),
          );
          assert.deepEqual(decodeCall(module.dispatcher, written).values, spoken, `seed ${seed}`);

          // cast calls it an error to decode nothing.
          const values = randomValues(prng, inputs);
          const calldata = toHex(encodeCall(compiled, values));
          const read = inputs.length === 0 ? [] : castJson(['decode-calldata', signature, calldata]);
          assert.deepEqual(ownValues(item.inputs, read), values, `seed ${seed}`);

          const results = randomValues(prng, outputs);
          const full = `${signature}${abiSignature('', item.outputs)}`;
          const returned = toHex(encodeAbi(outputs, results));
          const readBack = outputs.length === 0 ? [] : castJson(['decode-abi', full, returned]);
          assert.deepEqual(ownValues(item.outputs, readBack), results, `seed ${seed}`);
        }
      });
    }

    for (const event of module.events) {
      test(`reads the event ${event.item.name}`, () => {
        assert.equal(
          cast(['sig-event', abiSignature(event.item.name, event.item.inputs)]),
          toHex(event.topic),
        );
        for (let seed = 0; seed < CASES; seed++) {
          assertReads(event, randomValues(createPrng(seed), event.inputs));
        }
      });
    }

    for (const error of module.errors) {
      const { item } = error;
      test(`reads the error ${item.name}`, () => {
        const signature = abiSignature(item.name, item.inputs);
        for (let seed = 0; seed < CASES; seed++) {
          const values = randomValues(createPrng(seed), error.inputs);
          const read = castJson(['decode-error', '--sig', signature, toHex(encodeRevert(error, values))]);
          assert.deepEqual(ownValues(item.inputs, read), values, `seed ${seed}`);
        }
      });
    }
  });
}

/**
 * cast decodes the data of a log without its topics, and writes topics. Of indexed text and bytes it (1.7.1) hashes the ABI encoding where
 * Solidity, viem and ethers hash the content, so those are left to the tests of viem and ethers.
 */
function assertReads({ item, inputs, ...event }: ModuleEvent, values: readonly AbiValue[]): void {
  const log = encodeEvent({ item, inputs, ...event }, values);
  const inData = item.inputs.flatMap(({ indexed }, i) => (indexed === true ? [] : [i]));
  const parameters = inData.flatMap((i) => item.inputs[i] ?? []);
  const signature = abiSignature(item.name, parameters);
  const read = castJson(['decode-event', '--sig', signature, toHex(log.data)]);
  assert.deepEqual(
    ownValues(parameters, read),
    values.filter((_, i) => inData.includes(i)),
  );

  const asTopics = item.inputs.flatMap(({ indexed }, i) => (indexed === true ? [i] : []));
  const ours = log.topics
    .slice(1)
    .filter((_, k) => !isDynamic(inputs[asTopics[k] ?? 0] ?? { kind: 'bytes' }));
  const spoken = asTopics.filter((i) => !isDynamic(inputs[i] ?? { kind: 'bytes' }));
  if (spoken.length === 0) return;
  const described = spoken.map((i) => `${item.inputs[i]?.type ?? ''} indexed x${i}`);
  const written = cast([
    'abi-encode-event',
    `${item.name}(${described.join(',')})`,
    ...spoken.map((i) => said(inputs[i] ?? { kind: 'bool' }, values[i] ?? false)),
  ]);
  const theirs = [...written.matchAll(/\[topic[123]\]: (0x[0-9a-f]+)/g)].map(([, topic]) => topic);
  assert.deepEqual(theirs, ours.map(toHex));
}

/** A value that the command line can say: cast has no way to write a quote or a NUL. */
function speakable(type: AbiType, value: AbiValue): AbiValue {
  if (type.kind === 'string') return 'a, (word) [é𝔱]';
  if (typeof value !== 'object' || value instanceof Uint8Array) return value;
  if (type.kind === 'tuple') return value.map((item, i) => speakable(type.members[i] ?? type, item));
  return type.kind === 'array' ? value.map((item) => speakable(type.element, item)) : value;
}

/** A value as an argument of cast. */
function said(type: AbiType, value: AbiValue, isNested = false): string {
  if (value instanceof Uint8Array) return toHex(value);
  if (typeof value === 'string') return isNested ? `"${value}"` : value;
  if (typeof value !== 'object') return String(value);
  const parts = value.map((item, i) => {
    const inner = type.kind === 'tuple' ? type.members[i] : type.kind === 'array' ? type.element : undefined;
    return said(inner ?? type, item, true);
  });
  return type.kind === 'tuple' ? `(${parts.join(',')})` : `[${parts.join(',')}]`;
}
