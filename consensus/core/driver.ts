import { applyRules, applyTimeout, INITIAL_STATE, startRound } from './state-machine.js';
import type { Knowledge, Output, RoundState, Transition } from './state-machine.js';
import type { AddResult } from './vote-keeper.js';
import { MAX_PAST_ROUNDS, VoteKeeper } from './vote-keeper.js';
import type {
  BlockName,
  CoreProposal,
  CoreVote,
  TimeoutKind,
  ValidatorName,
  Validity,
  VoteKind,
  VoteTarget,
} from './types.js';

/** Rounds ahead of the present one whose proposals are kept. */
const MAX_FUTURE_PROPOSALS = 8;

export interface HeightSetup {
  /** This node's name; null where it is no member of the set and only watches. */
  readonly own: ValidatorName | null;
  readonly powers: ReadonlyMap<ValidatorName, number>;
  /** Who proposes in a round. */
  readonly proposerOf: (round: number) => ValidatorName;
}

/**
 * One height: takes verified messages in any order, and tries the rules of the algorithm until none applies. What a method returns is to
 * be carried out in that order. The node's own proposals and votes come back through the same methods once they have been signed.
 */
export class HeightDriver<Vote extends CoreVote> {
  readonly votes: VoteKeeper<Vote>;
  readonly #proposals = new Map<number, CoreProposal>();
  readonly #validity = new Map<BlockName, Validity>();
  readonly #knowledge: Knowledge;
  #state: RoundState = INITIAL_STATE;

  constructor(setup: HeightSetup) {
    this.votes = new VoteKeeper(setup.powers);
    this.#knowledge = {
      isProposer: (round) => setup.proposerOf(round) === setup.own,
      proposal: (round) => this.#proposals.get(round),
      validity: (block) => this.#validity.get(block),
      polka: (round) => this.votes.quorum('prevote', round),
      latestPolka: (round) => this.votes.latestPolka(round),
      hasAnyQuorum: (kind, round) => this.votes.hasAnyQuorum(kind, round),
      commit: () => this.votes.commit(),
      roundToSkipTo: (round) => this.votes.roundToSkipTo(round),
    };
  }

  get state(): RoundState {
    return this.#state;
  }

  /** L10. */
  start(): Output[] {
    return this.#follow(startRound(this.#state, 0, this.#knowledge));
  }

  /** The first proposal of a round counts; one of a round far ahead is ignored, and has to be sent again. */
  addProposal(proposal: CoreProposal): Output[] {
    const { round } = proposal;
    const isKept =
      round <= this.#state.round + MAX_FUTURE_PROPOSALS && round >= this.#state.round - MAX_PAST_ROUNDS;
    if (!isKept || this.#proposals.has(round)) return [];
    this.#proposals.set(round, proposal);
    return this.#run();
  }

  proposal(round: number): CoreProposal | undefined {
    return this.#proposals.get(round);
  }

  /** What the execution of a block has shown. The first answer stands. */
  setValidity(block: BlockName, validity: Validity): Output[] {
    if (this.#validity.has(block)) return [];
    this.#validity.set(block, validity);
    return this.#run();
  }

  validity(block: BlockName): Validity | undefined {
    return this.#validity.get(block);
  }

  /** The block has been dropped: it would have to be fetched and executed again. */
  forgetValidity(block: BlockName): void {
    this.#validity.delete(block);
  }

  addVote(vote: Vote): { readonly result: AddResult<Vote>; readonly outputs: Output[] } {
    const result = this.votes.add(vote, this.#state.round);
    return { result, outputs: result.kind === 'added' ? this.#run() : [] };
  }

  /** Several votes as one input: the rules see all of them at once. */
  addVotes(votes: readonly Vote[]): {
    readonly results: readonly AddResult<Vote>[];
    readonly outputs: Output[];
  } {
    const results = votes.map((vote) => this.votes.add(vote, this.#state.round));
    return { results, outputs: results.some(({ kind }) => kind === 'added') ? this.#run() : [] };
  }

  /** A verified certificate of 2f + 1 votes: a polka, or a commit. */
  addCertificate(kind: VoteKind, round: number, target: VoteTarget): Output[] {
    this.votes.addCertificate(kind, round, target);
    return this.#run();
  }

  timeoutElapsed(timeout: TimeoutKind, round: number): Output[] {
    const transition = applyTimeout(this.#state, timeout, round, this.#knowledge);
    return transition === undefined ? [] : this.#follow(transition);
  }

  #run(): Output[] {
    const transition = applyRules(this.#state, this.#knowledge);
    return transition === undefined ? [] : this.#follow(transition);
  }

  /** Ends: every transition raises the round, the step, the valid round, or sets a flag of the round. */
  #follow(first: Transition): Output[] {
    const outputs: Output[] = [];
    let transition: Transition | undefined = first;
    while (transition !== undefined) {
      this.#state = transition.state;
      outputs.push(...transition.outputs);
      transition = applyRules(this.#state, this.#knowledge);
    }
    this.#forget();
    return outputs;
  }

  #forget(): void {
    const { round, locked, valid } = this.#state;
    const kept = [locked, valid].flatMap((place) => (place === null ? [] : [place.round]));
    this.votes.prune(round, kept);
    for (const known of this.#proposals.keys()) {
      if (known < round - MAX_PAST_ROUNDS) this.#proposals.delete(known);
    }
  }
}
