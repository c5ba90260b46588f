import type { Address } from '../../protocol/address.js';
import { bytesEqual } from '../../protocol/bytes.js';
import { isOwn, type FoundProvider } from '../providers/provider.js';
import { segmentKindOf, sources } from '../sources/source.js';
import { isCollecting } from './claiming.js';
import { termsOf, type TermsScope } from './drawing.js';
import { MAX_ATTEMPTS, MAX_CLAIMS, type Job } from './job.js';
import type { SegmentKind } from '../../consensus/verification/terms.js';

/** An open job as a provider sees it. */
export interface JobOffer {
  readonly kind: SegmentKind;
  /** What a claim at the most the client pays would lock. */
  readonly bondWei: bigint;
  /** Metered multiply-accumulates and elementary steps of all segments. */
  readonly workUnits: bigint;
  /** Of the largest moment of one segment. */
  readonly memoryBytes: number;
  /** Whether this provider, or anybody where none is named, can claim it in the next block; its lockup is not looked at. */
  readonly isClaimable: boolean;
  /** The claim of this provider that has not been drawn yet. */
  readonly claim: { readonly priceWei: bigint; readonly bondWei: bigint } | undefined;
}

const NOBODY: Address = new Uint8Array(20);

/**
 * What an open job is to a provider; the bond is the one of now, for verifiers come and go.
 *
 * @param found undefined: a provider that shares no address with any verifier
 */
export function offerOf(
  scope: TermsScope,
  id: Uint8Array,
  job: Job,
  found: FoundProvider | undefined,
): JobOffer {
  const source = sources.read(scope.state, job.source);
  const { macs, steps, memoryBytes } = source.work;
  const master = found?.master ?? NOBODY;
  const bondAt = (priceWei: bigint): bigint => {
    const own = found === undefined ? [] : undefined;
    return termsOf(scope, id, job, { provider: master, priceWei }, own).bondWei;
  };
  const claim = job.claims.find(({ provider }) => bytesEqual(provider, master));
  const isFree = job.claims.length < MAX_CLAIMS && job.attempts < MAX_ATTEMPTS;
  return {
    kind: segmentKindOf(source),
    bondWei: bondAt(job.maxPriceWei),
    workUnits: (BigInt(macs) + BigInt(steps)) * BigInt(job.segments),
    memoryBytes,
    isClaimable: isFree && isCollecting(job, scope.block) && !hasHad(job, found),
    claim: claim && { priceWei: claim.priceWei, bondWei: bondAt(claim.priceWei) },
  };
}

/** Whether a provider is kept from a job: it has claimed it, had it, or is its client. */
function hasHad(job: Job, found: FoundProvider | undefined): boolean {
  if (found === undefined) return false;
  const { master, provider } = found;
  const before = [...job.claims.map((claim) => claim.provider), ...job.tried];
  return before.some((each) => bytesEqual(each, master)) || isOwn(master, provider, job.client);
}
