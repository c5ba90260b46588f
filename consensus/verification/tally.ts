import { treeRoot } from '../../protocol/audit/tree.js';
import { bytesEqual, toHex } from '../../protocol/bytes.js';
import { invariant } from '../../protocol/invariant.js';
import type { Attempt, Unsealed, Voice } from './attempt.js';

/** Root over what the provider says these segments come to: what an agreeing validator reveals. */
export function expectedRoot(attempt: Attempt, segments: readonly number[]): Uint8Array {
  const unsealed: Unsealed | undefined = attempt.unsealed;
  invariant(unsealed !== undefined, 'answers are compared after the unsealing');
  const places = new Map(attempt.segments.map((segment, place) => [segment, place]));
  return treeRoot(
    segments.map((segment) => {
      const answer = unsealed.answers[places.get(segment) ?? -1];
      invariant(answer !== undefined, 'a judged segment has an answer');
      return answer;
    }),
  );
}

/** Whether a revealed voice came to what the provider committed to. */
export function agrees(attempt: Attempt, { answerRoot, segments }: Voice): boolean {
  return answerRoot !== undefined && bytesEqual(answerRoot, expectedRoot(attempt, segments));
}

/** Seals a segment needs: one seat may be missing. */
export function neededSeals({ seatTarget }: Pick<Attempt, 'seatTarget'>): number {
  return Math.max(1, seatTarget - 1);
}

/** How a segment stands at the end of sealing. */
export interface Coverage {
  readonly segment: number;
  readonly sealed: number;
  readonly unavailable: number;
  readonly isCovered: boolean;
}

export function coverageOf(attempt: Attempt): Coverage[] {
  const counts = new Map(attempt.segments.map((segment) => [segment, { sealed: 0, unavailable: 0 }]));
  for (const { segments, status } of attempt.seats) {
    if (status !== 'sealed' && status !== 'unavailable') continue;
    for (const segment of segments) {
      const count = counts.get(segment);
      invariant(count !== undefined, 'a seat judges a drawn segment');
      count[status]++;
    }
  }
  return attempt.segments.map((segment) => {
    const { sealed = 0, unavailable = 0 } = counts.get(segment) ?? {};
    return { segment, sealed, unavailable, isCovered: sealed >= neededSeals(attempt) };
  });
}

/** Whether at least two thirds of the seats of a segment call its data unavailable. */
export function isCalledUnavailable({ seatTarget }: Attempt, { unavailable }: Coverage): boolean {
  return 3 * unavailable >= 2 * seatTarget;
}

/**
 * The segments that all verifiers have to judge, ascending: those without seals enough, all of a seat that sealed and is silent or that got
 * no data, and of each dissenter the one it names, or its lowest.
 */
export function disputedSegments(attempt: Attempt): number[] {
  const disputed = new Set(attempt.uncovered);
  for (const seat of attempt.seats) {
    const { status, segments } = seat;
    if (status === 'sealed' || status === 'unavailable')
      for (const segment of segments) disputed.add(segment);
    if (status !== 'revealed' || agrees(attempt, seat)) continue;
    const named = segments.find((segment) => segment === seat.disputed) ?? segments[0];
    invariant(named !== undefined, 'a seat judges a segment');
    disputed.add(named);
  }
  return [...disputed].sort((a, b) => a - b);
}

/** Whether two thirds of those that took part hold the whole output: each validator once, whatever it has said more than once. */
export function isDelivered(attempt: Attempt): boolean {
  const seats = attempt.seats.filter(({ status }) => status === 'sealed' || status === 'revealed');
  const voters = attempt.escalation?.voices.filter(({ status }) => status === 'revealed') ?? [];
  const electorate = new Set((seats.length > 0 ? seats : voters).map(({ validator }) => toHex(validator)));
  const holders = new Set(
    [...seats, ...voters].flatMap(({ delivered, validator }) =>
      delivered === true ? [toHex(validator)] : [],
    ),
  );
  let held = 0;
  for (const validator of electorate) if (holders.has(validator)) held++;
  return 3 * held >= 2 * electorate.size && electorate.size > 0;
}

/** What all verifiers came to. `share` is the power of those that can judge. */
export type EscalationOutcome =
  | { readonly kind: 'upheld' }
  | { readonly kind: 'overturned'; readonly answerRoot: Uint8Array }
  /** Two thirds either came to one other answer or got no data. */
  | { readonly kind: 'unavailable'; readonly answerRoot: Uint8Array | undefined }
  | { readonly kind: 'undecided' };

/**
 * More than two thirds of the power that can judge decide; who says nothing counts against every answer. No decision while more than
 * half cannot judge: then a third of all could decide.
 */
export function tallyEscalation(attempt: Attempt, voices: readonly Voice[]): EscalationOutcome {
  const judging = judgingPower(voices);
  if (judging === undefined) return { kind: 'undecided' };
  const byRoot = new Map<string, { root: Uint8Array; power: number }>();
  for (const { status, answerRoot, power } of voices) {
    if (status !== 'revealed' || answerRoot === undefined) continue;
    const name = toHex(answerRoot);
    byRoot.set(name, { root: answerRoot, power: (byRoot.get(name)?.power ?? 0) + power });
  }
  const [first] = voices;
  invariant(first !== undefined, 'somebody can judge');
  const expected = toHex(expectedRoot(attempt, first.segments));
  const upheld = byRoot.get(expected)?.power ?? 0;
  if (3 * upheld > 2 * judging) return { kind: 'upheld' };
  byRoot.delete(expected);
  const [other] = [...byRoot.values()].sort((a, b) => b.power - a.power);
  if (other !== undefined && 3 * other.power > 2 * judging)
    return { kind: 'overturned', answerRoot: other.root };
  const unavailable = powerWhere(voices, 'unavailable');
  if (unavailable > 0 && 3 * (unavailable + (other?.power ?? 0)) > 2 * judging) {
    return { kind: 'unavailable', answerRoot: other?.root };
  }
  return { kind: 'undecided' };
}

/** What all verifiers say of data: can it be had? */
export type AvailabilityOutcome = 'available' | 'withheld' | 'undecided';

/** Withheld by more than two thirds, available by a third: whoever holds it hands it on, and one of a third is honest. */
export function tallyAvailability(voices: readonly Voice[]): AvailabilityOutcome {
  const judging = judgingPower(voices);
  if (judging === undefined) return 'undecided';
  if (3 * powerWhere(voices, 'unavailable') > 2 * judging) return 'withheld';
  return 3 * powerWhere(voices, 'available') >= judging ? 'available' : 'undecided';
}

/** Power of those that can judge; undefined when they are less than half of all. */
function judgingPower(voices: readonly Voice[]): number | undefined {
  const total = voices.reduce((sum, { power }) => sum + power, 0);
  const judging = total - powerWhere(voices, 'cannotJudge');
  return judging > 0 && 2 * judging >= total ? judging : undefined;
}

function powerWhere(voices: readonly Voice[], wanted: Voice['status']): number {
  return voices.reduce((sum, { status, power }) => (status === wanted ? sum + power : sum), 0);
}
