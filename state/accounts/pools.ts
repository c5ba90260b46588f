import { invariant } from '../../protocol/invariant.js';
import { createCodec } from '../../protocol/ssz/codec.js';
import { ContainerType, uint128 } from '../../protocol/ssz/types.js';
import { STATE_KEYS } from '../store/keys.js';
import type { Overlay } from '../store/overlay.js';
import type { Reader } from '../store/store.js';

/** Money that belongs to the protocol and to no account. */
export const POOLS = ['reserve', 'verifierPool'] as const;

/**
 * - `reserve`: what nobody was allocated at genesis; pays validator rewards by schedule.
 * - `verifierPool`: base fees; pays for re-execution.
 */
export type Pool = (typeof POOLS)[number];

const poolCodec = createCodec('Pool', new ContainerType({ balanceWei: uint128 }));

export function poolBalanceWei(state: Reader, pool: Pool): bigint {
  const bytes = state.get(STATE_KEYS.pool.encode(pool));
  return bytes === undefined ? 0n : decodePoolWei(bytes);
}

/** Balance of a pool as it is stored, in wei. */
export function decodePoolWei(bytes: Uint8Array): bigint {
  return poolCodec.decode(bytes).balanceWei;
}

export function addToPool(state: Overlay, pool: Pool, amountWei: bigint): void {
  invariant(amountWei >= 0n, 'a pool is paid, not charged, here');
  setPool(state, pool, poolBalanceWei(state, pool) + amountWei);
}

/** The pool must cover the amount: callers check before. */
export function takeFromPool(state: Overlay, pool: Pool, amountWei: bigint): void {
  const balanceWei = poolBalanceWei(state, pool);
  invariant(amountWei >= 0n && balanceWei >= amountWei, 'a pool covers what is taken from it');
  setPool(state, pool, balanceWei - amountWei);
}

/** An empty pool is not stored, so that one state has one form. */
function setPool(state: Overlay, pool: Pool, balanceWei: bigint): void {
  const key = STATE_KEYS.pool.encode(pool);
  if (balanceWei === 0n) state.delete(key);
  else state.put(key, poolCodec.encode({ balanceWei }));
}
