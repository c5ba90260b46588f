import { createHash, type Hash } from 'node:crypto';
import { join } from 'node:path';
import { eachAccount, type AccountTable } from './accounts.js';
import { toChecksumAddress } from '../protocol/address.js';
import type { SnapshotEntry } from './document.js';
import { FaultLog, GenesisError } from './faults.js';
import { MAX_CSV_BYTES, readChunks, writeFileAtomically } from './files.js';
import { CANONICAL_HEADER, importSnapshot, type Snapshot } from './snapshot-import.js';

const CHUNK_ROWS = 4096;

/**
 * The one way to write a table as CSV: the header `address,balanceWei`, EIP-55 addresses in ascending order of their
 * bytes, decimal wei, every line ended by LF.
 */
export function* canonicalCsv(table: AccountTable): Generator<Buffer> {
  let text = `${CANONICAL_HEADER}\n`;
  let rows = 0;
  for (const { address, balanceWei } of eachAccount(table)) {
    text += `${toChecksumAddress(address)},${balanceWei.toString()}\n`;
    if (++rows % CHUNK_ROWS === 0) {
      yield Buffer.from(text, 'latin1');
      text = '';
    }
  }
  yield Buffer.from(text, 'latin1');
}

/**
 * Writes the accounts as `directory/file` and returns the entry for the document.
 *
 * @throws GenesisError GENESIS_EXISTS | GENESIS_FILE
 */
export async function writeSnapshot(
  directory: string,
  file: string,
  snapshot: Snapshot,
  source?: string,
): Promise<SnapshotEntry> {
  const hash = createHash('sha256');
  const chunks = hashedChunks(canonicalCsv(snapshot.accounts), hash);
  await writeFileAtomically(join(directory, file), chunks, { replace: false });
  return {
    file,
    sha256: hash.digest('hex'),
    holders: snapshot.accounts.length,
    totalWei: snapshot.totalWei,
    ...(source === undefined ? {} : { source }),
  };
}

/**
 * Reads a snapshot beside a genesis document, streaming, and checks it against its entry in the document.
 *
 * Faults: those of {@link importSnapshot}; at `path`: SNAPSHOT_HASH, SNAPSHOT_NOT_CANONICAL (not sorted, or otherwise not what
 * {@link canonicalCsv} writes), SNAPSHOT_HOLDERS, SNAPSHOT_TOTAL.
 *
 * @param path of the entry
 * @throws GenesisError GENESIS_INVALID with all faults | GENESIS_FILE | GENESIS_FILE_NOT_REGULAR
 */
export async function readSnapshot(
  directory: string,
  entry: SnapshotEntry,
  path: string,
  onProgress?: (rows: number) => void,
): Promise<Snapshot> {
  const log = new FaultLog();
  const hash = createHash('sha256');
  const chunks = hashedChunks(readChunks(join(directory, entry.file), MAX_CSV_BYTES), hash);
  const options = { name: entry.file, decimals: 0, ...(onProgress === undefined ? {} : { onProgress }) };
  const imported = await importSnapshot(chunks, options).catch((error: unknown) => {
    if (!(error instanceof GenesisError) || error.code !== 'GENESIS_INVALID') throw error;
    log.addAll(error.faults, error.faultCount);
    return undefined;
  });
  const sha256 = hash.digest('hex');
  if (sha256 !== entry.sha256) {
    log.add(`${path}.sha256`, 'SNAPSHOT_HASH', `${entry.file} has SHA-256 ${sha256}`);
  }
  if (imported !== undefined) checkContent(imported, entry, path, sha256, log);
  log.throwIfAny(entry.file);
  if (imported === undefined) throw new GenesisError('GENESIS_INVALID', entry.file);
  return imported;
}

function checkContent(
  snapshot: Snapshot,
  entry: SnapshotEntry,
  path: string,
  sha256: string,
  log: FaultLog,
): void {
  const { accounts, totalWei } = snapshot;
  if (sha256Of(canonicalCsv(accounts)) !== sha256) {
    const advice = 'write it with `ogpu genesis create --snapshot`';
    log.add(`${path}.file`, 'SNAPSHOT_NOT_CANONICAL', `${entry.file} is not in canonical form: ${advice}`);
  }
  if (accounts.length !== entry.holders) {
    log.add(`${path}.holders`, 'SNAPSHOT_HOLDERS', `${entry.file} has ${accounts.length} holders`);
  }
  if (totalWei !== entry.totalWei) {
    log.add(`${path}.totalWei`, 'SNAPSHOT_TOTAL', `${entry.file} holds ${totalWei.toString()} wei`);
  }
}

function sha256Of(chunks: Iterable<Uint8Array>): string {
  const hash = createHash('sha256');
  for (const chunk of chunks) hash.update(chunk);
  return hash.digest('hex');
}

/** Passes chunks on while feeding them to `hash`. */
async function* hashedChunks(
  chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  hash: Hash,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    hash.update(chunk);
    yield chunk;
  }
}
