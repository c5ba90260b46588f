import { rerunSegments, runJob, type RunOptions } from '../../compute/job-run.js';
import type { Assignment } from '../../compute/provider/market.js';
import type { JobRunner } from '../../compute/provider/runner.js';
import type { Executor } from '../../compute/run-segments.js';

/** Time to start a process, to prove the program and to open a device. */
const START_MS = 60_000;

/** A processor takes longer than the device that work is metered for. */
const SLOWNESS = 20;

/**
 * Runs jobs in processes of their own: memory is bounded by what the program needs, time by the metered work of its segments.
 *
 * @param executor what computes, asked anew for each job
 * @param hidden folders that the processes do not see
 */
export function deviceRunner(executor: () => Promise<Executor>, hidden: readonly string[]): JobRunner {
  const optionsOf = async ({ attempt }: Assignment, signal: AbortSignal): Promise<RunOptions> => {
    const { judgeMs, segments } = attempt.terms;
    const wallMs = START_MS + SLOWNESS * judgeMs * segments;
    return { executor: await executor(), wallMs, hidden, signal };
  };
  return {
    execute: async (job, assignment, signal) => runJob(job, await optionsOf(assignment, signal)),
    rerun: async (job, segments, assignment, signal) =>
      rerunSegments(job, segments, await optionsOf(assignment, signal)),
  };
}
