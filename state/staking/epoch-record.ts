import { invariant } from '../../protocol/invariant.js';
import { MAX_EVIDENCE_EPOCHS } from '../../protocol/limits.js';
import type { ChainParams } from '../../protocol/params.js';
import { createCodec } from '../../protocol/ssz/codec.js';
import { ContainerType, uint64, type ValueOf } from '../../protocol/ssz/types.js';
import { hasCome, type BlockMoment } from '../queues/due.js';
import { STATE_KEYS } from '../store/keys.js';
import type { Overlay } from '../store/overlay.js';
import { records, singleRecord } from '../store/record.js';
import type { Reader } from '../store/store.js';

const EpochType = new ContainerType({
  /** First height that the epoch's set decides. */
  firstHeight: uint64,
  /** Header time of the block before that; of epoch 0 the genesis time. */
  startMs: uint64,
  /** Of the set with which it began, in millionths of OGPU. */
  votingPower: uint64,
});
const EpochSpanType = new ContainerType({
  /** The present epoch. */
  number: uint64,
  /** The oldest one that is still kept. */
  oldest: uint64,
});

export type Epoch = Readonly<ValueOf<typeof EpochType>>;

/** Twice what parameters allow: for the time after they have changed, and for blocks slower than those of an idle chain. */
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

/** Whether nothing that was done in an epoch can be proved any more: too long ago and too many blocks ago, counted from its beginning. */
export function isUnprovable(
  { startMs, firstHeight }: Epoch,
  now: BlockMoment,
  { consensus: { evidenceMaxAgeMs, evidenceMaxAgeBlocks } }: ChainParams,
): boolean {
  const end = { timeMs: startMs + evidenceMaxAgeMs, height: firstHeight - 1 + evidenceMaxAgeBlocks };
  return hasCome(end, now);
}

export function writeFirstEpoch(state: Overlay, startMs: number, votingPower: number): void {
  epochs.write(state, { firstHeight: 1, startMs, votingPower }, 0);
  epochSpan.write(state, { number: 0, oldest: 0 });
}

/**
 * Begins the next epoch, and forgets old ones of which no evidence is accepted any more. Where blocks are so slow that too many would be
 * kept, the oldest is forgotten all the same.
 */
export function beginEpoch(state: Overlay, epoch: Epoch, params: ChainParams): void {
  const now = { timeMs: epoch.startMs, height: epoch.firstHeight - 1 };
  const { number, oldest } = epochSpan.read(state);
  const next = number + 1;
  epochs.write(state, epoch, next);
  let kept = oldest;
  while (kept < number && kept < oldest + MAX_FORGOTTEN) {
    const isOver = next - kept >= MAX_KEPT_EPOCHS || isUnprovable(readEpoch(state, kept), now, params);
    if (!isOver) break;
    epochs.remove(state, kept++);
  }
  epochSpan.write(state, { number: next, oldest: kept });
}

/** More than one, so that the kept ones become fewer after parameters have changed. */
const MAX_FORGOTTEN = 4;
