import { itemsOf, type JobPlan } from '../../protocol/graph/segmentation.js';
import { firstState, segmentInputs, segmentItems } from '../../protocol/graph/segments.js';
import type { TensorData } from '../../protocol/graph/tensor-data.js';
import { contains, TYPE_RANGES, type Range } from '../../protocol/graph/tensors.js';
import { JobError } from './errors.js';

/**
 * A program may take less than its types hold, as a table of tokens does: with anything else no provider can run it, and the job would wait for
 * nothing.
 *
 * @throws JobError INPUT_OUT_OF_RANGE; SegmentationError JOB_INPUT_LENGTH
 */
export function checkInputRange(plan: JobPlan, input: Uint8Array): void {
  const { program, segmentation } = plan;
  const { inputs } = program.graph;
  if (inputs.every((each) => contains(each, TYPE_RANGES[each.type]))) return;
  const items = itemsOf(program);
  for (let segment = 0; segment < plan.segments; segment++) {
    const data = segmentItems(plan, input, segment);
    for (const [index, item] of items.entries()) checkRange(item, data[index] ?? [], segment);
  }
  if (segmentation.kind !== 'steps') return;
  const first = segmentInputs(plan, segmentItems(plan, input, 0), firstState(plan, input));
  for (const [index, each] of inputs.entries()) checkRange(each, first[index] ?? [], 0);
}

function checkRange({ min, max }: Range, data: TensorData | readonly number[], segment: number): void {
  for (const value of data) {
    if (value >= min && value <= max) continue;
    const data = { segment, value, min, max };
    throw new JobError('INPUT_OUT_OF_RANGE', `the program takes ${min} to ${max}, not ${value}`, data);
  }
}
