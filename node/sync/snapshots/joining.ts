import { createCodec } from '../../../protocol/ssz/codec.js';
import {
  bytes32,
  ContainerType,
  listOf,
  uint32,
  uint64,
  uint8,
  type ValueOf,
} from '../../../protocol/ssz/types.js';
import type { SnapshotPage } from '../../../p2p/snapshot-requests.js';
import { bytesEqual } from '../../../protocol/bytes.js';
import { BEGUN_KEY, readBeginning } from '../../../state/chain/beginning.js';
import { updateLeaves } from '../../../state/chain/state-root.js';
import type { Change, Reader, Store } from '../../../state/store/store.js';
import type { Leaf } from '../../../state/tree/leaf.js';
import { hashAfter, segmentRange, type HashRange } from './segments.js';

const SegmentType = new ContainerType({
  /** Pages that are in the store. */
  pages: uint32,
  /** Where the next one begins; of a segment that is whole it is of no meaning. */
  next: bytes32,
  isWhole: uint8,
});

const JoiningType = new ContainerType({
  height: uint64,
  blockId: bytes32,
  segmentBits: uint8,
  segments: listOf(SegmentType, 256),
});

type JoiningRecord = ValueOf<typeof JoiningType>;

const joiningCodec = createCodec<JoiningRecord>('Joining', JoiningType);

/** A page that was checked. */
export interface CheckedPage {
  readonly segment: number;
  readonly page: SnapshotPage;
  readonly leaves: readonly Leaf[];
}

/**
 * How far a state has been taken over. It is kept in the mark that says that the ledger is not whole, and written with the entries it speaks
 * of: after a crash the rest is fetched, of the same snapshot, or everything anew.
 */
export class Joining {
  readonly #record: JoiningRecord;

  private constructor(record: JoiningRecord) {
    this.#record = record;
  }

  static begin(height: number, blockId: Uint8Array, segmentBits: number): Joining {
    const segments = Array.from({ length: 2 ** segmentBits }, (_, segment) => ({
      ...{ pages: 0, isWhole: 0 },
      next: segmentRange(segment, segmentBits).from,
    }));
    return new Joining({ height, blockId, segmentBits, segments });
  }

  /** What an earlier run has left; undefined where there is nothing, or what was left is of a genesis. */
  static read(store: Reader): Joining | undefined {
    const mark = readBeginning(store);
    return mark === undefined || mark.length === 0 ? undefined : new Joining(joiningCodec.decode(mark));
  }

  get height(): number {
    return this.#record.height;
  }

  get segmentCount(): number {
    return this.#record.segments.length;
  }

  get pages(): number {
    return this.#record.segments.reduce((sum, { pages }) => sum + pages, 0);
  }

  get isWhole(): boolean {
    return this.#record.segments.every(({ isWhole }) => isWhole === 1);
  }

  isOf(height: number, blockId: Uint8Array, segmentBits: number): boolean {
    const record = this.#record;
    return (
      record.height === height && record.segmentBits === segmentBits && bytesEqual(record.blockId, blockId)
    );
  }

  /** The next page of a segment; undefined where it is whole. */
  nextOf(segment: number): { readonly page: number; readonly rest: HashRange } | undefined {
    const found = this.#record.segments[segment];
    if (found === undefined || found.isWhole === 1) return undefined;
    const { to } = segmentRange(segment, this.#record.segmentBits);
    return { page: found.pages, rest: { from: found.next, to } };
  }

  /** Writes pages, each the next one of its segment: entries, tree nodes and how far it is now, in one batch. */
  async write(store: Store, pages: readonly CheckedPage[]): Promise<void> {
    for (const { segment, page } of pages) this.#advance(segment, page);
    const { nodes } = updateLeaves(
      store,
      pages.flatMap(({ leaves }) => leaves),
    );
    const entries: Change[] = pages.flatMap(({ page }) => page.entries);
    await store.write([...entries, ...nodes, { key: BEGUN_KEY, value: joiningCodec.encode(this.#record) }]);
  }

  #advance(segment: number, { to }: SnapshotPage): void {
    const found = this.#record.segments[segment];
    if (found === undefined) return;
    found.pages++;
    found.next = hashAfter(to);
    const end = segmentRange(segment, this.#record.segmentBits).to;
    found.isWhole = bytesEqual(to, end) ? 1 : 0;
  }
}
