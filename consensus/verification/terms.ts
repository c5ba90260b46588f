import type { Address } from '../../protocol/address.js';
import { subjectBytes, type AuditSubject } from '../../protocol/audit/commitment.js';
import { bytesEqual } from '../../protocol/bytes.js';
import { invariant } from '../../protocol/invariant.js';
import { MAX_FULL_AUDIT_SEGMENTS } from '../../protocol/limits.js';
import type { BlockMoment } from '../../protocol/moment.js';
import { NO_SEGMENT } from '../../protocol/types/audit.js';

/** Independent items, or steps each of which starts from the state after the one before. */
export type SegmentKind = 'batch' | 'chain';

/** What is judged, fixed at the claim. Amounts in wei. */
export interface AttemptTerms extends AuditSubject {
  readonly kind: SegmentKind;
  /** Segments of the job, n. */
  readonly segments: number;
  /** Segments drawn when the audit is not full, k. */
  readonly sampled: number;
  /** Seats of each segment when there are verifiers enough, c. */
  readonly seats: number;
  /** Asked for by the client, or by the declared value. */
  readonly full: boolean;
  readonly priceWei: bigint;
  readonly auditFeeWei: bigint;
  readonly bondWei: bigint;
  /** Paid for an accepted result; the bond returns to the same purse. */
  readonly provider: Address;
  readonly client: Address;
  /** Every address of provider and client: none of them may judge. */
  readonly parties: readonly Address[];
  /** Content id of the state a chain starts from; of a batch it is not asked for. */
  readonly inputId: Uint8Array;
  /** Added to a window of sealing for each segment that a voice has to judge: its metered work. */
  readonly judgeMs: number;
  /** Until then the provider has to commit. */
  readonly commitBy: BlockMoment;
  /** Until then a missing input is reported without loss. */
  readonly releaseBy: BlockMoment;
}

/** Below this many segments for each drawn one a chain is judged whole: too little is left to draw from without neighbours. */
const CHAIN_SEGMENTS_PER_DRAW = 4;

/** Whether every segment is judged. */
export function isFullAudit(terms: Pick<AttemptTerms, 'kind' | 'segments' | 'sampled' | 'full'>): boolean {
  const { kind, segments, sampled, full } = terms;
  const least = kind === 'chain' ? CHAIN_SEGMENTS_PER_DRAW * sampled : sampled + 1;
  return full || segments < least;
}

/** Whether every seat runs the whole chain from its input and seals one root over all states. */
export function isWholeChain(terms: AttemptTerms): boolean {
  return terms.kind === 'chain' && isFullAudit(terms);
}

/** Leaves of the commitment: a batch has one for each segment, a chain one more for its input. */
export function leafCount({ kind, segments }: Pick<AttemptTerms, 'kind' | 'segments'>): number {
  return kind === 'chain' ? segments + 1 : segments;
}

/** The leaf that holds what a segment comes to. */
export function answerLeaf({ kind }: Pick<AttemptTerms, 'kind'>, segment: number): number {
  return kind === 'chain' ? segment + 1 : segment;
}

/** Seat-segments that the audit fee is for. */
export function plannedChecks(
  terms: Pick<AttemptTerms, 'kind' | 'segments' | 'sampled' | 'full' | 'seats'>,
): number {
  return (isFullAudit(terms) ? terms.segments : terms.sampled) * terms.seats;
}

/** What the re-execution of one segment by one seat is paid with. */
export function checkWei(
  terms: Pick<AttemptTerms, 'kind' | 'segments' | 'sampled' | 'full' | 'seats' | 'auditFeeWei'>,
): bigint {
  return terms.auditFeeWei / BigInt(plannedChecks(terms));
}

/** Whether this address stands for the provider or the client. */
export function isParty({ parties }: Pick<AttemptTerms, 'parties'>, address: Address): boolean {
  return parties.some((party) => bytesEqual(party, address));
}

/** A bug of the ledger, never bad input: it makes the terms. */
export function assertTerms(terms: AttemptTerms): void {
  const { segments, sampled, seats, priceWei, auditFeeWei, bondWei } = terms;
  subjectBytes(terms);
  const counts = [segments, sampled, seats].every((count) => Number.isInteger(count) && count >= 1);
  invariant(counts && segments < NO_SEGMENT, 'segments, draws and seats are counted');
  invariant(!isFullAudit(terms) || segments <= MAX_FULL_AUDIT_SEGMENTS, 'a full audit has few segments');
  invariant(priceWei >= 0n && auditFeeWei >= 0n && bondWei >= 0n, 'amounts are not negative');
  invariant(terms.inputId.length === 32, 'a content id is 32 bytes');
}
