import { TOTAL_SUPPLY_WEI, WEI_PER_OGPU } from '../../protocol/amounts.js';
import { compareBytes, toHex } from '../../protocol/bytes.js';
import type { ChainParams } from '../../protocol/params.js';
import { PRESETS } from '../../protocol/presets.js';
import { signTransaction } from '../../protocol/transactions/sign.js';
import type { Transaction } from '../../protocol/transactions/types.js';
import { encodeAccount, readAccount, type Account } from '../../state/accounts/account.js';
import { addToPool, takeFromPool } from '../../state/accounts/pools.js';
import { moneyInWei } from '../../state/invariants/lines.js';
import { seedSystem, type GenesisValidator } from '../../state/staking/genesis.js';
import { Overlay, type RecordedChange } from '../../state/store/overlay.js';
import { STATE_KEYS } from '../../state/store/keys.js';
import type { Entry, Reader } from '../../state/store/store.js';
import { progressRecord } from '../../state/system/chain.js';
import type { BlockContext, SenderTransaction } from '../../state/transition/block-context.js';
import type { BlockInput } from '../../state/transition/block-input.js';
import { openBlock } from '../../state/transition/transition.js';

export const GWEI = 10n ** 9n;
export const GENESIS_TIME_MS = 1_800_000_000_000;
/** Where the one validator of a test ledger has its rewards and tips sent. */
export const TIP_RECIPIENT: Uint8Array = new Uint8Array(20).fill(0xcc);
export const VALIDATOR: Uint8Array = new Uint8Array(20).fill(0x77);

/** A validator of a test genesis; keys and addresses follow from its number. */
export function genesisValidator(number: number, changes: Partial<GenesisValidator> = {}): GenesisValidator {
  const owner = new Uint8Array(20).fill(number);
  return {
    name: `validator ${number}`,
    owner,
    operator: owner,
    payout: owner,
    blsPublicKey: new Uint8Array(48).fill(number),
    proofOfPossession: new Uint8Array(96).fill(number),
    stakeWei: 10_000n * WEI_PER_OGPU,
    commissionBps: 1_000,
    ...changes,
  };
}

export interface TestGenesis {
  readonly params?: ChainParams;
  readonly validators?: readonly GenesisValidator[];
}

/** A whole state in a map, for tests that look at all of it. What no account is given is in the reserve. */
export class TestLedger implements Reader {
  readonly #entries = new Map<string, Entry>();

  constructor({ params = PRESETS.devnet.params, validators }: TestGenesis = {}) {
    const state = new Overlay(this, { maxBytes: 1 << 24 });
    const members = validators ?? [genesisValidator(0x77, { payout: TIP_RECIPIENT })];
    const stakedWei = members.reduce((sum, { stakeWei }) => sum + stakeWei, 0n);
    seedSystem(state, {
      chainId: PRESETS.devnet.chainId,
      genesisId: new Uint8Array(32).fill(0x6e),
      genesisTimeMs: GENESIS_TIME_MS,
      params,
      reserveWei: TOTAL_SUPPLY_WEI - stakedWei,
      validators: members,
    });
    this.apply(state.changes());
  }

  get(key: Uint8Array): Uint8Array | undefined {
    return this.#entries.get(toHex(key))?.value;
  }

  /** What it is given comes from the reserve, and what it had goes back there. */
  setAccount(address: Uint8Array, account: Partial<Account>): void {
    const state = new Overlay(this, { maxBytes: 1 << 16 });
    const changed = { nonce: 0, balanceWei: 0n, contract: undefined, ...account };
    addToPool(state, 'reserve', readAccount(this, address).balanceWei);
    takeFromPool(state, 'reserve', changed.balanceWei);
    state.put(STATE_KEYS.account.encode(address), encodeAccount(changed));
    this.apply(state.changes());
  }

  apply(changes: readonly RecordedChange[]): void {
    for (const { key, value } of changes) this.#set(key, value);
  }

  undo(changes: readonly RecordedChange[]): void {
    for (const { key, old } of changes) this.#set(key, old);
  }

  /** In key order. */
  entries(): Entry[] {
    return [...this.#entries.values()].sort((a, b) => compareBytes(a.key, b.key));
  }

  /** Everything, for comparison. */
  dump(): Record<string, string> {
    return Object.fromEntries(this.entries().map(({ key, value }) => [toHex(key), toHex(value)]));
  }

  totalWei(): bigint {
    return this.entries().reduce((sum, { key, value }) => sum + moneyInWei(key, value), 0n);
  }

  #set(key: Uint8Array, value: Uint8Array | undefined): void {
    if (value === undefined) this.#entries.delete(toHex(key));
    else this.#entries.set(toHex(key), { key, value });
  }
}

/** The block after the last one of `ledger`, one second later and empty unless told otherwise. */
export function nextInput(ledger: Reader, changes: Partial<BlockInput> = {}): BlockInput {
  const { height, timeMs } = progressRecord.read(ledger);
  return {
    height: height + 1,
    timeMs: timeMs + 1_000,
    proposer: VALIDATOR,
    beaconReveal: new Uint8Array(96),
    absent: [],
    evidence: [],
    extensions: [],
    transactions: [],
    ...changes,
  };
}

/** The context of the next block of `ledger`. */
export function blockContext(ledger: Reader, changes: Partial<BlockContext> = {}): BlockContext {
  return { ...openBlock(ledger, nextInput(ledger)).block, ...changes };
}

const SECRET_KEY = new Uint8Array(32).fill(1);

/** A transfer of 1 wei at 2 gwei unless told otherwise; `sender` stands for whoever signed. */
export function transferFrom(sender: Uint8Array, changes: Partial<Transaction> = {}): SenderTransaction {
  const transaction = {
    type: 'eip1559',
    chainId: BigInt(PRESETS.devnet.chainId),
    nonce: 0n,
    gasLimit: 21_000n,
    maxFeePerGas: 3n * GWEI,
    maxPriorityFeePerGas: GWEI,
    to: new Uint8Array(20).fill(0xaa),
    value: 1n,
    data: new Uint8Array(0),
    accessList: [],
    ...changes,
  } as Transaction;
  return { transaction: signTransaction(transaction, SECRET_KEY), sender };
}
