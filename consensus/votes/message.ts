import type { Address } from '../../protocol/address.js';
import { bytesEqual, toHex } from '../../protocol/bytes.js';
import type { SignedMessage } from '../../protocol/crypto/bls.js';
import type { ChainIdentity } from '../../protocol/domains.js';
import { OgpuError } from '../../protocol/errors.js';
import { extensionSignBytes, proposalSignBytes, voteSignBytes } from '../../protocol/sign-bytes.js';
import type { VoteExtension } from '../../protocol/types/extension.js';
import { NO_ROUND, type Proposal } from '../../protocol/types/proposal.js';
import { isNilBlockId, PRECOMMIT, PREVOTE, type Vote } from '../../protocol/types/vote.js';
import { keyOf, type Committee } from '../committee.js';

/** What validators say to each other while a height is open. A precommit for a block brings its extension along. */
export type ConsensusMessage =
  | { readonly type: 'proposal'; readonly proposal: Proposal }
  | { readonly type: 'vote'; readonly vote: Vote; readonly extension?: VoteExtension };

/** A message that no correct peer sends, or hands on. */
export class VoteError extends OgpuError<
  | 'VOTE_STRANGER'
  | 'VOTE_ROUND'
  | 'VOTE_KIND'
  | 'VOTE_EXTENSION_MISSING'
  | 'VOTE_EXTENSION_UNEXPECTED'
  | 'VOTE_EXTENSION_PLACE'
  | 'VOTE_SIGNATURE'
> {}

/** A message and what must be checked before anybody may believe it. */
export interface Claim {
  readonly signer: Address;
  /** Kind and round: where a correct validator says one thing. */
  readonly slot: string;
  /** What is said there; equal for equal payloads. */
  readonly statement: string;
  /** All of these must hold. */
  readonly signatures: readonly SignedMessage[];
}

export function heightOf(message: ConsensusMessage): number {
  return message.type === 'proposal' ? message.proposal.payload.height : message.vote.payload.height;
}

/**
 * Takes a message apart.
 *
 * @param chain as active at its height
 * @throws VoteError all codes but VOTE_SIGNATURE
 */
export function claimOf(committee: Committee, chain: ChainIdentity, message: ConsensusMessage): Claim {
  if (message.type === 'proposal') {
    const { payload, proposer, signature } = message.proposal;
    const signed = signedBy(committee, proposer, proposalSignBytes(chain, payload), signature);
    return claim(proposer, 'proposal', payload.round, [signed]);
  }
  const { vote, extension } = message;
  const { kind, payload, validator, signature } = vote;
  if (kind !== PREVOTE && kind !== PRECOMMIT) {
    throw new VoteError('VOTE_KIND', `a vote of kind ${kind}`, { kind });
  }
  checkExtensionOf(vote, extension);
  const signed = [signedBy(committee, validator, voteSignBytes(chain, kind, payload), signature)];
  if (extension !== undefined) {
    const signBytes = extensionSignBytes(chain, extension.payload);
    signed.push(signedBy(committee, validator, signBytes, extension.signature));
  }
  return claim(validator, kind === PREVOTE ? 'prevote' : 'precommit', payload.round, signed);
}

function claim(signer: Address, kind: string, round: number, signatures: readonly SignedMessage[]): Claim {
  if (round >= NO_ROUND) throw new VoteError('VOTE_ROUND', 'a message of no round', { round });
  const statement = signatures.map(({ message }) => toHex(message)).join(' ');
  return { signer, slot: `${kind} ${round}`, statement, signatures };
}

/** A precommit for a block has an extension of its own place, every other vote none. */
function checkExtensionOf({ kind, payload, validator }: Vote, extension: VoteExtension | undefined): void {
  const { height, round, blockId } = payload;
  const data = { height, round, validator: toHex(validator) };
  if (kind === PREVOTE || isNilBlockId(blockId)) {
    if (extension === undefined) return;
    throw new VoteError('VOTE_EXTENSION_UNEXPECTED', 'only a precommit for a block has an extension', data);
  }
  if (extension === undefined) {
    throw new VoteError('VOTE_EXTENSION_MISSING', 'a precommit for a block has an extension', data);
  }
  const isOwn = bytesEqual(extension.validator, validator);
  if (isOwn && extension.payload.height === height && extension.payload.round === round) return;
  throw new VoteError('VOTE_EXTENSION_PLACE', 'the extension is of another precommit', data);
}

function signedBy(
  committee: Committee,
  id: Address,
  message: Uint8Array,
  signature: Uint8Array,
): SignedMessage {
  const key = keyOf(committee, id);
  if (key !== undefined) return { key, message, signature };
  throw new VoteError('VOTE_STRANGER', 'the signer is no member of the set of this height', {
    validator: toHex(id),
  });
}
