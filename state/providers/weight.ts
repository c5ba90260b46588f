import { invariant } from '../../protocol/invariant.js';
import type { Reputation } from './provider.js';

/*
 * With what chance a claim is drawn among those for one job: docs/spec/market.md. In whole numbers, and the same for everybody who knows
 * the state, so that a provider can see why it was not drawn.
 */

/** One claim as the draw sees it. */
export interface ClaimTerms {
  /** What the provider asks for, in wei: at most `maxPriceWei`. */
  readonly priceWei: bigint;
  /** What the client pays at most. */
  readonly maxPriceWei: bigint;
  readonly reputation: Reputation;
}

const THOUSAND = 1_000;
/** A claim at a quarter of the price counts as much as four; cheaper ones no more. */
const MAX_PRICE_FACTOR = 4_000n;
/** So many accepted attempts triple a weight; more count only against faults. */
const FULL_EXPERIENCE = 64;
/** What each ending counts, against a head start that lets one fault of a newcomer not be its end. */
const POINTS = {
  accepted: 4,
  start: 16,
  rejected: 64,
  withheld: 64,
  abandoned: 16,
  inconclusive: 4,
  released: 1,
};
/** Counters beyond it count as this many: products stay exact. */
const MAX_COUNT = 2 ** 32;

/** 1 to 12,000. */
export function weightOfClaim({ priceWei, maxPriceWei, reputation }: ClaimTerms): number {
  invariant(priceWei >= 0n && priceWei <= maxPriceWei, 'a claim asks for no more than is offered');
  const ratio = priceWei === 0n ? MAX_PRICE_FACTOR : (1_000n * maxPriceWei) / priceWei;
  const price = Number(ratio < MAX_PRICE_FACTOR ? ratio : MAX_PRICE_FACTOR);
  const product = price * experienceOf(reputation) * reliabilityOf(reputation);
  return Math.max(1, Math.floor(product / THOUSAND ** 2));
}

/** 1,000 for a newcomer to 3,000. */
function experienceOf({ accepted }: Reputation): number {
  return THOUSAND + Math.floor((2 * THOUSAND * Math.min(accepted, FULL_EXPERIENCE)) / FULL_EXPERIENCE);
}

/** Share of what went well in what was begun, in thousandths. */
function reliabilityOf(reputation: Reputation): number {
  const count = (
    name: 'accepted' | 'rejected' | 'withheld' | 'abandoned' | 'inconclusive' | 'released',
  ): number => POINTS[name] * Math.min(reputation[name], MAX_COUNT);
  const good = POINTS.start + count('accepted');
  const bad =
    count('rejected') + count('withheld') + count('abandoned') + count('inconclusive') + count('released');
  return Math.floor((THOUSAND * good) / (good + bad));
}

const BPS = 10_000;

/**
 * Weights of all claims of a draw, one for each provider, with those cut that would have more than `capBps` of the chances; of few claims
 * none has more than twice an equal part.
 */
export function drawWeights(weights: readonly number[], capBps: number): number[] {
  if (weights.length === 0) return [];
  const cap = Math.max(capBps, Math.ceil((2 * BPS) / weights.length));
  const descending = weights.toSorted((a, b) => b - a);
  let rest = weights.reduce((sum, weight) => sum + weight, 0);
  let left = BPS;
  for (const weight of descending) {
    // Those before have `cap` each, so that what is left over is that of the rest.
    const most = Math.floor((cap * rest) / left);
    if (weight <= most) return weights.map((each) => Math.min(each, most));
    rest -= weight;
    left -= cap;
  }
  invariant(false, 'a cap of twice an equal part cuts less than half of the claims');
}
