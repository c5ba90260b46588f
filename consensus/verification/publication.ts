import { hasCome } from '../../protocol/moment.js';
import { invariant } from '../../protocol/invariant.js';
import type { Attempt, Publication, PublicationSubject } from './attempt.js';
import { startEscalation } from './escalation.js';
import { reseat } from './sealing.js';
import {
  end,
  proceed,
  refuse,
  windowOf,
  type EventOf,
  type Outcome,
  type Step,
  type Surroundings,
} from './step.js';
import { coverageOf, expectedRoot, tallyAvailability } from './tally.js';
import { closeVoices, hear, voicesOfAll } from './voices.js';

/** Gives the provider a window to put data on the chain, and all verifiers one to say whether they can get it. Once for each subject. */
export function openPublication(
  attempt: Attempt,
  subject: PublicationSubject,
  surroundings: Surroundings,
): Step {
  const round = attempt.round + 1;
  const voices = voicesOfAll(attempt, surroundings.verifiers(), round, []);
  return proceed({
    ...attempt,
    phase: 'PUBLISHING',
    deadline: windowOf(surroundings, surroundings.params.jobs.publicationWindowMs),
    round,
    offered: [...attempt.offered, subject],
    publication: { subject, voices },
  });
}

/** PUBLISHING: a verifier gets the data, does not, or cannot judge. */
export function hearAvailability(attempt: Attempt, event: EventOf<'entry'>): Outcome {
  const { voices, subject } = publicationOf(attempt);
  const heard = hear(attempt, voices, event, ['available', 'unavailable', 'cannotJudge']);
  return 'refused' in heard ? heard : proceed({ ...attempt, publication: { subject, voices: heard } });
}

/** The data is on the chain: everything goes on from where it stopped, and nobody can call it unavailable any more. */
export function acceptPublication(attempt: Attempt, surroundings: Surroundings): Outcome {
  const { subject } = publicationOf(attempt);
  const published: Attempt = { ...attempt, published: [...attempt.published, subject] };
  switch (subject) {
    case 'sealing':
      return reopenSealing(published, surroundings);
    case 'escalation':
      return startEscalation(published, escalated(attempt), surroundings);
    case 'output':
      return end(published, confirmation(published), surroundings);
  }
}

/** The window is over and nothing was published. */
export function closePublication(attempt: Attempt, surroundings: Surroundings): Outcome {
  if (!hasCome(attempt.deadline, surroundings.now)) return refuse('NOT_DUE');
  const { subject, voices } = publicationOf(attempt);
  const outcome = tallyAvailability(voices);
  const closed: Attempt = { ...attempt, publication: { subject, voices: closeVoices(voices) } };
  if (outcome === 'withheld') return end(closed, { reason: 'WITHHELD' }, surroundings);
  switch (subject) {
    case 'sealing':
      return reseat(
        closed,
        coverageOf(closed).filter(({ isCovered }) => !isCovered),
        surroundings,
      );
    case 'escalation':
      return startEscalation(closed, escalated(attempt), surroundings);
    case 'output':
      if (outcome === 'available') return end(closed, confirmation(closed), surroundings);
      return end(closed, { reason: 'DELIVERY_UNDECIDED' }, surroundings);
  }
}

/** How an attempt whose result stands is accepted: with or without all verifiers. */
export function confirmation(attempt: Attempt): Parameters<typeof end>[1] {
  const { escalation } = attempt;
  if (escalation === undefined) return { reason: 'CONFIRMED' };
  return { reason: 'UPHELD', answerRoot: expectedRoot(attempt, escalation.segments) };
}

/** The same seats seal once more; those that did not get the data can speak anew. */
function reopenSealing(attempt: Attempt, surroundings: Surroundings): Step {
  const { jobs } = surroundings.params;
  const deadline = windowOf(surroundings, jobs.sealWindowMs + attempt.terms.judgeMs);
  const seats = attempt.seats.map((seat) =>
    seat.status === 'unavailable' ? { ...seat, status: 'waiting' as const } : seat,
  );
  return proceed({ ...attempt, phase: 'SEALING', deadline, seats });
}

function escalated({ escalation }: Attempt): readonly number[] {
  invariant(escalation !== undefined, 'an escalation was under way');
  return escalation.segments;
}

function publicationOf({ publication }: Attempt): Publication {
  invariant(publication !== undefined, 'a publication is under way');
  return publication;
}
