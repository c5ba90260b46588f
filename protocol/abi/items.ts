import { concatBytes, toHex } from '../bytes.js';
import { keccak256 } from '../crypto/hash.js';
import { decodeAbi } from './decode.js';
import { encodeAbi } from './encode.js';
import {
  AbiError,
  abiSignature,
  isDynamic,
  parseAbiType,
  type AbiErrorItem,
  type AbiEvent,
  type AbiFunction,
  type AbiType,
  type AbiValue,
} from './types.js';

/** A function of an ABI, ready to be called. */
export interface CompiledFunction {
  readonly item: AbiFunction;
  /** First four bytes of keccak256 of the signature. */
  readonly selector: Uint8Array;
  readonly inputs: readonly AbiType[];
  readonly outputs: readonly AbiType[];
}

export function compileFunction(item: AbiFunction): CompiledFunction {
  return {
    item,
    selector: keccak256(ascii(abiSignature(item.name, item.inputs))).slice(0, 4),
    inputs: item.inputs.map((parameter) => parseAbiType(parameter)),
    outputs: item.outputs.map((parameter) => parseAbiType(parameter)),
  };
}

/** @throws AbiError as `encodeAbi` */
export function encodeCall({ selector, inputs }: CompiledFunction, values: readonly AbiValue[]): Uint8Array {
  return concatBytes(selector, encodeAbi(inputs, values));
}

/** Functions by selector. */
export type Dispatcher = ReadonlyMap<string, CompiledFunction>;

/** @throws AbiError ABI_SELECTOR_UNKNOWN when two functions share a selector: an ABI that cannot be dispatched */
export function createDispatcher(items: readonly AbiFunction[]): Dispatcher {
  const functions = new Map<string, CompiledFunction>();
  for (const compiled of items.map(compileFunction)) {
    const selector = toHex(compiled.selector);
    if (functions.has(selector)) {
      throw new AbiError('ABI_SELECTOR_UNKNOWN', `selector ${selector} is ambiguous`, { selector });
    }
    functions.set(selector, compiled);
  }
  return functions;
}

/**
 * The function that calldata calls, and its arguments.
 *
 * @throws AbiError ABI_SELECTOR_UNKNOWN, and as `decodeAbi`
 */
export function decodeCall(
  dispatcher: Dispatcher,
  calldata: Uint8Array,
): { called: CompiledFunction; values: AbiValue[] } {
  const selector = toHex(calldata.subarray(0, 4));
  const called = dispatcher.get(selector);
  if (called === undefined)
    throw new AbiError('ABI_SELECTOR_UNKNOWN', `no function ${selector}`, { selector });
  return { called, values: decodeAbi(called.inputs, calldata.subarray(4)) };
}

/** Revert data: selector of the error and its values, as Solidity's custom errors. */
export function encodeRevert(item: AbiErrorItem, values: readonly AbiValue[]): Uint8Array {
  const selector = keccak256(ascii(abiSignature(item.name, item.inputs))).slice(0, 4);
  return concatBytes(
    selector,
    encodeAbi(
      item.inputs.map((parameter) => parseAbiType(parameter)),
      values,
    ),
  );
}

/** Topics and data of a log. */
export interface EncodedLog {
  /** keccak256 of the signature, then one topic for each indexed parameter. */
  readonly topics: readonly Uint8Array[];
  readonly data: Uint8Array;
}

const MAX_INDEXED = 3;

/**
 * An event as a log. Indexed parameters of dynamic type are hashed, as in Solidity, for strings and bytes; other dynamic types cannot
 * be indexed here.
 *
 * @throws AbiError ABI_TYPE_UNKNOWN, and as `encodeAbi`
 */
export function encodeEvent(item: AbiEvent, values: readonly AbiValue[]): EncodedLog {
  const types = item.inputs.map((parameter) => parseAbiType(parameter));
  const isIndexed = (index: number): boolean => item.inputs[index]?.indexed === true;
  const indexed = types.filter((_, index) => isIndexed(index));
  if (indexed.length > MAX_INDEXED || values.length !== types.length) {
    throw new AbiError('ABI_VALUE_COUNT', `event ${item.name} does not fit`, {
      indexed: indexed.length,
      values: values.length,
    });
  }
  const topics = types.flatMap((type, index) =>
    isIndexed(index) ? [topic(type, values[index] ?? false)] : [],
  );
  return {
    topics: [keccak256(ascii(abiSignature(item.name, item.inputs))), ...topics],
    data: encodeAbi(
      types.filter((_, index) => !isIndexed(index)),
      values.filter((_, index) => !isIndexed(index)),
    ),
  };
}

function topic(type: AbiType, value: AbiValue): Uint8Array {
  if (type.kind === 'string' && typeof value === 'string') return keccak256(new TextEncoder().encode(value));
  if (type.kind === 'bytes' && value instanceof Uint8Array) return keccak256(value);
  if (isDynamic(type) || type.kind === 'array' || type.kind === 'tuple') {
    throw new AbiError('ABI_TYPE_UNKNOWN', `${type.kind} cannot be indexed`, { kind: type.kind });
  }
  return encodeAbi([type], [value]);
}

/** Names of an ABI are ASCII identifiers. */
function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
