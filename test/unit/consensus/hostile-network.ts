import assert from 'node:assert/strict';
import { HeightDriver } from '../../../consensus/core/driver.js';
import type { Output } from '../../../consensus/core/state-machine.js';
import type {
  BlockInRound,
  BlockName,
  CoreProposal,
  CoreVote,
  TimeoutKind,
  VoteKind,
  VoteTarget,
} from '../../../consensus/core/types.js';
import { isQuorum } from '../../../consensus/power.js';
import type { Prng } from '../../support/prng.js';

type Message =
  | { readonly kind: 'proposal'; readonly proposal: CoreProposal }
  | { readonly kind: 'vote'; readonly vote: CoreVote }
  | {
      readonly kind: 'certificate';
      readonly vote: VoteKind;
      readonly round: number;
      readonly target: VoteTarget;
    };

type Event =
  | { readonly kind: 'message'; readonly to: HonestNode; readonly message: Message }
  | { readonly kind: 'executed'; readonly to: HonestNode; readonly block: BlockName }
  | {
      readonly kind: 'timeout';
      readonly to: HonestNode;
      readonly timeout: TimeoutKind;
      readonly round: number;
    };

/** Blocks that no execution accepts begin with this. */
const BAD = 'bad';

interface HonestNode {
  readonly name: string;
  readonly driver: HeightDriver<CoreVote>;
  /** Everything it has signed. */
  readonly said: Message[];
  readonly executing: Set<BlockName>;
}

/**
 * One height of several drivers, in a network that delays, repeats and reorders as it likes and fires timeouts when it likes, with liars of
 * less than a third of the power. What a quorum has signed can be made a certificate of by anybody.
 */
export class HostileNetwork {
  readonly honest: readonly HonestNode[];
  readonly #liars: readonly string[];
  readonly #powers: ReadonlyMap<string, number>;
  readonly #prng: Prng;
  readonly #proposerOf: (round: number) => string;
  readonly #signers = new Map<string, { readonly vote: CoreVote; readonly names: Set<string> }>();
  readonly #proposed = new Set<BlockName>();
  #events: Event[] = [];
  /** Nothing reaches these at present. */
  #cutOff = new Set<HonestNode>();

