import {
  decodeCall,
  createDispatcher,
  encodeEvent,
  encodeRevert,
  type Dispatcher,
} from '../../protocol/abi/items.js';
import { encodeAbi } from '../../protocol/abi/encode.js';
import {
  AbiError,
  type AbiErrorItem,
  type AbiFunction,
  type AbiType,
  type AbiValue,
} from '../../protocol/abi/types.js';
import type { Address } from '../../protocol/address.js';
import { OgpuError } from '../../protocol/errors.js';
import { invariant } from '../../protocol/invariant.js';
import type { Log } from '../../protocol/types/receipt.js';
import type { Emit, Scope } from '../transition/block-context.js';

/** What a function of a module gets to work with. */
export interface CallContext extends Scope {
  readonly caller: Address;
  /** Already taken from the caller; the function must put it somewhere. Zero unless the function is payable. */
  readonly valueWei: bigint;
}

/** One function of a module. Its work is bounded, so its gas is a constant. */
export interface ModuleFunction {
  readonly item: AbiFunction;
  /** On top of the intrinsic gas. */
  readonly gas: number;
  /** @throws Revert */
  readonly run: (context: CallContext, values: readonly AbiValue[]) => readonly AbiValue[];
}

/** Protocol code at a fixed address that speaks the Solidity ABI. */
export interface Module {
  readonly name: string;
  readonly address: Address;
  readonly functions: ReadonlyMap<string, ModuleFunction>;
  readonly dispatcher: Dispatcher;
}

export function defineModule(name: string, address: Address, functions: readonly ModuleFunction[]): Module {
  invariant(address.length === 20, 'a module has an address');
  return {
    name,
    address,
    functions: new Map(functions.map((f) => [f.item.name, f])),
    dispatcher: createDispatcher(functions.map(({ item }) => item)),
  };
}

/** Undoes a call and tells its caller why, as a Solidity custom error. */
export class Revert extends OgpuError<'CALL_REVERTED'> {
  /** Selector and arguments of the error. */
  readonly revertData: Uint8Array;

  constructor(item: AbiErrorItem, values: readonly AbiValue[]) {
    super('CALL_REVERTED', item.name, { error: item.name, values });
    this.revertData = encodeRevert(item, values);
  }
}

/** Errors any module may revert with. */
export const UNKNOWN_FUNCTION: AbiErrorItem = {
  type: 'error',
  name: 'UnknownFunction',
  inputs: [{ name: 'selector', type: 'bytes' }],
};
export const INVALID_CALLDATA: AbiErrorItem = {
  type: 'error',
  name: 'InvalidCalldata',
  inputs: [{ name: 'reason', type: 'string' }],
};
export const NOT_PAYABLE: AbiErrorItem = { type: 'error', name: 'NotPayable', inputs: [] };

/** A call of a module, resolved: which function, with what. */
export interface ResolvedCall {
  readonly target: ModuleFunction;
  readonly outputs: readonly AbiType[];
  readonly values: readonly AbiValue[];
}

/**
 * The function that `calldata` calls and its arguments.
 *
 * @throws Revert UnknownFunction | InvalidCalldata | NotPayable
 */
export function resolveCall(module: Module, calldata: Uint8Array, valueWei: bigint): ResolvedCall {
  const { called, values } = decode(module, calldata);
  const target = module.functions.get(called.item.name);
  invariant(target !== undefined, 'a dispatched function belongs to its module');
  if (valueWei > 0n && target.item.stateMutability !== 'payable') throw new Revert(NOT_PAYABLE, []);
  return { target, outputs: called.outputs, values };
}

/**
 * Runs a resolved call. State changes are the caller's to keep or to undo.
 *
 * @returns the ABI-encoded results
 * @throws Revert
 */
export function runCall(
  module: Module,
  call: ResolvedCall,
  context: Omit<CallContext, 'emit'>,
  logs: Log[],
): Uint8Array {
  const emit = emitter(module.address, logs);
  return encodeAbi(call.outputs, call.target.run({ ...context, emit }, call.values));
}

/** Appends the events of the module at `address` to `logs`. */
export function emitter(address: Address, logs: Log[]): Emit {
  return (event, values) => {
    const { topics, data } = encodeEvent(event, values);
    logs.push({ address, topics: [...topics], data });
  };
}

function decode(module: Module, calldata: Uint8Array): ReturnType<typeof decodeCall> {
  try {
    return decodeCall(module.dispatcher, calldata);
  } catch (error) {
    if (!(error instanceof AbiError)) throw error;
    if (error.code === 'ABI_SELECTOR_UNKNOWN') throw new Revert(UNKNOWN_FUNCTION, [calldata.slice(0, 4)]);
    throw new Revert(INVALID_CALLDATA, [error.message]);
  }
}
