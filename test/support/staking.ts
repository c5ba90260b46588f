import assert from 'node:assert/strict';
import { decodeErrorResult, decodeEventLog, type Abi } from 'viem';
import { compileFunction, encodeCall } from '../../protocol/abi/items.js';
import type { AbiValue } from '../../protocol/abi/types.js';
import type { Address } from '../../protocol/address.js';
import { WEI_PER_OGPU } from '../../protocol/amounts.js';
import { toHex } from '../../protocol/bytes.js';
import { sha256 } from '../../protocol/crypto/hash.js';
import type { ChainParams } from '../../protocol/params.js';
import { PRESETS } from '../../protocol/presets.js';
import type { Transaction } from '../../protocol/transactions/types.js';
import type { Log } from '../../protocol/types/receipt.js';
import { credit, readAccount } from '../../state/accounts/account.js';
import { addToPool, poolBalanceWei, takeFromPool } from '../../state/accounts/pools.js';
import { auditState } from '../../state/invariants/audit.js';
import { checkBlock } from '../../state/invariants/check-block.js';
import { interfaceOf } from '../../state/modules/interface.js';
import { MODULE_TABLE, MODULES, type ModuleTable } from '../../state/modules/index.js';
import { resolveCall, Revert, runView, type Module } from '../../state/modules/module.js';
import { stakingModule } from '../../state/modules/staking.js';
import { isMember, nextValidators } from '../../state/staking/active-set.js';
import { delegate as addDelegation } from '../../state/staking/delegating.js';
import { readDelegation, type Delegation } from '../../state/staking/delegation.js';
import { epochNumber } from '../../state/staking/epoch-record.js';
import type { GenesisValidator } from '../../state/staking/genesis.js';
import { valueWei } from '../../state/staking/stake-pool.js';
import { writeValidator } from '../../state/staking/standing.js';
import { validators, type Validator } from '../../state/staking/validator.js';
import { Overlay } from '../../state/store/overlay.js';
import { paramsRecord, progressRecord } from '../../state/system/chain.js';
import type { BlockInput } from '../../state/transition/block-input.js';
import { openBlock, transition, type BlockOutcome } from '../../state/transition/transition.js';
import { genesisValidator, nextInput, TestLedger, transferFrom } from './ledger.js';

/** A call of a module by somebody. */
export interface StakingCall {
  readonly from: Address;
  /** The staking module unless told otherwise. */
  readonly module?: Module;
  readonly name: string;
  readonly values: readonly AbiValue[];
  readonly valueWei?: bigint;
  readonly gasLimit?: bigint;
}

export type CallResult =
  | { readonly status: 1; readonly values: readonly AbiValue[] }
  /** `revertData` is empty when the gas ran out. */
  | { readonly status: 0; readonly revertData: Uint8Array };

export interface StakingBlock extends BlockOutcome {
  readonly calls: readonly CallResult[];
}

export interface BlockOptions extends Partial<Omit<BlockInput, 'transactions' | 'height' | 'timeMs'>> {
  readonly calls?: readonly StakingCall[];
  /** Since the last block: a second unless told otherwise. */
  readonly afterMs?: number;
}

/** Everybody in these tests starts with this much. */
export const START_WEI = 100_000n * WEI_PER_OGPU;

/** The address of somebody by name. */
export function person(name: string): Address {
  return sha256(new TextEncoder().encode(name)).slice(0, 20);
}

export const [ALICE, BOB, CAROL] = [person('alice'), person('bob'), person('carol')] as const;

/** Devnet's parameters with changes. Unless told otherwise, time alone decides what is over and, from the second block on, what is due. */
export function stakingParams(changes: {
  readonly consensus?: Partial<ChainParams['consensus']>;
  readonly blocks?: Partial<ChainParams['blocks']>;
  readonly staking?: Partial<ChainParams['staking']>;
  readonly providers?: Partial<ChainParams['providers']>;
  readonly sources?: Partial<ChainParams['sources']>;
  readonly jobs?: Partial<ChainParams['jobs']>;
}): ChainParams {
  const { params } = PRESETS.devnet;
  return {
    ...params,
    consensus: { ...params.consensus, evidenceMaxAgeBlocks: 1, ...changes.consensus },
    blocks: { ...params.blocks, ...changes.blocks },
    staking: { ...params.staking, unbondingBlocks: 2, ...changes.staking },
    providers: { ...params.providers, unbondingBlocks: 2, ...changes.providers },
    sources: { ...params.sources, unbondingBlocks: 2, ...changes.sources },
    jobs: { ...params.jobs, ...changes.jobs },
  };
}

