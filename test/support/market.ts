import type { Address } from '../../protocol/address.js';
import type { AbiValue } from '../../protocol/abi/types.js';
import { WEI_PER_OGPU } from '../../protocol/amounts.js';
import { buildGraph } from '../../protocol/graph/builder.js';
import { encodeGraph, programHash } from '../../protocol/graph/encode.js';
import type { Graph } from '../../protocol/graph/graph.js';
import { checkBlock } from '../../state/invariants/check-block.js';
import { providersModule } from '../../state/modules/providers.js';
import { sourcesModule } from '../../state/modules/sources.js';
import { providers, type Provider } from '../../state/providers/provider.js';
import { sources, type Source } from '../../state/sources/source.js';
import { nextValidators } from '../../state/staking/active-set.js';
import { Overlay } from '../../state/store/overlay.js';
import type { Reader } from '../../state/store/store.js';
import type { Scope } from '../../state/transition/block-context.js';
import { openBlock } from '../../state/transition/transition.js';
import { nextInput } from './ledger.js';
import type { StakingCall, StakingChain } from './staking.js';

/*
 * Calls of the modules providers and sources, each by somebody; and what the module jobs does to them in its calls.
 */

export const GPU: AbiValue = ['nvidia', 'rtx-4090', 24_576n, 2n];

/** A call of the providers module. */
export function byProvider(from: Address, name: string, ...values: readonly AbiValue[]): StakingCall {
  return { module: providersModule, from, name, values };
}

export const registerProvider = (
  from: Address,
  {
    lockupWei = 10n * WEI_PER_OGPU,
    invited = [],
    gpus = [GPU],
    name = 'provider',
  }: {
    readonly lockupWei?: bigint;
    readonly invited?: readonly Address[];
    readonly gpus?: readonly AbiValue[];
    readonly name?: string;
  } = {},
): StakingCall => ({
  ...byProvider(from, 'register', name, gpus, invited),
  valueWei: lockupWei,
  gasLimit: 1_000_000n,
});

export const depositLockup = (from: Address, master: Address, valueWei: bigint): StakingCall => ({
  ...byProvider(from, 'deposit', master),
  valueWei,
});

/** A call of the sources module. */
export function ofSource(from: Address, name: string, ...values: readonly AbiValue[]): StakingCall {
  return { module: sourcesModule, from, name, values };
}

export const registerSource = (
  from: Address,
  graph: Uint8Array,
  valueWei: bigint = 20n * WEI_PER_OGPU,
): StakingCall => ({
  ...ofSource(from, 'register', graph),
  valueWei,
  gasLimit: 5_000_000n,
});

export const attest = (validator: Address, source: Uint8Array, verdict: 0n | 1n | 2n = 1n): StakingCall =>
  ofSource(validator, 'attest', source, validator, verdict);

export interface SampleSource {
  readonly graph: Graph;
  readonly bytes: Uint8Array;
  readonly id: Uint8Array;
}

/** A small program; each number makes another one. */
export function sampleSource(number = 1, { isChain = false } = {}): SampleSource {
  const builder = buildGraph();
  const tensor = { type: 'int8', shape: [1, 4 + number] } as const;
  const x = builder.input(tensor);
  const y = builder.input(tensor, undefined, isChain ? 'state' : 'item');
  const condition = builder.node('compare', { a: x, b: y }, { relation: 'less' });
  const { graph } = builder.finish([builder.node('select', { condition, a: x, b: y }, {})]);
  return { graph, bytes: encodeGraph(graph), id: programHash(graph) };
}

export function readProvider(state: Reader, master: Address): Provider {
  return providers.read(state, master);
}

export function readSource(state: Reader, id: Uint8Array): Source {
  return sources.read(state, id);
}

/** Runs what another module does in a call of the next block, checks it and keeps it. */
export function onLedger({ ledger }: StakingChain, run: (scope: Omit<Scope, 'emit'>) => void): void {
  const state = new Overlay(ledger, { maxBytes: 1 << 22 });
  const { block } = openBlock(
    ledger,
    nextInput(ledger, { proposer: nextValidators(ledger)[0]?.id ?? new Uint8Array(20) }),
  );
  run({ state, block });
  const changes = state.changes();
  ledger.apply(changes);
  checkBlock(ledger, changes);
}
