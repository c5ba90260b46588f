import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { DOCUMENT_VERSION, formatDocument, type SnapshotEntry } from '../genesis/document.js';
import { bindOwner } from '../genesis/owner-binding.js';
import { bls } from '../protocol/crypto/bls.js';
import { protocolVersionAt } from '../protocol/params.js';
import { PRESETS } from '../protocol/presets.js';
import type { Measurement, Suite } from './harness.js';

const HOLDERS = 1_000_000;
const COMPILED = new URL('../', import.meta.url).href;

/** Each step runs in a process of its own, so that its peak memory is its own. */
export const suite: Suite = { measurements };

async function measurements(): Promise<readonly Measurement[]> {
  const directory = await mkdtemp(join(tmpdir(), 'ogpu-bench-genesis-'));
  try {
    const csv = join(directory, 'export.csv');
    await writeFile(csv, exportCsv());
    const imported = await measure(IMPORT, csv, directory);
    const document = join(directory, 'genesis.json');
    await writeFile(document, genesisOf(imported.result as SnapshotEntryJson));
    const loaded = await measure(LOAD, document, '');
    const { idMs } = loaded.result as { idMs: number };
    return [
      { name: `genesis/import/holders=${HOLDERS}`, value: describe(imported), goal: '< 60 s, < 1 GiB' },
      { name: `genesis/load/holders=${HOLDERS}`, value: describe(loaded), goal: '< 60 s, < 1 GiB' },
      { name: `genesis/id/holders=${HOLDERS}`, value: `${idMs} ms`, goal: '< 2 s' },
    ];
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Deterministic holders in no order: addresses from SHA-256 of their number. */
function* exportCsv(): Generator<string> {
  let text = 'address,balance\n';
  for (let i = 0; i < HOLDERS; i++) {
    const address = createHash('sha256').update(String(i)).digest('hex').slice(0, 40);
    text += `0x${address},${(BigInt(i + 1) * 12_345_678_901_234n).toString()}\n`;
    if (i % 10_000 === 0 || i === HOLDERS - 1) {
      yield text;
      text = '';
    }
  }
}

/** Reads an export, sorts and checks it, and writes its canonical form. */
const IMPORT = `
  const { readChunks } = await import(base + 'genesis/files.js');
  const { importSnapshot } = await import(base + 'genesis/snapshot-import.js');
  const { writeSnapshot } = await import(base + 'genesis/snapshot-file.js');
  const snapshot = await importSnapshot(readChunks(first, 2 ** 31), { name: 'export.csv', decimals: 0 });
  const entry = await writeSnapshot(second, 'holders.csv', snapshot);
  result = { ...entry, totalWei: entry.totalWei.toString() };`;

/** Reads and checks the whole genesis as a node does, then computes its id once more, by itself. */
const LOAD = `
  const { loadGenesis } = await import(base + 'genesis/load.js');
  const { genesisId } = await import(base + 'genesis/commitment.js');
  const state = await loadGenesis(first);
  const start = performance.now();
  genesisId(state);
  result = { idMs: Math.round(performance.now() - start) };`;

type SnapshotEntryJson = Omit<SnapshotEntry, 'totalWei'> & { readonly totalWei: string };

/** A document with one validator and the snapshot. */
function genesisOf(snapshot: SnapshotEntryJson): string {
  const { chainId, params } = PRESETS.devnet;
  const secretKey = new Uint8Array(32).fill(1);
  const owner = new Uint8Array(20).fill(1);
  const stakeWei = params.staking.minSelfStakeWei;
  return formatDocument({
    version: DOCUMENT_VERSION,
    chain: 'devnet',
    chainId,
    genesisTimeMs: 1_800_000_000_000,
    params,
    validators: [
      {
        name: 'bench',
        owner,
        operator: owner,
        payout: owner,
        blsPublicKey: bls.publicKey(secretKey),
        proofOfPossession: bls.provePossession(secretKey),
        ownerBinding: bindOwner(secretKey, { chainId, protocolVersion: protocolVersionAt(params, 0) }, owner),
        stakeWei,
        commissionBps: 0,
      },
    ],
    allocations: [{ address: owner, balanceWei: stakeWei }],
    snapshots: [{ ...snapshot, totalWei: BigInt(snapshot.totalWei) }],
  });
}

interface Measured {
  readonly seconds: number;
  readonly peakMiB: number;
  readonly result: unknown;
}

async function measure(step: string, first: string, second: string): Promise<Measured> {
  const script = `
    const [base, first, second] = process.argv.slice(1);
    const begin = performance.now();
    let result;
    ${step}
    const seconds = (performance.now() - begin) / 1000;
    console.log(JSON.stringify({ seconds, peakMiB: process.resourceUsage().maxRSS / 1024, result }));`;
  const args = ['--input-type=module', '-e', script, '--', COMPILED, first, second];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return JSON.parse(stdout) as Measured;
}

function describe({ seconds, peakMiB }: Measured): string {
  return `${seconds.toFixed(1)} s, ${Math.round(peakMiB)} MiB peak`;
}