/** A chain of calls of modules on a state in memory. After every block all that must always hold is checked, and that it can be undone. */
export class StakingChain {
  readonly ledger: TestLedger;
  readonly #checksWhole: boolean;
  readonly #feesWei = new Map<string, bigint>();

  constructor({
    params = stakingParams({}),
    members = [1, 2, 3].map((number) => genesisValidator(number)),
    people = [ALICE, BOB, CAROL],
    checksWhole = true,
  }: {
    readonly params?: ChainParams;
    readonly members?: readonly GenesisValidator[];
    readonly people?: readonly Address[];
    /** False for states so big that looking at everything after every block takes too long. */
    readonly checksWhole?: boolean;
  } = {}) {
    this.ledger = new TestLedger({ validators: members, params });
    this.#checksWhole = checksWhole;
    for (const address of people) this.ledger.setAccount(address, { balanceWei: START_WEI });
  }

  /** Executes a block, checks it and keeps it. */
  async block(options: BlockOptions = {}): Promise<StakingBlock> {
    const { ledger } = this;
    const results = new Map<string, CallResult>();
    const input = this.#input(options);
    const before = this.#checksWhole ? ledger.dump() : undefined;
    const outcome = transition(ledger, input, recordingModules(results));
    await this.#keep(outcome, before);
    this.#countFees(outcome, options.calls ?? []);
    const byCall = input.transactions.map(({ transaction, sender }, index): CallResult => {
      const { nonce } = transaction;
      const result = results.get(callId(sender, Number(nonce))) ?? unresolved(transaction);
      assert.equal(result.status, outcome.receipts.receipts[index]?.status);
      return result;
    });
    return { ...outcome, calls: byCall };
  }

