import { MAX_FULL_AUDIT_SEGMENTS } from '../../protocol/limits.js';
import { createCodec } from '../../protocol/ssz/codec.js';
import { ContainerType, numbersOf, uint16, uint32, uint8, type ValueOf } from '../../protocol/ssz/types.js';
import type { Attempt } from '../../consensus/verification/attempt.js';
import { askedItems } from '../../consensus/verification/publishing.js';
import { STATE_KEYS } from '../store/keys.js';
import type { Overlay } from '../store/overlay.js';
import { records } from '../store/record.js';
import type { Reader } from '../store/store.js';

/*
 * What a provider puts on the chain when verifiers miss it, piece by piece: the bytes stand in the calldata of its transactions, and the
 * state remembers which pieces there were.
 */

/** Pieces of one publication: of more nothing can be published. */
export const MAX_ITEMS = MAX_FULL_AUDIT_SEGMENTS;

const ProgressType = new ContainerType({
  attempt: uint8,
  round: uint8,
  bytes: uint32,
  items: numbersOf(uint16, MAX_ITEMS),
});

type Progress = Readonly<ValueOf<typeof ProgressType>>;

export const publications = records(
  STATE_KEYS.publication,
  createCodec<Progress>('PublicationProgress', ProgressType),
);

export function forgetPublication(state: Overlay, id: Uint8Array): void {
  if (publications.find(state, id) !== undefined) publications.remove(state, id);
}

/** What has been put on the chain for the publication under way. */
export function progressOf(state: Reader, id: Uint8Array, attempt: Attempt): Progress {
  const [number, round] = [attempt.terms.attempt, attempt.round];
  const found = publications.find(state, id);
  if (found?.attempt === number && found.round === round) return found;
  return { attempt: number, round, bytes: 0, items: [] };
}

/** Takes a piece down. @returns whether all are there */
export function addItem(
  state: Overlay,
  id: Uint8Array,
  attempt: Attempt,
  item: number,
  bytes: number,
): boolean {
  const progress = progressOf(state, id, attempt);
  const items = [...progress.items, item].sort((a, b) => a - b);
  publications.write(state, { ...progress, bytes: progress.bytes + bytes, items }, id);
  return items.length === askedItems(attempt).length;
}
