import { dirname, join } from 'node:path';
import { DOCUMENT_FILE } from '../genesis/create.js';
import { MAX_DOCUMENT_BYTES, parseDocument } from '../genesis/document.js';
import { MAX_CSV_BYTES, readChunks, readTextFile } from '../genesis/files.js';
import { loadGenesis } from '../genesis/load.js';
import { bytesEqual, toHex } from '../protocol/bytes.js';
import { OgpuError } from '../protocol/errors.js';
import { CONFIG_FILE } from './config/load.js';
import { configTemplate, type TemplateValues } from './config/template.js';
import { isThere } from './config/toml-file.js';
import { genesisFolder, keysFolder } from './data-folder.js';
import { codeOf, messageOf } from './database/errors.js';
import { createFile, makeFolder, type Content } from './disk/atomic-file.js';
import { NODE_KEY_NAME, loadNodeIdentity, storeNodeIdentity } from './keys/keyring.js';
import { SecretFileError } from './keys/secret-file.js';

export class InitError extends OgpuError<
  /** The folder belongs to another chain. */
  'INIT_GENESIS_DIFFERS' | 'INIT_FILE'
> {}

export interface InitRequest {
  readonly dataDir: string;
  /** Path of a genesis document to copy, with its snapshots; undefined to leave that for later. */
  readonly genesis: string | undefined;
  /** What the new configuration file says, by path of the setting. */
  readonly settings: TemplateValues;
}

export interface InitReport {
  readonly peerId: string;
  /** Id of the genesis that lies in the folder. */
  readonly genesisId: string | undefined;
  readonly files: readonly { readonly path: string; readonly outcome: 'made' | 'kept' }[];
}

/**
 * Makes what is missing in a data folder. Nothing that is there is changed, so that it can be repeated at any time.
 *
 * @throws InitError, GenesisError, SecretFileError
 */
export async function initDataFolder({ dataDir, genesis, settings }: InitRequest): Promise<InitReport> {
  const files: { path: string; outcome: 'made' | 'kept' }[] = [];
  const make = async (path: string, content: () => Content): Promise<void> => {
    files.push({ path, outcome: (await createUnlessThere(path, content)) ? 'made' : 'kept' });
  };
  // First what can be refused: the rest is made only for a chain that is known to be right.
  const genesisId = await checkGenesis(dataDir, genesis);
  await attempt(dataDir, () => makeFolder(dataDir));
  const identity = await nodeIdentity(keysFolder(dataDir));
  files.push({ path: join(keysFolder(dataDir), NODE_KEY_NAME), outcome: identity.isNew ? 'made' : 'kept' });
  if (genesis !== undefined) await copyGenesis(genesis, genesisFolder(dataDir), make);
  await make(join(dataDir, CONFIG_FILE), () => Buffer.from(configTemplate(settings)));
  return { peerId: identity.peerId, genesisId: genesisId && toHex(genesisId), files };
}

/** Others may read the configuration and the genesis, as far as the folder lets them. */
const FILE_MODE = 0o644;

/** The id of the genesis in the folder, or of the one to be copied into it. */
async function checkGenesis(dataDir: string, source: string | undefined): Promise<Uint8Array | undefined> {
  const present = join(genesisFolder(dataDir), DOCUMENT_FILE);
  const there = (await isThere(present)) ? (await loadGenesis(present)).id : undefined;
  if (source === undefined) return there;
  const { id } = await loadGenesis(source);
  if (there === undefined || bytesEqual(there, id)) return id;
  throw new InitError('INIT_GENESIS_DIFFERS', 'the folder has the genesis of another chain', {
    ...{ path: present, present: toHex(there), given: toHex(id) },
    cure: 'name another data folder; a folder belongs to one chain for ever',
  });
}

/** The document comes last: a folder with a document is complete. */
async function copyGenesis(
  source: string,
  folder: string,
  make: (path: string, content: () => Content) => Promise<void>,
): Promise<void> {
  await attempt(folder, () => makeFolder(folder));
  const text = await readTextFile(source, MAX_DOCUMENT_BYTES);
  const parsed = parseDocument(JSON.parse(text));
  const snapshots = 'value' in parsed ? parsed.value.snapshots : [];
  for (const { file } of snapshots)
    await make(join(folder, file), () => readChunks(join(dirname(source), file), MAX_CSV_BYTES));
  await make(join(folder, DOCUMENT_FILE), () => Buffer.from(text));
}

async function createUnlessThere(path: string, content: () => Content): Promise<boolean> {
  if (await isThere(path)) return false;
  try {
    await createFile(path, content(), FILE_MODE);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw fileError(path, error);
  }
}

async function nodeIdentity(folder: string): Promise<{ readonly peerId: string; readonly isNew: boolean }> {
  try {
    return { peerId: (await loadNodeIdentity(folder)).peerId, isNew: false };
  } catch (error) {
    if (!(error instanceof SecretFileError) || error.code !== 'SECRET_FILE_NOT_FOUND') throw error;
    return { peerId: (await storeNodeIdentity(folder)).identity.peerId, isNew: true };
  }
}

async function attempt(path: string, step: () => Promise<void>): Promise<void> {
  await step().catch((error: unknown) => {
    throw fileError(path, error);
  });
}

function fileError(path: string, cause: unknown): unknown {
  if (cause instanceof OgpuError) return cause;
  const cure = 'check the path, the permissions of its folders and the free space of the disk';
  return new InitError('INIT_FILE', `cannot write: ${messageOf(cause)}`, { path, cure }, { cause });
}
