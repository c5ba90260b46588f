import { Worker } from 'node:worker_threads';
import { EventHash } from './event-hash.js';
import { FLAWED, SCENARIOS } from './registry.js';
import { addTallies, NO_TRACE, type Outcome, type RunWishes, type Tally } from './run.js';

/** One seed of one scenario. */
export interface Job {
  readonly scenario: string;
  readonly seed: number;
  readonly options: RunWishes;
  /** Run it again and compare: equal seeds must give equal events. */
  readonly isTwice: boolean;
}

export interface Campaign {
  readonly scenarios: readonly string[];
  readonly firstSeed: number;
  readonly seeds: number;
  readonly options: RunWishes;
  /** Each which seed, from the first on, runs a second time to compare; 0: none. */
  readonly twiceEvery: number;
  /** Threads; 1 runs everything on this one. */
  readonly threads: number;
  /** Asked before a job is started: false ends the campaign when those under way have ended. */
  goesOn(): boolean;
  onOutcome(outcome: Outcome): void;
}

export interface Summary {
  readonly ran: number;
  readonly failed: readonly Outcome[];
  readonly events: number;
  readonly simulatedUs: number;
  readonly faults: number;
  readonly byzantine: number;
  readonly tally: Tally;
  /** Over the hashes of all outcomes in order of scenario and seed: the same however many threads there were. */
  readonly hash: string;
}

/** Runs every seed of every scenario. Failing seeds are outcomes; it rejects only where the machinery itself breaks. */
export async function runCampaign(campaign: Campaign): Promise<Summary> {
  const outcomes: Outcome[] = [];
  const pending = jobsOf(campaign);
  const next = (): Job | undefined => {
    if (!campaign.goesOn()) return undefined;
    const { value, done } = pending.next();
    return done === true ? undefined : value;
  };
  const ended = (outcome: Outcome): void => {
    outcomes.push(outcome);
    campaign.onOutcome(outcome);
  };
  const threads = Math.min(campaign.threads, campaign.seeds * campaign.scenarios.length);
  if (threads <= 1) {
    for (let job = next(); job !== undefined; job = next()) ended(await runJob(job));
  } else {
    await Promise.all(Array.from({ length: threads }, () => runThread(next, ended)));
  }
  return summarize(outcomes);
}

/** Runs a job on this thread. */
export async function runJob({ scenario, seed, options, isTwice }: Job): Promise<Outcome> {
  const run = SCENARIOS.get(scenario) ?? FLAWED.get(scenario);
  if (run === undefined) throw new RangeError(`no scenario '${scenario}'`);
  const outcome = await run(seed, options);
  if (!isTwice || outcome.failure !== undefined) return outcome;
  const again = await run(seed, { ...options, hasStory: false });
  if (again.hash === outcome.hash) return outcome;
  const message = `two runs of one seed differ: ${outcome.hash} and ${again.hash}`;
  return { ...outcome, failure: { message, stack: undefined, ...NO_TRACE } };
}

function* jobsOf({ scenarios, firstSeed, seeds, options, twiceEvery }: Campaign): Generator<Job, undefined> {
  for (let seed = firstSeed; seed < firstSeed + seeds; seed++) {
    const isTwice = twiceEvery > 0 && (seed - firstSeed) % twiceEvery === 0;
    for (const scenario of scenarios) yield { scenario, seed, options, isTwice };
  }
  return undefined;
}

/** One worker thread, one job at a time until none is left. */
function runThread(next: () => Job | undefined, ended: (outcome: Outcome) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./worker.js', import.meta.url));
    const handOut = (): void => {
      const job = next();
      if (job !== undefined) worker.postMessage(job);
      else worker.terminate().then(() => resolve(), reject);
    };
    worker.on('message', (outcome: Outcome) => {
      ended(outcome);
      handOut();
    });
    worker.on('error', reject);
    handOut();
  });
}

function summarize(outcomes: readonly Outcome[]): Summary {
  const ordered = [...outcomes].sort((a, b) => a.seed - b.seed || (a.scenario < b.scenario ? -1 : 1));
  const sum = (of: (outcome: Outcome) => number): number =>
    ordered.reduce((total, one) => total + of(one), 0);
  const hash = new EventHash();
  for (const outcome of ordered) hash.text(outcome.hash);
  return {
    ran: ordered.length,
    failed: ordered.filter(({ failure }) => failure !== undefined),
    events: sum(({ events }) => events),
    simulatedUs: sum(({ simulatedUs }) => simulatedUs),
    faults: sum(({ faults }) => faults),
    byzantine: sum(({ byzantine }) => byzantine),
    tally: addTallies(ordered.map(({ tally }) => tally)),
    hash: hash.digest(),
  };
}
