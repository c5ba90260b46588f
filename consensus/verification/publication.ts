import { hasCome } from '../../protocol/moment.js';
import { invariant } from '../../protocol/invariant.js';
import type { Attempt, Publication } from './attempt.js';
import { confirmation, reopenSealing, startEscalation } from './phases.js';
import { end, proceed, refuse, type EventOf, type Outcome, type Surroundings } from './step.js';
import { tallyAvailability } from './tally.js';
import { closeVoices, hear } from './voices.js';

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
      return reopenSealing(closed, surroundings);
    case 'escalation':
      return startEscalation(closed, escalated(attempt), surroundings);
    case 'output':
      if (outcome === 'available') return end(closed, confirmation(closed), surroundings);
      return end(closed, { reason: 'DELIVERY_UNDECIDED' }, surroundings);
  }
}

function escalated({ escalation }: Attempt): readonly number[] {
  invariant(escalation !== undefined, 'an escalation was under way');
  return escalation.segments;
}

function publicationOf({ publication }: Attempt): Publication {
  invariant(publication !== undefined, 'a publication is under way');
  return publication;
}
