import { parseArgs } from 'node:util';
import { OgpuError } from '../../protocol/errors.js';
import { runCase, type FuzzTarget } from './target.js';
import { FUZZ_TARGETS } from './targets.js';

/** Cases run on one target before the next has its turn. */
const TURN = 500;

const USAGE = `npm run fuzz -- [part of a target's name …] [--seed S] [--cases N] [--seconds T]
  without --cases and --seconds it runs until it fails or is interrupted`;

/** Takes turns over the targets with rising seeds until the budget is spent. */
async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { seed: { type: 'string' }, cases: { type: 'string' }, seconds: { type: 'string' } },
  });
  const targets = FUZZ_TARGETS.filter(
    ({ name }) => positionals.length === 0 || positionals.some((part) => name.includes(part)),
  );
  if (targets.length === 0) throw new OgpuError('FUZZ_USAGE', `no such target\n${USAGE}`);
  const firstSeed = Number(values.seed ?? Date.now() % 0x7fff_ffff);
  const cases = Number(values.cases ?? Infinity);
  const deadlineMs = performance.now() + 1000 * Number(values.seconds ?? Infinity);
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

try {
  await main();
} catch (error) {
  process.stderr.write(`${error instanceof OgpuError ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
