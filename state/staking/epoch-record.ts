import { invariant } from '../../protocol/invariant.js';
import { MAX_EVIDENCE_EPOCHS } from '../../protocol/limits.js';
import { createCodec } from '../../protocol/ssz/codec.js';
import { ContainerType, uint64, type ValueOf } from '../../protocol/ssz/types.js';
import { STATE_KEYS } from '../store/keys.js';
import type { Overlay } from '../store/overlay.js';
import { records, singleRecord } from '../store/record.js';
import type { Reader } from '../store/store.js';

const EpochType = new ContainerType({
  /** First height that the epoch's set decides. */
  firstHeight: uint64,
  /** Header time of the block before that; of epoch 0 the genesis time. */
  startMs: uint64,
});
const EpochSpanType = new ContainerType({
  /** The present epoch. */
  number: uint64,
  /** The oldest one that is still kept. */
  oldest: uint64,
});

export type Epoch = Readonly<ValueOf<typeof EpochType>>;

/** Twice what parameters allow, for the time after they have changed. */
export const MAX_KEPT_EPOCHS = 2 * MAX_EVIDENCE_EPOCHS;

export const epochs = records(STATE_KEYS.epoch, createCodec<Epoch>('Epoch', EpochType));
export const epochSpan = singleRecord(
  STATE_KEYS.system,
  createCodec<ValueOf<typeof EpochSpanType>>('EpochSpan', EpochSpanType),
  'epochs',
);

export function epochNumber(state: Reader): number {
  return epochSpan.read(state).number;
}

export function readEpoch(state: Reader, number: number): Epoch {
  return epochs.read(state, number);
}

/** The oldest epoch of which evidence may be accepted. */
export function oldestEpoch(state: Reader): number {
  return epochSpan.read(state).oldest;
}

/** The epoch whose set decided `height`, or undefined when it is not kept any more. */
export function epochOfHeight(state: Reader, height: number): number | undefined {
  const { number, oldest } = epochSpan.read(state);
  invariant(number - oldest <= MAX_KEPT_EPOCHS, 'few epochs are kept');
  for (let candidate = number; candidate >= oldest; candidate--) {
    if (readEpoch(state, candidate).firstHeight <= height) return candidate;
  }
  return undefined;
}

export function writeFirstEpoch(state: Overlay, startMs: number): void {
  epochs.write(state, { firstHeight: 1, startMs }, 0);
  epochSpan.write(state, { number: 0, oldest: 0 });
}

/**
 * Begins the next epoch, and forgets old ones of which no evidence is accepted at `keepFromMs`.
 *
 * @returns its number
 */
export function beginEpoch(state: Overlay, epoch: Epoch, keepFromMs: number): number {
  const { number, oldest } = epochSpan.read(state);
  const next = number + 1;
  epochs.write(state, epoch, next);
  let kept = oldest;
  while (kept < number && kept < oldest + MAX_FORGOTTEN && isOver(state, kept, keepFromMs, next - kept)) {
    epochs.remove(state, kept++);
  }
  epochSpan.write(state, { number: next, oldest: kept });
  return next;
}

/** More than one, so that the kept ones become fewer after parameters have changed. */
const MAX_FORGOTTEN = 4;

function isOver(state: Reader, number: number, keepFromMs: number, age: number): boolean {
  return readEpoch(state, number).startMs <= keepFromMs || age >= MAX_KEPT_EPOCHS;
}
