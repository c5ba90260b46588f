import { toChecksumAddress } from '../protocol/address.js';
import { AccountTableBuilder, eachAccount, MAX_TABLE_ACCOUNTS, type AccountTable } from './accounts.js';
import type { AllocationEntry } from './document.js';
import { GenesisError, type FaultLog } from './faults.js';
import type { DocumentParts, Part } from './parts.js';
import { readSnapshot } from './snapshot-file.js';

export interface SourceOptions {
  /** Directory of the document, where its snapshots lie. */
  readonly directory: string;
  /** Called now and then while a snapshot is read. */
  readonly onProgress?: (file: string, rows: number) => void;
}

/**
 * The balances of allocations and snapshots in one table, stakes included.
 *
 * Nobody is credited twice unawares: an address stands in one source only, and once.
 *
 * Faults: ACCOUNTS_TOO_MANY (nothing is read then), ALLOCATION_DUPLICATE, ACCOUNT_IN_TWO_SOURCES, SNAPSHOT_FILE_DUPLICATE, SNAPSHOT_UNREADABLE and those of
 * `readSnapshot`.
 */
export async function gatherAccounts(
  parts: DocumentParts,
  options: SourceOptions,
  log: FaultLog,
): Promise<AccountTable> {
  const declared = parts.snapshots.reduce((sum, { value }) => sum + value.holders, parts.allocations.length);
  if (declared > MAX_TABLE_ACCOUNTS) {
    log.add('$', 'ACCOUNTS_TOO_MANY', `${declared} accounts; at most ${MAX_TABLE_ACCOUNTS} are possible`);
    return new AccountTableBuilder().build(() => undefined);
  }
  const sources = [{ path: 'allocations', table: allocationTable(parts.allocations, log) }];
  const files = new Set<string>();
  for (const { path, value } of parts.snapshots) {
    if (files.has(value.file)) {
      log.add(`${path}.file`, 'SNAPSHOT_FILE_DUPLICATE', `${value.file} is listed twice`);
      continue;
    }
    files.add(value.file);
    const progress = options.onProgress;
    const onProgress =
      progress &&
      ((rows: number) => {
        progress(value.file, rows);
      });
    try {
      const snapshot = await readSnapshot(options.directory, value, path, onProgress);
      sources.push({ path, table: snapshot.accounts });
    } catch (error) {
      if (!(error instanceof GenesisError)) throw error;
      if (error.code === 'GENESIS_INVALID') log.addAll(error.faults, error.faultCount);
      else log.add(`${path}.file`, 'SNAPSHOT_UNREADABLE', error.message);
    }
  }
  return mergeSources(sources, log);
}

function allocationTable(allocations: readonly Part<AllocationEntry>[], log: FaultLog): AccountTable {
  const builder = new AccountTableBuilder();
  allocations.forEach(({ value }, index) => {
    builder.add(value.address, value.balanceWei, index);
  });
  return builder.build(({ address, origins: [first, second] }) => {
    const path = allocations[second]?.path ?? 'allocations';
    const message = `${toChecksumAddress(address)} is already in ${allocations[first]?.path ?? 'allocations'}`;
    log.add(`${path}.address`, 'ALLOCATION_DUPLICATE', message);
  });
}

interface Source {
  readonly path: string;
  readonly table: AccountTable;
}

function mergeSources(sources: readonly Source[], log: FaultLog): AccountTable {
  const builder = new AccountTableBuilder();
  sources.forEach(({ table }, source) => {
    for (const { address, balanceWei } of eachAccount(table)) builder.add(address, balanceWei, source);
  });
  return builder.build(({ address, origins: [first, second] }) => {
    const message = `${toChecksumAddress(address)} is already in ${sources[first]?.path ?? '$'}`;
    log.add(sources[second]?.path ?? '$', 'ACCOUNT_IN_TWO_SOURCES', message);
  });
}