  constructor(prng: Prng) {
    this.#prng = prng;
    const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g'].slice(0, 4 + prng.below(4));
    this.#powers = new Map(names.map((name) => [name, 1 + prng.below(prng.pick([1, 4, 100]))]));
    this.#liars = this.#chooseLiars(names);
    const order = Array.from({ length: 97 }, () => this.#pickByPower());
    this.#proposerOf = (round) => order[round % order.length] ?? '';
    this.honest = names
      .filter((name) => !this.#liars.includes(name))
      .map((name) => ({
        name,
        driver: new HeightDriver({ own: name, powers: this.#powers, proposerOf: this.#proposerOf }),
        said: [],
        executing: new Set(),
      }));
    for (const node of this.honest) this.#carryOut(node, node.driver.start());
  }

  get highestRound(): number {
    return Math.max(...this.honest.map(({ driver }) => driver.state.round));
  }

  get isDecided(): boolean {
    return this.honest.every(({ driver }) => driver.state.decision !== null);
  }

  /** Anything may happen next. */
  chaos(steps: number): void {
    for (let i = 0; i < steps; i++) {
      if (i % 25 === 0) this.#cutOff = new Set(this.honest.filter(() => this.#prng.chance(1, 3)));
      if (this.#prng.chance(1, 4)) this.#lie();
      else if (this.#prng.chance(1, 12)) this.#sendCertificate();
      else this.#deliverAny();
      this.checkAgreement();
    }
  }

  /** Everything sent arrives, in any order, before any timeout is over; then the timeouts of those who are furthest behind are. */
  fairTurn(): void {
    for (let i = this.#prng.below(4); i > 0; i--) this.#lie();
    this.#resend();
    const isUrgent = ({ kind }: Event): boolean => kind !== 'timeout';
    for (let steps = 0; this.#events.some(isUrgent); steps++) {
      assert.ok(steps < 100_000, 'the network comes to rest');
      this.#deliver(this.#prng.pick(this.#events.filter(isUrgent)), false);
    }
    const timeouts = this.#events.flatMap((event) => (event.kind === 'timeout' ? [event] : []));
    const lowest = Math.min(...timeouts.map(({ round }) => round));
    for (const event of timeouts.filter(({ round }) => round === lowest)) this.#deliver(event, false);
    this.checkAgreement();
  }

  /** One decision, valid, and proposed by somebody; and no two commits that could be shown to somebody. */
  checkAgreement(): void {
    const decided = new Set(this.honest.flatMap(({ driver }) => driver.state.decision?.block ?? []));
    for (const { vote, names } of this.#signers.values()) {
      if (vote.kind === 'precommit' && vote.target !== null && this.#isQuorum(names))
        decided.add(vote.target);
    }
    assert.ok(decided.size <= 1, `decided: ${[...decided].join(', ')}`);
    for (const block of decided) {
      assert.ok(!block.startsWith(BAD), 'only valid blocks are decided');
      assert.ok(this.#proposed.has(block), 'only proposed blocks are decided');
    }
  }

  /** An honest node votes once in each step, in order. */
  checkVotes(): void {
    for (const { name, said } of this.honest) {
      const votes = said.flatMap((message) => (message.kind === 'vote' ? [message.vote] : []));
      const places = votes.map(({ round, kind }) => 2 * round + (kind === 'prevote' ? 0 : 1));
      for (const [index, place] of places.entries()) {
        assert.ok(place > (places[index - 1] ?? -1), `${name} votes in order`);
      }
    }
  }

  #chooseLiars(names: readonly string[]): string[] {
    const total = this.#powerOf(names);
    const liars: string[] = [];
    for (const name of names) {
      if (this.#prng.chance(2, 3) && 3 * this.#powerOf([...liars, name]) < total) liars.push(name);
    }
    return liars;
  }

  #pickByPower(): string {
    let ticket = this.#prng.below(this.#powerOf(this.#powers.keys()));
    for (const [name, power] of this.#powers) {
      if (ticket < power) return name;
      ticket -= power;
    }
    throw new RangeError('a ticket is below the power of all');
  }

  #powerOf(names: Iterable<string>): number {
    let power = 0;
    for (const name of names) power += this.#powers.get(name) ?? 0;
    return power;
  }

  #isQuorum(names: Iterable<string>): boolean {
    return isQuorum(this.#powerOf(names), this.#powerOf(this.#powers.keys()));
  }

  #deliverAny(): void {
    const events = this.#events.filter(({ kind, to }) => kind === 'timeout' || !this.#cutOff.has(to));
    if (events.length === 0) return;
    // What is recent is a little likelier: some messages wait for very long.
    const recent = events.slice(-20);
    this.#deliver(this.#prng.pick(this.#prng.chance(1, 2) ? recent : events), this.#prng.chance(1, 8));
  }

  #deliver(event: Event, isRepeated: boolean): void {
    if (!isRepeated) this.#events.splice(this.#events.indexOf(event), 1);
    this.#carryOut(event.to, this.#tell(event));
  }

  #tell(event: Event): Output[] {
    const { driver } = event.to;
    switch (event.kind) {
      case 'message':
        return this.#receive(event.to, event.message);
      case 'executed':
        return driver.setValidity(event.block, event.block.startsWith(BAD) ? 'invalid' : 'valid');
      case 'timeout':
        return driver.timeoutElapsed(event.timeout, event.round);
    }
  }

  #receive(node: HonestNode, message: Message): Output[] {
    switch (message.kind) {
      case 'proposal':
        this.#execute(node, message.proposal.block);
        return node.driver.addProposal(message.proposal);
      case 'vote':
        return node.driver.addVote(message.vote).outputs;
      case 'certificate':
        if (message.target !== null) this.#execute(node, message.target);
        return node.driver.addCertificate(message.vote, message.round, message.target);
    }
  }

  #execute(node: HonestNode, block: BlockName): void {
    if (node.executing.has(block) || !this.#proposed.has(block)) return;
    node.executing.add(block);
    this.#events.push({ kind: 'executed', to: node, block });
  }

  #carryOut(node: HonestNode, first: readonly Output[]): void {
    const queue = [...first];
    for (let output = queue.shift(); output !== undefined; output = queue.shift()) {
      if (output.kind === 'timeout') {
        this.#events.push({ kind: 'timeout', to: node, timeout: output.timeout, round: output.round });
      } else if (output.kind === 'vote') {
        const { vote: kind, round, target } = output;
        const vote = { kind, round, target, validator: node.name };
        queue.push(...node.driver.addVote(vote).outputs);
        this.#say(node, { kind: 'vote', vote });
      } else if (output.kind === 'propose' && output.round === node.driver.state.round) {
        queue.push(...this.#propose(node, output.round, output.valid));
      }
    }
  }

  #propose(node: HonestNode, round: number, valid: BlockInRound | null): Output[] {
    const block = valid?.block ?? `${node.name}${round}`;
    const proposal = { round, block, validRound: valid?.round ?? null, isTimely: true };
    this.#proposed.add(block);
    this.#say(node, { kind: 'proposal', proposal });
    return [...node.driver.setValidity(block, 'valid'), ...node.driver.addProposal(proposal)];
  }

  #say(node: HonestNode, message: Message): void {
    node.said.push(message);
    this.#note(message);
    for (const to of this.honest) if (to !== node) this.#events.push({ kind: 'message', to, message });
  }

  #note(message: Message): void {
    if (message.kind !== 'vote') return;
    const { kind, round, target, validator } = message.vote;
    const key = `${kind} ${round} ${target ?? ''}`;
    const entry = this.#signers.get(key) ?? { vote: message.vote, names: new Set() };
    entry.names.add(validator);
    this.#signers.set(key, entry);
  }

