import { toHex } from '../../protocol/bytes.js';
import { invariant } from '../../protocol/invariant.js';
import type { Attempt, Voice } from './attempt.js';
import { sampleSegments } from './sampling.js';
import { drawSeats, eligibleVerifiers, operatorCount, type Verifier } from './seats.js';
import { auditSeed, drawsOf, type Draws } from './seed.js';
import { end, proceed, refuse, sealingWindow, type Outcome, type Surroundings } from './step.js';
import { coverageOf } from './tally.js';
import { isWholeChain } from './terms.js';
import { voiceOf } from './voices.js';

/** COMMITTED: once the beacon is there, draws segments and seats, or new seats for those that were silent. */
export function drawWhenDue(attempt: Attempt, surroundings: Surroundings): Outcome {
  const { terms, commitment, round, deadline } = attempt;
  const beacon = surroundings.beaconOf(deadline.height);
  if (beacon === undefined || surroundings.now.height < deadline.height) return refuse('NOT_DUE');
  invariant(commitment !== undefined, 'nothing is drawn before a commitment');
  const draws = drawsOf(terms.chainId, auditSeed(terms, round, commitment.root, beacon));
  const eligible = eligibleVerifiers(terms, surroundings.verifiers('seats'));
  const isFirst = attempt.segments.length === 0;
  const operators = operatorCount(eligible);
  if (isFirst && (operators === 0 || operators < surroundings.params.jobs.minSeats)) {
    return end(attempt, { reason: 'NO_VERIFIERS' }, surroundings);
  }
  const segments = isFirst ? sampleSegments(terms, draws) : attempt.segments;
  const seatTarget = isFirst ? Math.min(terms.seats, operators) : attempt.seatTarget;
  const drawn: Attempt = { ...attempt, segments, seatTarget };
  const seats = [...attempt.seats, ...(isFirst ? firstSeats : newSeats)(drawn, eligible, draws)];
  return proceed({ ...drawn, phase: 'SEALING', deadline: sealingWindow(terms, seats, surroundings), seats });
}

function firstSeats(attempt: Attempt, eligible: readonly Verifier[], draws: Draws): Voice[] {
  const { terms, segments, seatTarget, round } = attempt;
  if (isWholeChain(terms)) {
    return drawSeats(eligible, 0, seatTarget, draws).map((seat) => voiceOf(seat, round, segments));
  }
  return gather(
    segments.map((segment) => ({ segment, seats: drawSeats(eligible, segment, seatTarget, draws) })),
    round,
  );
}

/** Seats in place of those that have not sealed, of operators that had no seat of the segment. */
function newSeats(attempt: Attempt, eligible: readonly Verifier[], draws: Draws): Voice[] {
  const { terms, seats, seatTarget, round, segments } = attempt;
  const lacking = coverageOf(attempt).filter(({ isCovered }) => !isCovered);
  const [first] = lacking;
  if (isWholeChain(terms) && first !== undefined) {
    const drawn = drawSeats(eligible, 0, seatTarget - first.sealed, draws, operatorsOf(seats, segments[0]));
    return drawn.map((seat) => voiceOf(seat, round, segments));
  }
  return gather(
    lacking.map(({ segment, sealed }) => ({
      segment,
      seats: drawSeats(eligible, segment, seatTarget - sealed, draws, operatorsOf(seats, segment)),
    })),
    round,
  );
}

/** Operators that have, or had, a seat of a segment. */
export function operatorsOf(seats: readonly Voice[], segment: number | undefined): Set<string> {
  const seated = seats.filter(({ segments }) => segment !== undefined && segments.includes(segment));
  return new Set(seated.map(({ operator }) => toHex(operator)));
}

/** One voice for each validator, with all the segments it has a seat of, in the order of its first. */
function gather(
  drawn: readonly { readonly segment: number; readonly seats: readonly Verifier[] }[],
  round: number,
): Voice[] {
  const byValidator = new Map<string, { readonly verifier: Verifier; readonly segments: number[] }>();
  for (const { segment, seats } of drawn) {
    for (const verifier of seats) {
      const known = byValidator.get(toHex(verifier.id));
      if (known === undefined) byValidator.set(toHex(verifier.id), { verifier, segments: [segment] });
      else known.segments.push(segment);
    }
  }
  return [...byValidator.values()].map(({ verifier, segments }) => voiceOf(verifier, round, segments));
}
