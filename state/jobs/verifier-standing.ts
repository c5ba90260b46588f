import type { Address } from '../../protocol/address.js';
import { WEI_PER_OGPU } from '../../protocol/amounts.js';
import { createCodec } from '../../protocol/ssz/codec.js';
import { ContainerType, uint32, uint64, type ValueOf } from '../../protocol/ssz/types.js';
import type { Attempt } from '../../consensus/verification/attempt.js';
import { largestPenaltyWei } from '../../consensus/verification/bond.js';
import type { Mark } from '../../consensus/verification/reasons.js';
import type { Verifier } from '../../consensus/verification/seats.js';
import type { AttemptTerms } from '../../consensus/verification/terms.js';
import { capableVerifiers, type CapableVerifier } from '../sources/attestations.js';
import { STATE_KEYS } from '../store/keys.js';
import type { Overlay } from '../store/overlay.js';
import { records } from '../store/record.js';
import type { Reader } from '../store/store.js';
import type { BlockContext } from '../transition/block-context.js';

const StandingType = new ContainerType({
  /** Entries it may owe: two for each seat in an attempt that has not ended. */
  owed: uint32,
  /** Faults in `epoch`. */
  marks: uint32,
  epoch: uint64,
  /** Since when it has too many; 0 for never. What it attests later counts again. */
  suspendedHeight: uint64,
});

/** What a validator owes audits, and how it has done in them. Absent where there is nothing to say. */
export type VerifierStanding = Readonly<ValueOf<typeof StandingType>>;

export const standings = records(
  STATE_KEYS.verifier,
  createCodec<VerifierStanding>('VerifierStanding', StandingType),
);

const NOTHING: VerifierStanding = { owed: 0, marks: 0, epoch: 0, suspendedHeight: 0 };
const ENTRIES_OF_A_SEAT = 2;
const WEI_PER_POWER = WEI_PER_OGPU / 1_000_000n;

export function standingOf(state: Reader, validator: Address): VerifierStanding {
  return standings.find(state, validator) ?? NOTHING;
}

/** Who could judge a job of a source now; for seats, only who has room and stake for one and was not wrong too often. */
export function verifiersOf(
  state: Reader,
  { params }: BlockContext,
  source: Uint8Array,
  terms: AttemptTerms,
  purpose: 'seats' | 'all',
): readonly Verifier[] {
  const capable = capableVerifiers(state, source);
  if (purpose === 'all') return capable;
  const couldLoseWei = largestPenaltyWei(params.jobs, terms);
  return capable.filter((verifier) => {
    const standing = standingOf(state, verifier.id);
    const hasRoom = standing.owed + ENTRIES_OF_A_SEAT <= params.jobs.openDuties;
    return (
      hasRoom && !isSuspended(standing, verifier) && BigInt(verifier.power) * WEI_PER_POWER >= couldLoseWei
    );
  });
}

/** Counts the seats that an attempt has now and did not have before, or the other way round. */
export function countSeats(state: Overlay, before: Attempt | undefined, after: Attempt | undefined): void {
  const counts = new Map<string, { validator: Address; change: number }>();
  const count = (attempt: Attempt | undefined, sign: number): void => {
    for (const { validator } of attempt?.seats ?? []) {
      const name = validator.join();
      const known = counts.get(name) ?? { validator, change: 0 };
      counts.set(name, { validator, change: known.change + sign * ENTRIES_OF_A_SEAT });
    }
  };
  count(after, 1);
  count(before, -1);
  for (const { validator, change } of counts.values()) {
    if (change === 0) continue;
    const standing = standingOf(state, validator);
    writeStanding(state, validator, { ...standing, owed: Math.max(0, standing.owed + change) });
  }
}

/** Counts a fault. Who has too many in an epoch is drawn for a source again once it has attested it anew. */
export function countMark(state: Overlay, block: BlockContext, validator: Address, mark: Mark): void {
  if (mark === 'ABSENT' || mark === 'CANNOT_JUDGE') return;
  const known = standingOf(state, validator);
  const marks = (known.epoch === block.epoch ? known.marks : 0) + 1;
  const isTooMany = marks >= block.params.jobs.maxMarks;
  writeStanding(state, validator, {
    ...known,
    marks,
    epoch: block.epoch,
    suspendedHeight: isTooMany ? block.height : known.suspendedHeight,
  });
}

function isSuspended({ suspendedHeight }: VerifierStanding, { attestedHeight }: CapableVerifier): boolean {
  return suspendedHeight > 0 && attestedHeight <= suspendedHeight;
}

function writeStanding(state: Overlay, validator: Address, standing: VerifierStanding): void {
  const isNothing = standing.owed === 0 && standing.marks === 0 && standing.suspendedHeight === 0;
  if (isNothing) standings.remove(state, validator);
  else standings.write(state, standing, validator);
}
