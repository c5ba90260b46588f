import { beaconPayloadCodec, signingRoot, type ChainIdentity } from './domains.js';
import { extensionPayloadCodec, type ExtensionPayload } from './types/extension.js';
import { proposalPayloadCodec, type ProposalPayload } from './types/proposal.js';
import { PREVOTE, votePayloadCodec, type VoteKind, type VotePayload } from './types/vote.js';

/*
 * The 32 bytes that a validator signs for each of its messages. `identity` names the protocol version active at the height of the
 * message.
 */

/** @throws SszError for a payload that does not fit its schema; so do all below */
export function proposalSigningRoot(identity: ChainIdentity, payload: ProposalPayload): Uint8Array {
  return signingRoot(identity, 'proposal', proposalPayloadCodec.root(payload));
}

export function voteSigningRoot(identity: ChainIdentity, kind: VoteKind, payload: VotePayload): Uint8Array {
  return signingRoot(identity, kind === PREVOTE ? 'prevote' : 'precommit', votePayloadCodec.root(payload));
}

export function extensionSigningRoot(identity: ChainIdentity, payload: ExtensionPayload): Uint8Array {
  return signingRoot(identity, 'vote-extension', extensionPayloadCodec.root(payload));
}

/** What is signed to reveal a share of the beacon. */
export function revealSigningRoot(
  identity: ChainIdentity,
  payload: { readonly height: number; readonly previousBeacon: Uint8Array },
): Uint8Array {
  return signingRoot(identity, 'beacon', beaconPayloadCodec.root(payload));
}
