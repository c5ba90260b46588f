import type { Address } from '../../protocol/address.js';
import { bytesEqual } from '../../protocol/bytes.js';
import type { ChainParams } from '../../protocol/params.js';
import { createCodec } from '../../protocol/ssz/codec.js';
import {
  bytes20,
  bytes32,
  ContainerType,
  listOf,
  uint128,
  uint32,
  uint64,
  uint8,
  type ValueOf,
} from '../../protocol/ssz/types.js';
import type { SegmentKind } from '../../consensus/verification/terms.js';
import { STATE_KEYS } from '../store/keys.js';
import type { Overlay } from '../store/overlay.js';
import { records } from '../store/record.js';
import type { Reader } from '../store/store.js';

/** Too little verifier power can run it. */
export const SOURCE_WAITING = 0;
/** Takes jobs. */
export const SOURCE_OPEN = 1;
/** Takes no more jobs, for ever; forgotten some time after its last one. */
export const SOURCE_RETIRED = 2;

export type SourceStatus = 'waiting' | 'open' | 'retired';
export const SOURCE_STATUSES: readonly SourceStatus[] = ['waiting', 'open', 'retired'];

/** By the number in a record. */
export const SEGMENT_KINDS: readonly SegmentKind[] = ['batch', 'chain'];

/** What one segment costs, as the meter tells it from the graph. */
const WorkType = new ContainerType({
  macs: uint64,
  steps: uint64,
  bytes: uint64,
  dispatches: uint64,
  /** Of a device: constants, and the most that is alive at once. */
  memoryBytes: uint64,
  weightBytes: uint64,
  inputBytes: uint64,
  outputBytes: uint64,
});

const SourceType = new ContainerType({
  owner: bytes20,
  bondWei: uint128,
  status: uint8,
  /** In `SEGMENT_KINDS`. */
  kind: uint8,
  /** SHA-256 of the file that holds all constants. */
  weightsHash: bytes32,
  graphBytes: uint32,
  nodes: uint32,
  work: WorkType,
  registeredMs: uint64,
  /** Jobs that are not final. */
  openJobs: uint64,
  /** When the bond of a retired source without open jobs returns. */
  release: listOf(new ContainerType({ dueMs: uint64, dueHeight: uint64 }), 1),
});

/** A registered program, kept under its program hash. */
export type Source = Readonly<ValueOf<typeof SourceType>>;

export const sources = records(STATE_KEYS.source, createCodec<Source>('Source', SourceType));

/** The encoded graph of a source, exactly as it was registered; undefined where there is no such source. */
export function readSourceGraph(state: Reader, id: Uint8Array): Uint8Array | undefined {
  return state.get(STATE_KEYS.sourceGraph.encode(id));
}

export function writeSourceGraph(state: Overlay, id: Uint8Array, graph: Uint8Array): void {
  state.put(STATE_KEYS.sourceGraph.encode(id), graph);
}

export function removeSourceGraph(state: Overlay, id: Uint8Array): void {
  state.delete(STATE_KEYS.sourceGraph.encode(id));
}

export function segmentKindOf({ kind }: Source): SegmentKind {
  return kind === SEGMENT_KINDS.indexOf('chain') ? 'chain' : 'batch';
}

/** Bond of a source whose graph has so many bytes. */
export function sourceBondWei(
  {
    sources: { bondWei, bondPerByteWei },
  }: {
    readonly sources: Pick<ChainParams['sources'], 'bondWei' | 'bondPerByteWei'>;
  },
  graphBytes: number,
): bigint {
  return bondWei + BigInt(graphBytes) * bondPerByteWei;
}

export function isOwner({ owner }: Source, address: Address): boolean {
  return bytesEqual(owner, address);
}
