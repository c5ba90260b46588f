import { dirname } from 'node:path';
import { checkBalances, checkChain, checkValidators } from './check.js';
import { MAX_DOCUMENT_BYTES, parseDocument } from './document.js';
import { FaultLog, GenesisError } from './faults.js';
import { readTextFile } from './files.js';
import { parseJson } from './json.js';
import { readParts } from './parts.js';
import { gatherAccounts, type SourceOptions } from './sources.js';
import { createGenesisState, type GenesisState } from './state.js';

export interface LoadOptions extends Omit<SourceOptions, 'directory'> {
  /** The signatures in this very document were verified before: they take longer than all the rest. */
  readonly areSignaturesKnown?: boolean;
}

/**
 * Reads and checks a genesis document and the snapshots beside it.
 *
 * @param name of the document in errors
 * @throws GenesisError GENESIS_INVALID with everything that is wrong; when the document cannot be read, GENESIS_FILE |
 * GENESIS_FILE_NOT_REGULAR | GENESIS_FILE_ENCODING
 */
export async function loadGenesis(
  path: string,
  options: LoadOptions = {},
  name: string = path,
): Promise<GenesisState> {
  const text = await readTextFile(path, MAX_DOCUMENT_BYTES);
  return parseGenesis(text, { ...options, directory: dirname(path) }, name);
}

/**
 * As {@link loadGenesis} for a document in memory.
 *
 * @param name of the document in errors
 * @throws GenesisError GENESIS_INVALID
 */
export async function parseGenesis(
  text: string,
  options: SourceOptions & LoadOptions,
  name: string,
): Promise<GenesisState> {
  const log = new FaultLog();
  const json = parseJson(text, log);
  if (json === undefined) throw invalid(name, log);
  const parsed = parseDocument(json);
  if ('faults' in parsed) log.addAll(parsed.faults);
  const parts = readParts(json);
  checkChain(parts, log);
  checkValidators(parts, log, options);
  const countBeforeSources = log.count;
  const accounts = await gatherAccounts(parts, options, log);
  if (parts.balancesAreComplete && log.count === countBeforeSources) checkBalances(accounts, parts, log);
  if (log.count > 0 || 'faults' in parsed) throw invalid(name, log);
  return createGenesisState(parsed.value, accounts);
}

function invalid(name: string, log: FaultLog): GenesisError {
  return new GenesisError('GENESIS_INVALID', name, log.faults, log.count);
}
