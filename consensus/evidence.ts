import type { Address } from '../protocol/address.js';
import { bytesEqual, compareBytes, toHex } from '../protocol/bytes.js';
import type { Bls } from '../protocol/crypto/bls.js';
import type { ChainIdentity } from '../protocol/domains.js';
import { OgpuError } from '../protocol/errors.js';
import { extensionSignBytes, proposalSignBytes, voteSignBytes } from '../protocol/sign-bytes.js';
import {
  DUPLICATE_EXTENSION,
  DUPLICATE_PROPOSAL,
  DUPLICATE_VOTE,
  type Evidence,
} from '../protocol/types/evidence.js';
import { extensionPayloadCodec, type VoteExtension } from '../protocol/types/extension.js';
import { proposalPayloadCodec, type Proposal } from '../protocol/types/proposal.js';
import { PRECOMMIT, PREVOTE, votePayloadCodec, type Vote } from '../protocol/types/vote.js';

/** Who contradicted itself, and at which height. What it costs is for the ledger to say. */
export interface Offence {
  readonly validator: Address;
  readonly height: number;
}

/** What a check of evidence asks of the chain. */
export interface EvidenceContext {
  readonly bls: Bls;
  /** The chain as active at a height, for sign-bytes. */
  readonly chainAt: (height: number) => ChainIdentity;
  /** The BLS key a validator signed with at a height; undefined where nothing can be proved (any more). */
  readonly keyAt: (validator: Address, height: number) => Uint8Array | undefined;
}

/** Evidence that proves nothing. */
export class EvidenceProofError extends OgpuError<
  | 'EVIDENCE_VOTE_KIND'
  | 'EVIDENCE_SIGNERS_DIFFER'
  | 'EVIDENCE_PLACES_DIFFER'
  | 'EVIDENCE_PAYLOADS_EQUAL'
  | 'EVIDENCE_ORDER'
  | 'EVIDENCE_UNSORTED'
  | 'EVIDENCE_KEY_UNKNOWN'
  | 'EVIDENCE_SIGNATURE'
> {}

/** Evidence out of two verified proposals; undefined when they do not contradict each other. */
export function duplicateProposal(a: Proposal, b: Proposal): Evidence | undefined {
  const pair = contradiction(a, b);
  return pair && { selector: DUPLICATE_PROPOSAL, value: pair };
}

/** Evidence out of two verified votes; undefined when they do not contradict each other. */
export function duplicateVote(a: Vote, b: Vote): Evidence | undefined {
  const pair = contradiction(a, b);
  return pair && { selector: DUPLICATE_VOTE, value: pair };
}

/** Evidence out of two verified extensions; undefined when they do not contradict each other. */
export function duplicateExtension(a: VoteExtension, b: VoteExtension): Evidence | undefined {
  const pair = contradiction(a, b);
  return pair && { selector: DUPLICATE_EXTENSION, value: pair };
}

/**
 * Checks that a validator signed two different messages of one kind for one height and round, in the one encoding evidence has.
 *
 * @throws EvidenceProofError
 */
export function checkEvidence(context: EvidenceContext, { value: { first, second } }: Evidence): Offence {
  const [one, two] = [statementOf(first), statementOf(second)];
  const { signer, height } = one;
  const data = { validator: toHex(signer), height };
  if (one.kind === undefined || one.kind !== two.kind) {
    throw new EvidenceProofError('EVIDENCE_VOTE_KIND', 'the messages are not of one kind', data);
  }
  if (!bytesEqual(signer, two.signer)) {
    throw new EvidenceProofError('EVIDENCE_SIGNERS_DIFFER', 'the messages are of two validators', data);
  }
  if (height !== two.height || one.round !== two.round) {
    throw new EvidenceProofError('EVIDENCE_PLACES_DIFFER', 'the messages are of two heights or rounds', data);
  }
  const order = compareBytes(one.root, two.root);
  if (order === 0) throw new EvidenceProofError('EVIDENCE_PAYLOADS_EQUAL', 'one message, twice', data);
  if (order > 0) throw new EvidenceProofError('EVIDENCE_ORDER', 'the lower root comes first', data);
  const keyBytes = context.keyAt(signer, height);
  if (keyBytes === undefined) {
    throw new EvidenceProofError(
      'EVIDENCE_KEY_UNKNOWN',
      'nothing can be proved of this validator and height',
      data,
    );
  }
  const key = context.bls.parsePublicKey(keyBytes);
  const chain = context.chainAt(height);
  for (const { signBytes, signature } of [one, two]) {
    if (context.bls.verify(key, signBytes(chain), signature)) continue;
    throw new EvidenceProofError('EVIDENCE_SIGNATURE', 'a message is not signed by the validator', data);
  }
  return { validator: signer, height };
}

