import { OgpuError } from '../../protocol/errors.js';
import { runCampaign, runJob } from './campaign.js';
import { parseOptions, SimUsageError } from './options.js';
import { reportFailure, reportSummary, summaryToJson } from './report.js';
import type { Outcome, RunWishes } from './run.js';
import { shrink } from './shrink.js';

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

/** Runs spent on finding out which faults a failure needs. */
const MAX_SHRINKING_RUNS = 200;

/** Between two lines of progress. */
const PROGRESS_MS = 5_000;

/** Runs seeds until they are done, one fails or time is up; says how to run a failing one again. */
async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2));
  const { scenarios, firstSeed, seeds, threads, twiceEvery, run } = options;
  const startMs = performance.now();
  let hasFailed = false;
  const progress = createProgress(seeds * scenarios.length, startMs);
  const summary = await runCampaign({
    scenarios,
    firstSeed,
    seeds,
    threads,
    twiceEvery,
    options: run,
    goesOn: () => (!hasFailed || options.keepsGoing) && performance.now() - startMs < 1000 * options.seconds,
    onOutcome: (outcome) => {
      if (outcome.story.length > 0) process.stdout.write(`${outcome.story.join('\n')}\n`);
      if (outcome.failure !== undefined) process.stderr.write(reportFailure(outcome, run));
      hasFailed ||= outcome.failure !== undefined;
      progress(outcome);
    },
  });
  const wallMs = Math.round(performance.now() - startMs);
  if (options.isJson) process.stdout.write(summaryToJson(summary, run, wallMs));
  else process.stdout.write(reportSummary(summary, wallMs));
  const [failed] = summary.failed;
  if (failed === undefined) return;
  process.exitCode = EXIT_FAILED;
  await reportShrunk(failed, run);
}

/** How little trouble is enough for a failure to show. */
async function reportShrunk(failed: Outcome, options: RunWishes): Promise<void> {
  const { scenario, seed } = failed;
  if ((failed.failure?.plannedFaults ?? 0) === 0 || options.hasStory) return;
  const run = (changed: RunWishes): Promise<Outcome> =>
    runJob({ scenario, seed, options: changed, isTwice: false });
  const shrunk = await shrink(run, { outcome: failed, options }, MAX_SHRINKING_RUNS);
  process.stderr.write(`with fewer faults:\n${reportFailure(shrunk.outcome, shrunk.options)}`);
}

function createProgress(total: number, startMs: number): (outcome: Outcome) => void {
  let [done, saidMs] = [0, startMs];
  return () => {
    done++;
    const nowMs = performance.now();
    if (nowMs - saidMs < PROGRESS_MS) return;
    saidMs = nowMs;
    process.stderr.write(`${done} of ${total} runs, ${Math.round((nowMs - startMs) / 1000)} s\n`);
  };
}

try {
  await main();
} catch (error) {
  process.stderr.write(`${error instanceof OgpuError ? error.message : String(error)}\n`);
  process.exitCode = error instanceof SimUsageError ? EXIT_USAGE : EXIT_FAILED;
}
