import { encodeAbi } from '../../protocol/abi/encode.js';
import {
  createDispatcher,
  decodeCall,
  encodeEvent,
  encodeRevert,
  type Dispatcher,
} from '../../protocol/abi/items.js';
import { AbiError, type AbiType, type AbiValue } from '../../protocol/abi/types.js';
import type { Address } from '../../protocol/address.js';
import { OgpuError } from '../../protocol/errors.js';
import { invariant } from '../../protocol/invariant.js';
import { MAX_LOG_DATA_BYTES } from '../../protocol/limits.js';
import type { Log } from '../../protocol/types/receipt.js';
import type { Emit, Scope } from '../transition/block-context.js';
import { assertInterface } from './interface-check.js';
import { defineError, type InterfaceFunction, type ModuleError, type ModuleInterface } from './interface.js';

/** What a function of a module gets to work with. */
export interface CallContext extends Scope {
  readonly caller: Address;
  /** Where the code of another module runs on behalf of this call. */
  readonly scopeOf: (module: Emitting) => Scope;
  /** Already taken from the caller; the function must put it somewhere. Zero unless the function is payable. */
  readonly valueWei: bigint;
}

/** One function of a module. Its work is bounded, so its gas is a constant, or follows from the size of its arguments. */
export interface ModuleFunction extends InterfaceFunction {
  /** On top of the intrinsic gas. */
  readonly gas: number;
  /** What more it costs with these arguments: told before it runs, in no time. */
  readonly gasOfArguments?: (values: readonly AbiValue[]) => number;
  /** @throws Revert */
  readonly run: (context: CallContext, values: readonly AbiValue[]) => readonly AbiValue[];
}

export interface ModuleDefinition extends ModuleInterface {
  readonly address: Address;
  readonly functions: readonly ModuleFunction[];
  /** The module's own; those every module has are added. */
  readonly errors: readonly ModuleError[];
}

/** Protocol code at a fixed address that speaks the Solidity ABI. */
export interface Module extends ModuleDefinition {
  /** Its own, then those every module has. */
  readonly errors: readonly ModuleError[];
  readonly byName: ReadonlyMap<string, ModuleFunction>;
  readonly dispatcher: Dispatcher;
}

/**
 * A module from its parts. A definition that clients could misread is a broken invariant.
 *
 * @throws AbiError ABI_TYPE_UNKNOWN
 */
export function defineModule({ name, address, functions, events, errors }: ModuleDefinition): Module {
  const module = { name, address, functions, events, errors: [...errors, ...COMMON_ERRORS] };
  invariant(address.length === 20, `module ${name} has an address`);
  for (const { item, gas } of functions) {
    invariant(Number.isSafeInteger(gas) && gas >= 0, `the gas of ${item.name} is a whole number`);
  }
  assertInterface(module);
  const byName = new Map(functions.map((f) => [f.item.name, f]));
  return { ...module, byName, dispatcher: createDispatcher(functions.map(({ item }) => item)) };
}

/** Errors any module may revert with. */
export const UNKNOWN_FUNCTION = defineError(
  'UnknownFunction',
  'The module has no function with this selector; shorter calldata is given as it is.',
  [{ name: 'selector', type: 'bytes' }],
);
export const INVALID_CALLDATA = defineError(
  'InvalidCalldata',
  'The arguments are not the canonical ABI encoding, or too large.',
  [{ name: 'reason', type: 'string' }],
);
export const NOT_PAYABLE = defineError(
  'NotPayable',
  'The function takes no value: send 0 wei with the call.',
  [],
);
const COMMON_ERRORS: readonly ModuleError[] = [UNKNOWN_FUNCTION, INVALID_CALLDATA, NOT_PAYABLE];

/** Undoes a call and tells its caller why, as a Solidity custom error. */
export class Revert extends OgpuError<'CALL_REVERTED'> {
  readonly error: ModuleError;
  /** Selector and arguments of the error. */
  readonly revertData: Uint8Array;

  constructor(error: ModuleError, values: readonly AbiValue[]) {
    super('CALL_REVERTED', error.item.name, { error: error.item.name, values });
    this.error = error;
    this.revertData = encodeRevert(error, values);
  }
}

/** A call of a module, resolved: which function, with what. */
export interface ResolvedCall {
  readonly target: ModuleFunction;
  readonly outputs: readonly AbiType[];
  readonly values: readonly AbiValue[];
}

/** Gas of a call on top of the intrinsic gas. */
export function gasOfCall({ target, values }: ResolvedCall): number {
  return target.gas + (target.gasOfArguments?.(values) ?? 0);
}

/**
 * The function that `calldata` calls and its arguments.
 *
 * @throws Revert UnknownFunction | InvalidCalldata | NotPayable
 */
export function resolveCall(module: Module, calldata: Uint8Array, valueWei: bigint): ResolvedCall {
  const { called, values } = decode(module, calldata);
  const target = module.byName.get(called.item.name);
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
  context: Omit<CallContext, 'emit' | 'scopeOf'>,
  logs: Log[],
): Uint8Array {
  const isView = call.target.item.stateMutability === 'view';
  const { state, block } = context;
  const emitOf = (of: Emitting): Emit => (isView ? refuseToLog : emitter(of, logs));
  const scopeOf = (of: Emitting): Scope => ({ state, block, emit: emitOf(of) });
  return encodeAbi(call.outputs, call.target.run({ ...context, emit: emitOf(module), scopeOf }, call.values));
}

/** What a function of a module that only looks says of a state. */
export function runView(
  module: Module,
  name: string,
  context: Pick<CallContext, 'state' | 'block' | 'caller'>,
  values: readonly AbiValue[],
): readonly AbiValue[] {
  const target = module.byName.get(name);
  invariant(target?.item.stateMutability === 'view', `${module.name} has a view ${name}`);
  const { state, block } = context;
  const scopeOf = (): Scope => ({ state, block, emit: refuseToLog });
  return target.run({ ...context, valueWei: 0n, emit: refuseToLog, scopeOf }, values);
}

/** What a module needs to be to log. */
export type Emitting = Pick<Module, 'name' | 'address' | 'events'>;

/** Appends the events of a module to `logs`. What it emits throws `Revert InvalidCalldata` when the log would be too large. */
export function emitter(module: Emitting, logs: Log[]): Emit {
  return (event, values) => {
    invariant(module.events.includes(event), `${module.name} declares its event ${event.item.name}`);
    const { topics, data } = encodeEvent(event, values);
    if (data.length > MAX_LOG_DATA_BYTES) throw new Revert(INVALID_CALLDATA, [LOG_TOO_LARGE]);
    logs.push({ address: module.address, topics: [...topics], data });
  };
}

function refuseToLog(): never {
  invariant(false, 'a function that only looks logs nothing');
}

/** What a call wants to log comes from its calldata. */
const LOG_TOO_LARGE = `LOG_TOO_LARGE: more than ${MAX_LOG_DATA_BYTES} bytes of event data`;

/** The reason is text of our own decoder alone, the same on every machine; it goes to the caller, never into a receipt. */
function decode(module: Module, calldata: Uint8Array): ReturnType<typeof decodeCall> {
  try {
    return decodeCall(module.dispatcher, calldata);
  } catch (error) {
    if (!(error instanceof AbiError)) throw error;
    if (error.code === 'ABI_SELECTOR_UNKNOWN') throw new Revert(UNKNOWN_FUNCTION, [calldata.slice(0, 4)]);
    throw new Revert(INVALID_CALLDATA, [`${error.code}: ${error.message}`]);
  }
}
