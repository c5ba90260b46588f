import { bytesEqual, toHex } from '../../protocol/bytes.js';
import type { ChainIdentity } from '../../protocol/domains.js';
import { invariant } from '../../protocol/invariant.js';
import { StoreError } from './errors.js';
import { NODE_KEYS } from './keys.js';
import { MAX_KEY_BYTES } from './limits.js';
import type { Store } from './store.js';

/** Layout of keys and values. Raised by every change that an older or newer build would misread. */
export const STORE_FORMAT_VERSION = 1;

/** What a store holds, written under `meta/schema` before anything else. */
export interface SchemaStamp extends ChainIdentity {
  readonly formatVersion: number;
}

/**
 * Makes sure that the store is this chain's ledger in our format; stamps it when it is empty. `protocolVersion` is the
 * newest one this software knows, and the stamp keeps the newest one that ever opened the store: software that does not
 * know the rules some of the content was made by must not touch it.
 *
 * @throws StoreError STORE_UNSTAMPED | STORE_CORRUPT | STORE_NEWER | STORE_OLDER | STORE_FOREIGN, and as writing does
 */
export async function claimStore(store: Store, identity: ChainIdentity): Promise<SchemaStamp> {
  const wanted: SchemaStamp = { formatVersion: STORE_FORMAT_VERSION, ...identity };
  const found = store.get(SCHEMA_KEY);
  if (found === undefined) {
    if (!(await isEmpty(store))) throw unstamped();
  } else {
    const stamp = decodeStamp(found);
    assertSame(stamp, wanted);
    if (stamp.protocolVersion === wanted.protocolVersion) return stamp;
  }
  await store.write([{ key: SCHEMA_KEY, value: encodeStamp(wanted) }]);
  return wanted;
}

export const SCHEMA_KEY = NODE_KEYS.meta.encode('schema');

const MAGIC = Uint8Array.of(0x6f, 0x47, 0x50, 0x55); // "oGPU"
const STAMP_BYTES = 52;

/** `"oGPU" ‖ formatVersion u32 ‖ chainId u64 ‖ genesisId 32 B ‖ protocolVersion u32`, big-endian. */
export function encodeStamp(stamp: SchemaStamp): Uint8Array {
  invariant(stamp.genesisId.length === 32, 'a genesis id has 32 bytes');
  const bytes = new Uint8Array(STAMP_BYTES);
  const view = new DataView(bytes.buffer);
  bytes.set(MAGIC);
  view.setUint32(4, stamp.formatVersion);
  view.setBigUint64(8, BigInt(stamp.chainId));
  bytes.set(stamp.genesisId, 16);
  view.setUint32(48, stamp.protocolVersion);
  return bytes;
}

/**
 * @throws StoreError STORE_UNSTAMPED for what never was a stamp, STORE_NEWER for a stamp of a format we cannot read,
 * STORE_CORRUPT for one of ours that is damaged
 */
export function decodeStamp(bytes: Uint8Array): SchemaStamp {
  if (bytes.length < 8 || !bytesEqual(bytes.subarray(0, 4), MAGIC)) throw unstamped();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const formatVersion = view.getUint32(4);
  // Only magic and version keep their place in every format.
  if (formatVersion > STORE_FORMAT_VERSION)
    throw newer('format version', formatVersion, STORE_FORMAT_VERSION);
  if (bytes.length !== STAMP_BYTES || view.getBigUint64(8) > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw new StoreError('STORE_CORRUPT', 'the schema stamp is damaged', {
      stamp: toHex(bytes.subarray(0, 64)),
      cure: 'check the disk; restore a backup, or move the folder away and sync again',
    });
  }
  return {
    formatVersion,
    chainId: Number(view.getBigUint64(8)),
    genesisId: bytes.slice(16, 48),
    protocolVersion: view.getUint32(48),
  };
}

function assertSame(found: SchemaStamp, wanted: SchemaStamp): void {
  if (found.formatVersion < wanted.formatVersion) {
    throw new StoreError('STORE_OLDER', 'the database has an older format than this software reads', {
      found: found.formatVersion,
      wanted: wanted.formatVersion,
      cure: 'move the folder away and sync again, or migrate it with the release notes of this version',
    });
  }
  if (found.chainId !== wanted.chainId || !bytesEqual(found.genesisId, wanted.genesisId)) {
    throw new StoreError('STORE_FOREIGN', 'the database is the ledger of another chain', {
      foundChainId: found.chainId,
      wantedChainId: wanted.chainId,
      foundGenesisId: toHex(found.genesisId),
      wantedGenesisId: toHex(wanted.genesisId),
      cure: 'name the data folder of this chain, or the genesis that this folder was made with',
    });
  }
  if (found.protocolVersion > wanted.protocolVersion) {
    throw newer('protocol version', found.protocolVersion, wanted.protocolVersion);
  }
}

async function isEmpty(store: Store): Promise<boolean> {
  const everything = { gte: Uint8Array.of(0), lt: new Uint8Array(MAX_KEY_BYTES).fill(0xff), limit: 1 };
  try {
    for await (const page of store.range(everything)) if (page.length > 0) return false;
    return true;
  } catch (error) {
    // What somebody else wrote does not read as ours.
    if (error instanceof StoreError && error.code === 'STORE_CORRUPT') return false;
    throw error;
  }
}

function newer(what: string, found: number, wanted: number): StoreError {
  return new StoreError('STORE_NEWER', `the database was written by newer software (${what})`, {
    found,
    wanted,
    cure: 'run the newer version again; going back needs a backup from before the upgrade',
  });
}

function unstamped(): StoreError {
  return new StoreError(
    'STORE_UNSTAMPED',
    'the folder holds a database that is not a ledger of this software',
    {
      cure: 'name an empty folder, or one that this software made',
    },
  );
}
