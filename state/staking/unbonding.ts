import type { Address } from '../../protocol/address.js';
import { concatBytes, bigEndianBytes } from '../../protocol/bytes.js';
import { invariant } from '../../protocol/invariant.js';
import { createCodec } from '../../protocol/ssz/codec.js';
import { bytes20, ContainerType, uint128, uint256, uint64, type ValueOf } from '../../protocol/ssz/types.js';
import { credit } from '../accounts/account.js';
import { Revert } from '../modules/module.js';
import { cancel, schedule, type BlockMoment } from '../queues/due.js';
import { STATE_KEYS } from '../store/keys.js';
import type { Overlay } from '../store/overlay.js';
import { records, singleRecord } from '../store/record.js';
import type { Reader } from '../store/store.js';
import { DUE } from '../system/due-kinds.js';
import type { BlockContext, Scope } from '../transition/block-context.js';
import { ERRORS, EVENTS } from './abi.js';
import { LienListType, type Lien } from './codecs.js';
import { assertLiensFit, convertLiens, decideLiens } from './liens.js';
import { EMPTY_HOLDING } from './reward-pool.js';
import { routeSlashed } from './slashed-money.js';
import { EMPTY_POOL, join, leave, type StakePool } from './stake-pool.js';

/*
 * Stake on its way out. All that leaves one validator in one epoch lies in one pool, so that a slash takes it from all at once; each
 * delegator's part is an entry of its own with its own due time.
 */

const PoolType = new ContainerType({ tokensWei: uint128, shares: uint256 });
const EntryType = new ContainerType({
  validator: bytes20,
  /** In which it left: with the validator, the pool it lies in. */
  epoch: uint64,
  /** Paid in the first block that has come to this time and to this height. */
  dueMs: uint64,
  dueHeight: uint64,
  shares: uint256,
  liens: LienListType,
});
const CounterType = new ContainerType({ last: uint64 });

export type Unbonding = Readonly<ValueOf<typeof EntryType>>;

export const unbondingPools = records(
  STATE_KEYS.unbondingPool,
  createCodec<ValueOf<typeof PoolType>>('UnbondingPool', PoolType),
);
export const unbondings = records(STATE_KEYS.unbonding, createCodec<Unbonding>('Unbonding', EntryType));
export const unbondingCounter = singleRecord(
  STATE_KEYS.system,
  createCodec<ValueOf<typeof CounterType>>('UnbondingCounter', CounterType),
  'unbondings',
);

/** Stake that has just left a validator's pool. */
export interface Leaving {
  readonly id: Address;
  readonly delegator: Address;
  readonly amountWei: bigint;
  /** That were taken from the validator's pool, and the liens on them. */
  readonly shares: bigint;
  readonly liens: readonly Lien[];
}

/** Until when stake that leaves a validator in this block answers for it. */
export function endOfUnbonding({ timeMs, height, params }: BlockContext): BlockMoment {
  const { unbondingMs, unbondingBlocks } = params.staking;
  return { timeMs: timeMs + unbondingMs, height: height + unbondingBlocks };
}

export function beginUnbonding(
  { state, block }: Scope,
  { id, delegator, amountWei, shares, liens }: Leaving,
): { number: number; due: BlockMoment } {
  const { epoch } = block;
  const { pool, holding } = join(readPool(state, id, epoch), EMPTY_HOLDING, amountWei);
  writePool(state, id, epoch, pool);
  const number = (unbondingCounter.find(state)?.last ?? 0) + 1;
  unbondingCounter.write(state, { last: number });
  const due = endOfUnbonding(block);
  const converted = convertLiens(liens, shares, holding.shares);
  assertLiensFit(converted, holding.shares);
  const entry = {
    validator: id,
    epoch,
    dueMs: due.timeMs,
    dueHeight: due.height,
    shares: holding.shares,
    liens: converted,
  };
  unbondings.write(state, entry, delegator, number);
  schedule(state, { ...due, kind: DUE.unbonding, subject: unbondingSubject(delegator, number) });
  return { number, due };
}

