import { bytesEqual, toHex } from '../../protocol/bytes.js';
import { invariant } from '../../protocol/invariant.js';
import { blockCodec, encodedBlockBytes } from '../../protocol/types/block.js';
import { blockId } from '../../protocol/types/header.js';
import { receiptCodec, type BlockReceipts, type Receipt } from '../../protocol/types/receipt.js';
import { HEAD_KEY, readTail } from '../../state/chain/marks.js';
import { readPastState } from '../../state/chain/past-state.js';
import { headCodec, placeCodec, systemLogsCodec, type Head, type Place } from '../../state/chain/records.js';
import { hasBlock } from '../../state/chain/window.js';
import { NODE_KEYS } from '../../state/store/keys.js';
import type { KeyRange, Reader, Store } from '../../state/store/store.js';
import { chainRecord } from '../../state/system/chain.js';
import type { FinalizedBlock } from '../backend.js';
import { RPC } from '../errors/codes.js';
import { RpcError } from '../errors/rpc-error.js';
import type { BlockReference } from '../schema/values.js';
import type { Deadline } from '../transport/deadline.js';
import { ByteCache } from './byte-cache.js';
import { StoredBlock } from './stored-block.js';
import { StoredReceipts } from './stored-receipts.js';

/** Reads final blocks and states. What was read, or has just become final, is kept decoded for a while. */
export class ChainReader {
  readonly store: Store;
  readonly chainId: number;
  readonly genesisId: Uint8Array;
  readonly genesisTimeMs: number;
  readonly #blocks: ByteCache<number, StoredBlock>;
  readonly #receipts: ByteCache<number, StoredReceipts>;
  #head: { readonly bytes: Uint8Array; readonly head: Head } | undefined;

  constructor(store: Store, maxCachedBytes: number) {
    const { chainId, genesisId, genesisTimeMs } = chainRecord.read(store);
    this.store = store;
    this.chainId = chainId;
    this.genesisId = genesisId;
    this.genesisTimeMs = genesisTimeMs;
    this.#blocks = new ByteCache(maxCachedBytes);
    this.#receipts = new ByteCache(maxCachedBytes);
  }

  get head(): Head {
    const bytes = this.store.get(HEAD_KEY);
    invariant(bytes !== undefined, 'a ledger has a head');
    // Nearly every call asks, and it changes once a block.
    if (this.#head === undefined || !bytesEqual(bytes, this.#head.bytes))
      this.#head = { bytes, head: headCodec.decode(bytes) };
    return this.#head.head;
  }

  /** The lowest height whose block is still there; 1 where nothing was dropped. */
  get lowestHeight(): number {
    return readTail(this.store).height;
  }

  /** Keeps a block that has just become final. */
  add({ block, id, transactionHashes, receipts }: FinalizedBlock): void {
    const sizeBytes = encodedBlockBytes(block);
    const { height } = block.header;
    this.#blocks.set(height, new StoredBlock(block, id, sizeBytes, transactionHashes), sizeBytes);
    const stored = new StoredReceipts(receipts);
    this.#receipts.set(height, stored, stored.approximateBytes);
  }

  /** Undefined for a height above the head, and for a hash that is none of a final block's. */
  heightOf(reference: BlockReference): number | undefined {
    switch (reference.kind) {
      case 'latest':
      case 'pending':
        return this.head.height;
      case 'earliest':
        return 0;
      case 'height':
        return reference.height <= this.head.height ? reference.height : undefined;
      case 'hash': {
        const bytes = this.store.get(NODE_KEYS.blockId.encode(reference.hash));
        if (bytes !== undefined) return placeCodec.decode(bytes).height;
        return toHex(reference.hash) === toHex(this.genesisId) ? 0 : undefined;
      }
    }
  }

  /** As `heightOf`, where there is no answer without a block. @throws RpcError RPC_BLOCK_UNKNOWN */
  requireHeight(reference: BlockReference): number {
    const height = this.heightOf(reference);
    if (height !== undefined) return height;
    throw new RpcError(RPC.resourceNotFound, 'RPC_BLOCK_UNKNOWN', 'header not found', {
      ...(reference.kind === 'height' ? { height: reference.height } : {}),
      ...(reference.kind === 'hash' ? { hash: reference.hash } : {}),
      head: this.head.height,
    });
  }

  placeOf(transactionHash: Uint8Array): Place | undefined {
    const bytes = this.store.get(NODE_KEYS.transaction.encode(transactionHash));
    return bytes && placeCodec.decode(bytes);
  }

  cachedBlock(height: number): StoredBlock | undefined {
    return this.#blocks.get(height);
  }

  /** Undefined for the genesis, which has no block, above the head, and for what was dropped. */
  async block(height: number): Promise<StoredBlock | undefined> {
    const cached = this.#blocks.get(height);
    if (cached !== undefined) return cached;
    if (!hasBlock(this.store, height)) return undefined;
    const bytes = await this.#readOne(NODE_KEYS.block.range(height));
    if (bytes === undefined) return undefined;
    const block = blockCodec.decode(bytes);
    const stored = new StoredBlock(block, blockId(block.header), bytes.length);
    this.#blocks.set(height, stored, bytes.length);
    return stored;
  }

  /** Undefined where `block` is. */
  async receipts(height: number, deadline: Deadline): Promise<StoredReceipts | undefined> {
    const cached = this.#receipts.get(height);
    if (cached !== undefined) return cached;
    if (!hasBlock(this.store, height)) return undefined;
    const receipts = await this.#readReceipts(height, deadline);
    if (!hasBlock(this.store, height)) return undefined;
    const stored = new StoredReceipts(receipts);
    this.#receipts.set(height, stored, stored.approximateBytes);
    return stored;
  }

  /**
   * Reads the state after a block: at once where it is the last one.
   *
   * @param read free of side effects; runs several times on a past state
   * @throws RpcError RPC_BLOCK_UNKNOWN; PastStateError; whatever `read` throws
   */
  readState<Result>(reference: BlockReference, read: (view: Reader) => Result): Result | Promise<Result> {
    const height = this.requireHeight(reference);
    return height === this.head.height ? read(this.store) : readPastState(this.store, height, read);
  }

  /** Past the store's read cache: what is needed once must not push out what is needed always. */
  async #readOne(range: KeyRange): Promise<Uint8Array | undefined> {
    for await (const [entry] of this.store.range({ ...range, limit: 1 })) return entry?.value;
    return undefined;
  }

  async #readReceipts(height: number, deadline: Deadline): Promise<BlockReceipts> {
    const system = await this.#readOne(NODE_KEYS.systemLogs.range(height));
    const receipts: Receipt[] = [];
    const query = { ...NODE_KEYS.receipt.range(height), limit: Number.MAX_SAFE_INTEGER };
    for await (const page of this.store.range(query)) {
      for (const { value } of page) {
        receipts.push(receiptCodec.decode(value));
        await deadline.slice();
      }
    }
    const { beginLogs, endLogs } =
      system === undefined ? { beginLogs: [], endLogs: [] } : systemLogsCodec.decode(system);
    return { beginLogs, receipts, endLogs };
  }
}
