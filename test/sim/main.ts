import { parseArgs } from 'node:util';
import { simulate } from './simulation.js';

/** `npm run sim -- --seed S --seeds N --nodes K --heights H`: each seed twice, since equal seeds must give equal events. */
function main(): void {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string', default: '1' },
      seeds: { type: 'string', default: '20' },
      nodes: { type: 'string', default: '7' },
      heights: { type: 'string', default: '6' },
    },
  });
  const [first, seeds, nodes, heights] = [values.seed, values.seeds, values.nodes, values.heights].map(
    Number,
  );
  if (
    ![first, seeds, nodes, heights].every((n) => n !== undefined && Number.isSafeInteger(n) && n >= 0) ||
    !nodes
  ) {
    throw new RangeError('--seed, --seeds, --nodes and --heights take whole numbers, --nodes at least 1');
  }
  for (let seed = first ?? 1; seed < (first ?? 1) + (seeds ?? 1); seed++) runSeed(seed, nodes, heights ?? 1);
  process.stdout.write(`${seeds} seeds held\n`);
}

function runSeed(seed: number, nodes: number, heights: number): void {
  try {
    const result = simulate(seed, { nodes, heights });
    const again = simulate(seed, { nodes, heights });
    if (result.eventHash !== again.eventHash) throw new Error('two runs of one seed differ');
    const { committed, crimes, eventHash } = result;
    process.stdout.write(
      `seed ${seed}: ${committed}/${heights} heights committed, ${crimes} crimes, ${eventHash}\n`,
    );
  } catch (error) {
    process.stderr.write(`seed ${seed} failed: ${error instanceof Error ? error.message : String(error)}\n`);
    process.stderr.write(
      `replay: npm run sim -- --seed ${seed} --seeds 1 --nodes ${nodes} --heights ${heights}\n`,
    );
    process.exit(1);
  }
}

main();
