import assert from 'node:assert/strict';
import { HeightDriver } from '../../consensus/core/driver.js';
import { applyTimeout, RULES, startRound } from '../../consensus/core/state-machine.js';
import type { Knowledge, Output, Transition } from '../../consensus/core/state-machine.js';
import type { BlockInRound, CoreVote, TimeoutKind, VoteKind } from '../../consensus/core/types.js';
import type { AddResult } from '../../consensus/core/vote-keeper.js';
import { parseCommand, type Interpreter } from './script.js';

/*
 * Plays a script of one height. Letters name blocks and validators. As in the node, own votes and re-proposals come back at once.
 *
 *   own a | own nobody                     who plays; the first command
 *   powers a=1 b=1 c=1 d=1                 the set; they propose in this order, again and again
 *   start
 *   built X                                the block asked for by `-> build`
 *   proposal round=0 block=X [valid=0] [untimely]
 *   valid X | invalid X | forget X         what execution shows
 *   prevote b c X | precommit b nil [round=1]    votes one by one, of the present round where none is given
 *   votes prevote b X, precommit c nil round=1   several as one input
 *   polka 0 X | commit 0 X                 certificates
 *   timeout propose 0
 *   state | kept                           what the node holds
 */
export class CoreScript {
  /** Names of the rules that have fired. */
  readonly fired = new Set<string>();
  #own: string | null = 'a';
  #powers = new Map<string, number>();
  #driver: HeightDriver<CoreVote> | undefined;

