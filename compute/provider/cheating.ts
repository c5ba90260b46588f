import { randomBytes, randomInt } from 'node:crypto';
import { stateIdOf } from '../../protocol/audit/commitment.js';
import { placePart, readPart } from '../../protocol/graph/segments.js';
import type { JobPlan } from '../../protocol/graph/segmentation.js';
import type { JobResult } from '../job-run.js';

/**
 * A result of which some segments are made up, and consistent in itself: leaves, output and commitment fit each other, as a cheat would have
 * them. For networks on which audits are tried out.
 *
 * @param percent of the segments, at least one
 */
export function fake(plan: JobPlan, { stateIds, output }: JobResult, percent: number): JobResult {
  const count = Math.max(1, Math.round((plan.segments * percent) / 100));
  const faked = new Set<number>();
  while (faked.size < count) faked.add(randomInt(plan.segments));
  return plan.segmentation.kind === 'steps'
    ? fakeFrom(Math.min(...faked), stateIds, output)
    : fakeParts(plan, [...faked], stateIds, output);
}

function fakeParts(
  plan: JobPlan,
  faked: readonly number[],
  stateIds: readonly Uint8Array[],
  honest: Uint8Array,
): JobResult {
  const output = honest.slice();
  const ids = [...stateIds];
  for (const index of faked) {
    const part = Uint8Array.from(randomBytes(readPart(plan, honest, index).length));
    placePart(plan, output, part, index);
    ids[index] = stateIdOf(part);
  }
  return { stateIds: ids, output };
}

/** A chain goes wrong from a step on. */
function fakeFrom(step: number, stateIds: readonly Uint8Array[], honest: Uint8Array): JobResult {
  const output = Uint8Array.from(randomBytes(honest.length));
  const last = stateIds.length - 1;
  const ids = stateIds.map((id, leaf) => {
    if (leaf === last) return stateIdOf(output);
    return leaf > step ? Uint8Array.from(randomBytes(32)) : id;
  });
  return { stateIds: ids, output };
}
