import type { Address } from '../protocol/address.js';
import { nextBeacon, type ChainIdentity } from '../protocol/domains.js';
import { beaconSignBytes } from '../protocol/sign-bytes.js';
import type { Header } from '../protocol/types/header.js';
import { keyOf, type Committee } from './committee.js';

export { genesisBeacon } from '../protocol/domains.js';

/*
 * The randomness of the chain. beacon(h) = H(beacon(h − 1) ‖ reveal of h), and a reveal is the proposer's BLS signature over h and
 * beacon(h − 1). A key has one signature for one message, so a proposer can publish it or not, which costs it the block, but not choose.
 */

/** beacon(h) after the block with `header`, whose reveal was verified, from beacon(h − 1). */
export function beaconAfter(
  { chainId, beaconReveal }: Pick<Header, 'chainId' | 'beaconReveal'>,
  previousBeacon: Uint8Array,
): Uint8Array {
  return nextBeacon(chainId, previousBeacon, beaconReveal);
}

/** Whether `reveal` is what `proposer`, a member of the committee of `height`, had to reveal at `height`. */
export function verifyReveal(
  committee: Committee,
  chain: ChainIdentity,
  { height, proposer, beaconReveal }: { height: number; proposer: Address; beaconReveal: Uint8Array },
  previousBeacon: Uint8Array,
): boolean {
  const key = keyOf(committee, proposer);
  const message = beaconSignBytes(chain, height, previousBeacon);
  return key !== undefined && committee.bls.verify(key, message, beaconReveal);
}
