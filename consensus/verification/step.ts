import type { Address } from '../../protocol/address.js';
import type { Opening } from '../../protocol/audit/commitment.js';
import type { BlockMoment } from '../../protocol/moment.js';
import type { ChainParams } from '../../protocol/params.js';
import type { AuditEntry } from '../../protocol/types/audit.js';
import type { Attempt, Commitment, Voice } from './attempt.js';
import type { Payment } from './payment.js';
import { ENDING_REASONS, type EndingReason, type Refusal } from './reasons.js';
import type { Verifier } from './seats.js';
import { settle, type Decision, type MarkOf } from './settlement.js';
import type { AttemptTerms } from './terms.js';

/** What can happen to an attempt. Who sends it was checked by the ledger; of entries, the signature. */
export type AuditEvent =
  /** By the provider; a chain opens leaf 0. */
  | ({ readonly kind: 'commit'; readonly input?: Opening } & Commitment)
  /** By the provider: it does not get the input, or gives up. */
  | { readonly kind: 'release' }
  /** Of an extension or a signed record. */
  | { readonly kind: 'entry'; readonly validator: Address; readonly entry: AuditEntry }
  /** By the provider. */
  | ({ readonly kind: 'unseal' } & Unsealing)
  /** The data that is waited for now stands on the chain; the ledger has checked it against its ids. */
  | { readonly kind: 'published' }
  /** By anybody: the output, state by state, is not what was committed to. */
  | { readonly kind: 'proof'; readonly stateIds: readonly Uint8Array[]; readonly finder: Address }
  /** Time has passed: the due queue, or anybody's `settle`. */
  | { readonly kind: 'tick' };

export type AuditEventKind = AuditEvent['kind'];
export type EventOf<Kind extends AuditEventKind> = Extract<AuditEvent, { readonly kind: Kind }>;

export interface Unsealing {
  readonly jobKey: Uint8Array;
  readonly outputRoot: Uint8Array;
  /** The blob that holds the output. */
  readonly outputId: Uint8Array;
  /** Content ids of what the judged segments come to, ascending; of a sampled chain, the last state's at the end. */
  readonly answers: readonly Uint8Array[];
  /** A branch for each answer; none at all in a full audit, whose answers make the whole tree. */
  readonly branches: readonly (readonly Uint8Array[])[];
}

/** What a transition may look at besides the attempt: all of it is state, the same on every node. */
export interface Surroundings {
  readonly now: BlockMoment;
  readonly params: ChainParams;
  /** Undefined for heights that are not yet final. */
  readonly beaconOf: (height: number) => Uint8Array | undefined;
  /** Who could judge now, parties included: for seats only who has room and stake for one. Asked only when somebody is drawn. */
  readonly verifiers: (purpose: 'seats' | 'all') => readonly Verifier[];
}

/** What an event came to. */
export interface Step {
  readonly attempt: Attempt;
  readonly payments: readonly Payment[];
  readonly marks: readonly MarkOf[];
  /** Of an attempt that has ended. */
  readonly reason?: EndingReason;
}

/** The event changed nothing. */
export interface Refused {
  readonly refused: Refusal;
}

export type Outcome = Step | Refused;

export function refuse(refused: Refusal): Refused {
  return { refused };
}

/** Goes on without anybody being paid. */
export function proceed(attempt: Attempt): Step {
  return { attempt, payments: [], marks: [] };
}

/** Ends the attempt and settles it. */
export function end(attempt: Attempt, decision: Decision, { params }: Surroundings): Step {
  const { reason } = decision;
  const ended: Attempt = { ...attempt, phase: ENDING_REASONS[reason].ending, ending: reason };
  return { attempt: ended, ...settle(attempt, decision, params), reason };
}

/** A window of this length from now. */
export function windowOf({ now, params }: Surroundings, lengthMs: number): BlockMoment {
  return { timeMs: now.timeMs + lengthMs, height: now.height + params.jobs.windowBlocks };
}

/** Time to judge for the voice with the most segments. @param factor of the whole window */
export function sealingWindow(
  { judgeMs }: Pick<AttemptTerms, 'judgeMs'>,
  voices: readonly Voice[],
  surroundings: Surroundings,
  factor = 1,
): BlockMoment {
  const most = voices.reduce((longest, { segments }) => Math.max(longest, segments.length), 0);
  return windowOf(surroundings, (surroundings.params.jobs.sealWindowMs + judgeMs * most) * factor);
}