  /** Some liar signs something well-formed, each copy for somebody else. */
  #lie(): void {
    if (this.#liars.length === 0) return;
    const prng = this.#prng;
    const round = Math.max(0, this.highestRound + prng.pick([-2, -1, 0, 0, 0, 0, 1, 2]));
    const validator = prng.pick(this.#liars);
    const recent = [...this.#proposed].slice(-prng.pick([1, 2, 6]));
    const targets = [...recent, null, `${BAD}${prng.below(3)}`];
    for (const to of this.honest.filter(() => prng.chance(1, 2))) {
      const target = prng.pick(targets);
      const isProposal = this.#proposerOf(round) === validator && prng.chance(1, 2);
      const message: Message = isProposal
        ? { kind: 'proposal', proposal: this.#falseProposal(round, target) }
        : { kind: 'vote', vote: { kind: prng.pick(['prevote', 'precommit']), round, target, validator } };
      this.#note(message);
      this.#events.push({ kind: 'message', to, message });
    }
  }

  #falseProposal(round: number, target: VoteTarget): CoreProposal {
    const prng = this.#prng;
    const block = target ?? `new${prng.below(3)}`;
    this.#proposed.add(block);
    const validRound = prng.chance(1, 2) ? null : prng.below(round + 2);
    return { round, block, validRound, isTimely: prng.chance(1, 2) };
  }

  #sendCertificate(): void {
    const complete = [...this.#signers.values()].filter(({ names }) => this.#isQuorum(names));
    if (complete.length === 0) return;
    const { kind, round, target } = this.#prng.pick(complete).vote;
    if (kind === 'precommit' && target === null) return;
    const message: Message = { kind: 'certificate', vote: kind, round, target };
    this.#events.push({ kind: 'message', to: this.#prng.pick(this.honest), message });
  }

  /** As the engine does: its latest messages, the polka of its valid block; and the commit, from who has decided. */
  #resend(): void {
    for (const node of this.honest) {
      const { round, decision } = node.driver.state;
      const messages: Message[] = node.said.slice(-6);
      const polka = node.driver.votes.latestPolka(round);
      if (polka !== undefined) messages.push(polkaOf(polka.round, polka.block));
      if (decision !== null) {
        const { round: at, block } = decision;
        messages.push({ kind: 'certificate', vote: 'precommit', round: at, target: block });
      }
      for (const message of messages) {
        for (const to of this.honest) if (to !== node) this.#events.push({ kind: 'message', to, message });
      }
    }
  }
}

function polkaOf(round: number, target: BlockName): Message {
  return { kind: 'certificate', vote: 'prevote', round, target };
}
