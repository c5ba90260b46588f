import { bytesEqual, toHex } from '../../protocol/bytes.js';
import { crc32 } from '../../protocol/crc32.js';
import { invariant } from '../../protocol/invariant.js';
import { WalError } from './errors.js';

/** Whose log it is. */
export interface WalIdentity {
  readonly chainId: number;
  /** 32 bytes. */
  readonly genesisId: Uint8Array;
  /** Validator id, 20 bytes; zeros for a node that validates nothing. */
  readonly validator: Uint8Array;
}

/** How the file of one height begins. */
export interface WalHeader {
  readonly identity: WalIdentity;
  readonly height: number;
  /**
   * 16 bytes before every group, drawn at random for each file. Peers cannot know them, so nothing they send and the log keeps
   * can pass for a group.
   */
  readonly marker: Uint8Array;
}

export const HEADER_BYTES = 100;
export const MARKER_BYTES = 16;
const FORMAT_VERSION = 1;

/** `"oGPU-WAL" ‖ version u32 ‖ chain id u64 ‖ genesis id ‖ validator ‖ height u64 ‖ marker ‖ CRC-32`, big-endian. */
export function encodeHeader({ identity, height, marker }: WalHeader): Uint8Array {
  invariant(identity.genesisId.length === 32 && identity.validator.length === 20, 'a WAL names its owner');
  invariant(marker.length === MARKER_BYTES, 'a marker has 16 bytes');
  const bytes = new Uint8Array(HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  bytes.set(MAGIC);
  view.setUint32(8, FORMAT_VERSION);
  view.setBigUint64(12, BigInt(identity.chainId));
  bytes.set(identity.genesisId, 20);
  bytes.set(identity.validator, 52);
  view.setBigUint64(72, BigInt(height));
  bytes.set(marker, 80);
  view.setUint32(96, crc32(bytes.subarray(0, 96)));
  return bytes;
}

/**
 * The header at the start of `file`, which must be of `identity`.
 *
 * @throws WalError WAL_CORRUPT | WAL_VERSION | WAL_FOREIGN
 */
export function decodeHeader(name: string, file: Uint8Array, identity: WalIdentity): WalHeader {
  if (file.length < HEADER_BYTES) throw damaged(name, 'it is shorter than its header');
  const view = new DataView(file.buffer, file.byteOffset);
  if (!bytesEqual(file.subarray(0, 8), MAGIC)) throw damaged(name, 'it does not begin as a log does');
  const version = view.getUint32(8);
  if (view.getUint32(96) !== crc32(file.subarray(0, 96))) {
    throw damaged(name, 'its header does not match its checksum');
  }
  if (version !== FORMAT_VERSION) {
    throw new WalError('WAL_VERSION', `the log ${name} is of format ${version}, not ${FORMAT_VERSION}`, {
      file: name,
      version,
      cure: 'run the version of the software that wrote it',
    });
  }
  assertOwn(name, identity, {
    chainId: view.getBigUint64(12).toString(),
    genesisId: toHex(file.subarray(20, 52)),
    validator: toHex(file.subarray(52, 72)),
  });
  const height = Number(view.getBigUint64(72));
  return { identity, height, marker: file.slice(80, 96) };
}

export function damaged(file: string, reason: string): WalError {
  return new WalError('WAL_CORRUPT', `the log ${file} is damaged: ${reason}`, { file, cure: CURE });
}

/** Deleting a log forgets the lock its validator may hold; only what the others decide in the meantime makes that harmless. */
const CURE =
  'check the disk; move the file away and let the node catch up without signing until the chain has finished that height';

const MAGIC = Uint8Array.from('oGPU-WAL', (letter) => letter.charCodeAt(0));

function assertOwn(file: string, own: WalIdentity, found: Readonly<Record<string, string>>): void {
  const expected = {
    chainId: String(own.chainId),
    genesisId: toHex(own.genesisId),
    validator: toHex(own.validator),
  };
  for (const [field, value] of Object.entries(expected)) {
    if (found[field] === value) continue;
    throw new WalError(
      'WAL_FOREIGN',
      `the log ${file} is of another chain or validator: its ${field} differs`,
      {
        file,
        field,
        expected: value,
        found: found[field],
        cure: 'name the folder of this node; never copy a log from one node to another',
      },
    );
  }
}
