import { mkdir, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { PRESETS, type PresetName } from '../protocol/presets.js';
import {
  DOCUMENT_VERSION,
  formatDocument,
  type AllocationEntry,
  type GenesisDocument,
  type SnapshotEntry,
  type ValidatorEntry,
} from './document.js';
import { fileError, MAX_CSV_BYTES, readChunks, refuseExisting, writeFileAtomically } from './files.js';
import { loadGenesis } from './load.js';
import { writeSnapshot } from './snapshot-file.js';
import { importSnapshot } from './snapshot-import.js';
import type { GenesisState } from './state.js';

export const DOCUMENT_FILE = 'genesis.json';
const STAGING_DIRECTORY = '.genesis-staging';

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
 * staging directory first; nothing appears unless everything is right, and the document appears last.
 *
 * @throws GenesisError GENESIS_INVALID with everything that is wrong | GENESIS_EXISTS | GENESIS_FILE
 */
export async function createGenesis(request: GenesisRequest): Promise<CreatedGenesis> {
  const { directory, force } = request;
  const snapshotFiles = request.snapshots.map((_, index) => `holders-${index + 1}.csv`);
  const files = [DOCUMENT_FILE, ...snapshotFiles];
  if (!force) await refuseExisting(files.map((file) => join(directory, file)));
  const staging = join(directory, STAGING_DIRECTORY);
  try {
    await mkdir(staging, { recursive: true });
    const snapshots = await stageSnapshots(request, staging, snapshotFiles);
    const document = assemble(request, snapshots);
    await writeFileAtomically(join(staging, DOCUMENT_FILE), [Buffer.from(formatDocument(document))]);
    const { onProgress } = request;
    const state = await loadGenesis(
      join(staging, DOCUMENT_FILE),
      onProgress === undefined ? {} : { onProgress },
      DOCUMENT_FILE,
    );
    for (const file of files.toReversed()) await rename(join(staging, file), join(directory, file));
    return { state, files: files.map((file) => join(directory, file)) };
  } catch (error) {
    throw fileError('write', directory, error);
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

async function stageSnapshots(
  request: GenesisRequest,
  staging: string,
  files: readonly string[],
): Promise<SnapshotEntry[]> {
  const entries: SnapshotEntry[] = [];
  for (const [index, path] of request.snapshots.entries()) {
    const name = basename(path);
    const onProgress = (rows: number): void => request.onProgress?.(name, rows);
    const chunks = readChunks(path, MAX_CSV_BYTES);
    const snapshot = await importSnapshot(chunks, { name, decimals: request.decimals, onProgress });
    entries.push(await writeSnapshot(staging, files[index] ?? name, snapshot, name));
  }
  return entries;
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
