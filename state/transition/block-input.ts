import type { Address } from '../../protocol/address.js';
import type { Offence } from '../staking/evidence.js';
import type { SenderTransaction } from './block-context.js';

/** The content of one vote extension, and whose it is. */
export interface Said {
  readonly validator: Address;
  readonly content: Uint8Array;
}

/** What of a block execution works on; consensus has checked signatures and commitments before. */
export interface BlockInput {
  readonly height: number;
  /** Header time in Unix milliseconds. */
  readonly timeMs: number;
  /** Validator id of the maker of the fresh proposal. */
  readonly proposer: Address;
  /** The proposer's signature that moves the beacon on, 96 bytes; consensus has verified it. */
  readonly beaconReveal: Uint8Array;
  /** Members of the set of the block before that are not in its commit. */
  readonly absent: readonly Address[];
  readonly evidence: readonly Offence[];
  /** What validators have said with their votes for the blocks before. */
  readonly said: readonly Said[];
  readonly transactions: readonly SenderTransaction[];
}
