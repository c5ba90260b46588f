import type { Address } from '../../protocol/address.js';
import { toHex } from '../../protocol/bytes.js';
import { keccak256 } from '../../protocol/crypto/hash.js';
import { OgpuError } from '../../protocol/errors.js';
import { invariant } from '../../protocol/invariant.js';
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
  readonly #inFlight = new Map<string, Promise<RecoveryOutcome>>();

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
    const misses = new Map<string, Uint8Array>();
    const hashes = envelopes.map((envelope) => {
      const hash = keccak256(envelope);
      const key = keyText(hash);
      const isKnown = this.#known(hash) !== undefined || this.#cache.get(key) !== undefined;
      // A copy: what is decoded has views into it, and the envelope may be a small part of a large message.
      if (!isKnown && !this.#inFlight.has(key)) misses.set(key, envelope.slice());
      return hash;
    });
    if (this.#inFlight.size + misses.size > this.#maxInFlight) {
      throw new RecoveryError('RECOVERY_BUSY', 'too many signatures wait to be verified', {
        ...{ waiting: this.#inFlight.size, refused: misses.size, maxInFlight: this.#maxInFlight },
      });
    }
    this.#start(misses);
    return Promise.all(hashes.map((hash) => this.#outcomeOf(hash)));
  }

  #outcomeOf(hash: Uint8Array): Promise<RecoveryOutcome> {
    const recovered = this.#known(hash);
    if (recovered !== undefined) return Promise.resolve({ ok: true, recovered });
    const key = keyText(hash);
    const cached = this.#cache.get(key);
    const outcome = cached === undefined ? this.#inFlight.get(key) : Promise.resolve(cached);
    invariant(outcome !== undefined, 'what is not known is being recovered');
    return outcome;
  }

  /** Begins with the misses; they are in flight until their outcome is in the cache. */
  #start(misses: ReadonlyMap<string, Uint8Array>): void {
    const envelopes = [...misses];
    let before: Promise<unknown> = Promise.resolve();
    for (let from = 0; from < envelopes.length; from += this.#maxBatch) {
      const part = envelopes.slice(from, from + this.#maxBatch);
      const batch = before.then(() => this.#recoverBatch(part.map(([, envelope]) => envelope)));
      before = batch;
      for (const [i, [key]] of part.entries()) {
        const outcome = batch.then((outcomes) => this.#keep(key, outcomes[i]));
        this.#inFlight.set(
          key,
          outcome.finally(() => this.#inFlight.delete(key)),
        );
      }
    }
  }

  #keep(key: string, outcome: RecoveryOutcome | undefined): RecoveryOutcome {
    invariant(outcome !== undefined, 'each envelope of a batch has an outcome');
    this.#cache.set(key, outcome);
    return outcome;
  }

  async #recoverBatch(envelopes: readonly Uint8Array[]): Promise<RecoveryOutcome[]> {
    const decoded = envelopes.map((envelope) => this.#decodeOne(envelope));
    const wanted = decoded.flatMap((item) => (item instanceof OgpuError ? [] : [item]));
    const senders = wanted.length === 0 ? [] : await this.#recover(wanted.map(recoveryOf));
    invariant(senders.length === wanted.length, 'each signature is answered');
    let next = 0;
    return decoded.map((item) =>
      item instanceof OgpuError ? { ok: false, error: item } : outcomeFor(item, senders[next++]),
    );
  }

  #decodeOne(bytes: Uint8Array): Decoded | OgpuError {
    try {
      return { ...decodeTransaction(bytes, this.#decode), bytes };
    } catch (error) {
      if (error instanceof OgpuError) return error;
      throw error;
    }
  }
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
