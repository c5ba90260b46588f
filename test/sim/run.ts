import { describeError } from '../../protocol/errors.js';
import { ViolationError, type Checker, type Observation } from './checker.js';
import { Cluster, type World } from './cluster.js';
import { describeFault, type Fault, type FaultKind } from './faults.js';
import { planCrimes, planFaults } from './nemesis.js';
import type { NetworkCounts } from './network.js';
import { Recorder } from './recorder.js';
import type { Scenario, Setting } from './scenario.js';
import { Scheduler } from './scheduler.js';
import { sealed } from './sealed.js';
import { createStreams } from './streams.js';
import { unleash } from './trouble.js';
import { MILLISECOND_US, SECOND_US } from './units.js';

export interface RunOptions {
  readonly nodes: number;
  /** Kinds of fault to choose from. */
  readonly kinds: readonly FaultKind[];
  /** How long faults happen before the network heals. */
  readonly troubleUs: number;
  /** Planned faults to leave out, by their place in the plan from 0; everything else of the run is planned the same. */
  readonly without: readonly number[];
  /** Whether to hand back the readable story too. */
  readonly hasStory: boolean;
}

/** Options of a run of which a scenario may draw the size and the length from the seed. */
export type RunWishes = Omit<RunOptions, 'nodes' | 'troubleUs'> &
  Partial<Pick<RunOptions, 'nodes' | 'troubleUs'>>;

/** How often something happened, by name: shows that a run was not idle. */
export type Tally = Readonly<Record<string, number>>;

/** What became of one seed. Plain data, so that it crosses threads. */
export interface Outcome {
  readonly scenario: string;
  readonly seed: number;
  readonly nodes: number;
  readonly troubleUs: number;
  /** Over every event in order: equal for equal seeds and options. */
  readonly hash: string;
  readonly events: number;
  readonly simulatedUs: number;
  readonly faults: number;
  readonly byzantine: number;
  readonly counts: Readonly<NetworkCounts>;
  readonly tally: Tally;
  readonly story: readonly string[];
  readonly failure: Failure | undefined;
}

export interface Failure {
  readonly message: string;
  /** Where the code was, for errors that are not broken promises of the inhabitants. */
  readonly stack: string | undefined;
  readonly atUs: number;
  readonly crimes: readonly string[];
  /** Those that had begun, each with its place in the plan. */
  readonly faults: readonly { readonly place: number; readonly line: string }[];
  /** How many there were in all. */
  readonly plannedFaults: number;
  readonly lastEvents: readonly string[];
}

/** Of a failure outside of any simulated world. */
export const NO_TRACE = { atUs: 0, crimes: [], faults: [], plannedFaults: 0, lastEvents: [] } as const;

/** Nodes start within this time. */
const START_SPREAD_US = 200 * MILLISECOND_US;

/** What should happen has to have happened this long after the last fault. */
const LIVENESS_US = 120 * SECOND_US;

/** Events between two looks at whether everything has happened. */
const PATIENCE = 32;

/**
 * One run of one seed: trouble, healing, and then what should happen must happen. Failing is an outcome, not an exception.
 * The same seed, options and code give the same outcome, hash included.
 */
export function runScenario<Message, Disk, Seen extends Observation>(
  scenario: Scenario<Message, Disk, Seen>,
  seed: number,
  options: RunOptions,
): Promise<Outcome> {
  return sealed(async () => {
    const stage = setStage(scenario, seed, options);
    let failure: Failure | undefined;
    try {
      await play(stage, options);
    } catch (error) {
      failure = describeFailure(stage, error);
    }
    return describeOutcome(stage, seed, options, failure);
  });
}

/** Sums by name. */
export function addTallies(tallies: readonly Tally[]): Tally {
  const total: Record<string, number> = {};
  for (const [name, count] of tallies.flatMap((tally) => Object.entries(tally))) {
    total[name] = (total[name] ?? 0) + count;
  }
  return total;
}

interface PlannedFault {
  readonly fault: Fault;
  readonly place: number;
}

interface Stage<Message, Disk, Seen extends Observation> {
  readonly scenario: Scenario<Message, Disk, Seen>;
  readonly setting: Setting;
  readonly faults: readonly PlannedFault[];
  readonly world: World;
  readonly checkers: readonly Checker<Seen>[];
  readonly cluster: Cluster<Message, Disk, Seen>;
}

