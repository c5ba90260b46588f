import { compareBytes, toHex } from '../../protocol/bytes.js';
import { PRESETS } from '../../protocol/presets.js';
import { encodeAccount } from '../../state/accounts/account.js';
import type { GenesisAccount, LedgerGenesis } from '../../state/chain/genesis.js';
import { updateStateRoot } from '../../state/chain/state-root.js';
import { seedSystem } from '../../state/staking/genesis.js';
import { STATE_KEYS } from '../../state/store/keys.js';
import { MemoryStore } from '../../state/store/memory.js';
import { Overlay } from '../../state/store/overlay.js';
import type { Entry, Store } from '../../state/store/store.js';
import { readAll } from './faulty-stores.js';
import { genesisValidator } from './ledger.js';
import type { Prng } from './prng.js';

/** A genesis with `count` accounts at random addresses. */
export function randomGenesis(prng: Prng, count: number): LedgerGenesis {
  const accounts = Array.from({ length: count }, () => ({
    address: prng.bytes(20),
    balanceWei: 1n + prng.bigint(100),
  })).sort((a, b) => compareBytes(a.address, b.address));
  return genesisOf(accounts);
}

export function genesisOf(accounts: readonly GenesisAccount[]): LedgerGenesis {
  const { chainId, params } = PRESETS.devnet;
  return {
    chainId,
    genesisId: new Uint8Array(32).fill(9),
    genesisTimeMs: 1_800_000_000_000,
    params,
    reserveWei: 10n ** 24n,
    validators: [61, 62, 63].map((number) => genesisValidator(number)),
    accounts: () => accounts,
  };
}

/** The first state by the shortest way, all of it in memory: entries, tree nodes and root. */
export function expectedState(genesis: LedgerGenesis): {
  readonly entries: readonly Entry[];
  readonly content: Record<string, string>;
  readonly root: string;
} {
  const empty = new MemoryStore();
  const state = new Overlay(empty, { maxBytes: 2 ** 30 });
  seedSystem(state, genesis);
  for (const { address, balanceWei } of genesis.accounts()) {
    const value = encodeAccount({ nonce: 0, balanceWei, contract: undefined });
    state.put(STATE_KEYS.account.encode(address), value);
  }
  const entries = state.changes().flatMap(({ key, value }) => (value === undefined ? [] : [{ key, value }]));
  const { root, nodes } = updateStateRoot(empty, entries);
  const written = [...entries, ...nodes].map(({ key, value }): [string, string] => [
    toHex(key),
    toHex(value ?? new Uint8Array(0)),
  ]);
  return { entries, content: Object.fromEntries(written.sort()), root: toHex(root) };
}

/** Everything a store holds but the node's marks, in hex. */
export async function contentOf(store: Store): Promise<Record<string, string>> {
  const everything = { gte: Uint8Array.of(0), lt: Uint8Array.of(0xff), limit: Number.MAX_SAFE_INTEGER };
  const entries = (await readAll(store, everything)).map(({ key, value }): [string, string] => [
    toHex(key),
    toHex(value),
  ]);
  const marks = toHex(new TextEncoder().encode('meta/'));
  return Object.fromEntries(entries.filter(([key]) => !key.startsWith(marks)).sort());
}
