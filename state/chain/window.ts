import { OgpuError } from '../../protocol/errors.js';
import type { Reader } from '../store/store.js';
import { readHead, readTail } from './marks.js';

/** The heights after which the state can be read. One below its `lowest` block the state is still known: that block can be replayed. */
export interface PastWindow {
  readonly lowest: number;
  readonly highest: number;
}

/**
 * A reading of the past that cannot be answered.
 *
 * | code | meaning |
 * |---|---|
 * | `PAST_STATE_PRUNED` | the height has left the retention window; `lowest` and `highest` say what can be read |
 * | `PAST_STATE_NOT_FINAL` | the height is above the last final block; likewise |
 * | `PAST_STATE_TOO_MANY_KEYS` | the reading touches more state entries than it may |
 */
export class PastStateError extends OgpuError<
  'PAST_STATE_PRUNED' | 'PAST_STATE_NOT_FINAL' | 'PAST_STATE_TOO_MANY_KEYS'
> {}

/** Of a store that holds the genesis state. */
export function readWindow(reader: Reader): PastWindow {
  return { lowest: readTail(reader).height - 1, highest: readHead(reader)?.height ?? 0 };
}

/** Whether block `height` is there, with its commit, receipts and indices: a block comes and goes as a whole. */
export function hasBlock(reader: Reader, height: number): boolean {
  const head = readHead(reader);
  return head !== undefined && height >= readTail(reader).height && height <= head.height;
}

/**
 * Asserts that the state after block `height` can be read. What was read before a call of this that passes is right: heights leave
 * the window in the same batch that drops their history.
 *
 * @throws PastStateError PAST_STATE_PRUNED | PAST_STATE_NOT_FINAL with `height`, `lowest` and `highest`
 */
export function assertReadable(reader: Reader, height: number): void {
  const { lowest, highest } = readWindow(reader);
  const data = { height, lowest, highest };
  if (height < lowest)
    throw new PastStateError('PAST_STATE_PRUNED', 'the state of this height was dropped', data);
  if (height > highest)
    throw new PastStateError('PAST_STATE_NOT_FINAL', 'there is no final block of this height yet', data);
}
