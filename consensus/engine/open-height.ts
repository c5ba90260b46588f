import { bytesEqual, toHex } from '../../protocol/bytes.js';
import { isNilBlockId, PREVOTE } from '../../protocol/types/vote.js';
import type { Block } from '../../protocol/types/block.js';
import type { ExtendedCommit } from '../../protocol/types/commit.js';
import { HeightDriver } from '../core/driver.js';
import type { BlockName, CoreVote, ValidatorName, VoteKind, VoteTarget } from '../core/types.js';
import type { Polka, SignedProposal, SignedVote } from '../messages.js';
import { proposalFault } from '../proposal-rules.js';
import type { HeightContext, Peer } from './input.js';
import { contradictions } from './past-height.js';

/** A counted vote with what has been signed. */
export interface EngineVote extends CoreVote {
  readonly signed: SignedVote;
}

/** Rounds before the present one of which unlocked blocks are kept. */
const KEPT_BLOCK_ROUNDS = 2;

/** Rounds after the present one of which blocks are taken in. */
const FUTURE_BLOCK_ROUNDS = 1;

/** Everything known about the height that is being decided. */
export class OpenHeight {
  readonly context: HeightContext;
  readonly own: ValidatorName | null;
  readonly driver: HeightDriver<EngineVote>;
  readonly proposals = new Map<number, SignedProposal>();
  readonly blocks = new Map<BlockName, Block>();
  /** Blocks that are being executed. */
  readonly inValidation = new Set<BlockName>();
  readonly polkas = new Map<number, Polka>();
  /** The latest own vote of each kind. */
  readonly ownVotes = new Map<VoteKind, SignedVote>();
  /** Peers that have been helped since the last resend. */
  readonly helped = new Set<Peer>();
  certificate: ExtendedCommit | undefined;
  isOpen = false;
  isIntervalOver = false;
  hasWork = false;

  constructor(context: HeightContext, ownId: Uint8Array | undefined) {
    this.context = context;
    const powers = new Map(context.validators.map(({ id, votingPower }) => [toHex(id), votingPower]));
    const name = ownId === undefined ? null : toHex(ownId);
    this.own = name !== null && powers.has(name) ? name : null;
    this.driver = new HeightDriver({
      own: this.own,
      powers,
      proposerOf: (round) => toHex(context.proposerOf(round)),
    });
  }

  /** Whether a proposal is of this height and its round's proposer, and its header is where the proposal says. */
  isWellPlaced({ proposal, header }: SignedProposal): boolean {
    const { height, round } = proposal.payload;
    if (height !== this.context.height) return false;
    if (!bytesEqual(proposal.proposer, this.context.proposerOf(round))) return false;
    return proposalFault(proposal, header) === undefined;
  }

  /** Known votes of validators that a certificate has as signers of something else. */
  contradictedBy(kind: VoteKind, certificate: Polka): SignedVote[] {
    const members = this.context.validators.map(({ id }) => toHex(id));
    const votes = new Map(
      this.driver.votes.votesOf(kind, certificate.round).map(({ validator, signed }) => [validator, signed]),
    );
    return contradictions(members, certificate, (name) => votes.get(name));
  }

  /** Blocks that could be locked, prevoted or decided now. */
  wanted(): Set<BlockName> {
    const { round, valid } = this.driver.state;
    const { votes } = this.driver;
    const names = new Set<BlockName>();
    const candidates = [
      votes.commit()?.block,
      votes.quorum('prevote', round),
      valid?.block,
      votes.latestPolka(round)?.block,
      this.driver.proposal(round)?.block,
    ];
    for (const name of candidates) if (typeof name === 'string') names.add(name);
    return names;
  }

  /** Whether a block that has come may be of use. */
  admits(name: BlockName): boolean {
    if (this.blocks.has(name)) return false;
    if (this.wanted().has(name)) return true;
    const { round } = this.driver.state;
    for (let future = round; future <= round + FUTURE_BLOCK_ROUNDS; future++) {
      if (this.driver.proposal(future)?.block === name) return true;
    }
    return false;
  }

  /** Whether votes of a round may count soon. */
  isNear(round: number): boolean {
    const present = this.driver.state.round;
    return round >= present - KEPT_BLOCK_ROUNDS && round <= present + FUTURE_BLOCK_ROUNDS;
  }

  /** Drops what the present round does not need any more. */
  forgetOld(): void {
    const { round, locked } = this.driver.state;
    const kept = this.wanted();
    if (locked !== null) kept.add(locked.block);
    for (const [number, { proposal }] of this.proposals) {
      if (number >= round - KEPT_BLOCK_ROUNDS) kept.add(toHex(proposal.payload.blockId));
      else if (this.driver.proposal(number) === undefined) this.proposals.delete(number);
    }
    for (const name of this.blocks.keys()) {
      if (kept.has(name)) continue;
      this.blocks.delete(name);
      this.inValidation.delete(name);
      this.driver.forgetValidity(name);
    }
    const latest = this.driver.votes.latestPolka(round)?.round;
    for (const number of this.polkas.keys()) {
      const isUsed = number === this.driver.state.valid?.round || number === latest;
      if (number < round - KEPT_BLOCK_ROUNDS && !isUsed) this.polkas.delete(number);
    }
  }
}

export function toEngineVote(signed: SignedVote): EngineVote {
  const { kind, payload, validator } = signed.vote;
  return {
    kind: kind === PREVOTE ? 'prevote' : 'precommit',
    round: payload.round,
    target: targetOf(payload.blockId),
    validator: toHex(validator),
    signed,
  };
}

/** What a vote or certificate for a block id is for. */
export function targetOf(blockId: Uint8Array): VoteTarget {
  return isNilBlockId(blockId) ? null : toHex(blockId);
}
