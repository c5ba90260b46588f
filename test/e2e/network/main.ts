import { parseArgs } from 'node:util';
import { SCENARIOS } from './scenarios.js';

/*
 * `npm run e2e`: validators as real processes, in trouble for minutes.
 */

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string', default: '120' },
    seed: { type: 'string', default: '1' },
    help: { type: 'boolean', default: false },
  },
});

const names = positionals.length === 0 ? Object.keys(SCENARIOS) : positionals;
const unknown = names.filter((name) => SCENARIOS[name] === undefined);
if (values.help || unknown.length > 0) {
  process.stdout.write(
    `npm run e2e -- [${Object.keys(SCENARIOS).join(' | ')}]... [--seconds 120] [--seed 1]\n`,
  );
  process.exitCode = values.help ? 0 : 2;
} else {
  let failed = 0;
  for (const name of names) failed += (await play(name)) ? 0 : 1;
  process.stdout.write(`${names.length - failed} passed, ${failed} failed\n`);
  process.exitCode = failed === 0 ? 0 : 1;
}

async function play(name: string): Promise<boolean> {
  const startMs = performance.now();
  const say = (line: string): void => {
    const seconds = ((performance.now() - startMs) / 1_000).toFixed(1);
    process.stdout.write(`${name} ${seconds.padStart(6)} s  ${line}\n`);
  };
  try {
    await SCENARIOS[name]?.({ seed: Number(values.seed), seconds: Number(values.seconds), say });
    say('held');
    return true;
  } catch (error) {
    say(
      `FAILED (seed ${values.seed}): ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    );
    return false;
  }
}
