import { keyCommitmentOf, leavesOf, openLeaf, type Opening } from '../../protocol/audit/commitment.js';
import { treeBranch, treeRoot } from '../../protocol/audit/tree.js';
import { invariant } from '../../protocol/invariant.js';
import type { Attempt, Commitment } from './attempt.js';
import type { Unsealing } from './step.js';
import { answerLeaf, isFullAudit, leafCount, type AttemptTerms, type SegmentKind } from './terms.js';

/*
 * What a provider sends: made from the content ids of all states of its attempt, in the order of leaves, and its job key.
 */

/** What binds a provider to its states; of a chain with leaf 0, the input, laid open. */
export function commitmentTo(
  terms: AttemptTerms,
  jobKey: Uint8Array,
  stateIds: readonly Uint8Array[],
): Commitment & { readonly input?: Opening } {
  invariant(stateIds.length === leafCount(terms), 'each leaf has its state');
  return {
    root: treeRoot(leavesOf(terms, jobKey, stateIds)),
    keyCommitment: keyCommitmentOf(terms, jobKey, outputRootOf(terms.kind, stateIds)),
    ...(terms.kind === 'chain' ? { input: openLeaf(terms, jobKey, stateIds, 0) } : {}),
  };
}

/** What lays open the segments that are judged. @param outputId of the blob that holds the output */
export function unsealingOf(
  { terms, segments }: Pick<Attempt, 'terms' | 'segments'>,
  jobKey: Uint8Array,
  stateIds: readonly Uint8Array[],
  outputId: Uint8Array,
): Unsealing {
  const isFull = isFullAudit(terms);
  const judged = segments.map((segment) => answerLeaf(terms, segment));
  const leaves = !isFull && terms.kind === 'chain' ? [...judged, terms.segments] : judged;
  const tree = isFull ? [] : leavesOf(terms, jobKey, stateIds);
  return {
    jobKey,
    outputRoot: outputRootOf(terms.kind, stateIds),
    outputId,
    answers: leaves.map((leaf) => stateAt(stateIds, leaf)),
    branches: isFull ? [] : leaves.map((leaf) => treeBranch(tree, leaf)),
  };
}

/** Of a batch the tree over all answers, unsalted; of a chain its last state. */
export function outputRootOf(kind: SegmentKind, stateIds: readonly Uint8Array[]): Uint8Array {
  return kind === 'batch' ? treeRoot(stateIds) : stateAt(stateIds, stateIds.length - 1);
}

function stateAt(stateIds: readonly Uint8Array[], leaf: number): Uint8Array {
  const id = stateIds[leaf];
  invariant(id !== undefined, 'a leaf that exists');
  return id;
}
