import type { ChainParams } from '../../protocol/params.js';
import { weakestDetection } from './detection.js';
import { complement, divide, timesRoundedUp } from './fraction.js';
import { checkWei, isFullAudit, plannedChecks, type AttemptTerms } from './terms.js';

export const BPS = 10_000n;

/** What is known of a job when a provider wants to claim it. */
export interface BondTerms extends Pick<
  AttemptTerms,
  'kind' | 'segments' | 'sampled' | 'full' | 'seats' | 'priceWei' | 'auditFeeWei'
> {
  /** All a cheat gains by a wrong result that is accepted, the price included. */
  readonly valueWei: bigint;
}

/** Whether the declared value asks for a full audit. */
export function mustBeFull(jobs: Pick<ChainParams['jobs'], 'fullAuditValueWei'>, valueWei: bigint): boolean {
  return valueWei >= jobs.fullAuditValueWei;
}

/** What an escalation of every audited segment to all verifiers is paid with at most. */
export function fullEscalationWei(terms: BondTerms, verifiers: number): bigint {
  const audited = isFullAudit(terms) ? terms.segments : terms.sampled;
  return checkWei(terms) * BigInt(audited) * BigInt(verifiers);
}

/**
 * Least bond of an attempt: no cheat gains on average, and a cheat that is found pays for everybody it has cost something.
 *
 * @param operators of the verifiers that could judge
 * @param verifiers that could judge
 */
export function requiredBondWei(
  jobs: ChainParams['jobs'],
  terms: BondTerms,
  operators: number,
  verifiers: number,
): bigint {
  const seats = Math.max(1, Math.min(terms.seats, operators));
  const detection = weakestDetection(terms, seats);
  const againstCheats = timesRoundedUp(terms.valueWei, divide(complement(detection), detection)) + 1n;
  const costs =
    (terms.priceWei * BigInt(jobs.compensationBps)) / BPS +
    checkWei(terms) * BigInt(plannedChecks(terms)) +
    fullEscalationWei(terms, verifiers);
  const byPrice = BigInt(jobs.bondPriceMultiple) * terms.priceWei;
  return [againstCheats, costs].reduce((most, wei) => (wei > most ? wei : most), byPrice);
}

/** The largest penalty a seat can come to: who has less stake is given none. */
export function largestPenaltyWei(jobs: ChainParams['jobs'], terms: AttemptTerms): bigint {
  const audited = isFullAudit(terms) ? terms.segments : terms.sampled;
  const { dissentPenaltyBps, complaintPenaltyBps, silencePenaltyBps, falseVerdictPenaltyBps } = jobs;
  const bps = [dissentPenaltyBps, complaintPenaltyBps, silencePenaltyBps, falseVerdictPenaltyBps];
  // A validator can be wrong twice: in its seat and in the escalation.
  return (2n * checkWei(terms) * BigInt(audited) * BigInt(Math.max(...bps))) / BPS;
}
