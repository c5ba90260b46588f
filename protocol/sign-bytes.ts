import { beaconPayloadCodec, signingRoot, type ChainIdentity } from './domains.js';
import { extensionPayloadCodec, type ExtensionPayload } from './types/extension.js';
import { proposalPayloadCodec, type ProposalPayload } from './types/proposal.js';
import { PREVOTE, votePayloadCodec, type VoteKind, type VotePayload } from './types/vote.js';

/*
 * The 32 bytes that a validator's BLS key signs in consensus, one function for each kind of message. `chain` names the chain and the
 * protocol version active at the height of the message. None of them holds time or signer, so equal messages of many validators have
 * equal sign-bytes and aggregate.
 */

export function proposalSignBytes(chain: ChainIdentity, payload: ProposalPayload): Uint8Array {
  return signingRoot(chain, 'proposal', proposalPayloadCodec.root(payload));
}

/** A prevote and a precommit of equal payload differ by their domain. */
export function voteSignBytes(chain: ChainIdentity, kind: VoteKind, payload: VotePayload): Uint8Array {
  return signingRoot(chain, kind === PREVOTE ? 'prevote' : 'precommit', votePayloadCodec.root(payload));
}

export function extensionSignBytes(chain: ChainIdentity, payload: ExtensionPayload): Uint8Array {
  return signingRoot(chain, 'vote-extension', extensionPayloadCodec.root(payload));
}

/** What the proposer of `height` signs to move the beacon on from `previousBeacon`, 32 bytes. */
export function beaconSignBytes(
  chain: ChainIdentity,
  height: number,
  previousBeacon: Uint8Array,
): Uint8Array {
  return signingRoot(chain, 'beacon', beaconPayloadCodec.root({ height, previousBeacon }));
}
