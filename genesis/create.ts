import { mkdir, mkdtemp, rm, rmdir } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { PRESETS, type PresetName } from '../protocol/presets.js';
import {
  DOCUMENT_VERSION,
  formatDocument,
  type AllocationEntry,
  type GenesisDocument,
  type SnapshotEntry,
  type ValidatorEntry,
} from './document.js';
import { FaultLog } from './faults.js';
import {
  checkTargets,
  fileError,
  MAX_CSV_BYTES,
  publish,
  readChunks,
  syncDirectory,
  writeFileAtomically,
  type WriteOptions,
} from './files.js';
import { loadGenesis } from './load.js';
import { writeSnapshot } from './snapshot-file.js';
import { importSnapshot } from './snapshot-import.js';
import type { GenesisState } from './state.js';

export const DOCUMENT_FILE = 'genesis.json';
const STAGING_PREFIX = '.genesis-';

export interface GenesisRequest {
  readonly preset: PresetName;
  readonly genesisTimeMs: number;
  readonly validators: readonly ValidatorEntry[];
  readonly allocations: readonly AllocationEntry[];
  /** Paths of holder exports. */
  readonly snapshots: readonly string[];
  /** Digits after the point of the balances in the exports: 0 for wei. */
  readonly decimals: number;
  /** Made where it is missing. */
  readonly directory: string;
  /** Replaces what is there. */
  readonly force: boolean;
  /** Called now and then while holders are read. */
  readonly onProgress?: (file: string, rows: number) => void;
}

export interface CreatedGenesis {
  readonly state: GenesisState;
  /** The document first. */
  readonly files: readonly string[];
}

/**
 * Writes a genesis document and its snapshots in canonical form. All of it is made and checked, as a node would, in a
 * staging directory of this run's own first; nothing appears unless everything is right, and the document appears last.
 * Without `force`, of several runs into one directory at once one succeeds.
 *
 * @param log faults already found in the inputs: reported together with those of the snapshots
 * @throws GenesisError GENESIS_INVALID with everything that is wrong | GENESIS_EXISTS | GENESIS_FILE |
 * GENESIS_FILE_NOT_REGULAR
 */
export async function createGenesis(request: GenesisRequest, log = new FaultLog()): Promise<CreatedGenesis> {
  const { directory } = request;
  const snapshotFiles = request.snapshots.map((_, index) => `holders-${index + 1}.csv`);
  const names = [DOCUMENT_FILE, ...snapshotFiles];
  const files = names.map((name) => join(directory, name));
  const options = { replace: request.force };
  await checkTargets(files, options);
  const made: string[] = [];
  try {
    made.push(...(await makeDirectory(directory)));
    const staging = await mkdtemp(join(directory, STAGING_PREFIX));
    try {
      const state = await stage(request, staging, snapshotFiles, log);
      await publishAll(staging, directory, names, options);
      return { state, files };
    } finally {
      await rm(staging, { recursive: true, force: true });
    }
  } catch (error) {
    // Innermost first; one that something was put into meanwhile stays.
    for (const path of made) await rmdir(path).catch(() => undefined);
    throw fileError('write', directory, error);
  }
}

/** Makes a directory and those it lies in. Returns those that were missing, innermost first. */
async function makeDirectory(directory: string): Promise<string[]> {
  const path = resolve(directory);
  const outermost = await mkdir(path, { recursive: true });
  if (outermost === undefined) return [];
  const made = [path];
  for (let at = path; at !== outermost && at !== dirname(at); at = dirname(at)) made.push(dirname(at));
  return made;
}

async function stage(
  request: GenesisRequest,
  staging: string,
  snapshotFiles: readonly string[],
  log: FaultLog,
): Promise<GenesisState> {
  const snapshots = await stageSnapshots(request, staging, snapshotFiles, log);
  log.throwIfAny('input of the genesis');
  const text = formatDocument(assemble(request, snapshots));
  const path = join(staging, DOCUMENT_FILE);
  await writeFileAtomically(path, [Buffer.from(text)], { replace: false });
  const { onProgress } = request;
  return loadGenesis(path, onProgress === undefined ? {} : { onProgress }, DOCUMENT_FILE);
}

async function stageSnapshots(
  request: GenesisRequest,
  staging: string,
  files: readonly string[],
  log: FaultLog,
): Promise<SnapshotEntry[]> {
  const entries: SnapshotEntry[] = [];
  for (const [index, path] of request.snapshots.entries()) {
    const name = basename(path);
    const onProgress = (rows: number): void => request.onProgress?.(name, rows);
    const chunks = readChunks(path, MAX_CSV_BYTES);
    const options = { name, decimals: request.decimals, onProgress };
    const snapshot = await log.collect(path, importSnapshot(chunks, options));
    if (snapshot === undefined || log.count > 0) continue;
    entries.push(await writeSnapshot(staging, files[index] ?? name, snapshot, name));
  }
  return entries;
}

/** Publishes the document last. What was published is taken back when a name turns out to be taken. */
async function publishAll(
  staging: string,
  directory: string,
  names: readonly string[],
  options: WriteOptions,
): Promise<void> {
  const published: string[] = [];
  try {
    for (const name of names.toReversed()) {
      const path = join(directory, name);
      await publish(join(staging, name), path, options);
      published.push(path);
    }
  } catch (error) {
    if (!options.replace) for (const path of published) await rm(path, { force: true });
    throw error;
  }
  await syncDirectory(directory);
}

function assemble(request: GenesisRequest, snapshots: SnapshotEntry[]): GenesisDocument {
  const { chainId, params } = PRESETS[request.preset];
  return {
    version: DOCUMENT_VERSION,
    chain: request.preset,
    chainId,
    genesisTimeMs: request.genesisTimeMs,
    params,
    validators: [...request.validators],
    allocations: [...request.allocations],
    snapshots,
  };
}
