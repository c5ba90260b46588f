import { bigEndianBytes } from '../../protocol/bytes.js';
import type { ChainParams } from '../../protocol/params.js';
import type { ValidatorSet } from '../../protocol/types/validators.js';
import { createHeap } from '../queues/heap.js';
import { nextValidators } from '../staking/active-set.js';
import type { Overlay } from '../store/overlay.js';
import type { Reader } from '../store/store.js';
import { paramsRecord } from '../system/chain.js';
import type { Scope } from '../transition/block-context.js';
import { CLOSED_BY_SET, EVENTS } from './abi.js';
import { attestedPower, type AttestedPower } from './attestations.js';
import { SOURCE_OPEN, SOURCE_WAITING, sources, type Source } from './source.js';

/*
 * A source is open while enough of the active validators can run it. Who they are and what power they have changes with every epoch, so
 * each open source is looked at again in every epoch, some in each block; and when a job is posted, whatever its record says.
 */

/** Sources that one block looks at again because the epoch has changed; the next goes on. */
export const MAX_REVIEWS_PER_BLOCK = 32;

/** Whether a source takes jobs now: its record says so, and the present validators can run it. */
export function isOpen(state: Reader, id: Uint8Array): boolean {
  if (sources.find(state, id)?.status !== SOURCE_OPEN) return false;
  return !mustClose(paramsRecord.read(state), attestedPower(state, id));
}

/** Opens or closes a source where what its verifiers can do says so. @param reason what a closing would be due to */
export function reviewSource(
  { state, block, emit }: Scope,
  id: Uint8Array,
  source: Source,
  reason: number,
  set: ValidatorSet = nextValidators(state),
): void {
  const power = attestedPower(state, id, set);
  const { capable, total } = power;
  if (source.status === SOURCE_WAITING && mayOpen(block.params, power)) {
    sources.write(state, { ...source, status: SOURCE_OPEN }, id);
    scheduleReview(state, id, block.epoch);
    emit(EVENTS.SourceOpened, [id, BigInt(capable), BigInt(total)]);
  } else if (source.status === SOURCE_OPEN && mustClose(block.params, power)) {
    sources.write(state, { ...source, status: SOURCE_WAITING }, id);
    REVIEWS.remove(state, id);
    emit(EVENTS.SourceClosed, [id, BigInt(reason), BigInt(capable), BigInt(total)]);
  }
}

/** Looks again at open sources that were not looked at in this epoch, the longest waiting first. */
export function reviewSources(scope: Scope): void {
  const { state, block } = scope;
  const set = nextValidators(state);
  for (let reviews = 0; reviews < MAX_REVIEWS_PER_BLOCK; reviews++) {
    const next = REVIEWS.peek(state);
    if (next === undefined || epochIn(next.priority) >= block.epoch) return;
    const id = next.subject;
    scheduleReview(state, id, block.epoch);
    reviewSource(scope, id, sources.read(state, id), CLOSED_BY_SET, set);
  }
}

/** A source that is not open is not looked at again. */
export function forgetReview(state: Overlay, id: Uint8Array): void {
  REVIEWS.remove(state, id);
}

/** The epoch in which an open source was last looked at; undefined for any other. */
export function reviewedEpoch(state: Reader, id: Uint8Array): number | undefined {
  const item = REVIEWS.find(state, id);
  return item && epochIn(item.priority);
}

const EPOCH_BYTES = 8;
const REVIEWS = createHeap('sourceReviews', EPOCH_BYTES);

function scheduleReview(state: Overlay, id: Uint8Array, epoch: number): void {
  REVIEWS.put(state, { priority: bigEndianBytes(BigInt(epoch), EPOCH_BYTES), subject: id });
}

function epochIn(priority: Uint8Array): number {
  return Number(new DataView(priority.buffer, priority.byteOffset, EPOCH_BYTES).getBigUint64(0));
}

function mayOpen({ sources: { openBps } }: ChainParams, power: AttestedPower): boolean {
  return hasShare(power, openBps);
}

function mustClose({ sources: { closeBps } }: ChainParams, power: AttestedPower): boolean {
  return !hasShare(power, closeBps);
}

/** As bigints: power times 10,000 is beyond 2^53. */
function hasShare({ capable, total }: AttestedPower, bps: number): boolean {
  return BigInt(capable) * 10_000n >= BigInt(total) * BigInt(bps);
}
