import type { ChainParams } from '../../protocol/params.js';
import { mustBeFull } from '../../consensus/verification/bond.js';
import { isFullAudit, plannedChecks, type SegmentKind } from '../../consensus/verification/terms.js';
import { segmentMs, type Metered } from './work.js';

/** What a client wants of the audit of a job. */
export interface AuditWish {
  readonly segments: number;
  /** 0: as many as the chain draws. */
  readonly sampled: number;
  readonly full: boolean;
  readonly valueWei: bigint;
}

/** The rules that an audit is priced by. */
export type AuditRules = Pick<
  ChainParams['jobs'],
  'sampledSegments' | 'seatsPerSegment' | 'fullAuditValueWei' | 'stepsPerMs' | 'bytesPerMs' | 'workWei'
>;

/** What the audit of a job is, and costs. */
export interface AuditQuote {
  /** Segments drawn when the audit is not full. */
  readonly sampled: number;
  /** Asked for, or because of the declared value. */
  readonly full: boolean;
  /** Whether every segment is judged, also because there are too few to draw from. */
  readonly isWhole: boolean;
  /** Metered time of one segment. */
  readonly judgeMs: number;
  /** The least audit fee: each check at the metered time of a segment. */
  readonly feeWei: bigint;
}

/** What clients compute before they post, and the ledger when they do: the same. */
export function quoteAudit(
  kind: SegmentKind,
  metered: Metered,
  rules: AuditRules,
  wish: AuditWish,
): AuditQuote {
  const sampled = wish.sampled === 0 ? rules.sampledSegments : wish.sampled;
  const full = wish.full || mustBeFull(rules, wish.valueWei);
  const shape = { kind, segments: wish.segments, sampled, full, seats: rules.seatsPerSegment };
  const judgeMs = segmentMs(metered, rules);
  const feeWei = BigInt(plannedChecks(shape)) * BigInt(judgeMs) * rules.workWei;
  return { sampled, full, isWhole: isFullAudit(shape), judgeMs, feeWei };
}
