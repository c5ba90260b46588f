import type { Ending } from './attempt.js';

/** Why an attempt ended, with the number that its event carries and the ending it belongs to. Numbers are for ever. */
export const ENDING_REASONS = {
  CONFIRMED: { number: 1, ending: 'ACCEPTED', meaning: 'every seat came to what the provider committed to' },
  UPHELD: { number: 2, ending: 'ACCEPTED', meaning: 'all verifiers were asked and agreed with the provider' },
  INPUT_UNAVAILABLE: {
    number: 3,
    ending: 'ABANDONED',
    meaning: 'the provider could not get the input, in time',
  },
  GIVEN_UP: { number: 4, ending: 'ABANDONED', meaning: 'the provider gave the claim back, late' },
  COMMIT_DEADLINE: { number: 5, ending: 'ABANDONED', meaning: 'nothing was committed in time' },
  FRAUD: { number: 6, ending: 'REJECTED', meaning: 'all verifiers were asked and came to something else' },
  OUTPUT_MISMATCH: { number: 7, ending: 'REJECTED', meaning: 'the output is not what was committed to' },
  NOT_UNSEALED: { number: 8, ending: 'REJECTED', meaning: 'the provider did not unseal in time' },
  WITHHELD: { number: 9, ending: 'REJECTED', meaning: 'the provider withheld data it had to hand out' },
  NO_VERIFIERS: { number: 10, ending: 'INCONCLUSIVE', meaning: 'too few verifiers could judge' },
  NO_MAJORITY: { number: 11, ending: 'INCONCLUSIVE', meaning: 'all verifiers were asked and did not agree' },
  DELIVERY_UNDECIDED: {
    number: 12,
    ending: 'INCONCLUSIVE',
    meaning: 'nobody can say whether the output was delivered',
  },
} as const satisfies Readonly<
  Record<string, { readonly number: number; readonly ending: Ending; readonly meaning: string }>
>;

export type EndingReason = keyof typeof ENDING_REASONS;

/** Why an event changed nothing. What comes in an extension is passed over; a transaction reverts with it. */
export const REFUSALS = {
  ENDED: 'the attempt has ended',
  WRONG_PHASE: 'the event does not belong to this phase',
  TOO_LATE: 'the window is over',
  NOT_DUE: 'nothing is due yet',
  WRONG_SUBJECT: 'the entry is about another job or attempt',
  NOT_ASKED: 'this validator is not asked in this round',
  ALREADY_SAID: 'the first entry counts',
  SEAL_MISMATCH: 'the reveal does not open the seal',
  MALFORMED: 'a hash is not 32 bytes',
  INPUT_MISMATCH: 'leaf 0 does not open to the input',
  KEY_MISMATCH: 'job key and output root are not what was committed to',
  ANSWERS_MISMATCH: 'the openings are not those of the judged segments under the root',
  NOT_FRAUD: 'the proof proves nothing',
} as const;

export type Refusal = keyof typeof REFUSALS;

/** What a validator did that the ledger counts: money is settled apart. Too many in an epoch and it is not drawn any more. */
export type Mark =
  'DISSENT_LOST' | 'FALSE_UNAVAILABLE' | 'SILENT' | 'FALSE_VERDICT' | 'ABSENT' | 'CANNOT_JUDGE';
