import { MAX_PAGE_ENTRIES, PAGE_BYTES, type SnapshotPage } from '../../../p2p/snapshot-requests.js';
import { bytesEqual, compareBytes } from '../../../protocol/bytes.js';
import type { OgpuError } from '../../../protocol/errors.js';
import { TreeError } from '../../../state/tree/errors.js';
import { hashKey, hashValue, type Leaf } from '../../../state/tree/leaf.js';
import { ProofError, verifyRangeProof } from '../../../state/tree/proof.js';
import { SyncError } from '../errors.js';
import type { HashRange } from './segments.js';

/**
 * Checks that a page holds all that the state has from where the page before ended, and that it is as long as a page has to be: a server may
 * not hand out the state entry by entry.
 *
 * @param rest of the segment, from where this page must begin
 * @returns the entries as the tree sees them, in the order of the page
 * @throws SyncError SYNC_PAGE_WRONG
 */
export function checkPage(stateRoot: Uint8Array, rest: HashRange, page: SnapshotPage): Leaf[] {
  const { from, to, entries, proof } = page;
  if (!bytesEqual(from, rest.from)) throw wrong('it begins elsewhere');
  if (compareBytes(to, rest.to) > 0) throw wrong('it ends in another segment');
  const bytes = entries.reduce((sum, { key, value }) => sum + key.length + value.length, 0);
  const isFull = entries.length === MAX_PAGE_ENTRIES || bytes >= PAGE_BYTES;
  if (!isFull && !bytesEqual(to, rest.to)) throw wrong('it ends too early');
  try {
    const leaves = entries.map(({ key, value }) => ({ keyHash: hashKey(key), valueHash: hashValue(value) }));
    verifyRangeProof(stateRoot, from, to, leaves, proof);
    return leaves;
  } catch (error) {
    if (error instanceof ProofError || error instanceof TreeError) throw wrong(error.code, error);
    throw error;
  }
}

function wrong(reason: string, cause?: OgpuError): SyncError {
  const message = 'a page of a snapshot is not of its state';
  return new SyncError('SYNC_PAGE_WRONG', message, { reason }, cause && { cause });
}
