import { isOpening } from '../../protocol/audit/commitment.js';
import { bytesEqual } from '../../protocol/bytes.js';
import { hasCome } from '../../protocol/moment.js';
import type { Attempt, OpenPhase } from './attempt.js';
import { hasEnded } from './attempt.js';
import {
  closeEscalationRevealing,
  closeEscalationSealing,
  hearEscalationReveal,
  hearEscalationSeal,
} from './escalation.js';
import { acceptPublication, closePublication, hearAvailability } from './publication.js';
import { closeSealing, hearSeal } from './sealing.js';
import { drawWhenDue } from './seating.js';
import {
  end,
  proceed,
  refuse,
  type AuditEvent,
  type AuditEventKind,
  type EventOf,
  type Outcome,
  type Surroundings,
} from './step.js';
import { leafCount } from './terms.js';
import { closeRevealing, closeUnsealing, hearReveal, proveMismatch, unseal } from './unsealing.js';

/**
 * What an event makes of an attempt: the next attempt, who pays whom, and why it ended. Never throws for what somebody outside has sent: a
 * refused event changes nothing. docs/spec/audit.md has every row of it.
 *
 * What comes when the deadline has come is refused, whether or not the queue has got to the attempt.
 */
export function auditTransition(attempt: Attempt, event: AuditEvent, surroundings: Surroundings): Outcome {
  if (hasEnded(attempt)) return refuse('ENDED');
  const handlers: Handlers = HANDLERS[attempt.phase as OpenPhase];
  const handle = handlers[event.kind] as Handler<AuditEventKind> | undefined;
  if (handle === undefined) return refuse('WRONG_PHASE');
  const waitsForBeacon = attempt.phase === 'COMMITTED';
  if (event.kind !== 'tick' && !waitsForBeacon && hasCome(attempt.deadline, surroundings.now)) {
    return refuse('TOO_LATE');
  }
  return handle(attempt, event, surroundings);
}

type Handler<Kind extends AuditEventKind> = (
  attempt: Attempt,
  event: EventOf<Kind>,
  surroundings: Surroundings,
) => Outcome;

type Handlers = { readonly [Kind in AuditEventKind]?: Handler<Kind> } & { readonly tick: Handler<'tick'> };

const HANDLERS: Readonly<Record<OpenPhase, Handlers>> = {
  CLAIMED: {
    commit: acceptCommitment,
    release: (attempt, _event, surroundings) => {
      const isEarly = !hasCome(attempt.terms.releaseBy, surroundings.now);
      return end(attempt, { reason: isEarly ? 'INPUT_UNAVAILABLE' : 'GIVEN_UP' }, surroundings);
    },
    tick: (attempt, _event, surroundings) =>
      hasCome(attempt.deadline, surroundings.now)
        ? end(attempt, { reason: 'COMMIT_DEADLINE' }, surroundings)
        : refuse('NOT_DUE'),
  },
  COMMITTED: { tick: (attempt, _event, surroundings) => drawWhenDue(attempt, surroundings) },
  SEALING: { entry: hearSeal, tick: (attempt, _event, surroundings) => closeSealing(attempt, surroundings) },
  UNSEALING: { unseal, tick: (attempt, _event, surroundings) => closeUnsealing(attempt, surroundings) },
  REVEALING: {
    entry: hearReveal,
    proof: proveMismatch,
    tick: (attempt, _event, surroundings) => closeRevealing(attempt, surroundings),
  },
  ESCALATION_SEALING: {
    entry: hearEscalationSeal,
    proof: proveMismatch,
    tick: (attempt, _event, surroundings) => closeEscalationSealing(attempt, surroundings),
  },
  ESCALATION_REVEALING: {
    entry: hearEscalationReveal,
    proof: proveMismatch,
    tick: (attempt, _event, surroundings) => closeEscalationRevealing(attempt, surroundings),
  },
  PUBLISHING: {
    entry: hearAvailability,
    published: (attempt, _event, surroundings) => acceptPublication(attempt, surroundings),
    proof: proveMismatch,
    tick: (attempt, _event, surroundings) => closePublication(attempt, surroundings),
  },
};

function acceptCommitment(
  attempt: Attempt,
  { root, keyCommitment, input }: EventOf<'commit'>,
  surroundings: Surroundings,
): Outcome {
  const { terms } = attempt;
  if (root.length !== 32 || keyCommitment.length !== 32) return refuse('MALFORMED');
  if (terms.kind === 'chain') {
    const opensInput =
      input !== undefined &&
      bytesEqual(input.stateId, terms.inputId) &&
      isOpening(terms, root, leafCount(terms), 0, input);
    if (!opensInput) return refuse('INPUT_MISMATCH');
  }
  const height = surroundings.now.height + surroundings.params.jobs.seedDelayBlocks;
  const deadline = { timeMs: 0, height };
  return proceed({ ...attempt, phase: 'COMMITTED', deadline, commitment: { root, keyCommitment } });
}
