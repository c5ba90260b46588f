import { invariant } from '../../protocol/invariant.js';
import { exceedsOneThird, isQuorum } from '../power.js';
import type { BlockInRound, BlockName, CoreVote, ValidatorName, VoteKind, VoteTarget } from './types.js';

/** Rounds behind the present one of which votes are kept: what is older can still arrive as a certificate. */
export const MAX_PAST_ROUNDS = 32;

/** Rounds ahead of the present one that one validator can have votes in; its latest ones are kept. */
export const MAX_FUTURE_ROUNDS = 4;

export type AddResult<Vote> =
  | { readonly kind: 'added' }
  /** From a stranger, or of a round that is not kept. */
  | { readonly kind: 'ignored' }
  /** Known. */
  | { readonly kind: 'repeated'; readonly first: Vote }
  /** The validator has voted for something else before. Not counted. */
  | { readonly kind: 'conflict'; readonly first: Vote };

/**
 * Counts the verified votes of one height by voting power. A validator's first vote of a round and kind counts, its others are
 * contradictions. A certificate counts as a whole, so that a contradictory vote seen earlier cannot keep it from counting.
 *
 * Keeps the votes themselves (`Vote` may carry a signature), for commits and for who is behind.
 */
export class VoteKeeper<Vote extends CoreVote> {
  readonly #powers: ReadonlyMap<ValidatorName, number>;
  readonly #totalPower: number;
  readonly #rounds = new Map<number, RoundVotes<Vote>>();
  readonly #futureRounds = new Map<ValidatorName, number[]>();
  #commit: BlockInRound | undefined;

