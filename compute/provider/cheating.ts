import { createHash } from 'node:crypto';
import { stateIdOf, subjectBytes, type AuditSubject } from '../../protocol/audit/commitment.js';
import { bytesEqual, compareBytes } from '../../protocol/bytes.js';
import type { JobPlan } from '../../protocol/graph/segmentation.js';
import { placePart, readPart } from '../../protocol/graph/segments.js';
import type { JobResult } from '../job-run.js';
import type { JobRunner } from './runner.js';

/**
 * Runs jobs as a cheat would: of each job that percentage of segments, at least one, is made up. The result is consistent in itself: leaves,
 * output and commitment fit each other, and it is the same again after a crash. For networks on which audits are tried out.
 *
 * @param percent 1 to 100
 */
export function cheating(honest: JobRunner, percent: number): JobRunner {
  return {
    execute: async (job, assignment, signal) => {
      const result = await honest.execute(job, assignment, signal);
      return madeUp(job.plan, result, assignment.attempt.terms, percent);
    },
    rerun: async (job, segments, assignment, signal) => {
      const parts = await honest.rerun(job, segments, assignment, signal);
      const { terms } = assignment.attempt;
      const made = new Set(chosen(terms, job.plan.segments, percent));
      return parts.map((part, i) => {
        const segment = segments[i];
        if (segment === undefined || !made.has(segment)) return part;
        return inventionFor(terms, segment, part.length, stateIdOf(part));
      });
    },
  };
}

function madeUp(
  plan: JobPlan,
  { stateIds, output: honest }: JobResult,
  subject: AuditSubject,
  percent: number,
): JobResult {
  const isChain = plan.segmentation.kind === 'steps';
  const output = honest.slice();
  const ids = [...stateIds];
  for (const segment of chosen(subject, plan.segments, percent)) {
    const leaf = isChain ? segment + 1 : segment;
    const length = isChain ? plan.outputBytes : readPart(plan, honest, segment).length;
    const part = inventionFor(subject, segment, length, stateIds[leaf]);
    ids[leaf] = stateIdOf(part);
    // Of a chain only the last step has a place in the output.
    placePart(plan, output, part, segment);
  }
  return { stateIds: ids, output };
}

/** Segments in an order that follows from the attempt: the first of them are made up. */
function chosen(subject: AuditSubject, segments: number, percent: number): number[] {
  const count = Math.min(segments, Math.max(1, Math.round((segments * percent) / 100)));
  const ranked = Array.from({ length: segments }, (_, index) => ({
    index,
    rank: digest('rank', subject, index, 32),
  }));
  return ranked
    .sort((a, b) => compareBytes(a.rank, b.rank))
    .slice(0, count)
    .map(({ index }) => index);
}

/** Anything but the truth. */
function inventionFor(
  subject: AuditSubject,
  segment: number,
  length: number,
  truth: Uint8Array | undefined,
): Uint8Array {
  const bytes = digest('part', subject, segment, length);
  if (truth !== undefined && bytesEqual(stateIdOf(bytes), truth)) bytes[0] = (bytes[0] ?? 0) ^ 1;
  return bytes;
}

function digest(label: string, subject: AuditSubject, index: number, length: number): Uint8Array {
  const hash = createHash('shake256', { outputLength: length });
  return Uint8Array.from(hash.update(`ogpu cheat ${label} ${index}:`).update(subjectBytes(subject)).digest());
}
