import { ADDRESS_LENGTH, type Address } from '../../protocol/address.js';
import { bigEndianBytes, toHex } from '../../protocol/bytes.js';
import { invariant } from '../../protocol/invariant.js';
import type { Overlay } from '../store/overlay.js';
import type { Reader } from '../store/store.js';
import { QueueError } from './errors.js';
import { createHeap, type HeapItem } from './heap.js';

/** Who may become an active validator, by stake: most first, at equal stake by address. */
export interface RankedValidator {
  readonly address: Address;
  readonly stakeWei: bigint;
}

/** Enters a validator, or moves it to its new stake (below 2^128 wei). */
export function rankValidator(state: Overlay, address: Address, stakeWei: bigint): void {
  invariant(address.length === ADDRESS_LENGTH, 'an address has 20 bytes');
  invariant(stakeWei >= 0n && stakeWei <= MAX_STAKE_WEI, 'stake fits in 128 bits');
  const priority = bigEndianBytes(MAX_STAKE_WEI - stakeWei, PRIORITY_BYTES);
  RANKING.put(state, { priority, subject: address });
}

/** Whether it was ranked. */
export function unrankValidator(state: Overlay, address: Address): boolean {
  return RANKING.remove(state, address);
}

/** With what stake a validator is ranked; undefined when it is not. @throws QueueError QUEUE_CORRUPT */
export function rankedStakeWei(state: Reader, address: Address): bigint | undefined {
  const item = RANKING.find(state, address);
  return item && decode(item).stakeWei;
}

/** The first `count`. @throws QueueError QUEUE_CORRUPT */
export function topValidators(state: Reader, count: number): RankedValidator[] {
  return RANKING.first(state, count).map(decode);
}

const PRIORITY_BYTES = 16;
const MAX_STAKE_WEI = (1n << 128n) - 1n;

/** The smallest comes first in a heap, so the priority is what is missing from the largest stake. */
const RANKING = createHeap('validators', PRIORITY_BYTES);

function decode({ priority, subject }: HeapItem): RankedValidator {
  if (subject.length !== ADDRESS_LENGTH) {
    throw new QueueError('QUEUE_CORRUPT', 'a ranked validator has no address', { subject: toHex(subject) });
  }
  return { address: subject, stakeWei: MAX_STAKE_WEI - BigInt(toHex(priority)) };
}
