import { bytesEqual } from '../../protocol/bytes.js';
import type { Log } from '../../protocol/types/receipt.js';

/** Which logs are wanted. */
export interface LogFilter {
  /** Any of these emitters; empty: whoever. */
  readonly addresses: readonly Uint8Array[];
  /** For each position any of these topics; empty: whatever, but there must be one. */
  readonly topics: readonly (readonly Uint8Array[])[];
}

export function matches({ addresses, topics }: LogFilter, log: Log): boolean {
  if (topics.length > log.topics.length) return false;
  if (addresses.length > 0 && !addresses.some((address) => bytesEqual(address, log.address))) return false;
  return topics.every((wanted, position) => {
    const topic = log.topics[position];
    return wanted.length === 0 || (topic !== undefined && wanted.some((each) => bytesEqual(each, topic)));
  });
}
