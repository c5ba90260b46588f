import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { openLedger } from '../node/ledger.js';
import { NODE_KEYS } from '../state/store/keys.js';
import { writerGenesis, type WriterLine } from '../test/support/ledger-writer.js';
import type { Measurement, Suite } from './harness.js';

export const suite: Suite = { measurements: measureGenesis };

const ACCOUNTS = 1_000_000;
const WRITER = fileURLToPath(new URL('../test/support/ledger-writer.js', import.meta.url));

/** The first start of a chain with a million accounts and later ones, each in a process of its own. */
async function measureGenesis(): Promise<Measurement[]> {
  const folder = mkdtempSync(join(tmpdir(), 'ogpu-bench-'));
  const path = join(folder, 'ledger');
  try {
    const first = await start(path, ACCOUNTS, 'stay');
    const afterGenesis = await start(path, 0, 'close');
    const closed = await start(path, 0, 'close');
    await start(path, 0, 'fill');
    const fullLog = await start(path, 0, 'close');
    const bytesPerAccount = (await compactedBytes(path)) / ACCOUNTS;
    return [
      {
        name: `ledger/initialize/accounts=${ACCOUNTS}`,
        value: `${first.seconds.toFixed(1)} s (processor ${first.cpuSeconds.toFixed(1)} s), peak ${Math.round(first.peakMiB)} MiB`,
        goal: '≤ 30 s, < 512 MiB with the table of accounts',
      },
      { name: 'ledger/bytes-per-account, compacted', value: `${Math.round(bytesPerAccount)} B` },
      { name: 'ledger/cold-start, closed', value: ms(closed), goal: '< 2 s' },
      { name: 'ledger/cold-start, killed after the genesis', value: ms(afterGenesis), goal: '< 2 s' },
      { name: 'ledger/cold-start, killed with a full log', value: ms(fullLog), goal: '< 2 s' },
    ];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

type Opened = Extract<WriterLine, { readonly step: 'open' }>;

/** Starts a node and, unless it closes its ledger by itself, kills it once that is open. */
async function start(path: string, accounts: number, then: 'close' | 'stay' | 'fill'): Promise<Opened> {
  const child = spawn(process.execPath, [WRITER, path, String(accounts), then], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = new Promise((resolve) => child.once('close', resolve));
  let opened: Opened | undefined;
  for await (const text of createInterface({ input: child.stdout })) {
    const line = JSON.parse(text) as WriterLine;
    if (line.step !== 'open') continue;
    opened = line;
    if (then !== 'close') child.kill('SIGKILL');
  }
  await exited;
  if (opened === undefined) throw new Error('the node did not open its ledger');
  return opened;
}

async function compactedBytes(path: string): Promise<number> {
  const { store } = await openLedger({ path, genesis: writerGenesis(0) });
  await store.clearRange(NODE_KEYS.block.range());
  await store.compactRange({ gte: Uint8Array.of(0), lt: Uint8Array.of(0xff) });
  await store.close();
  return readdirSync(path).reduce((sum, name) => sum + statSync(join(path, name)).size, 0);
}

function ms({ seconds }: Opened): string {
  return `${Math.round(1000 * seconds)} ms`;
}
