import type { JobResult, LoadedJob } from '../job-run.js';
import type { Assignment } from './market.js';

/** Runs jobs on one of the devices. What it starts ends soon after `signal`. */
export interface JobRunner {
  /** @throws as `runJob` */
  execute(job: LoadedJob, assignment: Assignment, signal: AbortSignal): Promise<JobResult>;
  /** @returns bytes that these segments, ascending, come to. @throws as `runJob` */
  rerun(
    job: LoadedJob,
    segments: readonly number[],
    assignment: Assignment,
    signal: AbortSignal,
  ): Promise<Uint8Array[]>;
}
