import { MAX_TRANSACTION_BYTES } from '../../protocol/limits.js';
import { MempoolError } from './errors.js';

/** Bounds of the pool. */
export interface MempoolConfig {
  /** Transactions in all. */
  readonly maxCount: number;
  /** Bytes of all envelopes. */
  readonly maxBytes: number;
  /** Transactions of one sender; also how far a nonce may be ahead of its account's. */
  readonly maxSenderCount: number;
  /** Envelope bytes of one sender. */
  readonly maxSenderBytes: number;
  /** Transactions that are safe from eviction because they, or later ones of the same sender, came from a local client. */
  readonly maxExemptCount: number;
  /** Envelope bytes of those. */
  readonly maxExemptBytes: number;
  /** Least priority fee per gas, in wei. */
  readonly minTipWei: bigint;
  /** What a replacement must offer more in both fee fields, in 1/10,000. */
  readonly replacementBumpBps: number;
  /** A transaction leaves the pool after this, and later nonces of its sender with it. */
  readonly maxAgeMs: number;
  /** Announced hashes kept for readers that lag. */
  readonly maxAnnouncements: number;
}

export const DEFAULT_MEMPOOL_CONFIG: MempoolConfig = {
  maxCount: 32_768,
  maxBytes: 32 * 1024 * 1024,
  maxSenderCount: 128,
  maxSenderBytes: 1024 * 1024,
  maxExemptCount: 2_048,
  maxExemptBytes: 4 * 1024 * 1024,
  minTipWei: 1n,
  replacementBumpBps: 1_000,
  maxAgeMs: 3 * 3_600_000,
  maxAnnouncements: 16_384,
};

/** @throws MempoolError MEMPOOL_CONFIG: a bound is not positive, or one does not fit into another */
export function checkConfig(config: MempoolConfig): MempoolConfig {
  for (const [field, value] of Object.entries(config)) {
    const isGood = typeof value === 'bigint' ? value >= 0n : Number.isSafeInteger(value) && value >= 1;
    if (!isGood) throw configError(field, 'is not a positive whole number', value);
  }
  if (config.maxSenderBytes < MAX_TRANSACTION_BYTES)
    throw configError('maxSenderBytes', 'is below the largest transaction', config.maxSenderBytes);
  if (config.maxSenderBytes > config.maxBytes)
    throw configError('maxSenderBytes', 'exceeds maxBytes', config.maxSenderBytes);
  if (config.maxExemptCount >= config.maxCount)
    throw configError('maxExemptCount', 'leaves no room for others', config.maxExemptCount);
  if (config.maxExemptBytes > config.maxBytes - MAX_TRANSACTION_BYTES)
    throw configError('maxExemptBytes', 'leaves no room for others', config.maxExemptBytes);
  return config;
}

function configError(field: string, fault: string, value: unknown): MempoolError {
  return new MempoolError('MEMPOOL_CONFIG', `${field} ${fault}`, { field, value });
}