/** Pays an unbonding that is due, less what it has lost since. */
export function payUnbonding(scope: Scope, subject: Uint8Array): void {
  const { delegator, number } = parseSubject(subject);
  const entry = unbondings.read(scope.state, delegator, number);
  const { amountWei } = takeUnbonding(scope, delegator, number, entry);
  credit(scope.state, delegator, amountWei);
  scope.emit(EVENTS.UnbondingPaid, [entry.validator, delegator, BigInt(number), amountWei]);
}

/** An unbonding taken back before its time: what it is worth now, and the liens on it. */
export interface Cancelled {
  readonly validator: Address;
  readonly amountWei: bigint;
  readonly shares: bigint;
  readonly liens: readonly Lien[];
}

/** @throws Revert UnknownUnbonding */
export function cancelUnbonding(scope: Scope, delegator: Address, number: bigint): Cancelled {
  const { state } = scope;
  const entry = number <= MAX_NUMBER ? unbondings.find(state, delegator, Number(number)) : undefined;
  if (entry === undefined) throw new Revert(ERRORS.UnknownUnbonding, [number]);
  const wasDue = cancel(state, DUE.unbonding, unbondingSubject(delegator, Number(number)));
  invariant(wasDue, 'every unbonding falls due');
  return { validator: entry.validator, ...takeUnbonding(scope, delegator, Number(number), entry) };
}

/** Slashes all that left a validator in one epoch. @returns wei taken */
export function slashUnbonding(state: Overlay, id: Address, epoch: number, slashBps: number): bigint {
  const pool = unbondingPools.find(state, id, epoch);
  if (pool === undefined) return 0n;
  const takenWei = (pool.tokensWei * BigInt(slashBps)) / 10_000n;
  unbondingPools.write(state, { ...pool, tokensWei: pool.tokensWei - takenWei }, id, epoch);
  return takenWei;
}

export function findUnbonding(state: Reader, delegator: Address, number: number): Unbonding | undefined {
  return unbondings.find(state, delegator, number);
}

/** What an unbonding is worth now, liens left aside. */
export function unbondingValueWei(state: Reader, { validator, epoch, shares }: Unbonding): bigint {
  const pool = readPool(state, validator, epoch);
  return leave(pool, { ...EMPTY_HOLDING, shares }, shares).paidWei;
}

const MAX_NUMBER = BigInt(Number.MAX_SAFE_INTEGER);

/** Takes an entry out of its pool and enforces its liens. */
function takeUnbonding(
  scope: Scope,
  delegator: Address,
  number: number,
  { validator, epoch, shares, liens }: Unbonding,
): { amountWei: bigint; shares: bigint; liens: readonly Lien[] } {
  const { state, block } = scope;
  const { open, lostShares } = decideLiens(state, { liens, shares }, block);
  const lost = leave(readPool(state, validator, epoch), { ...EMPTY_HOLDING, shares }, lostShares);
  const kept = leave(lost.pool, lost.holding, lost.holding.shares);
  writePool(state, validator, epoch, kept.pool);
  unbondings.remove(state, delegator, number);
  if (lost.paidWei > 0n) {
    scope.emit(EVENTS.LienEnforced, [validator, delegator, lost.paidWei]);
    routeSlashed(scope, lost.paidWei, undefined);
  }
  return { amountWei: kept.paidWei, shares: shares - lostShares, liens: open };
}

function readPool(state: Reader, id: Address, epoch: number): StakePool {
  return { ...EMPTY_POOL, ...unbondingPools.find(state, id, epoch) };
}

/** An empty pool is not stored. */
function writePool(state: Overlay, id: Address, epoch: number, { tokensWei, shares }: StakePool): void {
  if (shares > 0n) unbondingPools.write(state, { tokensWei, shares }, id, epoch);
  else unbondingPools.remove(state, id, epoch);
}

const SUBJECT_BYTES = 28;

/** What an unbonding is scheduled as. */
export function unbondingSubject(delegator: Address, number: number): Uint8Array {
  return concatBytes(delegator, bigEndianBytes(BigInt(number), 8));
}

function parseSubject(subject: Uint8Array): { delegator: Address; number: number } {
  invariant(subject.length === SUBJECT_BYTES, 'an unbonding falls due by its delegator and number');
  const number = new DataView(subject.buffer, subject.byteOffset).getBigUint64(20);
  return { delegator: subject.slice(0, 20), number: Number(number) };
}
