import type { AbiErrorItem, AbiEvent, AbiFunction, AbiParameter } from './types.js';
import { invariant } from '../invariant.js';

/*
 * ABI items written as Solidity declares them, without tuples: `delegate(address validator) payable`,
 * `Delegated(address indexed validator, uint256 amountWei)`. They are part of the code, so a wrong one is a bug.
 */

/** `name(type name, …) [view|payable] [returns (type name, …)]` */
export function abiFunction(signature: string): AbiFunction {
  const match = /^(\w+)\(([^()]*)\)(?: (view|payable))?(?: returns \(([^()]*)\))?$/.exec(signature);
  invariant(match !== null, `a function is declared as in Solidity: ${signature}`);
  const [, name = '', inputs = '', mutability, outputs = ''] = match;
  return {
    type: 'function',
    name,
    inputs: parameters(inputs),
    outputs: parameters(outputs),
    stateMutability: mutability === 'view' || mutability === 'payable' ? mutability : 'nonpayable',
  };
}

/** `Name(type [indexed] name, …)` */
export function abiEvent(signature: string): AbiEvent {
  const { name, inputs } = declaration(signature);
  return {
    type: 'event',
    name,
    inputs: inputs.map((input) => ({ ...input, indexed: input.indexed === true })),
  };
}

/** `Name(type name, …)` */
export function abiError(signature: string): AbiErrorItem {
  return { type: 'error', ...declaration(signature) };
}

function declaration(signature: string): { name: string; inputs: AbiParameter[] } {
  const match = /^(\w+)\(([^()]*)\)$/.exec(signature);
  invariant(match !== null, `an item is declared as in Solidity: ${signature}`);
  const [, name = '', inputs = ''] = match;
  return { name, inputs: parameters(inputs) };
}

function parameters(list: string): AbiParameter[] {
  return list === '' ? [] : list.split(', ').map(parameter);
}

function parameter(text: string): AbiParameter {
  const match = /^([\w[\]]+)( indexed)? (\w+)$/.exec(text);
  invariant(match !== null, `a parameter has a type and a name: ${text}`);
  const [, type = '', indexed, name = ''] = match;
  return indexed === undefined ? { name, type } : { name, type, indexed: true };
}
