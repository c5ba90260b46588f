import { parentPort } from 'node:worker_threads';
import { runJob, type Job } from './campaign.js';

/** A thread of a campaign: runs the jobs it is sent, one after the other. */
parentPort?.on('message', (job: Job) => {
  runJob(job).then(
    (outcome) => parentPort?.postMessage(outcome),
    (error: unknown) => {
      // Outside of any promise, so that it reaches the campaign as the thread's error.
      process.nextTick(() => {
        throw error;
      });
    },
  );
});
