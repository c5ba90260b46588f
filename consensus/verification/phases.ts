import { toHex } from '../../protocol/bytes.js';
import type { Attempt, PublicationSubject } from './attempt.js';
import { eligibleVerifiers } from './seats.js';
import { operatorsOf } from './seating.js';
import type { Decision } from './settlement.js';
import { end, proceed, sealingWindow, windowOf, type Step, type Surroundings } from './step.js';
import { expectedRoot, type Coverage } from './tally.js';
import { voicesOfAll } from './voices.js';

/* How phases begin that can follow more than one other. */

/** New seats from a later beacon while there is somebody to draw; else all verifiers will judge what has no seals. */
export function reseat(attempt: Attempt, lacking: readonly Coverage[], surroundings: Surroundings): Step {
  const { jobs } = surroundings.params;
  const eligible = eligibleVerifiers(attempt.terms, surroundings.verifiers('seats'));
  const canDraw = lacking.every(({ segment }) => {
    const taken = operatorsOf(attempt.seats, segment);
    return eligible.some(({ operator }) => !taken.has(toHex(operator)));
  });
  if (canDraw && attempt.reseats < jobs.maxReseats) {
    const height = surroundings.now.height + jobs.seedDelayBlocks;
    const [round, reseats] = [attempt.round + 1, attempt.reseats + 1];
    return proceed({ ...attempt, phase: 'COMMITTED', deadline: { timeMs: 0, height }, round, reseats });
  }
  return openUnsealing({ ...attempt, uncovered: lacking.map(({ segment }) => segment) }, surroundings);
}

/** The provider has to lay open what was judged. */
export function openUnsealing(attempt: Attempt, surroundings: Surroundings): Step {
  const deadline = windowOf(surroundings, surroundings.params.jobs.unsealWindowMs);
  return proceed({ ...attempt, phase: 'UNSEALING', deadline });
}

/** The same seats seal once more; those that did not get the data can speak anew. */
export function reopenSealing(attempt: Attempt, surroundings: Surroundings): Step {
  const seats = attempt.seats.map((seat) =>
    seat.status === 'unavailable' ? { ...seat, status: 'waiting' as const } : seat,
  );
  const deadline = sealingWindow(attempt.terms, seats, surroundings);
  return proceed({ ...attempt, phase: 'SEALING', deadline, seats });
}

/** All verifiers judge these segments, with their power of now. From the second try on windows are doubled. */
export function startEscalation(
  attempt: Attempt,
  segments: readonly number[],
  surroundings: Surroundings,
): Step {
  const round = attempt.round + 1;
  const voices = voicesOfAll(attempt, surroundings.verifiers('all'), round, segments);
  const tries = (attempt.escalation?.tries ?? 0) + 1;
  const started: Attempt = { ...attempt, round, escalation: { segments, voices, tries } };
  if (voices.length === 0) return end(started, { reason: 'NO_MAJORITY' }, surroundings);
  const deadline = sealingWindow(attempt.terms, voices, surroundings, windowFactor(tries));
  return proceed({ ...started, phase: 'ESCALATION_SEALING', deadline });
}

/** Windows are doubled from the second try on. */
export function windowFactor(tries: number): number {
  return tries > 1 ? 2 : 1;
}

/** Gives the provider a window to put data on the chain, and all verifiers one to say whether they can get it. Once for each subject. */
export function openPublication(
  attempt: Attempt,
  subject: PublicationSubject,
  surroundings: Surroundings,
): Step {
  const round = attempt.round + 1;
  const voices = voicesOfAll(attempt, surroundings.verifiers('all'), round, []);
  return proceed({
    ...attempt,
    phase: 'PUBLISHING',
    deadline: windowOf(surroundings, surroundings.params.jobs.publicationWindowMs),
    round,
    offered: [...attempt.offered, subject],
    publication: { subject, voices },
  });
}

/** How an attempt whose result stands is accepted: with or without all verifiers. */
export function confirmation(attempt: Attempt): Decision {
  const { escalation } = attempt;
  if (escalation === undefined) return { reason: 'CONFIRMED' };
  return { reason: 'UPHELD', answerRoot: expectedRoot(attempt, escalation.segments) };
}
