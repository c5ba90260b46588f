import { TOTAL_SUPPLY_WEI } from '../protocol/amounts.js';
import { compareBytes } from '../protocol/bytes.js';
import { invariant } from '../protocol/invariant.js';
import { protocolVersionAt, type ChainParams } from '../protocol/params.js';
import { debitAccounts, totalWei, type AccountTable } from './accounts.js';
import { genesisId } from './commitment.js';
import type { GenesisDocument, ValidatorEntry } from './document.js';

/** The state before the first block. Accounts, stakes and reserve add up to 21,000,000 OGPU to the wei. */
export interface GenesisContent {
  readonly chain: string;
  readonly chainId: number;
  readonly genesisTimeMs: number;
  /** Version active at height 0. */
  readonly protocolVersion: number;
  readonly params: ChainParams;
  /** Spendable balances, none of them zero: stakes are taken out. */
  readonly accounts: AccountTable;
  /** Ascending by owner. */
  readonly validators: readonly ValidatorEntry[];
  readonly stakedWei: bigint;
  /** What nobody was allocated: pays validator rewards. */
  readonly reserveWei: bigint;
}

export interface GenesisState extends GenesisContent {
  /** 32 bytes; see `genesisId`. */
  readonly id: Uint8Array;
}

/** @param allocated balances with the stakes still in them, checked to cover stakes and to fit the supply */
export function createGenesisState(document: GenesisDocument, allocated: AccountTable): GenesisState {
  const validators = document.validators.toSorted((a, b) => compareBytes(a.owner, b.owner));
  const stakedWei = validators.reduce((sum, { stakeWei }) => sum + stakeWei, 0n);
  const accounts = debitAccounts(
    allocated,
    validators.map(({ owner, stakeWei }) => ({ address: owner, amountWei: stakeWei })),
  );
  const reserveWei = TOTAL_SUPPLY_WEI - totalWei(allocated);
  invariant(reserveWei >= 0n, 'allocations fit the supply');
  invariant(
    totalWei(accounts) + stakedWei + reserveWei === TOTAL_SUPPLY_WEI,
    'genesis adds up to the supply',
  );
  const content: GenesisContent = {
    chain: document.chain,
    chainId: document.chainId,
    genesisTimeMs: document.genesisTimeMs,
    protocolVersion: protocolVersionAt(document.params, 0),
    params: document.params,
    accounts,
    validators,
    stakedWei,
    reserveWei,
  };
  return { ...content, id: genesisId(content) };
}
