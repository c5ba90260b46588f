import { decodeErrorResult, isHex, type Abi, type Address, type Hex } from 'viem';
import { accountsAbi, accountsAddress } from '../interfaces/accounts.js';
import { feesAbi, feesAddress } from '../interfaces/fees.js';
import { parametersAbi, parametersAddress } from '../interfaces/parameters.js';
import { jobsAbi, jobsAddress } from '../interfaces/jobs.js';
import { providersAbi, providersAddress } from '../interfaces/providers.js';
import { sourcesAbi, sourcesAddress } from '../interfaces/sources.js';
import { stakingAbi, stakingAddress } from '../interfaces/staking.js';
import { causesOf } from '../rpc/errors/refusal.js';

/** The protocol's modules, to be called as contracts: the same on every chain. */
export const modules = {
  accounts: { address: accountsAddress, abi: accountsAbi },
  fees: { address: feesAddress, abi: feesAbi },
  parameters: { address: parametersAddress, abi: parametersAbi },
  staking: { address: stakingAddress, abi: stakingAbi },
  jobs: { address: jobsAddress, abi: jobsAbi },
  providers: { address: providersAddress, abi: providersAbi },
  sources: { address: sourcesAddress, abi: sourcesAbi },
} as const satisfies Readonly<Record<string, { readonly address: Address; readonly abi: Abi }>>;

/** Why a call of a module was undone. */
export interface ModuleRevert {
  readonly name: string;
  readonly args: readonly unknown[];
}

/** The error of a module in whatever viem has thrown, also where it was thrown without the module's ABI; undefined where there is none. */
export function moduleRevertOf(error: unknown): ModuleRevert | undefined {
  const data = revertDataIn(error);
  if (data === undefined) return undefined;
  for (const { abi } of Object.values(modules)) {
    try {
      const { errorName, args } = decodeErrorResult({ abi, data });
      return { name: errorName, args };
    } catch {
      // Not an error of this module.
    }
  }
  return undefined;
}

function revertDataIn(error: unknown): Hex | undefined {
  for (const each of causesOf(error)) {
    if (typeof each !== 'object' || each === null) continue;
    for (const field of ['raw', 'data']) {
      const data = (each as Record<string, unknown>)[field];
      if (isHex(data) && data.length >= 10) return data;
    }
  }
  return undefined;
}
