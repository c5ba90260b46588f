import { fromHex, toHex, type Hex } from '../../protocol/bytes.js';
import { resolveCall, Revert, runCall, type Module } from '../../state/modules/module.js';
import { Overlay } from '../../state/store/overlay.js';
import { blockContext, TestLedger } from './ledger.js';

/** What wallets and libraries talk to (EIP-1193). */
export interface Provider {
  readonly request: (call: { readonly method: string; readonly params?: unknown }) => Promise<unknown>;
}

/** Answers `eth_call` from modules on the state of a young chain, as a node does over JSON-RPC: a revert is error 3 with its data. */
export function moduleProvider(modules: readonly Module[]): Provider {
  const { chainId } = blockContext(new TestLedger()).identity;
  return {
    request: ({ method, params }) => {
      if (method === 'eth_chainId')
        return Promise.resolve(toHex(Uint8Array.of(chainId >> 8, chainId & 0xff)));
      const [call] = params as readonly { to: string; data: string; value?: string }[];
      if (method !== 'eth_call' || call === undefined) return Promise.reject(new Error(`no ${method}`));
      const module = modules.find(({ address }) => toHex(address) === call.to.toLowerCase());
      if (module === undefined) return Promise.resolve('0x');
      return new Promise((resolve) => resolve(execute(module, fromHex(call.data), BigInt(call.value ?? 0))));
    },
  };
}

/** An error of JSON-RPC. */
export class ExecutionReverted extends Error {
  readonly code = 3;
  readonly data: Hex;

  constructor(data: Hex) {
    super('execution reverted');
    this.data = data;
  }
}

function execute(module: Module, calldata: Uint8Array, valueWei: bigint): Hex {
  const ledger = new TestLedger();
  const state = new Overlay(ledger, { maxBytes: 1 << 20 });
  const context = { state, block: blockContext(ledger), caller: new Uint8Array(20), valueWei };
  try {
    return toHex(runCall(module, resolveCall(module, calldata, valueWei), context, []));
  } catch (error) {
    if (error instanceof Revert) throw new ExecutionReverted(toHex(error.revertData));
    throw error;
  }
}
