import type { AbiItem, AbiParameter } from '../../protocol/abi/types.js';

/** Inputs, then outputs. */
export function parametersOf(item: AbiItem): readonly AbiParameter[] {
  return item.type === 'function' ? [...item.inputs, ...item.outputs] : item.inputs;
}

/** The tuples among parameters, and those within them first. */
export function tuplesIn(parameters: readonly AbiParameter[]): AbiParameter[] {
  return parameters
    .filter(({ components }) => components !== undefined)
    .flatMap((tuple) => [...tuplesIn(tuple.components ?? []), tuple]);
}

/** `Note` of a parameter whose internal type is `struct IName.Note[]`. */
export function structName({ internalType = '' }: AbiParameter): string {
  return /\.(\w+)/.exec(internalType)?.[1] ?? '';
}