function setStage<Message, Disk, Seen extends Observation>(
  scenario: Scenario<Message, Disk, Seen>,
  seed: number,
  { nodes, kinds, troubleUs, without }: RunOptions,
): Stage<Message, Disk, Seen> {
  const streams = createStreams(seed);
  const scheduler = new Scheduler();
  const world = { scheduler, recorder: new Recorder(() => scheduler.nowUs), streams };
  const suited = kinds.filter((kind) => isSuited(scenario, kind));
  const planned = planFaults(streams('faults'), {
    nodes,
    kinds: suited,
    troubleUs,
    topics: scenario.topics?.names ?? [],
    cues: scenario.cues?.names ?? [],
  });
  const faults = planned
    .map((fault, place) => ({ fault, place }))
    .filter(({ place }) => !without.includes(place));
  const max = scenario.maxByzantine(nodes);
  const crimes = planCrimes(streams('crimes'), {
    ...{ nodes, max, crimes: scenario.crimes },
    tolerates: scenario.tolerates,
  });
  const setting = { seed, nodes, crimes };
  const checkers = scenario.checkers(setting);
  return {
    scenario,
    setting,
    faults,
    world,
    checkers,
    cluster: new Cluster(scenario, setting, world, checkers),
  };
}

function isSuited<Message, Disk, Seen extends Observation>(
  { disks, spares, topics, cues }: Scenario<Message, Disk, Seen>,
  kind: FaultKind,
): boolean {
  if (kind === 'foreign-disk' && disks.copy === undefined) return false;
  if (kind === 'ambush' && cues === undefined) return false;
  if (kind === 'censor' && topics === undefined) return false;
  return spares?.includes(kind) !== true;
}

async function play<Message, Disk, Seen extends Observation>(
  { scenario, setting, faults, world, checkers, cluster }: Stage<Message, Disk, Seen>,
  { nodes, troubleUs }: RunOptions,
): Promise<void> {
  const { scheduler, recorder } = world;
  const run = (untilUs: number, isDone: () => boolean) => {
    const stop = { untilUs, isDone };
    return scenario.isSynchronous ? scheduler.runSync(stop) : scheduler.run(stop);
  };
  const steps = checkers.flatMap((checker) => checker.step?.bind(checker) ?? []);
  const step = (): boolean => {
    for (const one of steps) one(scheduler.nowUs);
    return false;
  };
  for (const [node, crime] of setting.crimes) recorder.tell(`node ${node} is Byzantine: ${crime}`);
  cluster.start(START_SPREAD_US);
  unleash(
    faults.map(({ fault }) => fault),
    cluster,
    world,
  );
  await run(troubleUs, step);
  for (let node = 0; node < nodes; node++) cluster.clock(node).correct();
  recorder.tell('healed');
  for (const checker of checkers) checker.healed?.();
  const unsatisfied = (): Checker<Seen> | undefined =>
    checkers.find((checker) => checker.isSatisfied?.() === false);
  await run(
    troubleUs + LIVENESS_US,
    () => step() || (scheduler.executed % PATIENCE === 0 && unsatisfied() === undefined),
  );
  const late = unsatisfied();
  if (late !== undefined) {
    throw new ViolationError(
      late.name,
      `not satisfied ${LIVENESS_US / SECOND_US} s after healing: ${late.missing?.() ?? 'something is missing'}`,
    );
  }
  for (const checker of checkers) checker.finish?.();
}

function describeFailure<Message, Disk, Seen extends Observation>(
  { setting, faults, world }: Stage<Message, Disk, Seen>,
  error: unknown,
): Failure {
  const { nowUs } = world.scheduler;
  const cause = error instanceof ViolationError ? error.cause : error;
  return {
    message: describeError(error),
    stack: cause instanceof Error ? cause.stack : undefined,
    atUs: nowUs,
    crimes: [...setting.crimes].map(([node, crime]) => `node ${node} is Byzantine: ${crime}`),
    faults: faults
      .filter(({ fault }) => fault.atUs <= nowUs)
      .map(({ fault, place }) => ({ place, line: describeFault(fault) })),
    plannedFaults: faults.length,
    lastEvents: world.recorder.lastEvents(),
  };
}

function describeOutcome<Message, Disk, Seen extends Observation>(
  { scenario, setting, faults, world, checkers, cluster }: Stage<Message, Disk, Seen>,
  seed: number,
  { nodes, troubleUs, hasStory }: RunOptions,
  failure: Failure | undefined,
): Outcome {
  const { scheduler, recorder } = world;
  return {
    scenario: scenario.name,
    ...{ seed, nodes, troubleUs },
    hash: recorder.hash(),
    events: scheduler.executed,
    simulatedUs: scheduler.nowUs,
    faults: faults.length,
    byzantine: setting.crimes.size,
    counts: { ...cluster.network.counts },
    tally: addTallies([{ deaths: cluster.deaths }, ...checkers.map((checker) => checker.tally?.() ?? {})]),
    story: hasStory ? recorder.story() : [],
    failure,
  };
}
