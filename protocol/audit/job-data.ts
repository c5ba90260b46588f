import { tensorToBytes } from '../graph/tensor-data.js';
import type { JobPlan } from '../graph/segmentation.js';
import { firstState, readPart, segmentItems } from '../graph/segments.js';
import { concatBytes } from '../bytes.js';
import { stateIdOf } from './commitment.js';
import { treeRoot } from './tree.js';

/*
 * What the ledger knows of a job's data: ids of its input and its output, which whoever has the bytes can recompute.
 */

/**
 * Of a batch the root over the content ids of all segments' inputs, of a chain the content id of its first state.
 *
 * @throws SegmentationError JOB_INPUT_LENGTH
 */
export function inputIdOf(plan: JobPlan, input: Uint8Array): Uint8Array {
  if (isChain(plan)) return stateIdOf(firstState(plan, input));
  return treeRoot(allSegments(plan).map((index) => stateIdOf(itemBytes(plan, input, index))));
}

/** What a segment runs on, as bytes: its items one after the other. @throws SegmentationError JOB_INPUT_LENGTH */
export function itemBytes(plan: JobPlan, input: Uint8Array, index: number): Uint8Array {
  return concatBytes(...segmentItems(plan, input, index).map(tensorToBytes));
}

/** Content ids of all parts of a batch's output, in order. @param output `plan.outputBytes` */
export function partIdsOf(plan: JobPlan, output: Uint8Array): Uint8Array[] {
  return allSegments(plan).map((index) => stateIdOf(readPart(plan, output, index)));
}

/** What an unsealing calls the output: of a batch the root over its parts, of a chain its content id. @param output `plan.outputBytes` */
export function outputRootFrom(plan: JobPlan, output: Uint8Array): Uint8Array {
  return isChain(plan) ? stateIdOf(output) : treeRoot(partIdsOf(plan, output));
}

function isChain({ segmentation }: JobPlan): boolean {
  return segmentation.kind === 'steps';
}

function allSegments({ segments }: JobPlan): number[] {
  return Array.from({ length: segments }, (_, index) => index);
}
