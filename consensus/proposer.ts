import { domainHash } from '../protocol/domains.js';
import { invariant } from '../protocol/invariant.js';
import { uniformBelow, wordOfDigest } from '../protocol/uniform.js';
import { NO_ROUND } from '../protocol/types/proposal.js';
import type { Validator, ValidatorSet } from '../protocol/types/validators.js';
import { totalPower } from './power.js';

/**
 * Who proposes in a round of a height. Rounds go in cycles of as many as there are members. In a cycle everybody is drawn once, each
 * time among those not yet drawn with chances in proportion to voting power, so that a silent validator costs one round of a cycle.
 *
 * One draw for round 0; for the last round of a cycle as many draws as members.
 *
 * @param previousBeacon beacon of the height before, 32 bytes
 */
export function proposerOf(
  chainId: number,
  set: ValidatorSet,
  previousBeacon: Uint8Array,
  round: number,
): Validator {
  invariant(set.length > 0 && Number.isInteger(round) && round >= 0 && round < NO_ROUND, 'a round of a set');
  const cycle = Math.floor(round / set.length);
  const remaining = [...set];
  let power = totalPower(set);
  for (let place = 0; ; place++) {
    const random = uniformBelow(power, (attempt) => word(chainId, previousBeacon, { cycle, place, attempt }));
    const [drawn] = remaining.splice(indexAt(remaining, random), 1);
    invariant(drawn !== undefined, 'a draw finds a member');
    if (place === round % set.length) return drawn;
    power -= drawn.votingPower;
  }
}

/** The member in whose stretch `point` lies, when the members lie in order, each as long as its power. */
function indexAt(members: readonly Validator[], point: number): number {
  let end = 0;
  return members.findIndex(({ votingPower }) => (end += votingPower) > point);
}

interface Draw {
  readonly cycle: number;
  readonly place: number;
  readonly attempt: number;
}

/** 53 bits of the hash of a draw: the low ones of its first eight bytes, little-endian. */
function word(chainId: number, beacon: Uint8Array, { cycle, place, attempt }: Draw): number {
  invariant(beacon.length === 32, 'a beacon is 32 bytes');
  const draw = new Uint8Array(12);
  const view = new DataView(draw.buffer);
  view.setUint32(0, cycle, true);
  view.setUint32(4, place, true);
  view.setUint32(8, attempt, true);
  return wordOfDigest(domainHash(chainId, 'proposer-draw', beacon, draw));
}
