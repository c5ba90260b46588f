import { toHex } from '../../protocol/bytes.js';
import type { MarketView, Offer } from './market.js';

/** What a provider takes on. */
export interface ProviderPolicy {
  /** Least price, in wei for 10⁹ metered units. */
  readonly minPriceWeiPerGiga: bigint;
  /** Jobs at one time, claims that wait to be drawn among them. */
  readonly maxJobs: number;
  /** Most that may be locked as bonds at one time. */
  readonly maxExposureWei: bigint;
  /** Memory one job may take on the device. */
  readonly maxMemoryBytes: number;
  /** Hex of the ids of sources it runs; undefined: all. */
  readonly sources?: ReadonlySet<string>;
}

export interface Claim {
  readonly offer: Offer;
  readonly job: Uint8Array;
  readonly priceWei: bigint;
}

const GIGA = 1_000_000_000n;

/**
 * The offers to claim now, those that pay best for their work first: what this provider can run, what pays, and no more than it has room and
 * lockup for.
 *
 * @param unfit hex of jobs that it has found it cannot do
 */
export function chooseClaims(
  view: MarketView,
  policy: ProviderPolicy,
  unfit: ReadonlySet<string> = new Set(),
): Claim[] {
  const { claims, assignments, offers, freeLockupWei } = view;
  const taken = new Set([...claims.map(({ job }) => toHex(job)), ...unfit]);
  let room = policy.maxJobs - claims.length - assignments.length;
  const locked = assignments.reduce((sum, { attempt }) => sum + attempt.terms.bondWei, 0n);
  const promised = claims.reduce((sum, { bondWei }) => sum + bondWei, 0n);
  let spareWei = least(freeLockupWei - promised, policy.maxExposureWei - locked - promised);
  const chosen: Claim[] = [];
  for (const offer of byPay(offers.filter((each) => suits(each, policy)))) {
    const { job, maxPriceWei, bondWei } = offer;
    if (room <= 0) break;
    if (taken.has(toHex(job)) || bondWei > spareWei) continue;
    chosen.push({ offer, job, priceWei: maxPriceWei });
    spareWei -= bondWei;
    room--;
  }
  return chosen;
}

function suits({ source, maxPriceWei, workUnits, memoryBytes }: Offer, policy: ProviderPolicy): boolean {
  const isKnown = policy.sources?.has(toHex(source)) ?? true;
  const pays = maxPriceWei * GIGA >= policy.minPriceWeiPerGiga * workUnits;
  return isKnown && pays && memoryBytes <= policy.maxMemoryBytes;
}

/** Descending by price for a unit of work; cross-multiplied, so that nothing is rounded. */
function byPay(offers: readonly Offer[]): Offer[] {
  return [...offers].sort((a, b) => {
    const [left, right] = [a.maxPriceWei * b.workUnits, b.maxPriceWei * a.workUnits];
    return left === right ? 0 : left > right ? -1 : 1;
  });
}

function least(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}
