import type { Output } from '../../../consensus/core/state-machine.js';
import type {
  BlockInRound,
  CoreProposal,
  CoreVote,
  TimeoutKind,
  VoteKind,
  VoteTarget,
} from '../../../consensus/core/types.js';

/*
 * Algorithm 1 of arXiv 1807.04938 as it is printed, over plain lists of messages: nothing is counted before it is asked for. Only the
 * order in which clauses are tried is that of the code under test, since the paper leaves it open.
 */
export class NaiveHeight {
  round = 0;
  step = 'unstarted';
  lockedValue: string | null = null;
  lockedRound = -1;
  validValue: string | null = null;
  validRound = -1;
  decision: BlockInRound | null = null;

  readonly #own: string;
  readonly #powers: ReadonlyMap<string, number>;
  readonly #proposer: (round: number) => string;
  readonly #proposals: CoreProposal[] = [];
  readonly #votes: CoreVote[] = [];
  readonly #verdicts = new Map<string, boolean>();
  /** Clauses that have fired "for the first time", with their rounds. */
  readonly #done = new Set<string>();
  #outputs: Output[] = [];

  constructor(own: string, powers: ReadonlyMap<string, number>, proposer: (round: number) => string) {
    this.#own = own;
    this.#powers = powers;
    this.#proposer = proposer;
  }

  start(): Output[] {
    this.#startRound(0); // L10
    return this.#settle();
  }

  proposal(proposal: CoreProposal): Output[] {
    if (this.#proposals.some(({ round }) => round === proposal.round)) return [];
    this.#proposals.push(proposal);
    return this.#settle();
  }

  verdict(block: string, isValid: boolean): Output[] {
    if (this.#verdicts.has(block)) return [];
    this.#verdicts.set(block, isValid);
    return this.#settle();
  }

  votes(votes: readonly CoreVote[]): Output[] {
    for (const vote of votes) {
      const { kind, round, validator } = vote;
      const isSecond = this.#votes.some(
        (one) => one.kind === kind && one.round === round && one.validator === validator,
      );
      if (!isSecond && this.#powers.has(validator)) this.#votes.push(vote);
    }
    return this.#settle();
  }

  timeout(kind: TimeoutKind, round: number): Output[] {
    if (round === this.round && this.#isRunning()) {
      if (kind === 'propose' && this.step === 'propose')
        this.#broadcast('prevote', null); // L57–L60
      else if (kind === 'prevote' && this.step === 'prevote')
        this.#broadcast('precommit', null); // L61–L64
      else if (kind === 'precommit') this.#startRound(round + 1); // L65–L67
    }
    return this.#settle();
  }

  /** Rounds and blocks with 2f + 1 precommits. */
  commits(): Set<string> {
    const all = this.#votes.filter(
      ({ kind, round, target }) =>
        kind === 'precommit' && target !== null && this.#hasTwoThirds(kind, round, target),
    );
    return new Set(all.map(({ round, target }) => `${target ?? ''}@${round}`));
  }

  #isRunning(): boolean {
    return this.step !== 'unstarted' && this.step !== 'decided';
  }

  #settle(): Output[] {
    while (this.#isRunning() && this.#fireOne());
    const outputs = this.#outputs;
    this.#outputs = [];
    return outputs;
  }

