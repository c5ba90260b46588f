import { largestPenaltyWei } from '../../consensus/verification/bond.js';
import type { Verifier } from '../../consensus/verification/seats.js';
import type { Surroundings } from '../../consensus/verification/step.js';
import type { AttemptTerms } from '../../consensus/verification/terms.js';
import { capableVerifiers } from '../sources/attestations.js';
import { validators } from '../staking/validator.js';
import type { Overlay } from '../store/overlay.js';
import type { BlockContext } from '../transition/block-context.js';
import { beaconAt } from './beacons.js';
import { readJudge } from './judges.js';

/** Entries a seat owes: a seal and a reveal. */
const ENTRIES_PER_SEAT = 2;

/** What a transition of an attempt may look at. */
export function surroundingsOf(
  state: Overlay,
  block: BlockContext,
  source: Uint8Array,
  terms: AttemptTerms,
): Surroundings {
  return {
    now: { timeMs: block.timeMs, height: block.height },
    params: block.params,
    beaconOf: (height) => beaconAt(state, height),
    verifiers: (purpose) => verifiersFor(state, block, source, terms, purpose),
  };
}

/** For seats only who has room and stake for one, and was not marked too often since it has attested the source. */
function verifiersFor(
  state: Overlay,
  { params: { jobs } }: BlockContext,
  source: Uint8Array,
  terms: AttemptTerms,
  purpose: 'seats' | 'all',
): Verifier[] {
  const capable = capableVerifiers(state, source);
  const leastWei = largestPenaltyWei(jobs, terms);
  const chosen =
    purpose === 'all'
      ? capable
      : capable.filter(({ id, attestedHeight }) => {
          const { owed, suspendedHeight } = readJudge(state, id);
          const hasRoom = owed + ENTRIES_PER_SEAT <= jobs.openDuties;
          if (!hasRoom || attestedHeight <= suspendedHeight) return false;
          return validators.read(state, id).pool.tokensWei >= leastWei;
        });
  return chosen.map(({ id, operator, power }) => ({ id, operator, power }));
}
