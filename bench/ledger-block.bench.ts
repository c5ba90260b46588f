import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Measurement, Suite } from './harness.js';
import { HOT_ACCOUNTS, TRANSFERS } from './ledger-chain.js';
import type { BlockFigures, PatternReport, RunReport } from './ledger-run.js';

/** Whole blocks of transfers, from execution to the synced batch, on ledgers of three sizes. The tree's peer is in `tree.bench.ts`. */
export const suite: Suite = { measurements };

const SIZES = [10_000, 100_000, 1_000_000] as const;
const STEP = fileURLToPath(new URL('ledger-run.js', import.meta.url));

async function measurements(): Promise<readonly Measurement[]> {
  const results: Measurement[] = [];
  for (const accounts of SIZES) {
    const folder = await mkdtemp(join(tmpdir(), 'ogpu-bench-ledger-'));
    try {
      await run('fill', folder, accounts);
      const report = JSON.parse(await run('blocks', folder, accounts)) as RunReport;
      results.push(...rows(accounts, report));
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
  return results;
}

async function run(step: 'fill' | 'blocks', folder: string, accounts: number): Promise<string> {
  const args = [STEP, step, join(folder, 'db'), String(accounts)];
  return (await promisify(execFile)(process.execPath, args)).stdout;
}

function rows(accounts: number, { uniform, hot, peakMiB, peakAnonymousMiB }: RunReport): Measurement[] {
  const name = `ledger-block/transfers=${TRANSFERS},accounts=${accounts}`;
  return [
    { name: `${name},uniform`, value: describe(uniform), goal: 'execute and root ≤ 400 ms' },
    { name: `${name},hot=${HOT_ACCOUNTS}`, value: describe(hot), goal: 'execute and root ≤ 150 ms' },
    {
      name: `${name},memory`,
      value: `${peakMiB} MiB peak; ${peakAnonymousMiB} MiB without mapped files`,
      goal: '< 512 MiB',
    },
  ];
}

function describe({ blocks, writtenBytes, hitRate }: PatternReport): string {
  const stage = (label: string, of: (figures: BlockFigures) => number): string =>
    `${label} ${Math.round(quantile(blocks.map(of), 1 / 2))} ms (${Math.round(quantile(blocks.map(of), 1))} at most)`;
  const executeMs = quantile(
    blocks.map((block) => block.executeMs),
    1 / 2,
  );
  return [
    `${Math.round((1000 * TRANSFERS) / executeMs)} transfers/s`,
    stage('execute', (block) => block.executeMs),
    stage('root', (block) => block.rootMs),
    stage('both', (block) => block.executeMs + block.rootMs),
    stage('batch', (block) => block.batchMs),
    stage('synced commit', (block) => block.commitMs),
    stage('all threads', (block) => block.cpuMs),
    `batch ${megabytes(blocks.reduce((sum, block) => sum + block.batchBytes, 0) / blocks.length)}`,
    `written ${megabytes(writtenBytes / blocks.length)} a block`,
    `read cache answers ${(100 * hitRate).toFixed(0)} %`,
  ].join('; ');
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(share * (sorted.length - 1))] ?? 0;
}
