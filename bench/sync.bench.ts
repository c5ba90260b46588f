import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Measurement, Suite } from './harness.js';
import type { ClientReport, ServerReport } from './sync-run.js';

/** Catching up with one server over loopback; both share the machine. No peer: nobody else's nodes speak this protocol. */
export const suite: Suite = { measurements };

const RUN = fileURLToPath(new URL('sync-run.js', import.meta.url));
const EMPTY_BLOCKS = 2_000;
const FULL_BLOCKS = 20;
const TRANSFERS = 5_000;
const SNAPSHOT_HEIGHT = 4;

async function measurements(): Promise<readonly Measurement[]> {
  const accounts = Number(process.env['OGPU_BENCH_ACCOUNTS'] ?? 100_000);
  const empty = await measure('blocks', 10_000, EMPTY_BLOCKS, 0, 0);
  const full = await measure('blocks', 10_000, FULL_BLOCKS, TRANSFERS, 0);
  const state = await measure('state', accounts, SNAPSHOT_HEIGHT + 2, 0, SNAPSHOT_HEIGHT);
  const seconds = ({ client }: Measured): number => client.elapsedMs / 1000;
  return [
    {
      name: `sync/blocks/empty=${EMPTY_BLOCKS},validators=4`,
      value: `${Math.round(EMPTY_BLOCKS / seconds(empty))} blocks/s; ${costs(empty)}`,
      goal: '≥ 200 blocks/s',
    },
    {
      name: `sync/blocks/transfers=${FULL_BLOCKS}×${TRANSFERS}`,
      value: `${Math.round((FULL_BLOCKS * TRANSFERS) / seconds(full))} transactions/s; ${costs(full)}`,
      goal: '≥ 5,000 transactions/s',
    },
    {
      name: `sync/state/accounts=${accounts}`,
      value: [
        `${seconds(state).toFixed(1)} s for ${state.client.entries} entries (${Math.round(state.client.entries / seconds(state))} /s)`,
        costs(state),
        `server: made in ${(state.server.snapshotMs / 1000).toFixed(1)} s, thread held ${Math.round(state.server.snapshotStallMs)} ms at most`,
      ].join('; '),
      goal: 'a million in two minutes',
    },
  ];
}

function costs({ client: { cpuMs, elapsedMs, peakMiB } }: Measured): string {
  return `${(cpuMs / 1000).toFixed(1)} s of processors in ${(elapsedMs / 1000).toFixed(1)} s, ${peakMiB} MiB`;
}

interface Measured {
  readonly server: ServerReport;
  readonly client: ClientReport;
}

async function measure(
  what: 'blocks' | 'state',
  accounts: number,
  blocks: number,
  transfers: number,
  snapshotHeight: number,
): Promise<Measured> {
  const folder = await mkdtemp(join(tmpdir(), 'ogpu-bench-sync-'));
  const server = start('serve', join(folder, 'server'), accounts, blocks, transfers, snapshotHeight);
  try {
    const served = await report<ServerReport>(server);
    const client = await report<ClientReport>(start(what, join(folder, 'client'), accounts, served.address));
    if (client.height < Math.max(1, served.height - (what === 'state' ? 2 : 1)))
      throw new RangeError('it did not catch up');
    return { server: served, client };
  } finally {
    server.kill();
    await once(server, 'exit');
    await rm(folder, { recursive: true, force: true });
  }
}

function start(...args: readonly (string | number)[]): ChildProcess {
  return spawn(process.execPath, [RUN, ...args.map(String)], { stdio: ['ignore', 'pipe', 'inherit'] });
}

/** The one line that a process prints. */
async function report<Report>({ stdout }: ChildProcess): Promise<Report> {
  if (stdout === null) throw new RangeError('the process has an output');
  for await (const line of createInterface({ input: stdout })) return JSON.parse(line) as Report;
  throw new RangeError('the process ended without a report');
}
