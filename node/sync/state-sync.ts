import { createCommittee } from '../../consensus/committee.js';
import { verifyExtendedCommit } from '../../consensus/extended-commit.js';
import type { TrustedHeader } from '../../consensus/light/trust.js';
import { LightError } from '../../consensus/light/errors.js';
import { askBlocks, type FinalBlock } from '../../p2p/chain-requests.js';
import { monotonicClock, type Clock } from '../../p2p/clock.js';
import { askLightBlock } from '../../p2p/light-requests.js';
import { askSnapshots, type SnapshotOffer } from '../../p2p/snapshot-requests.js';
import { bytesEqual, toHex } from '../../protocol/bytes.js';
import type { Bls } from '../../protocol/crypto/bls.js';
import { keccak256 } from '../../protocol/crypto/hash.js';
import type { OgpuError } from '../../protocol/errors.js';
import { protocolVersionAt } from '../../protocol/params.js';
import { bodyRoots } from '../../protocol/types/body.js';
import { blockId } from '../../protocol/types/header.js';
import { validatorSetCodec, type ValidatorSet } from '../../protocol/types/validators.js';
import { baseBatch } from '../../state/chain/base.js';
import { beginAfresh } from '../../state/chain/beginning.js';
import { readHead } from '../../state/chain/marks.js';
import type { Head } from '../../state/chain/records.js';
import { treeNodes } from '../../state/chain/state-root.js';
import type { SystemGenesis } from '../../state/staking/genesis.js';
import type { Store } from '../../state/store/store.js';
import { treeRoot } from '../../state/tree/root.js';
import { isFaultOfBlock } from '../consensus/block-workshop.js';
import { SyncError } from './errors.js';
import type { StateSyncProgress } from './progress.js';
import { Joining } from './snapshots/joining.js';
import { PageDownload } from './snapshots/page-download.js';
import { askPeer, isTyped, type SyncNetwork } from './sync-network.js';
import { trustedHeaderAt, type Checkpoint } from './trusted-header.js';

export interface StateSyncParts {
  /** Stamped with the chain, and without a head. */
  readonly store: Store;
  readonly bls: Bls;
  readonly network: SyncNetwork;
  readonly genesis: SystemGenesis;
  /** A block the operator knows to be of the chain: where the genesis is too old to begin from. */
  readonly checkpoint?: Checkpoint;
  /** Unix milliseconds: trust ends with time. */
  readonly nowMs: () => number;
  /** For spans of time only. */
  readonly clock?: Clock;
  readonly onProgress?: (progress: StateSyncProgress) => void;
  /** Why a snapshot was not taken. */
  readonly onWarning?: (error: OgpuError) => void;
  /** How long it waits for somebody who offers a snapshot, and for a page. */
  readonly patienceMs?: number;
}

const PATIENCE_MS = 30_000;
const ASK_EVERY_MS = 1_500;

/** Snapshots that are tried before others are asked for. */
const MAX_CANDIDATES = 4;

/** A snapshot and who offers it. */
interface Candidate {
  readonly offer: SnapshotOffer;
  readonly peers: readonly string[];
}

/** The block of a snapshot and what the next ones need of those before. */
interface Anchor extends FinalBlock {
  readonly previousValidators: ValidatorSet;
}

/**
 * Begins a ledger with the state of a recent block instead of the genesis: a trusted header says what the root of the state is, and every page
 * of it proves itself against that root.
 */
export class StateSync {
  readonly #parts: StateSyncParts;
  readonly #clock: Clock;

  constructor(parts: StateSyncParts) {
    this.#parts = parts;
    this.#clock = parts.clock ?? monotonicClock;
  }