  /** What a block costs: entries it reads of the state and entries it changes. It is not kept. */
  costOf(options: BlockOptions): { readonly reads: number; readonly writes: number } {
    let reads = 0;
    const get = (key: Uint8Array): Uint8Array | undefined => {
      reads++;
      return this.ledger.get(key);
    };
    const { changes, receipts } = transition({ get }, this.#input(options));
    assert.ok(receipts.receipts.every(({ status }) => status === 1));
    return { reads, writes: changes.length };
  }

  /** Lets the unbonding time pass, and the two blocks. @returns the block that pays what left before */
  async passUnbonding(): Promise<StakingBlock> {
    await this.block({ afterMs: 1 });
    return this.block({ afterMs: paramsRecord.read(this.ledger).staking.unbondingMs });
  }

  /** A block with calls that all succeed. */
  async run(...calls: readonly StakingCall[]): Promise<StakingBlock> {
    const block = await this.block({ calls });
    for (const result of block.calls) assert.equal(errorOf(result), 'none');
    return block;
  }

  /** A block with one call that reverts. */
  async refuse(call: StakingCall, error: string, args?: readonly unknown[]): Promise<void> {
    const [result] = (await this.block({ calls: [call] })).calls;
    assert.ok(result);
    assert.equal(errorOf(result), error);
    if (args !== undefined) assert.deepEqual(errorArgs(result), args);
  }

  /** A view, or what a call would return, on the state as it is. */
  view(name: string, ...values: readonly AbiValue[]): readonly AbiValue[] {
    return this.viewOf(stakingModule, name, ...values);
  }

  /** The same of any module. */
  viewOf(module: Module, name: string, ...values: readonly AbiValue[]): readonly AbiValue[] {
    const state = new Overlay(this.ledger, { maxBytes: 1 << 20 });
    const proposer = nextValidators(this.ledger)[0]?.id ?? new Uint8Array(20);
    const { block } = openBlock(this.ledger, nextInput(this.ledger, { proposer }));
    return runView(module, name, { state, block, caller: ALICE }, values);
  }

  get timeMs(): number {
    return progressRecord.read(this.ledger).timeMs;
  }

  get height(): number {
    return progressRecord.read(this.ledger).height;
  }

  get params(): ChainParams {
    return paramsRecord.read(this.ledger);
  }

  get gasLimit(): number {
    return paramsRecord.read(this.ledger).blocks.gasLimit;
  }

  get epoch(): number {
    return epochNumber(this.ledger);
  }

  validator(id: Address): Validator {
    return validators.read(this.ledger, id);
  }

  delegation(id: Address, delegator: Address): Delegation {
    return readDelegation(this.ledger, id, delegator);
  }

  /** Makes each of `people` a delegator, with money of the reserve for it and for fees. */
  seedDelegators(id: Address, people: readonly Address[], amountWei: bigint, feesWei = WEI_PER_OGPU): void {
    const state = new Overlay(this.ledger, { maxBytes: 1 << 28 });
    const proposer = nextValidators(this.ledger)[0]?.id ?? new Uint8Array(20);
    const { block } = openBlock(this.ledger, nextInput(this.ledger, { proposer }));
    const scope = { state, block, emit: (): void => undefined };
    takeFromPool(state, 'reserve', (amountWei + feesWei) * BigInt(people.length));
    for (const delegator of people) {
      credit(state, delegator, feesWei);
      addDelegation(scope, id, delegator, amountWei);
    }
    this.ledger.apply(state.changes());
  }

  /** Takes all stake of a validator and leaves it its shares, which no single slash for absence may do. */
  wipeOut(id: Address): void {
    const state = new Overlay(this.ledger, { maxBytes: 1 << 20 });
    const validator = this.validator(id);
    const { block } = openBlock(this.ledger, nextInput(this.ledger, { proposer: id }));
    addToPool(state, 'verifierPool', validator.pool.tokensWei);
    writeValidator({ state, block }, id, { ...validator, pool: { ...validator.pool, tokensWei: 0n } });
    this.ledger.apply(state.changes());
  }

  /** What a delegation is worth, liens left aside. */
  stakeWei(id: Address, delegator: Address): bigint {
    return valueWei(this.validator(id).pool, this.delegation(id, delegator).holding.shares);
  }

  /** An account's balance as if it had paid no fees. */
  moneyWei(address: Address): bigint {
    return readAccount(this.ledger, address).balanceWei + (this.#feesWei.get(toHex(address)) ?? 0n);
  }

  /** The verifier pool as if it had received no fees: what slashes have brought. */
  slashedWei(): bigint {
    const feesWei = [...this.#feesWei.values()].reduce((sum, wei) => sum + wei, 0n);
    return poolBalanceWei(this.ledger, 'verifierPool') - feesWei;
  }

  /** Whether a validator decides the next height. */
  isMember(id: Address): boolean {
    return isMember(nextValidators(this.ledger), id);
  }

  #input({ calls = [], afterMs = 1_000, ...input }: BlockOptions): BlockInput {
    const nonces = new Map<string, number>();
    return nextInput(this.ledger, {
      proposer: nextValidators(this.ledger)[0]?.id ?? new Uint8Array(20),
      ...input,
      timeMs: this.timeMs + afterMs,
      transactions: calls.map((call) => this.#transaction(call, nonces)),
    });
  }

  #transaction(call: StakingCall, nonces: Map<string, number>): ReturnType<typeof transferFrom> {
    const name = toHex(call.from);
    const nonce = nonces.get(name) ?? readAccount(this.ledger, call.from).nonce;
    nonces.set(name, nonce + 1);
    const { baseFeeWei } = progressRecord.read(this.ledger);
    return transferFrom(call.from, {
      nonce: BigInt(nonce),
      to: (call.module ?? stakingModule).address,
      value: call.valueWei ?? 0n,
      data: encodeStakingCall(call),
      gasLimit: call.gasLimit ?? gasOf(call.name, call.module),
      maxFeePerGas: baseFeeWei,
      maxPriorityFeePerGas: 0n,
    });
  }

  async #keep({ changes }: BlockOutcome, before: Record<string, string> | undefined): Promise<void> {
    const { ledger } = this;
    ledger.apply(changes);
    checkBlock(ledger, changes);
    if (before === undefined) return;
    await auditState(ledger, ledger.entries());
    const after = ledger.dump();
    ledger.undo(changes);
    assert.deepEqual(ledger.dump(), before, 'undone');
    ledger.apply(changes);
    assert.deepEqual(ledger.dump(), after, 'done again');
  }

  #countFees({ receipts, baseFeeWei }: BlockOutcome, calls: readonly StakingCall[]): void {
    let before = 0;
    for (const [index, { cumulativeGasUsed }] of receipts.receipts.entries()) {
      const name = toHex(calls[index]?.from ?? new Uint8Array(20));
      const feeWei = BigInt(cumulativeGasUsed - before) * baseFeeWei;
      this.#feesWei.set(name, (this.#feesWei.get(name) ?? 0n) + feeWei);
      before = cumulativeGasUsed;
    }
  }
}

export function encodeStakingCall({
  name,
  values,
  module = stakingModule,
}: Pick<StakingCall, 'name' | 'values' | 'module'>): Uint8Array {
  const target = module.byName.get(name);
  assert.ok(target, `the module ${module.name} has ${name}`);
  return encodeCall(compileFunction(target.item), values);
}

/** Gas limit of a call: enough for any calldata of these tests. */
export function gasOf(name: string, module: Module = stakingModule): bigint {
  return BigInt(21_000 + 20_000 + (module.byName.get(name)?.gas ?? 0));
}

