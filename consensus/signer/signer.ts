import type { ExtensionPayload } from '../../protocol/types/extension.js';
import type { ProposalPayload } from '../../protocol/types/proposal.js';
import type { VotePayload } from '../../protocol/types/vote.js';

/**
 * Signs for one validator key, and never two different things for one (height, round, step). Here or on another machine: all
 * of it is asynchronous.
 *
 * A request for what was signed last gives the same signature again; anything at an earlier place, or other bytes at the same
 * one, is refused. No signature leaves before the record of it is durable.
 *
 * @throws SignerError SIGNER_CONFLICT | SIGNER_REGRESSION | SIGNER_BUSY | SIGNER_BROKEN
 * @throws DiskError where the record cannot be written: nothing was signed
 */
export interface Signer {
  /** BLS, 48 bytes. */
  readonly publicKey: Uint8Array;
  /** @returns 96 bytes */
  signProposal(payload: ProposalPayload): Promise<Uint8Array>;
  /** @returns 96 bytes */
  signPrevote(payload: VotePayload): Promise<Uint8Array>;
  /**
   * Signs a precommit together with its extension, as one record.
   *
   * @param extensionContent undefined with a vote for nil and only then
   * @returns where this precommit was signed before: the extension signed then, whatever the content asked for now
   */
  signPrecommit(payload: VotePayload, extensionContent: Uint8Array | undefined): Promise<SignedPrecommit>;
  /**
   * Reveals this validator's share of a beacon, for no height before the last one signed at.
   *
   * @returns 96 bytes, a function of height and previous beacon: there is no second one to choose from
   */
  reveal(payload: BeaconPayload): Promise<Uint8Array>;
  /** Whether this precommit was signed here; undefined where the signer does not remember so far back. Signs nothing. */
  hasSignedPrecommit(payload: VotePayload): Promise<boolean | undefined>;
  /** Lets go of files or connections; nothing is asked for afterwards. */
  close(): Promise<void>;
}

export interface BeaconPayload {
  readonly height: number;
  /** 32 bytes. */
  readonly previousBeacon: Uint8Array;
}

export interface SignedPrecommit {
  /** 96 bytes. */
  readonly signature: Uint8Array;
  /** Undefined with a vote for nil. */
  readonly extension: SignedExtension | undefined;
}

export interface SignedExtension {
  readonly payload: ExtensionPayload;
  /** 96 bytes. */
  readonly signature: Uint8Array;
}
