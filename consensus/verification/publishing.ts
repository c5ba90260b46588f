import { isOpening, stateIdOf, type Opening } from '../../protocol/audit/commitment.js';
import { isInTree } from '../../protocol/audit/tree.js';
import { bytesEqual } from '../../protocol/bytes.js';
import { invariant } from '../../protocol/invariant.js';
import type { Attempt } from './attempt.js';
import { isWholeChain, leafCount } from './terms.js';

/*
 * Which pieces of data a publication waits for, and what makes bytes one of them: the ledger checks it, a provider makes them.
 */

/** Bytes of all pieces of one publication. */
export const MAX_PUBLISHED_BYTES = 1024 * 1024;

/**
 * The pieces that are waited for, ascending: of a batch the inputs of judged segments, of a chain the states they start from, or the pieces
 * of the output.
 */
export function askedItems({
  terms,
  publication,
  segments,
  escalation,
}: Pick<Attempt, 'terms' | 'publication' | 'segments' | 'escalation'>): readonly number[] {
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
