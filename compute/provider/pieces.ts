import type { Attempt } from '../../consensus/verification/attempt.js';
import { askedItems } from '../../consensus/verification/publishing.js';
import { openLeaf, stateIdOf } from '../../protocol/audit/commitment.js';
import { itemBytes } from '../../protocol/audit/job-data.js';
import { branchOfLevels, treeLevels } from '../../protocol/audit/tree.js';
import type { JobPlan } from '../../protocol/graph/segmentation.js';
import { firstState, readPart } from '../../protocol/graph/segments.js';
import { invariant } from '../../protocol/invariant.js';
import type { JobResult, LoadedJob } from '../job-run.js';
import type { Assignment } from './market.js';

/** One piece of data that verifiers miss, with what proves that it is one. */
export interface Piece {
  /** Its number: of a segment, or of a leaf. */
  readonly item: number;
  readonly data: Uint8Array;
  /** Zeros where the piece is not under the root of the commitment. */
  readonly salt: Uint8Array;
  readonly branch: readonly Uint8Array[];
}

/** What pieces are made of. Each is asked for only where it is needed. */
export interface PieceSources {
  readonly load: () => Promise<Pick<LoadedJob, 'plan' | 'input'>>;
  readonly result: JobResult;
  readonly jobKey: Uint8Array;
  /** Bytes that these segments, ascending, come to. */
  readonly rerun: (segments: readonly number[]) => Promise<readonly Uint8Array[]>;
}

/** What is asked for and does not stand on the chain yet: parts of the output, or what the judged segments run on. */
export async function missingPieces(assignment: Assignment, sources: PieceSources): Promise<Piece[]> {
  const { attempt, publishedItems } = assignment;
  const there = new Set(publishedItems);
  const missing = askedItems(attempt).filter((item) => !there.has(item));
  if (missing.length === 0) return [];
  const { plan, input } = await sources.load();
  if (attempt.publication?.subject === 'output') return outputPieces(plan, sources.result, missing);
  if (attempt.terms.kind === 'chain') return statePieces(attempt, plan, input, missing, sources);
  const ids = Array.from({ length: plan.segments }, (_, i) => stateIdOf(itemBytes(plan, input, i)));
  return underTree(ids, missing, (item) => itemBytes(plan, input, item));
}

function outputPieces(plan: JobPlan, { stateIds, output }: JobResult, missing: readonly number[]): Piece[] {
  if (plan.segmentation.kind === 'steps')
    return missing.map((item) => ({ item, data: output, salt: NO_SALT, branch: [] }));
  return underTree(stateIds, missing, (item) => readPart(plan, output, item));
}

function underTree(
  ids: readonly Uint8Array[],
  items: readonly number[],
  dataOf: (item: number) => Uint8Array,
): Piece[] {
  const levels = treeLevels(ids);
  return items.map((item) => ({
    ...{ item, data: dataOf(item), salt: NO_SALT },
    branch: branchOfLevels(levels, item),
  }));
}

/** State i is what segment i − 1 comes to; the first one is the client's. */
async function statePieces(
  { terms }: Attempt,
  plan: JobPlan,
  input: Uint8Array,
  missing: readonly number[],
  { rerun, result, jobKey }: PieceSources,
): Promise<Piece[]> {
  const inner = missing.filter((item) => item > 0);
  const states = inner.length === 0 ? [] : await rerun(inner.map((item) => item - 1));
  return missing.map((item) => {
    if (item === 0) return { item, data: firstState(plan, input), salt: NO_SALT, branch: [] };
    const data = states[inner.indexOf(item)];
    invariant(data !== undefined, 'each segment was run');
    const { salt, branch } = openLeaf(terms, jobKey, result.stateIds, item);
    return { item, data, salt, branch };
  });
}

const NO_SALT = new Uint8Array(32);
