import type { Folder } from '../disk/disk.js';
import { WalError } from './errors.js';
import { decodeGroup, findLaterGroup, type WalRecord } from './group.js';
import { damaged, decodeHeader, HEADER_BYTES, type WalIdentity } from './header.js';

/** What a crash left of the log of one height. */
export interface Recovered {
  readonly height: number;
  /** Everything that was synced, in the order it was appended; perhaps records appended last that were not. */
  readonly records: readonly WalRecord[];
  /** Bytes of a write that the crash cut short: nothing that depended on them can have left the node. */
  readonly tornBytes: number;
}

/**
 * Reads the log of the latest height.
 *
 * @throws WalError WAL_CORRUPT | WAL_FOREIGN | WAL_VERSION
 * @throws DiskError
 */
export async function readLatest(
  folder: Folder,
  identity: WalIdentity,
  maxBytes: number,
): Promise<Recovered | undefined> {
  const name = (await walFiles(folder)).at(-1);
  const file = name === undefined ? undefined : await folder.readFile(name, maxBytes);
  if (name === undefined || file === undefined) return undefined;
  return recover(name, file, identity);
}

/** Ascending by height. */
export async function walFiles(folder: Folder): Promise<readonly string[]> {
  return (await folder.list()).filter((name) => FILE_NAME.test(name));
}

export function walFileName(height: number): string {
  return `${String(height).padStart(16, '0')}.wal`;
}

const FILE_NAME = /^\d{16}\.wal$/;

/** What the file `name` holds. @throws WalError WAL_CORRUPT | WAL_FOREIGN | WAL_VERSION */
export function recover(name: string, file: Uint8Array, identity: WalIdentity): Recovered {
  const { height, marker } = decodeHeader(name, file, identity);
  if (walFileName(height) !== name) throw damaged(name, `it is of height ${height}`);
  const records: WalRecord[] = [];
  let end = HEADER_BYTES;
  let sequence = 1;
  for (;;) {
    const group = decodeGroup(marker, sequence, file, end);
    if (group === undefined) break;
    for (const record of group.records) records.push(record);
    end = group.end;
    sequence++;
  }
  const later = findLaterGroup(marker, sequence, file, end);
  if (later !== undefined) throw lost(name, sequence, end, later);
  return { height, records, tornBytes: file.length - end };
}

function lost(file: string, sequence: number, at: number, later: number): WalError {
  const { message, data } = damaged(
    file,
    `group ${sequence} at byte ${at} is not whole, though there is a later one at byte ${later}`,
  );
  return new WalError('WAL_CORRUPT', message, { ...data, group: sequence, at, later });
}
