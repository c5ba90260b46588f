import { abiError, abiEvent } from '../../protocol/abi/signature.js';
import { defineError, defineEvent, type ModuleError, type ModuleEvent } from './interface.js';

/** An event as Solidity declares it: `Delegated(address indexed validator, uint256 amountWei)`. */
export function declareEvent(signature: string, notice: string): ModuleEvent {
  const { name, inputs } = abiEvent(signature);
  return defineEvent(name, notice, inputs);
}

/** An error as Solidity declares it: `InsufficientStake(uint256 requestedWei, uint256 availableWei)`. */
export function declareError(signature: string, notice: string): ModuleError {
  const { name, inputs } = abiError(signature);
  return defineError(name, notice, inputs);
}
