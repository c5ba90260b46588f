import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { OgpuError } from '../../protocol/errors.js';
import { FAULT_KINDS, isFaultKind, type FaultKind } from './faults.js';
import { FLAWED, SCENARIOS } from './registry.js';
import type { RunWishes } from './run.js';
import { MINUTE_US } from './units.js';

export const USAGE = `npm run sim -- [--seed S] [--seeds N] [--nodes K] [--scenario a,b] [--faults a,b|none] [--minutes M]
    [--jobs J] [--seconds T] [--repeat N] [--once] [--keep-going] [--without 0,3] [--script] [--json]

  --seed S        first seed (1)
  --seeds N       how many seeds (20)
  --nodes K       nodes (drawn from the seed, or 7)
  --scenario a,b  of: ${[...SCENARIOS.keys()].join(', ')} (consensus); with a planted mistake: ${[...FLAWED.keys()].join(', ')}
  --faults a,b    kinds to choose from: ${FAULT_KINDS.join(', ')} (all); or none
  --minutes M     simulated minutes of trouble before the network heals (drawn from the seed, or 0.5)
  --jobs J        threads (0); 0 takes one for each processor
  --seconds T     start no more seeds after this many real seconds
  --repeat N      run each Nth seed a second time to compare (10)
  --once          run none a second time
  --keep-going    go on after a failure
  --without 0,3   leave out these faults of the plan
  --script        print what happened in each run
  --json          print the summary as JSON`;

export class SimUsageError extends OgpuError<'SIM_USAGE'> {
  constructor(what: string) {
    super('SIM_USAGE', `${what}\n${USAGE}`);
  }
}

export interface SimOptions {
  readonly scenarios: readonly string[];
  readonly firstSeed: number;
  readonly seeds: number;
  readonly threads: number;
  readonly seconds: number;
  /** Each which seed runs a second time; 0: none. */
  readonly twiceEvery: number;
  readonly keepsGoing: boolean;
  readonly isJson: boolean;
  readonly run: RunWishes;
}

/** Seeds are 32 bits wide. */
const MAX_SEED = 0xffff_ffff;
const MAX_SEEDS = 10_000_000;
const MAX_NODES = 200;
const MAX_MINUTES = 600;
const MAX_THREADS = 256;

/** @throws SimUsageError */
export function parseOptions(args: readonly string[]): SimOptions {
  const values = parsed(args);
  const threads = wholeNumber('jobs', values.jobs ?? '0', 0, MAX_THREADS);
  const seeds = wholeNumber('seeds', values.seeds ?? '20', 1, MAX_SEEDS);
  return {
    scenarios: scenarioNames(values.scenario ?? 'consensus'),
    firstSeed: wholeNumber('seed', values.seed ?? '1', 0, MAX_SEED - seeds),
    seeds,
    threads: threads === 0 ? availableParallelism() : threads,
    seconds: values.seconds === undefined ? Infinity : wholeNumber('seconds', values.seconds, 1, MAX_SEED),
    twiceEvery: values.once === true ? 0 : wholeNumber('repeat', values.repeat ?? '10', 1, MAX_SEEDS),
    keepsGoing: values['keep-going'] === true,
    isJson: values.json === true,
    run: {
      kinds: values.faults === undefined ? FAULT_KINDS : faultKinds(values.faults),
      without: values.without === undefined ? [] : places(values.without),
      hasStory: values.script === true,
      ...(values.nodes !== undefined && { nodes: wholeNumber('nodes', values.nodes, 1, MAX_NODES) }),
      ...(values.minutes !== undefined && { troubleUs: minutes(values.minutes) }),
    },
  };
}

function parsed(args: readonly string[]) {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  try {
    const options = {
      seed: text,
      seeds: text,
      nodes: text,
      scenario: text,
      faults: text,
      minutes: text,
      jobs: text,
      seconds: text,
      without: text,
      repeat: text,
      once: flag,
      'keep-going': flag,
      script: flag,
      json: flag,
    };
    return parseArgs({ args: [...args], options }).values;
  } catch (error) {
    throw new SimUsageError(error instanceof Error ? error.message : String(error));
  }
}

function wholeNumber(option: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min && value <= max) return value;
  throw new SimUsageError(`--${option} takes a whole number from ${min} to ${max}, not '${text}'`);
}

function places(text: string): readonly number[] {
  return text.split(',').map((place) => wholeNumber('without', place, 0, MAX_SEED));
}

function minutes(text: string): number {
  const troubleUs = Math.round(Number(text) * MINUTE_US);
  if (/^\d+(\.\d+)?$/.test(text) && troubleUs > 0 && troubleUs <= MAX_MINUTES * MINUTE_US) return troubleUs;
  throw new SimUsageError(`--minutes takes a number above 0, up to ${MAX_MINUTES}, not '${text}'`);
}

function scenarioNames(text: string): readonly string[] {
  const names = text.split(',');
  const unknown = names.find((name) => !SCENARIOS.has(name) && !FLAWED.has(name));
  if (unknown !== undefined) throw new SimUsageError(`there is no scenario '${unknown}'`);
  return names;
}

function faultKinds(text: string): readonly FaultKind[] {
  if (text === 'none') return [];
  return text.split(',').map((name) => {
    if (isFaultKind(name)) return name;
    throw new SimUsageError(`there is no fault '${name}'`);
  });
}