  readonly interpret: Interpreter = (command) => {
    const { words, settings } = parseCommand(command);
    const [verb = '', ...rest] = words;
    switch (verb) {
      case 'own':
        this.#own = rest[0] === 'nobody' ? null : (rest[0] ?? null);
        return [];
      case 'powers':
        this.#powers = new Map([...settings].map(([name, power]) => [name, Number(power)]));
        this.#driver = new HeightDriver({
          own: this.#own,
          powers: this.#powers,
          proposerOf: (round) => this.#proposerOf(round),
        });
        return [];
      case 'state':
        return [this.#describeState()];
      case 'kept':
        return this.#describeVotes();
      case 'votes':
        return this.#addVotes(command.slice('votes '.length).split(', '));
      case 'prevote':
      case 'precommit':
        return this.#castVotes(verb, rest, settings);
      default:
        return this.#carryOut([], this.#apply(verb, rest, settings));
    }
  };

  get #height(): HeightDriver<CoreVote> {
    assert.ok(this.#driver !== undefined, 'a script begins with `powers`');
    return this.#driver;
  }

  #proposerOf(round: number): string {
    const names = [...this.#powers.keys()];
    return names[round % names.length] ?? '';
  }

  #apply(verb: string, rest: readonly string[], settings: ReadonlyMap<string, string>): Output[] {
    const driver = this.#height;
    const [first = '', second = ''] = rest;
    switch (verb) {
      case 'start':
        return this.#traced(startRound(driver.state, 0, this.#knowledge()), () => driver.start());
      case 'built': {
        const outputs = this.#traced(undefined, () => driver.setValidity(first, 'valid'));
        const { round, step } = driver.state;
        if (step !== 'propose' || driver.proposal(round) !== undefined) return outputs;
        const proposal = { round, block: first, validRound: null, isTimely: true };
        return [...outputs, ...this.#traced(undefined, () => driver.addProposal(proposal))];
      }
      case 'proposal': {
        const valid = settings.get('valid');
        const proposal = {
          round: Number(settings.get('round')),
          block: settings.get('block') ?? '',
          validRound: valid === undefined ? null : Number(valid),
          isTimely: !rest.includes('untimely'),
        };
        return this.#traced(undefined, () => driver.addProposal(proposal));
      }
      case 'valid':
      case 'invalid':
        return this.#traced(undefined, () => driver.setValidity(first, verb));
      case 'forget':
        driver.forgetValidity(first);
        return [];
      case 'polka':
      case 'commit': {
        const kind = verb === 'polka' ? 'prevote' : 'precommit';
        return this.#traced(undefined, () => driver.addCertificate(kind, Number(first), targetOf(second)));
      }
      case 'timeout': {
        const timeout = first as TimeoutKind;
        const transition = applyTimeout(driver.state, timeout, Number(second), this.#knowledge());
        return this.#traced(transition, () => driver.timeoutElapsed(timeout, Number(second)));
      }
      default:
        throw new Error(`unknown command: ${verb}`);
    }
  }

  #castVotes(
    kind: VoteKind,
    rest: readonly string[],
    settings: ReadonlyMap<string, string>,
  ): readonly string[] {
    const lines: string[] = [];
    for (const validator of rest.slice(0, -1)) {
      const vote = this.#vote(kind, validator, rest.at(-1), settings.get('round'));
      lines.push(...this.#addOne(vote));
    }
    return lines;
  }

  #addOne(vote: CoreVote): readonly string[] {
    let result: AddResult<CoreVote> = { kind: 'ignored' };
    const outputs = this.#traced(undefined, () => {
      const added = this.#height.addVote(vote);
      result = added.result;
      return added.outputs;
    });
    return this.#carryOut(describeResult(vote, result), outputs);
  }

  #addVotes(texts: readonly string[]): readonly string[] {
    const votes = texts.map((text) => {
      const { words, settings } = parseCommand(text);
      const [kind, validator = '', target] = words;
      return this.#vote(kind === 'prevote' ? kind : 'precommit', validator, target, settings.get('round'));
    });
    let described: string[] = [];
    const outputs = this.#traced(undefined, () => {
      const added = this.#height.addVotes(votes);
      described = added.results.flatMap((result, index) => {
        const vote = votes[index];
        return vote === undefined ? [] : describeResult(vote, result);
      });
      return added.outputs;
    });
    return this.#carryOut(described, outputs);
  }

  #vote(kind: VoteKind, validator: string, target: string | undefined, round: string | undefined): CoreVote {
    const present = this.#height.state.round;
    return {
      kind,
      validator,
      target: targetOf(target),
      round: round === undefined ? present : Number(round),
    };
  }

  /** What the outputs say, and what follows when own messages come back. */
  #carryOut(before: readonly string[], first: readonly Output[]): string[] {
    const lines = [...before];
    const queue = [...first];
    for (let output = queue.shift(); output !== undefined; output = queue.shift()) {
      lines.push(`-> ${describeOutput(output)}`);
      queue.push(...this.#comeBack(output));
    }
    return lines;
  }

  #comeBack(output: Output): Output[] {
    const driver = this.#height;
    if (output.kind === 'vote' && this.#own !== null) {
      const { vote: kind, round, target } = output;
      const vote = { kind, round, target, validator: this.#own };
      return this.#traced(undefined, () => driver.addVote(vote).outputs);
    }
    if (output.kind === 'propose' && output.valid !== null) {
      const { round, valid } = output;
      const { state } = driver;
      if (state.round !== round || state.step !== 'propose') return [];
      const proposal = { round, block: valid.block, validRound: valid.round, isTimely: true };
      return this.#traced(undefined, () => driver.addProposal(proposal));
    }
    return [];
  }

  /** Follows the rules beside the driver, to note which of them fire, and to see that it stops where none applies. */
  #traced(first: Transition | undefined, act: () => Output[]): Output[] {
    const driver = this.#height;
    let { state } = driver;
    const actual = act();
    const expected = [...(first?.outputs ?? [])];
    state = first?.state ?? state;
    const isRunning = (): boolean => state.step !== 'unstarted' && state.step !== 'decided';
    for (let steps = 0; isRunning(); steps++) {
      assert.ok(steps < 1_000, 'the rules come to rest');
      const known = this.#knowledge();
      const rule = RULES.find((candidate) => candidate(state, known) !== undefined);
      const transition = rule?.(state, known);
      if (rule === undefined || transition === undefined) break;
      this.fired.add(rule.name);
      state = transition.state;
      expected.push(...transition.outputs);
    }
    assert.deepEqual(actual, expected, 'the driver follows the rules');
    assert.deepEqual(driver.state, state, 'the driver stops where the rules do');
    return actual;
  }

  #knowledge(): Knowledge {
    const { votes } = this.#height;
    return {
      isProposer: (round) => this.#proposerOf(round) === this.#own,
      proposal: (round) => this.#height.proposal(round),
      validity: (block) => this.#height.validity(block),
      polka: (round) => votes.quorum('prevote', round),
      latestPolka: (round) => votes.latestPolka(round),
      hasAnyQuorum: (kind, round) => votes.hasAnyQuorum(kind, round),
      commit: () => votes.commit(),
      roundToSkipTo: (round) => votes.roundToSkipTo(round),
    };
  }

  #describeState(): string {
    const { round, step, locked, valid, decision } = this.#height.state;
    const places = { locked: placeOf(locked), valid: placeOf(valid) };
    const end = decision === null ? '' : ` decision ${placeOf(decision)}`;
    return `round ${round} step ${step} locked ${places.locked} valid ${places.valid}${end}`;
  }

  #describeVotes(): string[] {
    const { votes, state } = this.#height;
    const lines: string[] = [];
    for (let round = 0; round <= state.round + 10_000; round++) {
      for (const kind of ['prevote', 'precommit'] as const) {
        const known = votes
          .votesOf(kind, round)
          .map(({ validator, target }) => `${validator}:${nameOf(target)}`);
        if (known.length > 0) lines.push(`${kind} ${round}: ${known.join(' ')}`);
      }
    }
    return lines;
  }
}

function describeOutput(output: Output): string {
  switch (output.kind) {
    case 'round':
      return `round ${output.round}`;
    case 'propose':
      return output.valid === null
        ? `build ${output.round}`
        : `propose ${output.round} ${output.valid.block} valid=${output.valid.round}`;
    case 'vote':
      return `${output.vote} ${output.round} ${nameOf(output.target)}`;
    case 'timeout':
      return `timeout ${output.timeout} ${output.round}`;
    case 'decide':
      return `decide ${output.decision.block} in ${output.decision.round}`;
  }
}

function describeResult(vote: CoreVote, result: AddResult<CoreVote>): string[] {
  if (result.kind === 'added') return [];
  const first = 'first' in result ? ` ${nameOf(result.first.target)}` : '';
  return [`${result.kind}: ${vote.validator}${result.kind === 'conflict' ? ` voted${first}` : ''}`];
}

function targetOf(word: string | undefined): string | null {
  return word === 'nil' || word === undefined ? null : word;
}

function nameOf(target: string | null): string {
  return target ?? 'nil';
}

function placeOf(place: BlockInRound | null): string {
  return place === null ? '-' : `${place.block}@${place.round}`;
}
