import { keccak256 } from '../../protocol/crypto/hash.js';
import { emptyCommit } from '../../protocol/types/commit.js';
import type { Header } from '../../protocol/types/header.js';
import type { BlockReceipts, Log } from '../../protocol/types/receipt.js';
import { blockBatch, type FinalBlock } from '../../state/chain/block-batch.js';
import { updateStateRoot } from '../../state/chain/state-root.js';
import { STATE_KEYS } from '../../state/store/keys.js';
import type { RecordedChange } from '../../state/store/overlay.js';
import type { Change, Store } from '../../state/store/store.js';
import { createPrng, type Prng } from './prng.js';
import { SAMPLES } from './samples.js';

/** What the blocks of a long chain are made of. */
export interface LongChainOptions {
  readonly seed: number;
  /** Keys of the state, which blocks change and never leave. */
  readonly keys: number;
  readonly transactionsPerBlock: number;
  /** State entries a block sets; in a random chain up to so many, some to nothing. */
  readonly changesPerBlock: number;
  /** Random numbers of everything, and system phases that log. */
  readonly random?: boolean;
}

const ENVELOPE_BYTES = 110;
const VALUE_BYTES = 24;
/** Emitters and topics, so few that blocks share them. */
const NAMES = 50;

/**
 * An endless chain over a state that does not grow, for what stores blocks and never asks what they mean: transactions and values are
 * random bytes. Each block builds on what `store` holds; nothing is written.
 */
export class LongChain {
  readonly #store: Store;
  readonly #prng: Prng;
  readonly #options: LongChainOptions;
  readonly #header: Header;
  readonly #names: readonly Uint8Array[];

  constructor(store: Store, options: LongChainOptions) {
    this.#store = store;
    this.#options = options;
    this.#prng = createPrng(options.seed);
    this.#header = SAMPLES.header(this.#prng);
    this.#names = Array.from({ length: NAMES }, () => this.#prng.bytes(32));
  }

  /** The keys of its state. */
  keys(): Uint8Array[] {
    return Array.from({ length: this.#options.keys }, (_, i) => this.#key(i));
  }

  block(height: number): FinalBlock {
    const transactions = Array.from({ length: this.#some(this.#options.transactionsPerBlock) }, (_, i) =>
      this.#envelope(height, i),
    );
    const changes = this.#changes();
    const { root, nodes } = updateStateRoot(this.#store, changes);
    return {
      block: {
        header: { ...this.#header, height, stateRoot: root },
        body: { transactions, evidence: [], parentCommit: emptyCommit(), parentExtensions: [] },
      },
      commit: { commit: { ...emptyCommit(), height }, extensions: [] },
      transactionHashes: transactions.map(keccak256),
      receipts: this.#receipts(transactions.length),
      changes,
      treeNodes: nodes,
    };
  }

  batch(height: number): Change[] {
    return blockBatch(this.block(height));
  }

  #receipts(transactions: number): BlockReceipts {
    const isRandom = this.#options.random === true;
    const logs = (): Log[] =>
      Array.from({ length: isRandom ? this.#prng.below(3) : 1 }, () => ({
        address: this.#prng.pick(this.#names).subarray(0, 20),
        topics: Array.from({ length: isRandom ? this.#prng.below(5) : 3 }, () =>
          this.#prng.pick(this.#names),
        ),
        data: new Uint8Array(32),
      }));
    return {
      beginLogs: isRandom ? logs() : [],
      receipts: Array.from({ length: transactions }, (_, i) => ({
        type: 2,
        status: 1,
        cumulativeGasUsed: 21_000 * (i + 1),
        logs: logs(),
      })),
      endLogs: isRandom ? logs() : [],
    };
  }

  #changes(): RecordedChange[] {
    const { keys, changesPerBlock, random = false } = this.#options;
    const numbers = new Set(
      Array.from({ length: this.#some(changesPerBlock) }, () => this.#prng.below(keys)),
    );
    const changes = [...numbers].map((number) => {
      const key = this.#key(number);
      const value = random && this.#prng.chance(1, 4) ? undefined : this.#prng.bytes(VALUE_BYTES);
      return { key, value, old: this.#store.get(key) };
    });
    return changes.filter(({ value, old }) => value !== undefined || old !== undefined);
  }

  #key(number: number): Uint8Array {
    const address = new Uint8Array(20);
    new DataView(address.buffer).setUint32(0, Math.imul(number + 1, 0x9e3779b1));
    return STATE_KEYS.account.encode(address);
  }

  /** Unlike any other of the chain. */
  #envelope(height: number, index: number): Uint8Array {
    const envelope = new Uint8Array(ENVELOPE_BYTES).fill(index + 1);
    new DataView(envelope.buffer).setBigUint64(0, BigInt(height));
    envelope.set(this.#prng.bytes(16), 8);
    return envelope;
  }

  #some(count: number): number {
    return this.#options.random === true ? this.#prng.below(count + 1) : count;
  }
}