  #fireOne(): boolean {
    return (
      this.#line49() ||
      this.#line36() ||
      this.#line55() ||
      this.#line22() ||
      this.#line28() ||
      this.#line44() ||
      this.#line34() ||
      this.#line47()
    );
  }

  #line22(): boolean {
    for (const { round, block: v, validRound, isTimely } of this.#proposals) {
      if (round !== this.round || validRound !== null || this.step !== 'propose') continue;
      const isAcceptable = isTimely && (this.lockedRound === -1 || this.lockedValue === v);
      if (isAcceptable && !this.#verdicts.has(v)) continue;
      this.#broadcast('prevote', isAcceptable && this.#verdicts.get(v) === true ? v : null);
      return true;
    }
    return false;
  }

  #line28(): boolean {
    for (const { round, block: v, validRound: vr } of this.#proposals) {
      if (round !== this.round || vr === null || this.step !== 'propose') continue;
      if (!(vr >= 0 && vr < this.round) || !this.#hasTwoThirds('prevote', vr, v)) continue;
      const isAcceptable = this.lockedRound <= vr || this.lockedValue === v;
      if (isAcceptable && !this.#verdicts.has(v)) continue;
      this.#broadcast('prevote', isAcceptable && this.#verdicts.get(v) === true ? v : null);
      return true;
    }
    return false;
  }

  #line34(): boolean {
    if (this.step !== 'prevote' || !this.#hasTwoThirds('prevote', this.round)) return false;
    return this.#schedule('prevote');
  }

  #line36(): boolean {
    if (this.step !== 'prevote' && this.step !== 'precommit') return false;
    for (const [v, isValid] of this.#verdicts) {
      if (!isValid || !this.#hasTwoThirds('prevote', this.round, v)) continue;
      if (!this.#isFirst(`L36 ${this.round}`)) continue;
      if (this.step === 'prevote') {
        this.lockedValue = v;
        this.lockedRound = this.round;
        this.#broadcast('precommit', v);
      }
      this.validValue = v;
      this.validRound = this.round;
      return true;
    }
    return false;
  }

  #line44(): boolean {
    if (this.step !== 'prevote' || !this.#hasTwoThirds('prevote', this.round, null)) return false;
    this.#broadcast('precommit', null);
    return true;
  }

  #line47(): boolean {
    return this.#hasTwoThirds('precommit', this.round) && this.#schedule('precommit');
  }

  #line49(): boolean {
    for (const { round, target: v } of this.#votes) {
      if (v === null || this.#verdicts.get(v) !== true || !this.#hasTwoThirds('precommit', round, v))
        continue;
      this.decision = { round, block: v };
      this.step = 'decided';
      this.#outputs.push({ kind: 'decide', decision: this.decision });
      return true;
    }
    return false;
  }

  #line55(): boolean {
    const later = this.#votes.map(({ round }) => round).filter((round) => round > this.round);
    for (const round of later.sort((a, b) => a - b)) {
      const power = this.#powerOf(this.#votes.filter((vote) => vote.round === round));
      if (3 * power <= this.#powerOfAll()) continue;
      this.#startRound(round);
      return true;
    }
    return false;
  }

  #startRound(round: number): void {
    this.round = round;
    this.step = 'propose';
    this.#outputs.push({ kind: 'round', round });
    if (this.#proposer(round) === this.#own) {
      this.#outputs.push({ kind: 'propose', round, valid: this.#valueToPropose(round) });
    }
    this.#outputs.push({ kind: 'timeout', timeout: 'propose', round });
  }

  /** Not as printed: of the valid value and of earlier polkas for valid blocks, the latest. */
  #valueToPropose(before: number): BlockInRound | null {
    for (let round = before - 1; round > this.validRound; round--) {
      const prevotes = this.#votes.filter((vote) => vote.kind === 'prevote' && vote.round === round);
      const polka = prevotes.find(
        ({ target }) => target !== null && this.#hasTwoThirds('prevote', round, target),
      );
      if (polka === undefined || polka.target === null) continue;
      if (this.#verdicts.get(polka.target) === true) return { block: polka.target, round };
      break;
    }
    return this.validValue === null ? null : { block: this.validValue, round: this.validRound };
  }

  #broadcast(kind: VoteKind, target: VoteTarget): void {
    this.#outputs.push({ kind: 'vote', vote: kind, round: this.round, target });
    this.step = kind;
  }

  #schedule(kind: TimeoutKind): boolean {
    if (!this.#isFirst(`timeout ${kind} ${this.round}`)) return false;
    this.#outputs.push({ kind: 'timeout', timeout: kind, round: this.round });
    return true;
  }

  #isFirst(clause: string): boolean {
    const isFirst = !this.#done.has(clause);
    this.#done.add(clause);
    return isFirst;
  }

  /** 2f + 1 votes of a kind and round, for one target or for whatever. */
  #hasTwoThirds(kind: VoteKind, round: number, ...targets: readonly VoteTarget[]): boolean {
    const votes = this.#votes.filter(
      (vote) =>
        vote.kind === kind && vote.round === round && targets.every((target) => vote.target === target),
    );
    return 3 * this.#powerOf(votes) > 2 * this.#powerOfAll();
  }

  #powerOf(votes: readonly CoreVote[]): number {
    let power = 0;
    for (const name of new Set(votes.map(({ validator }) => validator))) power += this.#powers.get(name) ?? 0;
    return power;
  }

  #powerOfAll(): number {
    let power = 0;
    for (const one of this.#powers.values()) power += one;
    return power;
  }
}
