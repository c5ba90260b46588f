import type { Address } from '../../protocol/address.js';
import { toHex } from '../../protocol/bytes.js';
import { keccak256 } from '../../protocol/crypto/hash.js';
import { OgpuError } from '../../protocol/errors.js';
import { invariant, InvariantError } from '../../protocol/invariant.js';
import { MAX_BLOCK_TRANSACTIONS } from '../../protocol/limits.js';
import {
  decodeTransaction,
  type DecodedTransaction,
  type DecodeOptions,
} from '../../protocol/transactions/decode.js';
import { TransactionError } from '../../protocol/transactions/errors.js';
import { keyText } from '../../state/store/key-text.js';
import type { Recovery } from '../signatures/wire.js';
import type { RecoveredTransaction } from './entry.js';
import { RecoveryError } from './errors.js';

/** The addresses that made signatures, undefined where there is none: `SignaturePool.recoverAddresses`. */
export type RecoverAddresses = (batch: readonly Recovery[]) => Promise<readonly (Address | undefined)[]>;

/** A transaction, or why the envelope is none of this chain: TransactionError or RlpError. */
export type RecoveryOutcome =
  | { readonly ok: true; readonly recovered: RecoveredTransaction }
  | { readonly ok: false; readonly error: OgpuError };

export interface SenderRecoveryOptions {
  readonly recover: RecoverAddresses;
  readonly decode: DecodeOptions;
  /** Where transactions may be known from besides: the pool. */
  readonly known?: (hash: Uint8Array) => RecoveredTransaction | undefined;
  /** Signatures in one call of `recover`. */
  readonly maxBatch?: number;
  /** Signatures that may wait. */
  readonly maxInFlight?: number;
  /** Outcomes kept of what is not in the pool, and their envelope bytes. */
  readonly maxCached?: number;
  readonly maxCachedBytes?: number;
}

/** Envelopes in one call: what a block has at most. */
const MAX_ENVELOPES = MAX_BLOCK_TRANSACTIONS;

/**
 * From envelopes to transactions with senders, for gossip, proposals and block building alike. A signature is verified once: what is in the
 * pool, was seen lately, or is being verified for somebody else is not verified again.
 */
export class SenderRecovery {
  readonly #recover: RecoverAddresses;
  readonly #decode: DecodeOptions;
  readonly #known: (hash: Uint8Array) => RecoveredTransaction | undefined;
  readonly #maxBatch: number;
  readonly #maxInFlight: number;
  readonly #cache: OutcomeCache;
  readonly #inFlight = new Map<string, Batch>();

  constructor(options: SenderRecoveryOptions) {
    this.#recover = options.recover;
    this.#decode = options.decode;
    this.#known = options.known ?? (() => undefined);
    this.#maxBatch = options.maxBatch ?? 1_024;
    this.#maxInFlight = options.maxInFlight ?? 2 * MAX_ENVELOPES;
    this.#cache = new OutcomeCache(options.maxCached ?? 32_768, options.maxCachedBytes ?? 16 * 1024 * 1024);
  }

  /** What is known of a transaction without verifying anything. */
  find(hash: Uint8Array): RecoveredTransaction | undefined {
    const known = this.#known(hash);
    if (known !== undefined) return known;
    const outcome = this.#cache.get(keyText(hash));
    return outcome?.ok === true ? outcome.recovered : undefined;
  }

