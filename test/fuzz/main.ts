import { parseArgs } from 'node:util';
import { OgpuError } from '../../protocol/errors.js';
import { runCase, type FuzzTarget } from './target.js';
import { FUZZ_TARGETS } from './targets.js';
import { deviceTargets } from './tensor-gpu.js';

/** Cases run on one target before the next has its turn. */
const TURN = 500;

/** Seeds are 32 bits wide. */
const MAX_SEED = 0xffff_ffff;

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

const USAGE = `npm run fuzz -- [part of a target's name …] [--seed S] [--cases N] [--seconds T]
  without --cases and --seconds it runs until it fails or is interrupted`;

class FuzzUsageError extends OgpuError<'FUZZ_USAGE'> {
  constructor(what: string) {
    super('FUZZ_USAGE', `${what}\n${USAGE}`);
  }
}

interface Plan {
  readonly targets: readonly FuzzTarget[];
  readonly firstSeed: number;
  readonly cases: number;
  readonly seconds: number;
}

/** Takes turns over the targets with rising seeds until the budget is spent. */
async function main(): Promise<void> {
  const { targets, firstSeed, cases, seconds } = plan();
  const deadlineMs = performance.now() + 1000 * seconds;
  process.stdout.write(`${targets.length} targets from seed ${firstSeed}\n`);
  let done = 0;
  while (done < cases && performance.now() < deadlineMs) {
    const turn = Math.min(TURN, cases - done);
    for (const target of targets) await takeTurn(target, firstSeed + done, turn);
    done += turn;
    process.stdout.write(`${done} cases on each of ${targets.length} targets\n`);
  }
}

async function takeTurn(target: FuzzTarget, firstSeed: number, turn: number): Promise<void> {
  for (let seed = firstSeed; seed < firstSeed + turn; seed++) await runCase(target, seed);
}

/** @throws FuzzUsageError */
function plan(): Plan {
  const { values, positionals } = parsedArguments();
  const named = [...FUZZ_TARGETS, ...deviceTargets].filter(({ name }) =>
    positionals.some((part) => name.includes(part)),
  );
  const targets = positionals.length === 0 ? FUZZ_TARGETS : named;
  if (targets.length === 0) throw new FuzzUsageError('no such target');
  return {
    targets,
    firstSeed: wholeNumber('seed', values.seed, { min: 0, max: MAX_SEED }) ?? Date.now() % MAX_SEED,
    cases: wholeNumber('cases', values.cases, { min: 1, max: MAX_SEED }) ?? Infinity,
    seconds: wholeNumber('seconds', values.seconds, { min: 1, max: MAX_SEED }) ?? Infinity,
  };
}

function parsedArguments(): {
  values: { seed?: string | undefined; cases?: string | undefined; seconds?: string | undefined };
  positionals: string[];
} {
  try {
    return parseArgs({
      allowPositionals: true,
      options: { seed: { type: 'string' }, cases: { type: 'string' }, seconds: { type: 'string' } },
    });
  } catch (error) {
    throw new FuzzUsageError(error instanceof Error ? error.message : String(error));
  }
}

function wholeNumber(
  option: string,
  text: string | undefined,
  { min, max }: { readonly min: number; readonly max: number },
): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min && value <= max) return value;
  throw new FuzzUsageError(`--${option} takes a whole number from ${min} to ${max}, not '${text}'`);
}

try {
  await main();
} catch (error) {
  process.stderr.write(`${error instanceof OgpuError ? error.message : String(error)}\n`);
  process.exitCode = error instanceof FuzzUsageError ? EXIT_USAGE : EXIT_FAILED;
}
