import type { Message, SignedProposal, SignedVote } from '../../../consensus/messages.js';
import { bytesEqual } from '../../../protocol/bytes.js';
import type { ChainIdentity } from '../../../protocol/domains.js';
import { extensionSignBytes, proposalSignBytes, voteSignBytes } from '../../../protocol/sign-bytes.js';
import { BitArray } from '../../../protocol/ssz/types.js';
import { blockId } from '../../../protocol/types/header.js';
import { NO_ROUND, type ProposalPayload } from '../../../protocol/types/proposal.js';
import {
  isNilBlockId,
  NIL_BLOCK_ID,
  PRECOMMIT,
  PREVOTE,
  type VoteKind,
} from '../../../protocol/types/vote.js';
import type { Prng } from '../../support/prng.js';
import type { SimulatedChain, SimulatedValidator } from './chain.js';

/** A Byzantine validator: an honest node inside, and what it makes of every message on its way out. */
export interface Criminal {
  readonly chain: SimulatedChain;
  readonly self: SimulatedValidator;
  readonly random: Prng;
  /** The proposal of each round it has seen, the latest ones. */
  readonly proposals: Map<string, SignedProposal>;
  /** Tells the checkers of a crime that one honest node alone can prove. */
  readonly confess: () => void;
}

/** What blocks of liars say they come to. */
export const WRONG_ROOT = new Uint8Array(32).fill(0xbb);

/** What node `to` gets instead of a message. */
export type Crime = (criminal: Criminal, message: Message, to: number) => readonly Message[];

