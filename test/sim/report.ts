import { execFileSync } from 'node:child_process';
import type { Summary } from './campaign.js';
import { FAULT_KINDS } from './faults.js';
import type { Outcome, RunWishes } from './run.js';
import { MINUTE_US, SECOND_US } from './units.js';

/** Everything one needs to run a failing seed again and to read what happened. */
export function reportFailure(outcome: Outcome, options: RunWishes): string {
  const { scenario, seed, failure } = outcome;
  if (failure === undefined) return '';
  return [
    `seed ${seed} of ${scenario} failed: ${failure.message}`,
    ...(failure.stack === undefined ? [] : [failure.stack]),
    ...section('crimes', failure.crimes),
    ...section(
      `faults that had begun, of ${failure.plannedFaults}`,
      failure.faults.map(({ place, line }) => `${String(place).padStart(4)} ${line}`),
    ),
    ...section('last events', failure.lastEvents),
    `event hash ${outcome.hash} after ${outcome.events} events, commit ${commitId()}`,
    `replay: ${replayCommand(outcome, options)}`,
    '',
  ].join('\n');
}

export function replayCommand(
  { scenario, seed, nodes, troubleUs }: Pick<Outcome, 'scenario' | 'seed' | 'nodes' | 'troubleUs'>,
  { kinds, without }: RunWishes,
): string {
  const faults = kinds.length === FAULT_KINDS.length ? '' : ` --faults ${kinds.join(',') || 'none'}`;
  const minutes = ` --minutes ${troubleUs / MINUTE_US}`;
  const left = without.length === 0 ? '' : ` --without ${without.join(',')}`;
  const run = `--scenario ${scenario} --seed ${seed} --seeds 1 --nodes ${nodes}`;
  return `npm run sim -- ${run}${minutes}${faults}${left} --script`;
}

export function reportSummary(summary: Summary, wallMs: number): string {
  const { ran, failed, events, simulatedUs, faults, byzantine, tally, hash } = summary;
  const seen = Object.entries(tally).map(([name, count]) => `${count} ${name}, `);
  const simulatedSeconds = Math.round(simulatedUs / SECOND_US);
  return (
    `${ran} runs, ${failed.length} failed: ${events} events in ${simulatedSeconds} simulated seconds, ` +
    `${faults} faults, ${byzantine} crimes, ${seen.join('')}hash ${hash}, ${(wallMs / 1000).toFixed(1)} s\n`
  );
}

export function summaryToJson(summary: Summary, options: RunWishes, wallMs: number): string {
  const failed = summary.failed.map((outcome) => ({
    scenario: outcome.scenario,
    seed: outcome.seed,
    hash: outcome.hash,
    message: outcome.failure?.message,
    replay: replayCommand(outcome, options),
  }));
  const { nodes, kinds, troubleUs } = options;
  const document = { commit: commitId(), nodes, faultKinds: kinds, troubleUs, ...summary, failed, wallMs };
  return `${JSON.stringify(document, null, 2)}\n`;
}

/** The version under test, marked when files differ from it. */
export function commitId(): string {
  try {
    const args = ['describe', '--always', '--dirty', '--abbrev=12'];
    return execFileSync('git', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return 'unknown';
  }
}

function section(title: string, lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : [`${title}:`, ...lines.map((line) => `  ${line}`)];
}
