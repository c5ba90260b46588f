import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { REPOSITORY_ROOT } from '../test/support/vectors.js';
import {
  describeMachine,
  runScenario,
  scenarioRows,
  type Measurement,
  type ScenarioResult,
  type Suite,
} from './harness.js';

/** `npm run bench [-- part-of-a-name …]`: runs matching scenarios, prints Markdown, writes JSON and Markdown to bench/results. */
async function main(filters: readonly string[]): Promise<void> {
  const wanted = (name: string): boolean =>
    filters.length === 0 || filters.some((part) => name.includes(part));
  const folder = dirname(fileURLToPath(import.meta.url));
  const files = readdirSync(folder)
    .filter((name) => name.endsWith('.bench.js'))
    .sort();
  const lines = [
    describeMachine(),
    '',
    '| scenario | contender | rate (median of 5) | spread | ratio | goal |',
    '|---|---|---|---|---|---|',
  ];
  const print = (line: string): void => {
    lines.push(line);
    process.stdout.write(`${line}\n`);
  };
  process.stdout.write(`${lines.join('\n')}\n`);
  const results: ScenarioResult[] = [];
  const measurements: Measurement[] = [];
  for (const file of files) {
    const { suite } = (await import(pathToFileURL(join(folder, file)).href)) as { suite: Suite };
    for (const scenario of (await suite.scenarios?.()) ?? []) {
      if (!wanted(scenario.name)) continue;
      const result = await runScenario(scenario);
      results.push(result);
      scenarioRows(result).forEach(print);
    }
    if (suite.measurements === undefined || !wanted(file.replace('.bench.js', '/'))) continue;
    for (const { name, value, goal } of await suite.measurements()) {
      measurements.push({ name, value, ...(goal === undefined ? {} : { goal }) });
      print(`| ${name} | **ours** | ${value} | | | ${goal ?? ''} |`);
    }
  }
  const output = join(REPOSITORY_ROOT, 'bench', 'results');
  mkdirSync(output, { recursive: true });
  writeFileSync(
    join(output, 'latest.json'),
    JSON.stringify({ machine: describeMachine(), results, measurements }, null, 2),
  );
  writeFileSync(join(output, 'latest.md'), `${lines.join('\n')}\n`);
}

await main(process.argv.slice(2));
