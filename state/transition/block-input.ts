import type { Address } from '../../protocol/address.js';
import type { HeardExtension } from '../jobs/hearing.js';
import type { Offence } from '../staking/evidence.js';
import type { SenderTransaction } from './block-context.js';

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
  /** Of precommits of earlier blocks; consensus has verified who said them. */
  readonly extensions: readonly HeardExtension[];
  readonly transactions: readonly SenderTransaction[];
}
