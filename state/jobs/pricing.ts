import type { ChainParams } from '../../protocol/params.js';
import { plannedChecks, type AttemptTerms } from '../../consensus/verification/terms.js';

/** How a job is cut and audited. */
export type AuditScale = Pick<AttemptTerms, 'kind' | 'segments' | 'sampled' | 'seats' | 'full'>;

/**
 * The audit fee of a job: for each planned check what the client pays at most for a segment, and no less than the least. So an audit in
 * full with c seats costs c prices, and one of k of n segments k·c/n of that.
 */
export function auditFeeWei({ jobs }: ChainParams, scale: AuditScale, maxPriceWei: bigint): bigint {
  const perSegment = maxPriceWei / BigInt(scale.segments);
  const each = perSegment > jobs.minCheckWei ? perSegment : jobs.minCheckWei;
  return each * BigInt(plannedChecks(scale));
}

/** Milliseconds that judging one segment takes a slow verifier. */
export function judgeMsOf(
  { jobs }: ChainParams,
  work: { readonly macs: number; readonly steps: number },
): number {
  return Math.min(MAX_JUDGE_MS, Math.ceil((work.macs + work.steps) / jobs.unitsPerMs));
}

/** A week: what takes longer is cut into smaller segments. */
const MAX_JUDGE_MS = 7 * 24 * 3_600_000;
