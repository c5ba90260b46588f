import assert from 'node:assert/strict';
import { ConsensusEngine } from '../../consensus/engine/engine.js';
import type { Effect } from '../../consensus/engine/effect.js';
import type { HeightContext, Input, Timer } from '../../consensus/engine/input.js';
import type { Polka, SignedProposal, SignedVote } from '../../consensus/messages.js';
import { toHex } from '../../protocol/bytes.js';
import { PRESETS } from '../../protocol/presets.js';
import { BitArray } from '../../protocol/ssz/types.js';
import type { Block } from '../../protocol/types/block.js';
import { emptyCommit } from '../../protocol/types/commit.js';
import type { VoteExtension } from '../../protocol/types/extension.js';
import { blockId, type Header } from '../../protocol/types/header.js';
import { NO_ROUND } from '../../protocol/types/proposal.js';
import { NIL_BLOCK_ID, PRECOMMIT, PREVOTE } from '../../protocol/types/vote.js';
import { EffectPrinter } from './effect-printer.js';
import { createPrng } from './prng.js';
import { SAMPLES } from './samples.js';
import { parseCommand, type Interpreter } from './script.js';

const HEADER_TIME_MS = 1_000_000;

/*
 * Plays a script of the engine. Letters name validators (small) and blocks (capital); a block belongs where it is first spoken of.
 *
 *   own a | own nobody
 *   powers a=1 b=1 c=1 d=1             in round r of height h validator number h − 1 + r proposes, again and again
 *   start 1 | work | notice 1
 *   timer interval | timer idle | timer resend | timer propose 0
 *   header X [height=1] [round=0] [proposer=a]    makes a block that belongs elsewhere
 *   child X of W by a b c              makes a block of the present height whose parent's commit, of round 0, is of W and has these signers
 *   proposal 0 X [valid=0] [by=b] [header=Y] [delay=2500] [from=p]     `delay`: milliseconds from the header's time to its arrival
 *   block X | built X | validated X valid | validated X invalid
 *   prevote b X [round=0] [height=1] [from=p] | precommit b X [ext=text]
 *   votes prevote b X, precommit c nil
 *   polka 0 X | commit 0 X
 *   signer refuses | signer signs
 *   replay                             another engine is told the log: it has to sign the same and come to the same state
 */
export class EngineScript {
  readonly #blocks = new Map<string, { readonly block: Block; readonly id: Uint8Array }>();
  #ownName: string | null = 'a';
  #powers = new Map<string, number>();
  #engine: ConsensusEngine | undefined;
  #height = 0;
  #isRefused = false;
  /** What a crash would leave: the starts, and all that was logged. */
  #journal: Input[] = [];
  #signed: string[] = [];

