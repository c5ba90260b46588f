import { toHex } from '../../protocol/bytes.js';
import type { Folder, LogFile } from '../disk/disk.js';
import { SignerError } from './errors.js';
import {
  comparePlaces,
  decodeFirstFormat,
  decodeRecord,
  encodeRecord,
  FIRST_FORMAT_VERSION,
  FORMAT_VERSION,
  formatOf,
  sameIdentity,
  SLOT_BYTES,
  type SignedStep,
  type SignerIdentity,
  type SignerRecord,
} from './record.js';

/**
 * The record of `identity` in a folder. It has been written anew when this resolves: the process before may have died when the
 * record could be read but was not durable yet.
 *
 * @param create makes a record of nothing signed in a folder that never had one; only right for a key that never signed
 * @throws SignerError SIGNER_RECORD_CORRUPT | SIGNER_RECORD_MISSING | SIGNER_RECORD_FOREIGN | SIGNER_RECORD_VERSION
 * @throws DiskError
 */
export async function openRecord(
  folder: Folder,
  identity: SignerIdentity,
  { create }: { readonly create: boolean },
): Promise<RecordFile> {
  const found = await readRecord(folder);
  if (found !== undefined && !sameIdentity(found.identity, identity)) throw foreign(identity, found.identity);
  if (found === undefined && !create)
    throw missing('there is no record of what this key signed last', NEVER_HAD_ONE);
  const record = found ?? { identity, last: undefined };
  const log = await folder.createLog(RECORD, encodeRecord(record));
  await folder.writeFile(MARK, MARK_TEXT);
  return new RecordFile(folder, log, record);
}

/** The record of one key, growing by a slot with every step that is signed. One call at a time. */
export class RecordFile {
  readonly #folder: Folder;
  #log: LogFile;
  #record: SignerRecord;
  #slots = 1;

  constructor(folder: Folder, log: LogFile, record: SignerRecord) {
    this.#folder = folder;
    this.#log = log;
    this.#record = record;
  }

  /** What is durable. */
  get record(): SignerRecord {
    return this.#record;
  }

  /**
   * Takes a later step than the last one; durable when it resolves. Where it fails the step may be durable or not: the folder is
   * broken then, unless the disk was full when the file should begin anew.
   *
   * @throws DiskError
   */
  async write(last: SignedStep): Promise<void> {
    const record = { ...this.#record, last };
    const slot = encodeRecord(record);
    if (this.#slots < MAX_SLOTS) {
      await this.#log.append(slot);
      await this.#log.sync();
      this.#slots++;
    } else {
      await this.#beginAnew(slot);
    }
    this.#record = record;
  }

  async close(): Promise<void> {
    await this.#log.close();
  }

  /** A new file in place of the old one, in one step: what came before the last record is of no use any more. */
  async #beginAnew(slot: Uint8Array): Promise<void> {
    const full = this.#log;
    this.#log = await this.#folder.createLog(RECORD, slot);
    this.#slots = 1;
    await full.close().catch(() => undefined);
  }
}

/**
 * Undefined where the folder never had a record.
 *
 * @throws SignerError SIGNER_RECORD_CORRUPT | SIGNER_RECORD_MISSING | SIGNER_RECORD_VERSION
 * @throws DiskError
 */
export async function readRecord(folder: Folder): Promise<SignerRecord | undefined> {
  const bytes = await folder.readFile(RECORD, MAX_RECORD_FILE_BYTES);
  if (bytes !== undefined) return recordIn(bytes);
  if ((await folder.list()).includes(MARK)) {
    throw missing('the record of what this key signed last was here and is gone', LOST);
  }
  return undefined;
}

/** Durable when it resolves, and from then on missed if it should vanish. @throws DiskError */
export async function writeRecord(folder: Folder, record: SignerRecord): Promise<void> {
  await folder.writeFile(RECORD, encodeRecord(record));
  await folder.writeFile(MARK, MARK_TEXT);
}

/**
 * The newest record of a file. A slot is written only when the one before it is durable: the last one may be torn, and then
 * nothing was signed for it; one that is broken before a whole one was durable once.
 *
 * @throws SignerError SIGNER_RECORD_CORRUPT | SIGNER_RECORD_VERSION
 */
export function recordIn(file: Uint8Array): SignerRecord {
  const version = formatOf(file);
  const isFirstFormat = version === FIRST_FORMAT_VERSION;
  if (version !== undefined && version !== FORMAT_VERSION && !isFirstFormat) throw unknownVersion(version);
  let newest = isFirstFormat ? decodeFirstFormat(file) : decodeRecord(file.subarray(0, SLOT_BYTES));
  if (newest === undefined) throw corrupt('it does not begin with a whole record');
  if (isFirstFormat) return newest;
  let broken: number | undefined;
  for (let start = SLOT_BYTES; start < file.length; start += SLOT_BYTES) {
    const next = decodeRecord(file.subarray(start, start + SLOT_BYTES));
    if (next === undefined || !isSuccessor(next, newest)) {
      broken ??= start;
    } else if (broken !== undefined) {
      throw corrupt(`what is at byte ${broken} is no record, though there is a later one at byte ${start}`);
    } else {
      newest = next;
    }
  }
  return newest;
}

/** Pages of a file deleted long ago can come back where a write was torn: they are of earlier steps. */
function isSuccessor(next: SignerRecord, record: SignerRecord): boolean {
  const isLater =
    next.last !== undefined && (record.last === undefined || comparePlaces(next.last, record.last) > 0);
  return isLater && sameIdentity(next.identity, record.identity);
}

/** A file of so many slots is begun anew: a hundred rounds or so. */
export const MAX_SLOTS = 256;
const MAX_RECORD_FILE_BYTES = MAX_SLOTS * SLOT_BYTES;
const RECORD = 'record';
/** Outlives a lost record, so that the loss is noticed. */
const MARK = 'has-record';
const MARK_TEXT = Uint8Array.from(
  'The file "record" next to this one says what a validator key signed last. If it is missing, it was lost.\n',
  (letter) => letter.charCodeAt(0),
);

function missing(message: string, cure: string): SignerError {
  return new SignerError('SIGNER_RECORD_MISSING', message, { cure });
}

const NEVER_HAD_ONE =
  'import the state exported where the key signed before; make a new record only for a key that never signed';
const LOST =
  'do not start from zero: restore the file, or move the folder away and import an exported state, or rotate to a new key';

export function foreign(own: SignerIdentity, found: SignerIdentity): SignerError {
  return new SignerError('SIGNER_RECORD_FOREIGN', 'the record is of another chain or key', {
    chainId: own.chainId,
    genesisId: toHex(own.genesisId),
    publicKey: toHex(own.publicKey),
    foundChainId: found.chainId,
    foundGenesisId: toHex(found.genesisId),
    foundPublicKey: toHex(found.publicKey),
    cure: 'name the folder of this key on this chain',
  });
}

function unknownVersion(version: number): SignerError {
  return new SignerError('SIGNER_RECORD_VERSION', `the signer's record is of format ${version}`, {
    version,
    cure: 'run the version of the software that wrote it',
  });
}

function corrupt(reason: string): SignerError {
  return new SignerError(
    'SIGNER_RECORD_CORRUPT',
    `the record of what was signed last is damaged: ${reason}`,
    {
      cure: 'do not start from zero: check the disk, then move the folder away and import an exported state, or rotate to a new key',
    },
  );
}