  /**
   * Resolves with the head when the ledger is whole; undefined where nobody offers a snapshot that can be trusted, or `signal` says so. What
   * there is then is either continued by the next run or cleared when the genesis is written instead.
   *
   * @throws SyncError SYNC_DIVERGED where the pages make another state than they prove; as reading and writing the store do
   */
  async run(signal?: AbortSignal): Promise<Head | undefined> {
    const { store, patienceMs = PATIENCE_MS } = this.#parts;
    const present = readHead(store);
    if (present !== undefined) return present;
    const isAborted = (): boolean => signal?.aborted === true;
    const refused = new Set<string>();
    let activeMs = this.#clock.nowMs();
    while (!isAborted() && this.#clock.nowMs() - activeMs < patienceMs) {
      for (const candidate of await this.#candidates(refused)) {
        const before = Joining.read(store)?.pages ?? 0;
        const head = await this.#take(candidate, signal);
        if (head !== undefined || isAborted()) return head;
        // Where something came, more may come of the same.
        if ((Joining.read(store)?.pages ?? 0) > before) activeMs = this.#clock.nowMs();
        else refused.add(nameOf(candidate.offer));
      }
      await this.#pause();
    }
    return undefined;
  }

  /** What peers offer, the latest first; one that was begun with before all others. */
  async #candidates(refused: ReadonlySet<string>): Promise<Candidate[]> {
    const { network, store } = this.#parts;
    const found = new Map<string, { offer: SnapshotOffer; peers: string[] }>();
    const ask = async ({ id }: { readonly id: string }): Promise<void> => {
      for (const offer of await this.#attempt(() => askPeer(network, id, askSnapshots), [])) {
        const name = nameOf(offer);
        const candidate = found.get(name) ?? { offer, peers: [] };
        candidate.peers.push(id);
        if (!refused.has(name)) found.set(name, candidate);
      }
    };
    await Promise.all(network.peers.map(ask));
    const begun = Joining.read(store);
    const isBegun = ({ offer }: Candidate): number =>
      Number(begun?.isOf(offer.height, offer.blockId, offer.segmentBits) ?? false);
    return [...found.values()]
      .sort((a, b) => isBegun(b) - isBegun(a) || b.offer.height - a.offer.height)
      .slice(0, MAX_CANDIDATES);
  }

  /** Takes a snapshot over; undefined where that came to nothing. */
  async #take({ offer, peers }: Candidate, signal: AbortSignal | undefined): Promise<Head | undefined> {
    const { store, checkpoint } = this.#parts;
    const { height, segmentBits } = offer;
    if (height < 2 || segmentBits > 8 || height < (checkpoint?.height ?? 0)) return undefined;
    const trusted = await this.#fromAny(peers, (one) => this.#trustedHeader(one, height));
    if (trusted === undefined) return undefined;
    const id = blockId(trusted.header);
    if (!bytesEqual(id, offer.blockId)) {
      for (const peer of peers)
        this.#blame(peer, 'SYNC_SNAPSHOT_WRONG', 'the chain has another block there', { height });
      return undefined;
    }
    const anchor = await this.#fromAny(peers, (peer) => this.#anchor(peer, trusted));
    if (anchor === undefined) return undefined;
    let joining = Joining.read(store);
    if (joining?.isOf(height, id, segmentBits) !== true) {
      await beginAfresh(store);
      joining = Joining.begin(height, id, segmentBits);
    }
    const { stateRoot } = trusted.header;
    const download = new PageDownload({
      ...this.#parts,
      clock: this.#clock,
      offer,
      peers,
      stateRoot,
      joining,
    });
    await download.run(signal);
    return joining.isWhole ? this.#finish(anchor) : undefined;
  }

  async #trustedHeader(peer: string, height: number): Promise<TrustedHeader> {
    const { network, genesis, checkpoint, bls, nowMs } = this.#parts;
    const ask = async (wanted: number): ReturnType<Parameters<typeof trustedHeaderAt>[1]> => {
      const block = await askPeer(network, peer, (asking) => askLightBlock(asking, wanted));
      if (block !== undefined) return block;
      throw new SyncError('SYNC_WITHHELD', 'a peer has not what proves its snapshot', { height: wanted });
    };
    try {
      return await trustedHeaderAt(height, ask, nowMs(), { genesis, checkpoint, bls });
    } catch (error) {
      if (error instanceof LightError && error.code !== 'LIGHT_TRUST_EXPIRED') network.blame(peer, error);
      throw error;
    }
  }

  /** The block of the snapshot with its commit, and who decided the one before. @throws SyncError */
  async #anchor(peer: string, { header }: TrustedHeader): Promise<Anchor> {
    const { network, bls, genesis } = this.#parts;
    const { height } = header;
    const lightBefore = await this.#light(peer, height - 1);
    const light = await this.#light(peer, height);
    const before: FinalBlock[] = [];
    await askPeer(network, peer, async (asking) => {
      for await (const block of askBlocks(asking, { firstHeight: height - 1, count: 2 })) before.push(block);
    });
    const [parent, anchor] = before;
    if (parent === undefined || anchor === undefined) {
      throw new SyncError('SYNC_WITHHELD', 'a peer has not the block of its snapshot', { height });
    }
    const { block, commit } = anchor;
    const isBlock =
      bytesEqual(blockId(block.header), blockId(header)) &&
      hasBody(anchor) &&
      bytesEqual(blockId(parent.block.header), header.parentId) &&
      bytesEqual(validatorSetCodec.root(lightBefore), parent.block.header.validatorsHash) &&
      bytesEqual(validatorSetCodec.root(light), header.validatorsHash);
    if (!isBlock) throw this.#blame(peer, 'SYNC_BLOCK_WRONG', 'not the block of the snapshot', { height });
    const { chainId, genesisId, params } = genesis;
    const chain = { chainId, genesisId, protocolVersion: protocolVersionAt(params, height) };
    try {
      const expected = { height, blockId: blockId(header) };
      verifyExtendedCommit(createCommittee(light, bls), chain, commit, expected);
    } catch (error) {
      if (!isFaultOfBlock(error)) throw error;
      throw this.#blame(peer, 'SYNC_COMMIT_WRONG', 'the block of the snapshot was not decided so', {
        height,
      });
    }
    return { block, commit, previousValidators: lightBefore };
  }

  async #light(peer: string, height: number): Promise<ValidatorSet> {
    const block = await askPeer(this.#parts.network, peer, (asking) => askLightBlock(asking, height));
    if (block !== undefined) return block.validators;
    throw new SyncError('SYNC_WITHHELD', 'a peer has not what its snapshot needs', { height });
  }

  /** All entries are there: the batch that makes a ledger of them. */
  async #finish({ block, commit, previousValidators }: Anchor): Promise<Head> {
    const { store } = this.#parts;
    const { height, stateRoot } = block.header;
    if (!bytesEqual(treeRoot(treeNodes(store)), stateRoot)) {
      await beginAfresh(store);
      throw new SyncError('SYNC_DIVERGED', 'the pages make another state than they prove', { height });
    }
    await store.write(baseBatch(block, commit, previousValidators));
    return { height, id: blockId(block.header), stateRoot };
  }

  /** The first that somebody gives without fault. */
  async #fromAny<Result>(
    peers: readonly string[],
    get: (peer: string) => Promise<Result>,
  ): Promise<Result | undefined> {
    for (const peer of peers) {
      const result = await this.#attempt<Result | undefined>(() => get(peer), undefined);
      if (result !== undefined) return result;
    }
    return undefined;
  }

  async #attempt<Result>(get: () => Promise<Result>, otherwise: Result): Promise<Result> {
    try {
      return await get();
    } catch (error) {
      if (!isTyped(error)) throw error;
      this.#parts.onWarning?.(error);
      return otherwise;
    }
  }

  #blame(peer: string, code: SyncError['code'], message: string, data: OgpuError['data']): SyncError {
    const error = new SyncError(code, message, data);
    this.#parts.network.blame(peer, error);
    return error;
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      this.#clock.setTimer(ASK_EVERY_MS, resolve);
    });
  }
}

function nameOf({ height, blockId: id, segmentBits }: SnapshotOffer): string {
  return `${height} ${segmentBits} ${toHex(id)}`;
}

function hasBody({ block: { header, body } }: FinalBlock): boolean {
  const roots = bodyRoots(body, body.transactions.map(keccak256));
  return (Object.keys(roots) as (keyof typeof roots)[]).every((field) =>
    bytesEqual(roots[field], header[field]),
  );
}