/** Notes what each resolved call of a module came to, which receipts do not say. */
function recordingModules(results: Map<string, CallResult>): ModuleTable {
  return new Map(MODULES.map((module) => [toHex(module.address), recordingModule(module, results)]));
}

function recordingModule(module: Module, results: Map<string, CallResult>): Module {
  const functions = [...module.byName].map(([name, target]) => {
    const run: typeof target.run = (context, values) => {
      const id = callId(context.caller, readAccount(context.state, context.caller).nonce - 1);
      try {
        const returned = target.run(context, values);
        results.set(id, { status: 1, values: returned });
        return returned;
      } catch (error) {
        if (error instanceof Revert) results.set(id, { status: 0, revertData: error.revertData });
        throw error;
      }
    };
    return [name, { ...target, run }] as const;
  });
  return { ...module, byName: new Map(functions) };
}

function callId(sender: Address, nonce: number): string {
  return `${toHex(sender)} ${nonce}`;
}

/** What a call came to that never reached its function. */
function unresolved({ to, data, value }: Pick<Transaction, 'to' | 'data' | 'value'>): CallResult {
  try {
    const module = MODULE_TABLE.get(toHex(to ?? new Uint8Array(0)));
    assert.ok(module, 'a call is of a module');
    resolveCall(module, data, value);
  } catch (error) {
    if (error instanceof Revert) return { status: 0, revertData: error.revertData };
    throw error;
  }
  return { status: 0, revertData: new Uint8Array(0) };
}

/** What the same error or event is called in two modules is the same. */
const ABI = MODULES.flatMap(interfaceOf) as Abi;

/** Name of the error a call reverted with, as viem reads it; 'none' when it succeeded. */
export function errorOf(result: CallResult): string {
  if (result.status === 1) return 'none';
  if (result.revertData.length === 0) return 'out of gas';
  return decodeErrorResult({ abi: ABI, data: toHex(result.revertData) }).errorName;
}

export function errorArgs(result: CallResult): readonly unknown[] {
  if (result.status === 1) return [];
  return decodeErrorResult({ abi: ABI, data: toHex(result.revertData) }).args ?? [];
}

export interface DecodedEvent {
  readonly name: string;
  readonly args: Readonly<Record<string, unknown>>;
}

/** Events of a block in order, as viem reads them. */
export function eventsOf({ receipts }: BlockOutcome): DecodedEvent[] {
  const logs = [receipts.beginLogs, ...receipts.receipts.map((r) => r.logs), receipts.endLogs].flat();
  return logs.map(decodeLog);
}

function decodeLog({ topics, data }: Log): DecodedEvent {
  const [first, ...rest] = topics.map((topic) => toHex(topic));
  assert.ok(first);
  const decoded = decodeEventLog({ abi: ABI, topics: [first, ...rest], data: toHex(data) });
  return { name: String(decoded.eventName), args: decoded.args as unknown as Record<string, unknown> };
}

/** Events of one name, each as its values. */
export function eventValues(block: BlockOutcome, name: string): unknown[][] {
  return eventsOf(block)
    .filter((event) => event.name === name)
    .map(({ args }) => Object.values(args));
}

/*
 * Calls, each by somebody.
 */

export const delegate = (from: Address, validator: Address, valueWei: bigint): StakingCall => ({
  from,
  name: 'delegate',
  values: [validator],
  valueWei,
});

export const undelegate = (from: Address, validator: Address, amountWei: bigint): StakingCall => ({
  from,
  name: 'undelegate',
  values: [validator, amountWei],
});

export const undelegateAll = (from: Address, validator: Address): StakingCall => ({
  from,
  name: 'undelegateAll',
  values: [validator],
});

export const redelegate = (from: Address, source: Address, to: Address, amountWei: bigint): StakingCall => ({
  from,
  name: 'redelegate',
  values: [source, to, amountWei],
});

export const redelegateAll = (from: Address, source: Address, to: Address): StakingCall => ({
  from,
  name: 'redelegateAll',
  values: [source, to],
});

export const cancelUnbonding = (from: Address, number: bigint): StakingCall => ({
  from,
  name: 'cancelUnbonding',
  values: [number],
});

export const claimRewards = (from: Address, validator: Address): StakingCall => ({
  from,
  name: 'claimRewards',
  values: [validator],
});

export const settle = (from: Address, validator: Address, delegator: Address): StakingCall => ({
  from,
  name: 'settle',
  values: [validator, delegator],
});

export const setCommission = (from: Address, bps: number): StakingCall => ({
  from,
  name: 'setCommission',
  values: [BigInt(bps)],
});

export const unjail = (from: Address, validator: Address): StakingCall => ({
  from,
  name: 'unjail',
  values: [validator],
});
