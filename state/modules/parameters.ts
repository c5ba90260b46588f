import { abiFunction } from '../../protocol/abi/signature.js';
import { PARAMETER_GROUPS } from '../../protocol/params-check.js';
import type { ChainParams } from '../../protocol/params.js';
import { MODULE_ADDRESSES } from './addresses.js';
import { textArgument } from './arguments.js';
import { declareError } from './declare.js';
import { defineModule, Revert } from './module.js';

export const PARAMETER_ERRORS = {
  UnknownParameter: declareError(
    'UnknownParameter(string group, string name)',
    'The chain has no parameter of this group and name.',
  ),
} as const;

export const parametersModule = defineModule({
  name: 'parameters',
  address: MODULE_ADDRESSES.parameters,
  functions: [
    {
      item: abiFunction('parameter(string group, string name) view returns (uint256 value)'),
      notice: 'Value of a chain parameter by its group and name, as in the genesis document.',
      gas: 10_000,
      run: ({ block }, values) => {
        const [group, name] = [textArgument(values, 0), textArgument(values, 1)];
        const value = findParameter(block.params, group, name);
        if (value === undefined) throw new Revert(PARAMETER_ERRORS.UnknownParameter, [group, name]);
        return [BigInt(value)];
      },
    },
  ],
  events: [],
  errors: Object.values(PARAMETER_ERRORS),
});

function findParameter(params: ChainParams, group: string, name: string): number | bigint | undefined {
  const known = PARAMETER_GROUPS.find((candidate) => candidate === group);
  if (known === undefined) return undefined;
  const entry = Object.entries<number | bigint>(params[known]).find(([candidate]) => candidate === name);
  return entry?.[1];
}
