import { hasCome } from '../../protocol/moment.js';
import type { Attempt } from './attempt.js';
import { openPublication, openUnsealing, reseat } from './phases.js';
import { proceed, refuse, type EventOf, type Outcome, type Step, type Surroundings } from './step.js';
import { coverageOf, isCalledUnavailable } from './tally.js';
import { allHave, closeVoices, hear } from './voices.js';

/** SEALING: a seat seals, gets no data, or cannot judge. With the last one sealing is over. */
export function hearSeal(attempt: Attempt, event: EventOf<'entry'>, surroundings: Surroundings): Outcome {
  const listened = attempt.published.includes('sealing')
    ? (['sealed', 'cannotJudge'] as const)
    : (['sealed', 'unavailable', 'cannotJudge'] as const);
  const seats = hear(attempt, attempt.seats, event, listened);
  if ('refused' in seats) return seats;
  const heard: Attempt = { ...attempt, seats };
  return allHave(seats, 'waiting') ? finishSealing(heard, surroundings) : proceed(heard);
}

export function closeSealing(attempt: Attempt, surroundings: Surroundings): Outcome {
  if (!hasCome(attempt.deadline, surroundings.now)) return refuse('NOT_DUE');
  return finishSealing(attempt, surroundings);
}

/** On to the unsealing when every segment has its seals; else to a publication, to new seats, or to all verifiers. */
function finishSealing(attempt: Attempt, surroundings: Surroundings): Step {
  const closed: Attempt = { ...attempt, seats: closeVoices(attempt.seats) };
  const lacking = coverageOf(closed).filter(({ isCovered }) => !isCovered);
  if (lacking.length === 0) return openUnsealing(closed, surroundings);
  const isMissed = lacking.some((coverage) => isCalledUnavailable(closed, coverage));
  if (isMissed && !closed.offered.includes('sealing'))
    return openPublication(closed, 'sealing', surroundings);
  return reseat(closed, lacking, surroundings);
}
