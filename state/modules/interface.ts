import {
  compileError,
  compileEvent,
  type CompiledError,
  type CompiledEvent,
} from '../../protocol/abi/items.js';
import type { AbiFunction, AbiItem, AbiParameter } from '../../protocol/abi/types.js';

/** What can be said to a module, what it logs and how it refuses: all a client needs to know. */
export interface ModuleInterface {
  /** In lower camel case; its Solidity interface is `I` and the name. */
  readonly name: string;
  readonly functions: readonly InterfaceFunction[];
  readonly events: readonly ModuleEvent[];
  readonly errors: readonly ModuleError[];
}

export interface InterfaceFunction {
  readonly item: AbiFunction;
  /** What it does, with units, in one line. */
  readonly notice: string;
}

/** An event a module may emit. */
export interface ModuleEvent extends CompiledEvent {
  /** What has happened, in one line. */
  readonly notice: string;
}

/** An error a module may revert with. */
export interface ModuleError extends CompiledError {
  /** Why, and what would help, in one line. */
  readonly notice: string;
}

/** @throws AbiError ABI_TYPE_UNKNOWN */
export function defineEvent(name: string, notice: string, inputs: readonly AbiParameter[]): ModuleEvent {
  const parameters = inputs.map((input) => ({ ...input, indexed: input.indexed === true }));
  return { ...compileEvent({ type: 'event', name, inputs: parameters }), notice };
}

/** @throws AbiError ABI_TYPE_UNKNOWN */
export function defineError(name: string, notice: string, inputs: readonly AbiParameter[]): ModuleError {
  return { ...compileError({ type: 'error', name, inputs }), notice };
}

/** The JSON ABI: functions, events and errors in the order of their definition. */
export function interfaceOf({ functions, events, errors }: ModuleInterface): AbiItem[] {
  return [...functions, ...events, ...errors].map(({ item }) => item);
}

/** Name of the Solidity interface. */
export function solidityName(moduleName: string): string {
  return `I${moduleName.charAt(0).toUpperCase()}${moduleName.slice(1)}`;
}
