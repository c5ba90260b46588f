import type { AbiParameter, AbiType, AbiValue } from '../../protocol/abi/types.js';
import { fromHex, toHex } from '../../protocol/bytes.js';
import type { Prng } from './prng.js';

const ELEMENTARY = [
  'uint8',
  'uint128',
  'uint256',
  'int8',
  'int64',
  'int256',
  'bool',
  'address',
  'bytes1',
  'bytes4',
  'bytes32',
  'bytes',
  'string',
];

/** One to four random parameters, nested at most three deep. */
export function randomParameters(prng: Prng): AbiParameter[] {
  return Array.from({ length: 1 + prng.below(4) }, (_, index) => randomParameter(prng, `p${index}`, 3));
}

function randomParameter(prng: Prng, name: string, depth: number): AbiParameter {
  const shape = depth === 0 ? 0 : prng.below(6);
  if (shape === 4) {
    const components = Array.from({ length: 1 + prng.below(3) }, (_, i) =>
      randomParameter(prng, `${name}${i}`, depth - 1),
    );
    return { name, type: 'tuple', components };
  }
  if (shape === 5) {
    const element = randomParameter(prng, name, depth - 1);
    return { ...element, type: `${element.type}${prng.pick(['[]', '[1]', '[3]'])}` };
  }
  return { name, type: prng.pick(ELEMENTARY) };
}

export function randomValue(prng: Prng, type: AbiType): AbiValue {
  switch (type.kind) {
    case 'uint':
      return prng.pick([0n, (1n << BigInt(type.bits)) - 1n, prng.bigint(type.bits)]);
    case 'int': {
      const half = 1n << BigInt(type.bits - 1);
      return prng.pick([-half, half - 1n, -1n, 0n, BigInt.asIntN(type.bits, prng.bigint(type.bits))]);
    }
    case 'bool':
      return prng.chance(1, 2);
    case 'address':
      return prng.bytes(20);
    case 'fixedBytes':
      return prng.bytes(type.length);
    case 'bytes':
      return prng.bytes(prng.pick([0, 1, 31, 32, 33, 100]));
    case 'string':
      return prng.pick(['', 'a', 'thirty-two characters long, yes.', 'é𝔱🔑\u0000', 'x'.repeat(70)]);
    case 'array':
      return Array.from({ length: type.length ?? prng.below(4) }, () => randomValue(prng, type.element));
    case 'tuple':
      return type.members.map((member) => randomValue(prng, member));
  }
}

/** Our value as viem and ethers want it: hex for bytes and addresses, an object for a tuple. */
export function foreignValue(parameter: AbiParameter, value: AbiValue): unknown {
  const array = /^(.*)\[\d*\]$/.exec(parameter.type);
  if (array !== null) {
    const element = { ...parameter, type: array[1] ?? '' };
    return (value as readonly AbiValue[]).map((item) => foreignValue(element, item));
  }
  if (parameter.components !== undefined) {
    const members = value as readonly AbiValue[];
    return Object.fromEntries(
      parameter.components.map((member, i) => [member.name, foreignValue(member, members[i] ?? false)]),
    );
  }
  if (value instanceof Uint8Array) return toHex(value);
  return /^u?int(8|16|32)$/.test(parameter.type) ? Number(value) : value;
}

/** The inverse of `foreignValue`, for what viem, ethers and the JSON of cast make of a value. */
export function ownValue(parameter: AbiParameter, foreign: unknown): AbiValue {
  const array = /^(.*)\[\d*\]$/.exec(parameter.type);
  if (array !== null) {
    const element = { ...parameter, type: array[1] ?? '' };
    return Array.from(foreign as Iterable<unknown>, (item) => ownValue(element, item));
  }
  if (parameter.components !== undefined) {
    const members = Array.isArray(foreign) ? [...(foreign as unknown[])] : undefined;
    const byName = foreign as Readonly<Record<string, unknown>>;
    return parameter.components.map((member, i) =>
      ownValue(member, members === undefined ? byName[member.name] : members[i]),
    );
  }
  if (/^u?int/.test(parameter.type)) return BigInt(foreign as string | number | bigint);
  return /^(address|bytes\d*)$/.test(parameter.type) ? fromHex(foreign as string) : (foreign as AbiValue);
}

export function randomValues(prng: Prng, types: readonly AbiType[]): AbiValue[] {
  return types.map((type) => randomValue(prng, type));
}

export function foreignValues(parameters: readonly AbiParameter[], values: readonly AbiValue[]): unknown[] {
  return parameters.map((parameter, i) => foreignValue(parameter, values[i] ?? false));
}

export function ownValues(parameters: readonly AbiParameter[], foreign: readonly unknown[]): AbiValue[] {
  return parameters.map((parameter, i) => ownValue(parameter, foreign[i]));
}
