import { appendFile, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import {
  MAX_PAGE_ENTRIES,
  MAX_SEGMENT_BITS,
  PAGE_BYTES,
  snapshotPageCodec,
} from '../../../p2p/snapshot-requests.js';
import { compareBytes, toHex } from '../../../protocol/bytes.js';
import { OgpuError } from '../../../protocol/errors.js';
import { invariant } from '../../../protocol/invariant.js';
import { treeNodes } from '../../../state/chain/state-root.js';
import { readHead } from '../../../state/chain/marks.js';
import { allEntries } from '../../../state/diagnosis/check-ledger.js';
import type { Snapshot } from '../../../state/store/store.js';
import { hashKey } from '../../../state/tree/leaf.js';
import type { NodeReader } from '../../../state/tree/node.js';
import { proveStretch } from '../../../state/tree/prove.js';
import { hashAfter, segmentRange } from './segments.js';

/** What is in a folder of a snapshot, beside its pages. */
export interface SnapshotIndex {
  readonly height: number;
  /** Hex. */
  readonly blockId: string;
  readonly segmentBits: number;
  readonly entries: number;
  readonly bytes: number;
  /** Of each segment, the length of each of its pages. */
  readonly pages: readonly (readonly number[])[];
}

export const INDEX_FILE = 'snapshot.json';

export function pagesFile(segment: number): string {
  return `segment-${segment}`;
}

/** The node ends before a snapshot is made. */
export class SnapshotAborted extends OgpuError<'SNAPSHOT_ABORTED'> {}

/** Buckets by the first byte of the key hash. */
const BUCKETS = 256;
const BUCKET_BUFFER_BYTES = 64 * 1024;

/** Entries for which a segment is worth its own requests. */
const ENTRIES_PER_SEGMENT = MAX_PAGE_ENTRIES;

/**
 * Writes all of a state into files, in pages with their proofs; which pages there are follows from the state. The store lists entries by their
 * keys and the tree by their hashes, so they are sorted on the way, on disk: memory is 16 MiB and what a 256th of the state takes.
 *
 * @param folder appears when all of it is there
 * @throws SnapshotAborted; as reading the store and writing files do
 */
export async function makeSnapshot(
  view: Snapshot,
  folder: string,
  signal: AbortSignal,
): Promise<SnapshotIndex> {
  const head = readHead(view);
  invariant(head !== undefined, 'a ledger has a head');
  const making = `${folder}.making`;
  await rm(making, { recursive: true, force: true });
  await mkdir(making, { recursive: true });
  const { entries, bytes } = await sortIntoBuckets(view, making, signal);
  const segmentBits = Math.min(
    MAX_SEGMENT_BITS,
    Math.max(0, Math.ceil(Math.log2(entries / ENTRIES_PER_SEGMENT))),
  );
  const pages: number[][] = [];
  for (let segment = 0; segment < 2 ** segmentBits; segment++) {
    pages.push(await writeSegment(treeNodes(view), making, segment, segmentBits, signal));
  }
  const index: SnapshotIndex = {
    ...{ height: head.height, blockId: toHex(head.id), segmentBits, entries, bytes, pages },
  };
  await writeFile(join(making, INDEX_FILE), JSON.stringify(index));
  await rename(making, folder);
  return index;
}

async function sortIntoBuckets(
  view: Snapshot,
  folder: string,
  signal: AbortSignal,
): Promise<{ entries: number; bytes: number }> {
  const buckets = Array.from(
    { length: BUCKETS },
    (_, number) => new Bucket(join(folder, bucketFile(number))),
  );
  let [entries, bytes] = [0, 0];
  for await (const { key, value } of allEntries(view)) {
    const keyHash = hashKey(key);
    entries++;
    bytes += key.length + value.length;
    const bucket = buckets[keyHash[0] ?? 0];
    if (bucket?.add(keyHash, key, value) === true) {
      assertNotAborted(signal);
      await bucket.flush();
    }
  }
  for (const bucket of buckets) await bucket.flush();
  return { entries, bytes };
}

function bucketFile(number: number): string {
  return `bucket-${number}`;
}

/** Gathers entries for a file: key length u8, value length u32, key hash, key, value. */
class Bucket {
  readonly #path: string;
  #parts: Uint8Array[] = [];
  #bytes = 0;

  constructor(path: string) {
    this.#path = path;
  }

  /** @returns whether it is time to flush */
  add(keyHash: Uint8Array, key: Uint8Array, value: Uint8Array): boolean {
    const head = new Uint8Array(5);
    head[0] = key.length;
    new DataView(head.buffer).setUint32(1, value.length);
    this.#parts.push(head, keyHash, key, value);
    this.#bytes += head.length + keyHash.length + key.length + value.length;
    return this.#bytes > BUCKET_BUFFER_BYTES;
  }

  async flush(): Promise<void> {
    const parts = this.#parts;
    this.#parts = [];
    this.#bytes = 0;
    await appendFile(this.#path, Buffer.concat(parts));
  }
}

interface SortedEntry {
  readonly keyHash: Uint8Array;
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** Makes the pages of one segment out of its buckets, which are gone then. */
async function writeSegment(
  tree: NodeReader,
  folder: string,
  segment: number,
  segmentBits: number,
  signal: AbortSignal,
): Promise<number[]> {
  const share = BUCKETS >> segmentBits;
  const entries: SortedEntry[] = [];
  for (let number = segment * share; number < (segment + 1) * share; number++) {
    const path = join(folder, bucketFile(number));
    for (const entry of readBucket(await readFile(path))) entries.push(entry);
    await rm(path);
  }
  entries.sort((a, b) => compareBytes(a.keyHash, b.keyHash));
  const lengths: number[] = [];
  const range = segmentRange(segment, segmentBits);
  let { from } = range;
  for (let next = 0, isLast = false; !isLast;) {
    assertNotAborted(signal);
    const end = pageEnd(entries, next);
    isLast = end === entries.length;
    const to = isLast ? range.to : (entries[end - 1]?.keyHash ?? range.to);
    const some = entries.slice(next, end).map(({ key, value }) => ({ key, value }));
    const page = snapshotPageCodec.encode({ from, to, entries: some, proof: proveStretch(tree, from, to) });
    await appendFile(join(folder, pagesFile(segment)), page);
    lengths.push(page.length);
    next = end;
    if (!isLast) from = hashAfter(to);
    // Everybody else on this thread gets a turn.
    await setImmediate();
  }
  return lengths;
}

/** Where the page ends that begins at an entry: with the one that fills it. */
function pageEnd(entries: readonly SortedEntry[], first: number): number {
  let bytes = 0;
  for (let at = first; at < entries.length; at++) {
    const entry = entries[at];
    bytes += (entry?.key.length ?? 0) + (entry?.value.length ?? 0);
    if (at + 1 - first === MAX_PAGE_ENTRIES || bytes >= PAGE_BYTES) return at + 1;
  }
  return entries.length;
}

function* readBucket(bytes: Uint8Array): Generator<SortedEntry> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 0; at < bytes.length;) {
    const keyAt = at + 5 + 32;
    const valueAt = keyAt + (bytes[at] ?? 0);
    const end = valueAt + view.getUint32(at + 1);
    yield {
      keyHash: bytes.subarray(at + 5, keyAt),
      key: bytes.subarray(keyAt, valueAt),
      value: bytes.subarray(valueAt, end),
    };
    at = end;
  }
}

function assertNotAborted(signal: AbortSignal): void {
  if (signal.aborted) throw new SnapshotAborted('SNAPSHOT_ABORTED', 'the node ends');
}
