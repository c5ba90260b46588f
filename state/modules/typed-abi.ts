import { toChecksumAddress } from '../../protocol/address.js';
import { interfaceOf } from './interface.js';
import type { Module } from './module.js';

/** The module's address and ABI as literals, from which viem infers types: the text of `interfaces/name.ts`. */
export function typedAbi(module: Module): string {
  const { name, address } = module;
  const items = interfaceOf(module).map((item) => `  ${JSON.stringify(item)},\n`);
  return [
    `/** Where the protocol module ${name} lives, on every oGPU chain. */`,
    `export const ${name}Address = '${toChecksumAddress(address)}';`,
    '',
    `export const ${name}Abi = [`,
    `${items.join('')}] as const;`,
    '',
  ].join('\n');
}
