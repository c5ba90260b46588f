import { hasCome } from '../../protocol/moment.js';
import { invariant } from '../../protocol/invariant.js';
import type { Attempt, Escalation } from './attempt.js';
import { confirmation, openPublication, startEscalation, windowFactor } from './phases.js';
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
import { isDelivered, tallyEscalation } from './tally.js';
import { allHave, closeVoices, hear } from './voices.js';

/** Tries before an escalation is given up; a publication in between is followed by one more. */
const MAX_TRIES = 2;

/** ESCALATION_SEALING: with the last one everybody reveals. */
export function hearEscalationSeal(
  attempt: Attempt,
  event: EventOf<'entry'>,
  surroundings: Surroundings,
): Outcome {
  const escalation = escalationOf(attempt);
  const listened = attempt.published.includes('escalation')
    ? (['sealed', 'cannotJudge'] as const)
    : (['sealed', 'unavailable', 'cannotJudge'] as const);
  const voices = hear(attempt, escalation.voices, event, listened);
  if ('refused' in voices) return voices;
  const heard: Attempt = { ...attempt, escalation: { ...escalation, voices } };
  return allHave(voices, 'waiting') ? finishSeals(heard, surroundings) : proceed(heard);
}

export function closeEscalationSealing(attempt: Attempt, surroundings: Surroundings): Outcome {
  return hasCome(attempt.deadline, surroundings.now) ? finishSeals(attempt, surroundings) : refuse('NOT_DUE');
}

function finishSeals(attempt: Attempt, surroundings: Surroundings): Step {
  const escalation = escalationOf(attempt);
  const voices = closeVoices(escalation.voices);
  const closed: Attempt = { ...attempt, escalation: { ...escalation, voices } };
  if (allHave(voices, 'sealed')) return decide(closed, surroundings);
  const lengthMs = surroundings.params.jobs.revealWindowMs * windowFactor(escalation.tries);
  return proceed({ ...closed, phase: 'ESCALATION_REVEALING', deadline: windowOf(surroundings, lengthMs) });
}

/** ESCALATION_REVEALING: with the last one it is decided. */
export function hearEscalationReveal(
  attempt: Attempt,
  event: EventOf<'entry'>,
  surroundings: Surroundings,
): Outcome {
  const escalation = escalationOf(attempt);
  const voices = hear(attempt, escalation.voices, event, ['revealed']);
  if ('refused' in voices) return voices;
  const heard: Attempt = { ...attempt, escalation: { ...escalation, voices } };
  return allHave(voices, 'sealed') ? decide(heard, surroundings) : proceed(heard);
}

export function closeEscalationRevealing(attempt: Attempt, surroundings: Surroundings): Outcome {
  return hasCome(attempt.deadline, surroundings.now) ? decide(attempt, surroundings) : refuse('NOT_DUE');
}

function decide(attempt: Attempt, surroundings: Surroundings): Step {
  const { voices, segments, tries } = escalationOf(attempt);
  const outcome = tallyEscalation(attempt, voices);
  switch (outcome.kind) {
    case 'upheld':
      if (isDelivered(attempt)) return end(attempt, confirmation(attempt), surroundings);
      return openPublication(attempt, 'output', surroundings);
    case 'overturned':
      return end(attempt, { reason: 'FRAUD', answerRoot: outcome.answerRoot }, surroundings);
    case 'unavailable':
      if (!attempt.offered.includes('escalation'))
        return openPublication(attempt, 'escalation', surroundings);
      return end(attempt, { reason: 'WITHHELD' }, surroundings);
    case 'undecided':
      if (tries < MAX_TRIES) return startEscalation(attempt, segments, surroundings);
      return end(attempt, { reason: 'NO_MAJORITY' }, surroundings);
  }
}

function escalationOf({ escalation }: Attempt): Escalation {
  invariant(escalation !== undefined, 'an escalation is under way');
  return escalation;
}