  readonly interpret: Interpreter = (command) => {
    const { words } = parseCommand(command);
    const [verb = '', first = ''] = words;
    switch (verb) {
      case 'own':
        this.#ownName = first === 'nobody' ? null : first;
        return [];
      case 'child':
        this.#makeChild(first, words[3] ?? '', words.slice(5));
        return [];
      case 'powers':
        this.#powers = new Map(
          [...parseCommand(command).settings].map(([name, power]) => [name, Number(power)]),
        );
        this.#engine = this.#createEngine();
        return [];
      case 'header':
        this.#makeBlock(first, parseCommand(command).settings);
        return [];
      case 'signer':
        this.#isRefused = first === 'refuses';
        return [];
      case 'replay':
        return [this.#replay()];
      default: {
        const input = this.#inputOf(command);
        if (input.kind === 'start') this.#journal.push(input);
        assert.ok(this.#engine !== undefined, 'a script begins with `powers`');
        return this.#perform(this.#engine, input, this.#journal, this.#signed);
      }
    }
  };

  #createEngine(): ConsensusEngine {
    return new ConsensusEngine(this.#ownName === null ? undefined : idOf(this.#ownName));
  }

  #perform(engine: ConsensusEngine, input: Input, journal: Input[], signed: string[]): string[] {
    const printer = new EffectPrinter((id) => this.#nameOf(id));
    const lines: string[] = [];
    const running = engine.handle(input);
    for (let step = running.next(); step.done !== true; step = running.next(this.#answer(step.value))) {
      const effect = step.value;
      const line = printer.effect(effect);
      lines.push(line);
      if (effect.kind === 'log') journal.push(effect.input);
      if (line.startsWith('sign-')) signed.push(line);
    }
    return lines;
  }

  #answer(effect: Effect): unknown {
    switch (effect.kind) {
      case 'sign-proposal':
      case 'sign-prevote':
        return this.#isRefused ? null : signature();
      case 'sign-precommit': {
        if (this.#isRefused) return null;
        const { height, round, blockId: target } = effect.payload;
        const isNil = toHex(target) === toHex(NIL_BLOCK_ID);
        const extension = isNil ? null : extensionOf(this.#ownName ?? '', height, round, 'own');
        return { signature: signature(), extension };
      }
      default:
        return undefined;
    }
  }

  #replay(): string {
    const engine = this.#createEngine();
    const journal: Input[] = [];
    const signed: string[] = [];
    const inputs = [...this.#journal];
    for (const input of inputs) {
      if (input.kind === 'start') journal.push(input);
      this.#perform(engine, input, journal, signed);
    }
    assert.deepEqual(signed, this.#signed, 'the same signatures');
    assert.deepEqual(journal.map(printable), inputs.map(printable), 'the same log');
    assert.deepEqual(engine.current?.driver.state, this.#engine?.current?.driver.state, 'the same state');
    return `same after ${inputs.length} inputs`;
  }

  #inputOf(command: string): Input {
    const { words, settings } = parseCommand(command);
    const [verb = '', first = '', second = ''] = words;
    const height = Number(settings.get('height') ?? this.#height);
    switch (verb) {
      case 'start':
        this.#height = Number(first);
        return { kind: 'start', context: this.#context(this.#height) };
      case 'work':
        return { kind: 'work' };
      case 'notice':
        return { kind: 'work-notice', height: Number(first) };
      case 'timer':
        return { kind: 'timer', timer: { kind: first, height, round: Number(second) } as Timer };
      case 'proposal':
        return this.#proposal(Number(first), second, settings);
      case 'block':
        return { kind: 'block', ...this.#block(first) };
      case 'built':
        return {
          kind: 'built',
          height,
          round: Number(settings.get('round') ?? this.#round),
          ...this.#block(first),
        };
      case 'validated': {
        const validity = second === 'valid' ? 'valid' : 'invalid';
        return { kind: 'validated', height, id: this.#block(first).id, validity };
      }
      case 'votes': {
        const texts = command.slice('votes '.length).split(', ');
        return { kind: 'votes', votes: texts.map((text) => this.#vote(text)) };
      }
      case 'polka':
        return { kind: 'polka', polka: this.#certificate(height, Number(first), second) };
      case 'commit': {
        const commit = this.#certificate(height, Number(first), second);
        return { kind: 'commit', commit: { commit, extensions: [] } };
      }
      case 'prevote':
      case 'precommit':
        return { kind: 'vote', vote: this.#vote(command), ...peerOf(settings) };
      default:
        throw new Error(`unknown command: ${command}`);
    }
  }

  get #round(): number {
    return this.#engine?.current?.driver.state.round ?? 0;
  }

  #context(height: number): HeightContext {
    return {
      height,
      validators: [...this.#powers].map(([name, votingPower]) => ({
        id: idOf(name),
        blsPublicKey: new Uint8Array(48),
        votingPower,
      })),
      params: PRESETS.mainnet.params.consensus,
      proposerOf: (round) => idOf(this.#proposerOf(height, round)),
    };
  }

  #proposerOf(height: number, round: number): string {
    const names = [...this.#powers.keys()];
    return names[(height - 1 + round) % names.length] ?? '';
  }

  #proposal(round: number, name: string, settings: ReadonlyMap<string, string>): Input {
    const height = Number(settings.get('height') ?? this.#height);
    const { id } = this.#block(name, round);
    const valid = settings.get('valid');
    const payload = {
      height,
      round,
      validRound: valid === undefined ? NO_ROUND : Number(valid),
      blockId: id,
    };
    const proposer = idOf(settings.get('by') ?? this.#proposerOf(height, round));
    const proposal: SignedProposal = {
      proposal: { payload, proposer, signature: signature() },
      header: this.#block(settings.get('header') ?? name).block.header,
    };
    const receivedMs = HEADER_TIME_MS + Number(settings.get('delay') ?? 0);
    return { kind: 'proposal', proposal, receivedMs, ...peerOf(settings) };
  }

  #vote(text: string): SignedVote {
    const { words, settings } = parseCommand(text);
    const [verb, name = '', target = ''] = words;
    const height = Number(settings.get('height') ?? this.#height);
    const round = Number(settings.get('round') ?? this.#round);
    const kind = verb === 'prevote' ? PREVOTE : PRECOMMIT;
    const payload = { height, round, blockId: this.#targetOf(target) };
    const hasExtension = kind === PRECOMMIT && target !== 'nil';
    const extension = extensionOf(name, height, round, settings.get('ext') ?? '');
    return {
      vote: { kind, payload, validator: idOf(name), signature: signature() },
      extension: hasExtension ? [extension] : [],
    };
  }

  #certificate(height: number, round: number, target: string): Polka {
    const signers = BitArray.fromBoolArray([...this.#powers.keys()].map(() => true));
    return { height, round, blockId: this.#targetOf(target), signers, signature: signature() };
  }

  #targetOf(name: string): Uint8Array {
    return name === 'nil' ? NIL_BLOCK_ID : this.#block(name).id;
  }

  /** A block is made where it is first spoken of: in a proposal of its round, else in the present round. */
  #block(name: string, round = this.#round): { readonly block: Block; readonly id: Uint8Array } {
    return this.#blocks.get(name) ?? this.#makeBlock(name, new Map([['round', `${round}`]]));
  }

  #makeBlock(
    name: string,
    settings: ReadonlyMap<string, string>,
  ): { readonly block: Block; readonly id: Uint8Array } {
    const round = Number(settings.get('round') ?? 0);
    const header: Header = {
      ...SAMPLES.header(createPrng(1)),
      height: Number(settings.get('height') ?? this.#height),
      round,
      timeMs: HEADER_TIME_MS,
      proposer: idOf(settings.get('proposer') ?? this.#proposerOf(this.#height, round)),
      extraData: new TextEncoder().encode(name),
    };
    const body = { transactions: [], evidence: [], parentCommit: emptyCommit(), parentExtensions: [] };
    const made = { block: { header, body }, id: blockId(header) };
    this.#blocks.set(name, made);
    return made;
  }

  #makeChild(name: string, parent: string, signers: readonly string[]): void {
    const { block, id } = this.#block(name);
    const bits = BitArray.fromBoolArray([...this.#powers.keys()].map((member) => signers.includes(member)));
    const height = this.#height - 1;
    const parentCommit = {
      height,
      round: 0,
      blockId: this.#block(parent).id,
      signers: bits,
      signature: signature(),
    };
    this.#blocks.set(name, { id, block: { ...block, body: { ...block.body, parentCommit } } });
  }

  #nameOf(id: Uint8Array): string {
    if (toHex(id) === toHex(NIL_BLOCK_ID)) return 'nil';
    for (const [name, known] of this.#blocks) if (toHex(known.id) === toHex(id)) return name;
    return '?';
  }
}

function idOf(name: string): Uint8Array {
  return new Uint8Array(20).fill(name.charCodeAt(0));
}

function signature(): Uint8Array {
  return new Uint8Array(96);
}

function extensionOf(name: string, height: number, round: number, text: string): VoteExtension {
  const payload = { height, round, content: new TextEncoder().encode(text) };
  return { payload, validator: idOf(name), signature: signature() };
}

function peerOf(settings: ReadonlyMap<string, string>): { readonly from?: string } {
  const from = settings.get('from');
  return from === undefined ? {} : { from };
}

/** Peers are no part of what is logged. */
function printable(input: Input): string {
  return JSON.stringify(input, (key, value: unknown) => {
    if (key === 'from' || key === 'context') return undefined;
    if (value instanceof Uint8Array) return toHex(value);
    return typeof value === 'bigint' ? value.toString() : value;
  });
}
