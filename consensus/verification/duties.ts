import type { Address } from '../../protocol/address.js';
import { bytesEqual } from '../../protocol/bytes.js';
import type { BlockMoment } from '../../protocol/moment.js';
import type { Attempt, Phase, PublicationSubject, Voice, VoiceStatus } from './attempt.js';

/** What an attempt waits for a validator to say. */
export type Duty = {
  /** Named by the entry. */
  readonly round: number;
  /** When the phase that waits for it is over. */
  readonly deadline: BlockMoment;
} & (
  | { readonly kind: 'seal' | 'reveal'; readonly segments: readonly number[] }
  | { readonly kind: 'availability'; readonly subject: PublicationSubject }
);

/** What an attempt waits for one validator to say, the earliest round first; nothing where it is not asked, or has spoken. */
export function dutiesOf(attempt: Attempt, validator: Address): Duty[] {
  const asked = ASKED[attempt.phase];
  if (asked === undefined) return [];
  const { deadline } = attempt;
  const voices = asked
    .voices(attempt)
    .filter((voice) => voice.status === asked.status && bytesEqual(voice.validator, validator));
  return voices.map(({ round, segments }) => {
    if (asked.kind !== 'availability') return { kind: asked.kind, round, deadline, segments };
    return { kind: asked.kind, round, deadline, subject: attempt.publication?.subject ?? 'output' };
  });
}

interface Asked {
  readonly kind: Duty['kind'];
  readonly voices: (attempt: Attempt) => readonly Voice[];
  /** Of who has to speak. */
  readonly status: VoiceStatus;
}

const seats = (attempt: Attempt): readonly Voice[] => attempt.seats;
const all = (attempt: Attempt): readonly Voice[] => attempt.escalation?.voices ?? [];

const ASKED: Partial<Readonly<Record<Phase, Asked>>> = {
  SEALING: { kind: 'seal', voices: seats, status: 'waiting' },
  REVEALING: { kind: 'reveal', voices: seats, status: 'sealed' },
  ESCALATION_SEALING: { kind: 'seal', voices: all, status: 'waiting' },
  ESCALATION_REVEALING: { kind: 'reveal', voices: all, status: 'sealed' },
  PUBLISHING: {
    kind: 'availability',
    voices: (attempt) => attempt.publication?.voices ?? [],
    status: 'waiting',
  },
};
