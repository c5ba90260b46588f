import { createCodec } from '../protocol/ssz/codec.js';
import {
  byteList,
  bytes32,
  ContainerType,
  listOf,
  uint32,
  uint64,
  uint8,
  type ValueOf,
} from '../protocol/ssz/types.js';
import { NOTHING, onlyPart, type Asking } from './chain-requests.js';
import { P2pError } from './errors.js';
import type { RequestHandler, RequestProtocol } from './requests.js';

/*
 * How the whole state of a recent height is given away, piece by piece. The key hashes are cut into 2^segmentBits equal segments by their
 * first bits. The entries of a segment, in the order of their key hashes, come in pages, each with a proof that it holds all there is
 * between its bounds.
 */

/** Entries of one page. */
export const MAX_PAGE_ENTRIES = 1_024;

/** Keys and values after which a page ends. */
export const PAGE_BYTES = 256 * 1024;

/** Segments are told apart by the first byte of a key hash, or a part of it. */
export const MAX_SEGMENT_BITS = 8;

/** Snapshots that one node offers. */
export const MAX_SNAPSHOTS = 4;

/** Bounds of the state tree (docs/spec/state-tree.md): one entry, and the longest proof. */
const MAX_KEY_BYTES = 128;
const MAX_VALUE_BYTES = 65_536;
const MAX_PROOF_BYTES = 17_026;

const SnapshotOfferType = new ContainerType({
  height: uint64,
  /** Of that block. */
  blockId: bytes32,
  segmentBits: uint8,
  /** State entries and their bytes. Nobody relies on them. */
  entries: uint64,
  bytes: uint64,
});

const StateEntryType = new ContainerType({ key: byteList(MAX_KEY_BYTES), value: byteList(MAX_VALUE_BYTES) });

const SnapshotPageType = new ContainerType({
  /** All entries with key hashes from here … */
  from: bytes32,
  /** … to here, both included. The last page of a segment ends where the segment does. */
  to: bytes32,
  /** Ascending by key hash. */
  entries: listOf(StateEntryType, MAX_PAGE_ENTRIES),
  /** Of the range, see docs/spec/state-tree.md. */
  proof: byteList(MAX_PROOF_BYTES),
});

const PageRequestType = new ContainerType({ height: uint64, segment: uint32, page: uint32 });

export type SnapshotOffer = ValueOf<typeof SnapshotOfferType>;
export type SnapshotPage = ValueOf<typeof SnapshotPageType>;
export type PageRequest = ValueOf<typeof PageRequestType>;

/** A page that is full but for its last entry, with the bytes that lists add. */
const MAX_ENCODED_PAGE_BYTES =
  PAGE_BYTES + MAX_KEY_BYTES + MAX_VALUE_BYTES + MAX_PROOF_BYTES + 16 * MAX_PAGE_ENTRIES + 128;

export const snapshotPageCodec = createCodec<SnapshotPage>('SnapshotPage', SnapshotPageType, {
  maxBytes: MAX_ENCODED_PAGE_BYTES,
  oneCopy: true,
});
const offersCodec = createCodec<SnapshotOffer[]>('SnapshotOffers', listOf(SnapshotOfferType, MAX_SNAPSHOTS));
const pageRequestCodec = createCodec<PageRequest>('PageRequest', PageRequestType);

export const SNAPSHOTS: RequestProtocol = {
  name: 'snapshots',
  maxRequestBytes: 1,
  maxPartBytes: offersCodec.maxBytes,
  maxParts: 1,
  timeoutMs: 5_000,
  maxConcurrent: 2,
  rate: { perSecond: 1, burst: 8 },
};

export const SNAPSHOT_PAGE: RequestProtocol = {
  name: 'snapshot-page',
  maxRequestBytes: pageRequestCodec.maxBytes,
  maxPartBytes: MAX_ENCODED_PAGE_BYTES,
  maxParts: 1,
  timeoutMs: 15_000,
  maxConcurrent: 3,
  // A million accounts are some thousand pages.
  rate: { perSecond: 64, burst: 256 },
};

/** What a node gives away. */
export interface SnapshotSource {
  readonly offers: () => readonly SnapshotOffer[];
  /** The encoding of a page; undefined where there is none. */
  readonly page: (request: PageRequest) => Promise<Uint8Array | undefined>;
}

export function snapshotHandlers(
  source: SnapshotSource,
): readonly (readonly [RequestProtocol, RequestHandler])[] {
  return [
    [
      SNAPSHOTS,
      // eslint-disable-next-line @typescript-eslint/require-await -- one part, at once
      async function* () {
        yield offersCodec.encode([...source.offers()]);
      },
    ],
    [
      SNAPSHOT_PAGE,
      async function* (_peer, request) {
        const page = await source.page(pageRequestCodec.decode(request));
        if (page === undefined) throw new P2pError('REQUEST_REFUSED', 'no such page');
        yield page;
      },
    ],
  ];
}

/** @throws P2pError | SszError */
export async function askSnapshots(asking: Asking): Promise<readonly SnapshotOffer[]> {
  return offersCodec.decode(await onlyPart(asking(SNAPSHOTS, NOTHING)));
}

/** Nothing about the page is verified. @throws P2pError REQUEST_REFUSED where the peer has it not; P2pError | SszError */
export async function askSnapshotPage(asking: Asking, request: PageRequest): Promise<SnapshotPage> {
  return snapshotPageCodec.decode(await onlyPart(asking(SNAPSHOT_PAGE, pageRequestCodec.encode(request))));
}