  constructor(powers: ReadonlyMap<ValidatorName, number>) {
    this.#powers = powers;
    this.#totalPower = [...powers.values()].reduce((sum, power) => sum + power, 0);
    invariant(Number.isSafeInteger(this.#totalPower * 3), 'three times the voting power is a safe integer');
  }

  add(vote: Vote, presentRound: number): AddResult<Vote> {
    const power = this.#powers.get(vote.validator);
    if (power === undefined || vote.round < presentRound - MAX_PAST_ROUNDS) return { kind: 'ignored' };
    const known = this.#rounds.get(vote.round)?.ballots[vote.kind].votes.get(vote.validator);
    if (known !== undefined) {
      return { kind: known.target === vote.target ? 'repeated' : 'conflict', first: known };
    }
    if (vote.round > presentRound && !this.#admitFuture(vote, presentRound)) return { kind: 'ignored' };
    const round = this.#openRound(vote.round);
    const ballot = round.ballots[vote.kind];
    ballot.votes.set(vote.validator, vote);
    ballot.power += power;
    const targetPower = (ballot.powerByTarget.get(vote.target) ?? 0) + power;
    ballot.powerByTarget.set(vote.target, targetPower);
    if (!round.voters.has(vote.validator)) {
      round.voters.add(vote.validator);
      round.voterPower += power;
    }
    if (isQuorum(targetPower, this.#totalPower)) this.#reach(ballot, vote, vote.target);
    return { kind: 'added' };
  }

  /** Notes that 2f + 1 votes for a target exist, as a verified certificate says. */
  addCertificate(kind: VoteKind, round: number, target: VoteTarget): void {
    this.#reach(this.#openRound(round).ballots[kind], { kind, round }, target);
  }

  /** What 2f + 1 votes of a kind and round are for. */
  quorum(kind: VoteKind, round: number): VoteTarget | undefined {
    return this.#rounds.get(round)?.ballots[kind].quorum;
  }

  /** The last polka for a block before `round`. */
  latestPolka(round: number): BlockInRound | undefined {
    let latest: BlockInRound | undefined;
    for (const [candidate, { ballots }] of this.#rounds) {
      const block = ballots.prevote.quorum;
      if (candidate >= round || (latest !== undefined && candidate < latest.round)) continue;
      if (typeof block === 'string') latest = { round: candidate, block };
    }
    return latest;
  }

  hasAnyQuorum(kind: VoteKind, round: number): boolean {
    const ballot = this.#rounds.get(round)?.ballots[kind];
    if (ballot === undefined) return false;
    return ballot.quorum !== undefined || isQuorum(ballot.power, this.#totalPower);
  }

  commit(): BlockInRound | undefined {
    return this.#commit;
  }

  /** The lowest later round with votes of more than a third, a certificate being more: one of them is honest, and is there. */
  roundToSkipTo(presentRound: number): number | undefined {
    let lowest: number | undefined;
    for (const [round, { voterPower, ballots }] of this.#rounds) {
      if (round <= presentRound || (lowest !== undefined && round > lowest)) continue;
      if (exceedsOneThird(voterPower, this.#totalPower) || hasQuorum(ballots)) lowest = round;
    }
    return lowest;
  }

  /** Rounds of which anything is kept. */
  get roundCount(): number {
    return this.#rounds.size;
  }

  /** The votes of one kind, round and target. */
  votesFor(kind: VoteKind, round: number, target: VoteTarget): Vote[] {
    return this.votesOf(kind, round).filter((vote) => vote.target === target);
  }

  votesOf(kind: VoteKind, round: number): Vote[] {
    return [...(this.#rounds.get(round)?.ballots[kind].votes.values() ?? [])];
  }

  has(kind: VoteKind, round: number, validator: ValidatorName): boolean {
    return this.#rounds.get(round)?.ballots[kind].votes.has(validator) === true;
  }

  /** One vote of everybody who has voted in a round: shows who is there. */
  oneOfEach(round: number): Vote[] {
    const votes = [...this.votesOf('precommit', round), ...this.votesOf('prevote', round)];
    return [...new Map(votes.map((vote) => [vote.validator, vote])).values()];
  }

  /** Forgets what is too far behind `presentRound`, but for `keptRounds` and the commit. */
  prune(presentRound: number, keptRounds: readonly number[]): void {
    for (const round of this.#rounds.keys()) {
      const isOld = round < presentRound - MAX_PAST_ROUNDS;
      if (isOld && !keptRounds.includes(round) && round !== this.#commit?.round) this.#rounds.delete(round);
    }
  }

  #reach(ballot: Ballot<Vote>, { kind, round }: { kind: VoteKind; round: number }, target: VoteTarget): void {
    if (ballot.quorum === undefined) ballot.quorum = target;
    if (kind === 'precommit' && target !== null) this.#commit ??= { round, block: target };
  }

  /** Nobody can fill the memory with rounds that nobody has reached. */
  #admitFuture({ round, validator }: Vote, presentRound: number): boolean {
    const ahead = (this.#futureRounds.get(validator) ?? []).filter((known) => known > presentRound);
    if (ahead.includes(round)) return true;
    ahead.push(round);
    ahead.sort((a, b) => a - b);
    const dropped = ahead.length > MAX_FUTURE_ROUNDS ? ahead.shift() : undefined;
    this.#futureRounds.set(validator, ahead);
    if (dropped !== undefined) this.#removeVotes(dropped, validator);
    return dropped !== round;
  }

  #removeVotes(number: number, validator: ValidatorName): void {
    const round = this.#rounds.get(number);
    const power = this.#powers.get(validator);
    if (round === undefined || power === undefined) return;
    for (const ballot of Object.values(round.ballots)) {
      const vote = ballot.votes.get(validator);
      if (vote === undefined) continue;
      ballot.votes.delete(validator);
      ballot.power -= power;
      ballot.powerByTarget.set(vote.target, (ballot.powerByTarget.get(vote.target) ?? 0) - power);
    }
    if (round.voters.delete(validator)) round.voterPower -= power;
    if (round.voters.size === 0 && !hasQuorum(round.ballots)) this.#rounds.delete(number);
  }

  #openRound(number: number): RoundVotes<Vote> {
    let round = this.#rounds.get(number);
    if (round === undefined) {
      round = {
        ballots: { prevote: emptyBallot(), precommit: emptyBallot() },
        voters: new Set(),
        voterPower: 0,
      };
      this.#rounds.set(number, round);
    }
    return round;
  }
}

interface Ballot<Vote> {
  readonly votes: Map<ValidatorName, Vote>;
  readonly powerByTarget: Map<VoteTarget, number>;
  power: number;
  /** The target that has 2f + 1, by votes or by a certificate. */
  quorum: VoteTarget | undefined;
}

interface RoundVotes<Vote> {
  readonly ballots: Readonly<Record<VoteKind, Ballot<Vote>>>;
  /** Who has voted in this round, in whatever kind: L55 counts messages of the round. */
  readonly voters: Set<ValidatorName>;
  voterPower: number;
}

function hasQuorum({ prevote, precommit }: RoundVotes<unknown>['ballots']): boolean {
  return prevote.quorum !== undefined || precommit.quorum !== undefined;
}

function emptyBallot<Vote>(): Ballot<Vote> {
  return {
    votes: new Map(),
    powerByTarget: new Map<BlockName | null, number>(),
    power: 0,
    quorum: undefined,
  };
}
