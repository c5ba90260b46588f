import type { Address } from '../../protocol/address.js';
import { bytesEqual } from '../../protocol/bytes.js';
import { invariant } from '../../protocol/invariant.js';
import { Revert } from '../modules/module.js';
import { hasCome, type BlockMoment } from '../queues/due.js';
import type { Reader } from '../store/store.js';
import { ERRORS } from './abi.js';
import { MAX_LIENS, type Lien } from './codecs.js';
import { validators } from './validator.js';

/*
 * Stake that was moved from one validator to another works for the new one at once, but answers for the old one until nothing about
 * the time it was there can be proved any more. A lien on its shares says so. It is enforced when the shares are next touched, by
 * anybody: a slash then takes the same time however many delegators have left.
 *
 * Each lien of a place is on so many of its shares, no matter which: stake that was moved twice has two on the same shares. What they
 * take adds up, to no more than is there.
 */

/** Liens of a place after those that are decided are taken out. */
export interface DecidedLiens {
  readonly open: readonly Lien[];
  /** Shares lost to slashes of the validators they came from: no more than `shares`. */
  readonly lostShares: bigint;
}

/** A lien is decided when its validator has contradicted itself while the stake answered for it, or nobody can prove it any more. */
export function decideLiens(
  state: Reader,
  { liens, shares }: { readonly liens: readonly Lien[]; readonly shares: bigint },
  now: BlockMoment,
): DecidedLiens {
  const open: Lien[] = [];
  let lostShares = 0n;
  for (const lien of liens) {
    const [tombstone] = validators.read(state, lien.validator).tombstone;
    if (tombstone !== undefined && tombstone.epoch <= lien.epoch) {
      lostShares += (lien.shares * BigInt(tombstone.slashBps)) / 10_000n;
    } else if (!hasCome({ timeMs: lien.untilMs, height: lien.untilHeight }, now)) {
      open.push(lien);
    }
  }
  lostShares = smaller(lostShares, shares);
  return { open: clampLiens(open, shares - lostShares), lostShares };
}

/**
 * Divides the liens of a place of `placeShares` shares from which `shares` are taken: in proportion, so that no division puts the
 * liens of many shares on few, which cannot pay for all.
 *
 * @returns `taken` in the units of the place they leave, rounded up; the rest is `kept`
 */
export function takeLiens(
  liens: readonly Lien[],
  placeShares: bigint,
  shares: bigint,
): { taken: Lien[]; kept: Lien[] } {
  const takenOf = (lien: Lien): bigint => ceilDivide(lien.shares * shares, placeShares);
  return {
    taken: eachLien(liens, takenOf),
    kept: eachLien(liens, (lien) => lien.shares - takenOf(lien)),
  };
}

/** Liens on `fromShares` of one place as liens on the `toShares` they have become in another, rounded so that none gets smaller in value. */
export function convertLiens(liens: readonly Lien[], fromShares: bigint, toShares: bigint): Lien[] {
  return eachLien(liens, (lien) => ceilDivide(lien.shares * toShares, fromShares));
}

/** Liens of a place that has lost shares to some of them. */
export function clampLiens(liens: readonly Lien[], shares: bigint): Lien[] {
  return eachLien(liens, (lien) => smaller(lien.shares, shares));
}

function eachLien(liens: readonly Lien[], sharesOf: (lien: Lien) => bigint): Lien[] {
  return liens.map((lien) => ({ ...lien, shares: sharesOf(lien) })).filter(({ shares }) => shares > 0n);
}

function ceilDivide(dividend: bigint, divisor: bigint): bigint {
  return (dividend + divisor - 1n) / divisor;
}

function smaller(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

/**
 * The liens of a place that more shares come to. Liens for the same validator and epoch become one.
 *
 * @throws Revert TooManyLiens
 */
export function addLiens(liens: readonly Lien[], added: readonly Lien[]): Lien[] {
  const all = [...liens];
  for (const lien of added) {
    const index = all.findIndex(
      ({ validator, epoch }) => epoch === lien.epoch && bytesEqual(validator, lien.validator),
    );
    const same = all[index];
    if (same === undefined) all.push(lien);
    else {
      const untilMs = Math.max(same.untilMs, lien.untilMs);
      const untilHeight = Math.max(same.untilHeight, lien.untilHeight);
      all[index] = { ...same, untilMs, untilHeight, shares: same.shares + lien.shares };
    }
  }
  if (all.length > MAX_LIENS) throw new Revert(ERRORS.TooManyLiens, [BigInt(MAX_LIENS)]);
  return all;
}

/** Liens without those for `validator`, to whose pool the shares have come back: there every slash reaches them anyway. */
export function withoutLiensFor(liens: readonly Lien[], validator: Address): Lien[] {
  return liens.filter((lien) => !bytesEqual(lien.validator, validator));
}

/** Asserts that a lien is on shares that are there. */
export function assertLiensFit(liens: readonly Lien[], shares: bigint): void {
  invariant(
    liens.every((lien) => lien.shares <= shares),
    'a lien is on shares that are there',
  );
}
