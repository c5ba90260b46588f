import { compareBytes } from '../../protocol/bytes.js';
import { StoreError } from './errors.js';
import type { Change, KeyRange, RangeQuery } from './store.js';

export const MAX_KEY_BYTES = 255;

/** Above an encoded block with its receipts. */
export const MAX_VALUE_BYTES = 32 * 1024 * 1024;

/** Keys and values of one batch. */
export const MAX_BATCH_BYTES = 256 * 1024 * 1024;
export const MAX_BATCH_CHANGES = 4_194_304;

/** One page of a range. */
export const PAGE_ENTRIES = 1000;
export const PAGE_BYTES = 1024 * 1024;

/** Writes that wait for their turn; a caller that does not await its writes meets STORE_BUSY. */
export const MAX_WAITING_WRITES = 64;

/** @throws StoreError STORE_KEY_INVALID | STORE_VALUE_TOO_LARGE | STORE_BATCH_TOO_LARGE */
export function checkBatch(batch: readonly Change[]): void {
  let bytes = 0;
  for (const { key, value } of batch) {
    checkKey(key);
    if (value !== undefined) checkValue(value);
    bytes += key.length + (value?.length ?? 0);
  }
  if (batch.length > MAX_BATCH_CHANGES || bytes > MAX_BATCH_BYTES) {
    throw new StoreError('STORE_BATCH_TOO_LARGE', 'a batch may not hold this much', {
      changes: batch.length,
      maxChanges: MAX_BATCH_CHANGES,
      bytes,
      maxBytes: MAX_BATCH_BYTES,
    });
  }
}

/** @throws StoreError STORE_KEY_INVALID */
export function checkKey(key: Uint8Array): void {
  if (key.length > 0 && key.length <= MAX_KEY_BYTES) return;
  throw new StoreError('STORE_KEY_INVALID', `a key has 1 to ${MAX_KEY_BYTES} bytes`, { length: key.length });
}

/** @throws StoreError STORE_VALUE_TOO_LARGE */
export function checkValue(value: Uint8Array): void {
  if (value.length <= MAX_VALUE_BYTES) return;
  throw new StoreError('STORE_VALUE_TOO_LARGE', `a value has at most ${MAX_VALUE_BYTES} bytes`, {
    length: value.length,
  });
}

/** @throws StoreError STORE_KEY_INVALID | STORE_RANGE_INVALID */
export function checkRange({ gte, lt }: KeyRange): void {
  checkKey(gte);
  checkKey(lt);
  if (compareBytes(gte, lt) > 0) throw new StoreError('STORE_RANGE_INVALID', 'a range ends before it begins');
}

/** @throws StoreError STORE_KEY_INVALID | STORE_RANGE_INVALID */
export function checkQuery(query: RangeQuery): void {
  checkRange(query);
  if (Number.isSafeInteger(query.limit) && query.limit >= 0) return;
  throw new StoreError('STORE_RANGE_INVALID', 'the limit of a range is a whole number', {
    limit: query.limit,
  });
}