/** Everything a validator can do against the others, by name. `twins` is a node that runs twice. */
export const CRIMES: Readonly<Record<string, Crime>> = {
  /** Says one thing to some, another to others, and now and then both. */
  equivocator: (criminal, message, to) => {
    const other = contradicted(criminal, message);
    if (other.length === 0) return [message];
    if (criminal.random.chance(1, 4)) {
      if (isOwn(criminal, message)) criminal.confess();
      return [message, ...other];
    }
    return to % 2 === 0 ? [message] : other;
  },
  /** Votes for whatever is proposed, whatever it is locked on, without waiting for a polka. */
  amnesiac: (criminal, message) => {
    const own = ownVote(criminal, message);
    if (own === undefined) return [message];
    const { height, round, blockId: voted } = own.vote.payload;
    const proposal = criminal.proposals.get(`${height}/${round}`);
    if (proposal === undefined || !isNilBlockId(voted)) return [message];
    return [voteMessage(criminal, own, proposal.proposal.payload.blockId)];
  },
  /** Some never hear of its votes, nor get its blocks. */
  withholder: (criminal, message, to) => {
    const isHeld = isBody(message) || ownVote(criminal, message) !== undefined;
    return isHeld && to % 3 !== 0 ? [] : [message];
  },
  /** Votes for nothing, ever. */
  nuller: (criminal, message) => {
    const own = ownVote(criminal, message);
    return own === undefined ? [message] : [voteMessage(criminal, own, NIL_BLOCK_ID)];
  },
  /** Proposes blocks that do not come to what they say. */
  'wrong-root': (criminal, message) => {
    const stateRoot = WRONG_ROOT;
    if (message.kind === 'proposal') return [reproposed(criminal, message.proposal, { stateRoot })];
    const other = withHeader(criminal, message, { stateRoot });
    return [other ?? message];
  },
  /** Sends commits nobody made. */
  'commit-forger': (criminal, message) => {
    const own = ownVote(criminal, message);
    if (own === undefined || criminal.random.chance(1, 2)) return [message];
    const { height, round } = own.vote.payload;
    const signers = BitArray.fromBoolArray(criminal.chain.validators.map(() => criminal.random.chance(4, 5)));
    const commit = {
      height,
      round,
      blockId: criminal.random.bytes(32),
      signers,
      signature: own.vote.signature,
    };
    return [
      message,
      { kind: 'commit', commit: { commit, extensions: [] } },
      { kind: 'polka', polka: commit },
    ];
  },
  /** Takes its own precommit for a commit, and its own prevote for a polka. */
  usurper: (criminal, message) => {
    const own = ownVote(criminal, message);
    if (own === undefined || isNilBlockId(own.vote.payload.blockId)) return [message];
    const { validators } = criminal.chain;
    // Its place in the set is guessed.
    const place = criminal.random.below(validators.length);
    const signers = BitArray.fromBoolArray(validators.map((_, index) => index === place));
    const proof = { ...own.vote.payload, signers, signature: own.vote.signature };
    if (own.vote.kind === PREVOTE) return [{ kind: 'polka', polka: proof }, message];
    return [{ kind: 'commit', commit: { commit: proof, extensions: [...own.extension] } }, message];
  },
  /** Proposes again what it has seen proposed before, of a round it makes up: as if there had been a polka. */
  necromancer: (criminal, message) => {
    if (message.kind !== 'proposal') return [message];
    const { height, round } = message.proposal.proposal.payload;
    const earlier = [...criminal.proposals.values()].filter(({ proposal: { payload } }) => {
      return payload.height === height && payload.round < round;
    });
    if (earlier.length === 0) return [message];
    const { header } = criminal.random.pick(earlier);
    const validRound = header.round + criminal.random.below(round - header.round);
    return [reproposed(criminal, { ...message.proposal, header }, {}, { validRound })];
  },
  /** Keeps its proposals, and so its share of the beacon, to itself. */
  'beacon-withholder': (_criminal, message) =>
    message.kind === 'proposal' || isBody(message) ? [] : [message],
  /** Extensions that are missing, forged, or different for everybody. */
  'extension-liar': (criminal, message) => {
    const own = ownVote(criminal, message);
    const [extension] = own?.extension ?? [];
    if (own === undefined || extension === undefined) return [message];
    const vote = own.vote;
    const { random } = criminal;
    if (random.chance(1, 4)) return [{ kind: 'vote', vote: { vote, extension: [] } }];
    const payload = { ...extension.payload, content: random.bytes(random.below(40)) };
    const signature = sign(criminal, extensionSignBytes(identity(criminal), payload));
    const isForged = random.chance(1, 4);
    const told = { ...extension, payload, signature: isForged ? extension.signature : signature };
    return [{ kind: 'vote', vote: { vote, extension: [told] } }];
  },
  /** Votes for rounds nobody is in, and anything else that takes memory. */
  flooder: (criminal, message) => {
    const own = ownVote(criminal, message);
    if (own === undefined) return [message];
    const { height, round } = own.vote.payload;
    const flood = Array.from({ length: 40 }, (): Message => {
      const places = {
        height: height + criminal.random.below(3),
        round: round + criminal.random.below(1_000_000),
      };
      return voteMessage(
        criminal,
        own,
        criminal.random.chance(1, 2) ? NIL_BLOCK_ID : criminal.random.bytes(32),
        places,
      );
    });
    return [...flood, message];
  },
  /** The same key in two nodes, each honest by itself. */
  twins: (_criminal, message) => [message],
};

/** Proposals a criminal remembers. */
const MAX_PROPOSALS = 64;

/** What a criminal overhears. */
export function overhear({ proposals }: Criminal, message: Message): void {
  if (message.kind !== 'proposal') return;
  const { height, round } = message.proposal.proposal.payload;
  proposals.set(`${height}/${round}`, message.proposal);
  const [oldest] = proposals.keys();
  if (proposals.size > MAX_PROPOSALS && oldest !== undefined) proposals.delete(oldest);
}

function ownVote({ self }: Criminal, message: Message): SignedVote | undefined {
  return message.kind === 'vote' && bytesEqual(message.vote.vote.validator, self.id)
    ? message.vote
    : undefined;
}

