import { toHex } from '../../protocol/bytes.js';
import type { Folder } from '../disk/disk.js';
import { SignerError } from './errors.js';
import {
  decodeRecord,
  encodeRecord,
  MAX_RECORD_BYTES,
  sameIdentity,
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
): Promise<SignerRecord> {
  const found = await readRecord(folder);
  if (found !== undefined && !sameIdentity(found.identity, identity)) throw foreign(identity, found.identity);
  if (found === undefined && !create)
    throw missing('there is no record of what this key signed last', NEVER_HAD_ONE);
  const record = found ?? { identity, last: undefined };
  await writeRecord(folder, record);
  return record;
}

/**
 * Undefined where the folder never had a record.
 *
 * @throws SignerError SIGNER_RECORD_CORRUPT | SIGNER_RECORD_MISSING | SIGNER_RECORD_VERSION
 * @throws DiskError
 */
export async function readRecord(folder: Folder): Promise<SignerRecord | undefined> {
  const bytes = await folder.readFile(RECORD, MAX_RECORD_BYTES);
  if (bytes !== undefined) return decodeRecord(bytes);
  if ((await folder.list()).includes(MARK)) {
    throw missing('the record of what this key signed last was here and is gone', LOST);
  }
  return undefined;
}

/** Durable when it resolves, and from then on missed if it should vanish. @throws DiskError */
export async function writeRecord(folder: Folder, record: SignerRecord): Promise<void> {
  await replaceRecord(folder, record);
  await folder.writeFile(MARK, MARK_TEXT);
}

/** As `writeRecord`, in a folder where that was done before. @throws DiskError */
export async function replaceRecord(folder: Folder, record: SignerRecord): Promise<void> {
  await folder.writeFile(RECORD, encodeRecord(record));
}

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