/**
 * Checks the evidence of a block: ascending by validator, one piece for each, since one is punished once.
 *
 * @throws EvidenceProofError
 */
export function checkBlockEvidence(context: EvidenceContext, evidence: readonly Evidence[]): Offence[] {
  const offenders = evidence.map(({ value: { first } }) => statementOf(first).signer);
  for (const [position, validator] of offenders.entries()) {
    const before = offenders[position - 1];
    if (before !== undefined && compareBytes(before, validator) >= 0) {
      throw new EvidenceProofError('EVIDENCE_UNSORTED', 'evidence ascends by validator, one piece for each', {
        ...{ position, validator: toHex(validator) },
      });
    }
  }
  return evidence.map((piece) => checkEvidence(context, piece));
}

/** What a message says, to be held against another one. */
interface Statement {
  /** Undefined for a vote that is neither prevote nor precommit. */
  readonly kind: 'proposal' | 'prevote' | 'precommit' | 'extension' | undefined;
  readonly signer: Address;
  readonly height: number;
  readonly round: number;
  /** Root of the payload. */
  readonly root: Uint8Array;
  readonly signature: Uint8Array;
  readonly signBytes: (chain: ChainIdentity) => Uint8Array;
}

type Message = Proposal | Vote | VoteExtension;

function statementOf(message: Message): Statement {
  const { height, round } = message.payload;
  const { signature } = message;
  if ('proposer' in message) {
    const { payload, proposer } = message;
    const signBytes = (chain: ChainIdentity): Uint8Array => proposalSignBytes(chain, payload);
    const root = proposalPayloadCodec.root(payload);
    return { kind: 'proposal', signer: proposer, height, round, root, signature, signBytes };
  }
  const signer = message.validator;
  if ('kind' in message) {
    const { payload, kind } = message;
    const step = kind === PREVOTE ? PREVOTE : PRECOMMIT;
    const signBytes = (chain: ChainIdentity): Uint8Array => voteSignBytes(chain, step, payload);
    const root = votePayloadCodec.root(payload);
    return { kind: KIND_NAMES[kind], signer, height, round, root, signature, signBytes };
  }
  const { payload } = message;
  const signBytes = (chain: ChainIdentity): Uint8Array => extensionSignBytes(chain, payload);
  const root = extensionPayloadCodec.root(payload);
  return { kind: 'extension', signer, height, round, root, signature, signBytes };
}

const KIND_NAMES: Readonly<Record<number, 'prevote' | 'precommit'>> = {
  [PREVOTE]: 'prevote',
  [PRECOMMIT]: 'precommit',
};

/** The two in canonical order when they contradict each other. */
function contradiction<Kind extends Message>(a: Kind, b: Kind): { first: Kind; second: Kind } | undefined {
  const [one, two] = [statementOf(a), statementOf(b)];
  const samePlace = one.kind === two.kind && one.height === two.height && one.round === two.round;
  const order = compareBytes(one.root, two.root);
  if (!samePlace || !bytesEqual(one.signer, two.signer) || order === 0) return undefined;
  return order < 0 ? { first: a, second: b } : { first: b, second: a };
}