/** Whether others can hold a message against who signed it: a vote or a proposal of its own. */
function isOwn(criminal: Criminal, message: Message): boolean {
  if (message.kind !== 'proposal') return ownVote(criminal, message) !== undefined;
  return bytesEqual(message.proposal.proposal.proposer, criminal.self.id);
}

/** The message that contradicts a message, where there can be one; a block comes with its proposal. */
function contradicted(criminal: Criminal, message: Message): readonly Message[] {
  const own = ownVote(criminal, message);
  if (own !== undefined) {
    const { payload } = own.vote;
    const proposal = criminal.proposals.get(`${payload.height}/${payload.round}`);
    const target = isNilBlockId(payload.blockId) ? proposal?.proposal.payload.blockId : NIL_BLOCK_ID;
    return target === undefined ? [] : [voteMessage(criminal, own, target)];
  }
  const extraData = new Uint8Array(1).fill(0xee);
  if (message.kind === 'proposal' && message.proposal.proposal.payload.validRound === NO_ROUND) {
    return [reproposed(criminal, message.proposal, { extraData })];
  }
  const other = withHeader(criminal, message, { extraData });
  return other === undefined ? [] : [other];
}

/** Whether a message brings a block, or some of it. */
function isBody({ kind }: Message): boolean {
  return kind === 'block' || kind === 'compactBody' || kind === 'compactBlock' || kind === 'transactions';
}

/** The criminal's own block with something else in the header; undefined for any other message. */
function withHeader(
  { self }: Criminal,
  message: Message,
  changes: Partial<SignedProposal['header']>,
): Message | undefined {
  if (message.kind === 'block' && bytesEqual(message.block.header.proposer, self.id)) {
    const { block } = message;
    return { kind: 'block', block: { ...block, header: { ...block.header, ...changes } } };
  }
  if (message.kind === 'compactBlock' && bytesEqual(message.compactBlock.header.proposer, self.id)) {
    const { compactBlock } = message;
    const header = { ...compactBlock.header, ...changes };
    return { kind: 'compactBlock', compactBlock: { ...compactBlock, header } };
  }
  return undefined;
}

function reproposed(
  criminal: Criminal,
  { proposal, header }: SignedProposal,
  changes: Partial<SignedProposal['header']>,
  places: Partial<ProposalPayload> = {},
): Message {
  const changed = { ...header, ...changes };
  const payload = { ...proposal.payload, ...places, blockId: blockId(changed) };
  const signature = sign(criminal, proposalSignBytes(identity(criminal), payload));
  return { kind: 'proposal', proposal: { proposal: { ...proposal, payload, signature }, header: changed } };
}

function voteMessage(
  criminal: Criminal,
  { vote, extension: [known] }: SignedVote,
  target: Uint8Array,
  places: { readonly height: number; readonly round: number } = vote.payload,
): Message {
  const { height, round } = places;
  const payload = { height, round, blockId: target };
  const kind = vote.kind as VoteKind;
  const signature = sign(criminal, voteSignBytes(identity(criminal), kind, payload));
  const signed = { ...vote, payload, signature };
  if (kind === PREVOTE || isNilBlockId(target))
    return { kind: 'vote', vote: { vote: signed, extension: [] } };
  const extended = { height, round, content: known?.payload.content ?? new Uint8Array(0) };
  const extension = {
    payload: extended,
    validator: criminal.self.id,
    signature: sign(criminal, extensionSignBytes(identity(criminal), extended)),
  };
  return { kind: 'vote', vote: { vote: { ...signed, kind: PRECOMMIT }, extension: [extension] } };
}

function sign({ chain, self }: Criminal, message: Uint8Array): Uint8Array {
  return chain.bls.sign(self.blsSecretKey, message);
}

function identity({ chain }: Criminal): ChainIdentity {
  const { chainId, genesisId } = chain.genesis;
  return { chainId, genesisId, protocolVersion: 1 };
}
