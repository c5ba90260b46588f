import { isOpening, type Opening } from '../../protocol/audit/commitment.js';
import { stateIdOf } from '../../protocol/audit/commitment.js';
import { isInTree } from '../../protocol/audit/tree.js';
import { bytesEqual } from '../../protocol/bytes.js';
import { invariant } from '../../protocol/invariant.js';
import { MAX_FULL_AUDIT_SEGMENTS } from '../../protocol/limits.js';
import { createCodec } from '../../protocol/ssz/codec.js';
import { ContainerType, numbersOf, uint16, uint32, uint8, type ValueOf } from '../../protocol/ssz/types.js';
import type { Attempt } from '../../consensus/verification/attempt.js';
import { isWholeChain, leafCount } from '../../consensus/verification/terms.js';
import { STATE_KEYS } from '../store/keys.js';
import type { Overlay } from '../store/overlay.js';
import { records } from '../store/record.js';
import type { Reader } from '../store/store.js';

/*
 * What a provider puts on the chain when verifiers miss it, piece by piece: the bytes stand in the calldata of its transactions, and the
 * state remembers which pieces there were.
 */

/** Bytes of all pieces of one publication. */
export const MAX_PUBLISHED_BYTES = 1024 * 1024;

/** Pieces of one publication: of more nothing can be published. */
const MAX_ITEMS = MAX_FULL_AUDIT_SEGMENTS;

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

/**
 * The pieces that are waited for, ascending: of a batch the inputs of judged segments, of a chain the states they start from, or the pieces
 * of the output.
 */
export function askedItems({ terms, publication, segments, escalation }: Attempt): readonly number[] {
  invariant(publication !== undefined, 'a publication is under way');
  if (publication.subject === 'output') {
    return terms.kind === 'chain' ? [terms.segments] : Array.from({ length: terms.segments }, (_, i) => i);
  }
  const judged = publication.subject === 'sealing' ? segments : (escalation?.segments ?? []);
  return isWholeChain(terms) && publication.subject === 'sealing' ? [0] : judged;
}

/** Whether these bytes are the piece: its id is checked against what client and provider have committed to. */
export function isItem(
  attempt: Attempt,
  item: number,
  data: Uint8Array,
  { salt, branch }: Pick<Opening, 'salt' | 'branch'>,
): boolean {
  const { terms, publication, commitment, unsealed } = attempt;
  const stateId = stateIdOf(data);
  if (publication?.subject === 'output') {
    if (unsealed === undefined) return false;
    if (terms.kind === 'chain') return bytesEqual(stateId, unsealed.outputRoot);
    return isInTree(unsealed.outputRoot, terms.segments, item, stateId, branch);
  }
  if (terms.kind === 'batch') return isInTree(terms.inputId, terms.segments, item, stateId, branch);
  if (item === 0) return bytesEqual(stateId, terms.inputId);
  invariant(commitment !== undefined, 'data is asked for after the commitment');
  return isOpening(terms, commitment.root, leafCount(terms), item, { stateId, salt, branch });
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
