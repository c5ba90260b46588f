import { concatBytes, toHex } from '../bytes.js';
import { keccak256 } from '../crypto/hash.js';
import { invariant } from '../invariant.js';
import { MAX_LOG_TOPICS } from '../limits.js';
import { decodeAbi } from './decode.js';
import { contentBytes, encodeAbi } from './encode.js';
import {
  AbiError,
  abiSignature,
  parseAbiType,
  type AbiErrorItem,
  type AbiEvent,
  type AbiFunction,
  type AbiParameter,
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

/** @throws AbiError ABI_TYPE_UNKNOWN */
export function compileFunction(item: AbiFunction): CompiledFunction {
  return { item, selector: selectorOf(item), inputs: typesOf(item.inputs), outputs: typesOf(item.outputs) };
}

/** @throws AbiError as `encodeAbi` */
export function encodeCall({ selector, inputs }: CompiledFunction, values: readonly AbiValue[]): Uint8Array {
  return concatBytes(selector, encodeAbi(inputs, values));
}

/** Functions by selector. */
export type Dispatcher = ReadonlyMap<string, CompiledFunction>;

/** No two functions may share a selector. */
export function createDispatcher(items: readonly AbiFunction[]): Dispatcher {
  const functions = new Map<string, CompiledFunction>();
  for (const compiled of items.map(compileFunction)) {
    const selector = toHex(compiled.selector);
    invariant(!functions.has(selector), `selector ${selector} of ${compiled.item.name} is ambiguous`);
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

/** An error of an ABI, ready to be reverted with. */
export interface CompiledError {
  readonly item: AbiErrorItem;
  /** First four bytes of keccak256 of the signature. */
  readonly selector: Uint8Array;
  readonly inputs: readonly AbiType[];
}

/** @throws AbiError ABI_TYPE_UNKNOWN */
export function compileError(item: AbiErrorItem): CompiledError {
  return { item, selector: selectorOf(item), inputs: typesOf(item.inputs) };
}

/**
 * Revert data: selector of the error and its values, as Solidity's custom errors.
 *
 * @throws AbiError as `encodeAbi`
 */
export function encodeRevert({ selector, inputs }: CompiledError, values: readonly AbiValue[]): Uint8Array {
  return concatBytes(selector, encodeAbi(inputs, values));
}

/** An event of an ABI, ready to be logged. */
export interface CompiledEvent {
  readonly item: AbiEvent;
  /** keccak256 of the signature: the first topic of its logs. */
  readonly topic: Uint8Array;
  readonly inputs: readonly AbiType[];
}

/** Topics that are left when the signature has taken the first. */
const MAX_INDEXED = MAX_LOG_TOPICS - 1;

/** @throws AbiError ABI_TYPE_UNKNOWN, also for indexed lists and tuples, which this chain does not log */
export function compileEvent(item: AbiEvent): CompiledEvent {
  const inputs = typesOf(item.inputs);
  const indexed = inputs.filter((_, index) => isIndexed(item, index));
  invariant(
    indexed.length <= MAX_INDEXED,
    `event ${item.name} has at most ${MAX_INDEXED} indexed parameters`,
  );
  const list = indexed.find(({ kind }) => kind === 'array' || kind === 'tuple');
  if (list !== undefined) {
    throw new AbiError('ABI_TYPE_UNKNOWN', `${list.kind} cannot be indexed`, { kind: list.kind });
  }
  return { item, topic: keccak256(ascii(abiSignature(item.name, item.inputs))), inputs };
}

/** Topics and data of a log. */
export interface EncodedLog {
  /** keccak256 of the signature, then one topic for each indexed parameter. */
  readonly topics: readonly Uint8Array[];
  readonly data: Uint8Array;
}

/**
 * An event as a log. Of an indexed string or byte string the log holds the hash, as in Solidity.
 *
 * @throws AbiError as `encodeAbi`
 */
export function encodeEvent({ item, topic, inputs }: CompiledEvent, values: readonly AbiValue[]): EncodedLog {
  if (values.length !== inputs.length) {
    throw new AbiError('ABI_VALUE_COUNT', `event ${item.name} has other parameters`, {
      expected: inputs.length,
      received: values.length,
    });
  }
  const topics = inputs.flatMap((type, index) =>
    isIndexed(item, index) ? [indexedTopic(type, values[index] ?? false)] : [],
  );
  return {
    topics: [topic, ...topics],
    data: encodeAbi(
      inputs.filter((_, index) => !isIndexed(item, index)),
      values.filter((_, index) => !isIndexed(item, index)),
    ),
  };
}

function indexedTopic(type: AbiType, value: AbiValue): Uint8Array {
  return type.kind === 'string' || type.kind === 'bytes'
    ? keccak256(contentBytes(type.kind, value))
    : encodeAbi([type], [value]);
}

function isIndexed(item: AbiEvent, index: number): boolean {
  return item.inputs[index]?.indexed === true;
}

function selectorOf({ name, inputs }: AbiFunction | AbiErrorItem): Uint8Array {
  return keccak256(ascii(abiSignature(name, inputs))).slice(0, 4);
}

function typesOf(parameters: readonly AbiParameter[]): AbiType[] {
  return parameters.map((parameter) => parseAbiType(parameter));
}

/** Names of an ABI are ASCII identifiers. */
function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
