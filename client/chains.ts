import { defineChain, type Chain } from 'viem';
import { PRESETS, type PresetName } from '../protocol/presets.js';

const NAMES: Readonly<Record<PresetName, string>> = {
  devnet: 'oGPU devnet',
  testnet: 'oGPU testnet',
  mainnet: 'oGPU',
};

/** A chain as viem and wallets know it. @param rpcUrl of a node, `http:` or `https:` */
export function ogpuChain(name: PresetName, rpcUrl = 'http://127.0.0.1:8545'): Chain {
  return defineChain({
    id: PRESETS[name].chainId,
    name: NAMES[name],
    nativeCurrency: { name: 'OGPU', symbol: 'OGPU', decimals: 18 },
    rpcUrls: { default: { http: [rpcUrl], webSocket: [rpcUrl.replace(/^http/, 'ws')] } },
    testnet: name !== 'mainnet',
  });
}

/** What `wallet_addEthereumChain` takes (EIP-3085). */
export interface AddChainParameters {
  readonly chainId: `0x${string}`;
  readonly chainName: string;
  readonly nativeCurrency: { readonly name: string; readonly symbol: string; readonly decimals: number };
  readonly rpcUrls: readonly string[];
}

export function addChainParameters(name: PresetName, rpcUrl?: string): AddChainParameters {
  const { id, name: chainName, nativeCurrency, rpcUrls } = ogpuChain(name, rpcUrl);
  return {
    chainId: `0x${id.toString(16)}`,
    chainName,
    nativeCurrency,
    rpcUrls: rpcUrls.default.http,
  };
}
