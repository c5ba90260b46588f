import type { VoteSigner } from '../../consensus/engine/runner.js';

/** A validator's hand: signs its proposals and votes, and reveals its share of the beacon. */
export interface Signatory extends VoteSigner {
  /** The validator, by its owner's address. */
  readonly id: Uint8Array;
  /** @param previousBeacon 32 bytes @returns 96 bytes */
  reveal(height: number, previousBeacon: Uint8Array): Promise<Uint8Array>;
}