  /**
   * The outcome for each envelope, in order. Envelopes are copied when they are kept.
   *
   * @throws RecoveryError RECOVERY_TOO_MANY for more than a block has | RECOVERY_BUSY when too many signatures wait already; and what
   * `recover` rejects with, after which nothing is known of those that were asked for
   */
  async recoverAll(envelopes: readonly Uint8Array[]): Promise<RecoveryOutcome[]> {
    if (envelopes.length > MAX_ENVELOPES) {
      throw new RecoveryError('RECOVERY_TOO_MANY', 'more transactions than a block has', {
        ...{ count: envelopes.length, maxCount: MAX_ENVELOPES },
      });
    }
    const keys: string[] = [];
    const outcomes: (RecoveryOutcome | undefined)[] = [];
    const misses = new Map<string, Miss>();
    const awaited = new Set<Batch>();
    for (const envelope of envelopes) {
      const hash = keccak256(envelope);
      const key = keyText(hash);
      const recovered = this.#known(hash);
      const outcome = recovered === undefined ? this.#cache.get(key) : { ok: true as const, recovered };
      keys.push(key);
      outcomes.push(outcome);
      if (outcome !== undefined) continue;
      const batch = this.#inFlight.get(key);
      if (batch !== undefined) awaited.add(batch);
      // A copy: what is decoded has views into it, and the envelope may be a small part of a large message.
      else if (!misses.has(key)) misses.set(key, { key, hash, envelope: envelope.slice() });
    }
    if (this.#inFlight.size + misses.size > this.#maxInFlight) {
      throw new RecoveryError('RECOVERY_BUSY', 'too many signatures wait to be verified', {
        ...{ waiting: this.#inFlight.size, refused: misses.size, maxInFlight: this.#maxInFlight },
      });
    }
    for (const batch of this.#start([...misses.values()])) awaited.add(batch);
    const done = [...awaited].map((batch) => batch.done);
    // Those behind one that failed fail with it: none is in flight any more when this throws.
    await Promise.allSettled(done);
    const found = await Promise.all(done);
    return outcomes.map((outcome, i) => outcome ?? outcomeIn(found, keys[i]));
  }

  /** Begins with the misses, one batch after the other; they are in flight until their outcome is in the cache. */
  #start(misses: readonly Miss[]): Batch[] {
    const batches: Batch[] = [];
    for (let from = 0; from < misses.length; from += this.#maxBatch) {
      const part = misses.slice(from, from + this.#maxBatch);
      const before = batches.at(-1)?.done ?? Promise.resolve();
      const done = before
        .then(() => this.#recoverBatch(part))
        .finally(() => {
          for (const { key } of part) this.#inFlight.delete(key);
        });
      const batch = { done };
      for (const { key } of part) this.#inFlight.set(key, batch);
      batches.push(batch);
    }
    return batches;
  }

  async #recoverBatch(misses: readonly Miss[]): Promise<ReadonlyMap<string, RecoveryOutcome>> {
    const decoded = misses.map((miss) => this.#decodeOne(miss));
    const wanted = decoded.flatMap((item) => (item instanceof OgpuError ? [] : [recoveryOf(item)]));
    const senders = wanted.length === 0 ? [] : await this.#recover(wanted);
    invariant(senders.length === wanted.length, 'each signature is answered');
    const outcomes = new Map<string, RecoveryOutcome>();
    let next = 0;
    for (const [i, item] of decoded.entries()) {
      const key = misses[i]?.key ?? '';
      const outcome: RecoveryOutcome =
        item instanceof OgpuError ? { ok: false, error: item } : outcomeFor(item, senders[next++]);
      outcomes.set(key, outcome);
      this.#cache.set(key, outcome);
    }
    return outcomes;
  }

  #decodeOne({ envelope: bytes, hash }: Miss): Decoded | OgpuError {
    try {
      return { ...decodeTransaction(bytes, { ...this.#decode, hash }), bytes };
    } catch (error) {
      if (error instanceof OgpuError) return error;
      throw error;
    }
  }
}

/** An envelope of which nothing is known. */
interface Miss {
  readonly key: string;
  readonly hash: Uint8Array;
  readonly envelope: Uint8Array;
}

/** Envelopes that are being recovered together. */
interface Batch {
  /** Their outcomes by key. */
  readonly done: Promise<ReadonlyMap<string, RecoveryOutcome>>;
}

function outcomeIn(
  batches: readonly ReadonlyMap<string, RecoveryOutcome>[],
  key: string | undefined,
): RecoveryOutcome {
  for (const outcomes of batches) {
    const outcome = outcomes.get(key ?? '');
    if (outcome !== undefined) return outcome;
  }
  throw new InvariantError('what is not known is being recovered');
}

interface Decoded extends DecodedTransaction {
  readonly bytes: Uint8Array;
}

function recoveryOf({ transaction, signingHash }: Decoded): Recovery {
  const { rs, yParity } = transaction.signature;
  return { digest: signingHash, signature: rs, yParity };
}

function outcomeFor({ transaction, hash, bytes }: Decoded, sender: Address | undefined): RecoveryOutcome {
  if (sender !== undefined) return { ok: true, recovered: { transaction, hash, bytes, sender } };
  const data = { hash: toHex(hash) };
  const error = new TransactionError('TX_SENDER_UNRECOVERABLE', 'no public key matches the signature', data);
  return { ok: false, error };
}

/** The latest outcomes, bounded in count and bytes. */
class OutcomeCache {
  readonly #outcomes = new Map<string, RecoveryOutcome>();
  readonly #maxCount: number;
  readonly #maxBytes: number;
  #sizeBytes = 0;

  constructor(maxCount: number, maxBytes: number) {
    this.#maxCount = maxCount;
    this.#maxBytes = maxBytes;
  }

  get(key: string): RecoveryOutcome | undefined {
    return this.#outcomes.get(key);
  }

  set(key: string, outcome: RecoveryOutcome): void {
    this.#outcomes.set(key, outcome);
    this.#sizeBytes += bytesOf(outcome);
    for (const [oldest, old] of this.#outcomes) {
      if (this.#outcomes.size <= this.#maxCount && this.#sizeBytes <= this.#maxBytes) return;
      this.#outcomes.delete(oldest);
      this.#sizeBytes -= bytesOf(old);
    }
  }
}

function bytesOf(outcome: RecoveryOutcome): number {
  return outcome.ok ? outcome.recovered.bytes.length : 0;
}
