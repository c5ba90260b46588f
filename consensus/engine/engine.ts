import type { Address } from '../../protocol/address.js';
import { bytesEqual, fromHex, toHex } from '../../protocol/bytes.js';
import { invariant } from '../../protocol/invariant.js';
import { proposalPayloadCodec, NO_ROUND, type ProposalPayload } from '../../protocol/types/proposal.js';
import { isNilBlockId, NIL_BLOCK_ID, PRECOMMIT, PREVOTE } from '../../protocol/types/vote.js';
import { extensionPayloadCodec, type VoteExtension } from '../../protocol/types/extension.js';
import type { Output } from '../core/state-machine.js';
import type { BlockInRound, VoteKind, VoteTarget } from '../core/types.js';
import type { AddResult } from '../core/vote-keeper.js';
import type { SignedVote } from '../messages.js';
import { perform, type Contradiction, type Performing, type Precommits } from './effect.js';
import type { HeightContext, Input, LoggedInput, Peer, Timer } from './input.js';
import { OpenHeight, targetOf, toEngineVote, type EngineVote } from './open-height.js';
import { PastHeight } from './past-height.js';
import { isTimely, timeoutMs } from './timing.js';

/** Decided heights whose late precommits are still collected: a block carries the extensions of the two before it. */
const PAST_HEIGHTS = 2;

/**
 * Agreement over heights. One input at a time; what has to happen comes out as effects, at each of which the engine stands still until it
 * is resumed. It knows no clock, no socket, no disk and no key, and the same inputs and resumes give the same effects: so it is replayed
 * from its log after a crash, and shaken in the simulator.
 */
export class ConsensusEngine {
  readonly #ownId: Address | undefined;
  #current: OpenHeight | undefined;
  #past: readonly PastHeight[] = [];

  /** @param ownId the validator this node signs for; undefined for one that only watches */
  constructor(ownId: Address | undefined) {
    this.#ownId = ownId;
  }

  /** The height being decided; undefined between a decision and the next start. */
  get height(): number | undefined {
    return this.#current?.context.height;
  }

  get current(): OpenHeight | undefined {
    return this.#current;
  }

  /** Whether this is an extension of one of the last heights that came with a vote, byte for byte. */
  hasVerified(extension: VoteExtension): boolean {
    return this.#past.some((past) => past.holds(extension));
  }

  *handle(input: Input): Performing {
    if (input.kind === 'start') return yield* this.#start(input.context);
    const open = this.#current;
    if (input.kind === 'vote' && input.vote.vote.payload.height !== open?.context.height) {
      return yield* this.#takeLateVote(input.vote);
    }
    if (open === undefined || open.driver.state.step === 'decided') return;
    switch (input.kind) {
      case 'open':
        return yield* this.#open(open);
      case 'work':
        open.hasWork = true;
        return yield* this.#openForWork(open);
      case 'work-notice':
        if (input.height !== open.context.height) return;
        open.hasWork = true;
        return yield* this.#openForWork(open);
      case 'timer':
        return yield* this.#takeTimer(open, input.timer);
      case 'proposal':
        return yield* this.#takeProposal(open, input);
      case 'block':
        return yield* this.#takeBlock(open, input);
      case 'built':
        return yield* this.#takeBuilt(open, input);
      case 'validated':
        return yield* this.#takeValidity(open, input);
      case 'vote':
        return yield* this.#takeVotes(open, [input.vote], input);
      case 'peer-round':
        if (input.height === open.context.height) yield* this.#helpRound(open, input.from, input.round);
        return;
      case 'votes':
        return yield* this.#takeVotes(open, input.votes, input);
      case 'polka':
        return yield* this.#takePolka(open, input);
      case 'commit':
        return yield* this.#takeCommit(open, input);
    }
  }

  *#start(context: HeightContext): Performing {
    invariant(this.#current === undefined, 'a height starts when the one before is decided');
    const open = new OpenHeight(context, this.#ownId);
    this.#current = open;
    const { height, params } = context;
    const [last] = this.#past;
    if (last !== undefined && last.height !== height - 1) this.#past = [];
    yield* setTimer({ kind: 'interval', height }, params.blockIntervalMinMs);
    yield* setTimer({ kind: 'idle', height }, params.blockIntervalIdleMs);
  }

  /** A height opens when there is work and the interval is over, with the first valid message of it, or after the idle interval. */
  *#openForWork(open: OpenHeight): Performing {
    if (!open.isOpen && open.hasWork && open.isIntervalOver) yield* this.#open(open);
  }

  *#open(open: OpenHeight): Performing {
    if (open.isOpen) return;
    open.isOpen = true;
    const { height, params } = open.context;
    yield* perform({ kind: 'log', input: { kind: 'open', height } });
    yield* this.#notifyProposer(open);
    yield* setTimer({ kind: 'resend', height }, resendMs(params));
    yield* this.#carryOut(open, open.driver.start());
  }

  /** Whoever proposes next may know of no work. */
  *#notifyProposer(open: OpenHeight): Performing {
    const { height, proposerOf } = open.context;
    const proposer = proposerOf(open.driver.state.round);
    if (!open.hasWork || toHex(proposer) === open.own) return;
    yield* perform({ kind: 'notify-proposer', height, proposer });
  }

  *#takeTimer(open: OpenHeight, timer: Timer): Performing {
    if (timer.height !== open.context.height) return;
    switch (timer.kind) {
      case 'interval':
        open.isIntervalOver = true;
        return yield* this.#openForWork(open);
      case 'idle':
        return yield* this.#open(open);
      case 'resend':
        return yield* this.#resend(open);
      default: {
        const outputs = open.driver.timeoutElapsed(timer.kind, timer.round);
        if (outputs.length === 0) return;
        yield* perform({ kind: 'log', input: { kind: 'timer', timer } });
        return yield* this.#carryOut(open, outputs);
      }
    }
  }

  *#takeProposal(open: OpenHeight, input: InputOf<'proposal'>): Performing {
    const { proposal: signed, receivedMs } = input;
    const { round, validRound, blockId } = signed.proposal.payload;
    if (!open.isWellPlaced(signed)) return;
    const known = open.proposals.get(round);
    if (known !== undefined) {
      const { proposal: first } = known;
      const isSame = isSameRoot(proposalPayloadCodec, first.payload, signed.proposal.payload);
      if (!isSame) yield* report({ kind: 'proposal', first, second: signed.proposal });
      return;
    }
    yield* this.#open(open);
    const isFresh = validRound === NO_ROUND;
    const { timeMs } = signed.header;
    const outputs = open.driver.addProposal({
      round,
      block: toHex(blockId),
      validRound: isFresh ? null : validRound,
      isTimely: !isFresh || isTimely(open.context.params, { timeMs, receivedMs, round }),
    });
    if (open.driver.proposal(round) === undefined) return;
    open.proposals.set(round, signed);
    yield* perform({ kind: 'log', input: { kind: 'proposal', proposal: signed, receivedMs } });
    yield* this.#carryOut(open, outputs);
  }

  *#takeBlock(open: OpenHeight, input: InputOf<'block'>): Performing {
    const name = toHex(input.id);
    if (!open.admits(name)) return;
    open.blocks.set(name, input.block);
    yield* perform({ kind: 'log', input });
    yield* this.#carryOut(open, []);
  }

  *#takeBuilt(open: OpenHeight, input: InputOf<'built'>): Performing {
    const { height, round, id, block } = input;
    const { state } = open.driver;
    const isAwaited = height === open.context.height && round === state.round && state.step === 'propose';
    if (!isAwaited || !open.isOpen || open.driver.proposal(round) !== undefined) return;
    const name = toHex(id);
    open.blocks.set(name, block);
    yield* perform({ kind: 'log', input });
    yield* this.#carryOut(open, open.driver.setValidity(name, 'valid'));
    yield* this.#carryOut(open, yield* this.#propose(open, round, NO_ROUND, name));
  }

  *#takeValidity(open: OpenHeight, input: InputOf<'validated'>): Performing {
    const name = toHex(input.id);
    if (input.height !== open.context.height || !open.blocks.has(name)) return;
    open.inValidation.delete(name);
    if (open.driver.validity(name) !== undefined) return;
    yield* perform({ kind: 'log', input });
    yield* this.#carryOut(open, open.driver.setValidity(name, input.validity));
  }

  /** One vote, or several that are counted before any rule is tried. */
  *#takeVotes(open: OpenHeight, signed: readonly SignedVote[], input: InputOf<'vote' | 'votes'>): Performing {
    const votes = signed.filter(({ vote }) => vote.payload.height === open.context.height).map(toEngineVote);
    if (votes.length === 0) return;
    yield* this.#open(open);
    const { results, outputs } = open.driver.addVotes(votes);
    for (const [index, vote] of votes.entries()) yield* reportConflict(vote, results[index]);
    const added = votes.filter((_, index) => results[index]?.kind === 'added').map((vote) => vote.signed);
    const [only] = added;
    if (only !== undefined) {
      const logged: LoggedInput =
        input.kind === 'vote' ? { kind: 'vote', vote: only } : { kind: 'votes', votes: added };
      yield* perform({ kind: 'log', input: logged });
    }
    yield* this.#carryOut(open, outputs);
    const [vote] = votes;
    if (input.kind === 'vote' && input.from !== undefined && vote !== undefined) {
      yield* this.#helpRound(open, input.from, vote.round);
    }
  }

  *#takePolka(open: OpenHeight, input: InputOf<'polka'>): Performing {
    const { height, round, blockId } = input.polka;
    if (height !== open.context.height || open.driver.votes.quorum('prevote', round) !== undefined) return;
    yield* this.#open(open);
    open.polkas.set(round, input.polka);
    yield* perform({ kind: 'log', input });
    yield* this.#showContradictions(open.contradictedBy('prevote', input.polka));
    yield* this.#carryOut(open, open.driver.addCertificate('prevote', round, targetOf(blockId)));
  }

  *#takeCommit(open: OpenHeight, input: InputOf<'commit'>): Performing {
    const { height, round, blockId } = input.commit.commit;
    if (height !== open.context.height || open.certificate !== undefined || isNilBlockId(blockId)) return;
    yield* this.#open(open);
    open.certificate = input.commit;
    yield* perform({ kind: 'log', input });
    yield* this.#showContradictions(open.contradictedBy('precommit', input.commit.commit));
    const name = toHex(blockId);
    const outputs = open.driver.addCertificate('precommit', round, name);
    if (!open.blocks.has(name)) yield* perform({ kind: 'fetch', height, id: blockId });
    yield* this.#carryOut(open, outputs);
  }

  /** A vote of another height: a precommit of one just decided still counts for the next block. */
  *#takeLateVote(signed: SignedVote): Performing {
    const { height } = signed.vote.payload;
    const past = this.#past.find((candidate) => candidate.height === height);
    const known = past?.add(signed);
    if (known !== undefined) {
      const vote = toEngineVote(signed);
      const kind = known.target === vote.target ? 'repeated' : 'conflict';
      yield* reportConflict(vote, { kind, first: known });
    }
  }

  /** Carries out what the algorithm says, and what follows from it; then looks for blocks that are needed. */
  *#carryOut(open: OpenHeight, first: readonly Output[]): Performing {
    const queue = [...first];
    for (let output = queue.shift(); output !== undefined; output = queue.shift()) {
      queue.push(...(yield* this.#carryOutOne(open, output)));
    }
    if (open.driver.state.step !== 'decided') yield* this.#pursueBlocks(open);
  }

  *#carryOutOne(open: OpenHeight, output: Output): Performing<readonly Output[]> {
    const { height, params } = open.context;
    switch (output.kind) {
      case 'round':
        open.forgetOld();
        return [];
      case 'timeout': {
        const { timeout, round } = output;
        yield* setTimer({ kind: timeout, height, round }, timeoutMs(params, timeout, round));
        return [];
      }
      case 'vote':
        return yield* this.#castVote(open, output.vote, output.round, output.target);
      case 'propose':
        return yield* this.#makeProposal(open, output.round, output.valid);
      case 'decide':
        yield* this.#decide(open, output.decision);
        return [];
    }
  }

  /** Executes what may be voted for next, once it is here. */
  *#pursueBlocks(open: OpenHeight): Performing {
    const { height } = open.context;
    for (const name of open.wanted()) {
      const block = open.blocks.get(name);
      const validity = open.driver.validity(name);
      if (validity === 'invalid' && open.driver.votes.commit()?.block === name) {
        yield* perform({ kind: 'diverged', height, id: fromHex(name), header: block?.header });
      }
      if (validity !== undefined || block === undefined || open.inValidation.has(name)) continue;
      open.inValidation.add(name);
      yield* perform({ kind: 'validate', height, id: fromHex(name), block });
    }
  }

  *#makeProposal(open: OpenHeight, round: number, valid: BlockInRound | null): Performing<readonly Output[]> {
    if (valid !== null) return yield* this.#propose(open, round, valid.round, valid.block);
    const { height } = open.context;
    const extensions = this.#past.flatMap((past) => past.extensions());
    yield* perform({ kind: 'build', height, round, parent: this.#past[0]?.precommits(), extensions });
    return [];
  }

  *#propose(
    open: OpenHeight,
    round: number,
    validRound: number,
    name: string,
  ): Performing<readonly Output[]> {
    const { state } = open.driver;
    if (state.round !== round || state.step !== 'propose' || open.driver.proposal(round) !== undefined)
      return [];
    const block = open.blocks.get(name);
    invariant(
      block !== undefined && open.own !== null,
      'only a member proposes, and only a block that is here',
    );
    const { height } = open.context;
    const payload: ProposalPayload = { height, round, validRound, blockId: fromHex(name) };
    const signature = yield* perform({ kind: 'sign-proposal', payload });
    if (signature === null) return [];
    const proposal = { payload, proposer: fromHex(open.own), signature };
    const signed = { proposal, header: block.header };
    open.proposals.set(round, signed);
    yield* this.#sharePolka(open, validRound);
    yield* perform({ kind: 'broadcast', message: { kind: 'proposal', proposal: signed } });
    yield* perform({ kind: 'broadcast', message: { kind: 'block', block } });
    return open.driver.addProposal({
      round,
      block: name,
      validRound: validRound === NO_ROUND ? null : validRound,
      isTimely: true,
    });
  }

  *#castVote(
    open: OpenHeight,
    kind: VoteKind,
    round: number,
    target: VoteTarget,
  ): Performing<readonly Output[]> {
    if (open.own === null) return [];
    const { height } = open.context;
    const payload = { height, round, blockId: target === null ? NIL_BLOCK_ID : fromHex(target) };
    const validator = fromHex(open.own);
    let signed: SignedVote;
    if (kind === 'prevote') {
      const signature = yield* perform({ kind: 'sign-prevote', payload });
      if (signature === null) return [];
      signed = { vote: { kind: PREVOTE, payload, validator, signature }, extension: [] };
    } else {
      const made = yield* perform({ kind: 'sign-precommit', payload });
      if (made === null) return [];
      invariant(
        (made.extension === null) === (target === null),
        'precommits for blocks have extensions, others none',
      );
      const extension = made.extension === null ? [] : [made.extension];
      signed = { vote: { kind: PRECOMMIT, payload, validator, signature: made.signature }, extension };
    }
    open.ownVotes.set(kind, signed);
    yield* perform({ kind: 'broadcast', message: { kind: 'vote', vote: signed } });
    return open.driver.addVote(toEngineVote(signed)).outputs;
  }

  *#decide(open: OpenHeight, { round, block: name }: BlockInRound): Performing {
    const block = open.blocks.get(name);
    invariant(block !== undefined, 'a block is decided once it is here and valid');
    const { height } = open.context;
    const votes = open.driver.votes.votesFor('precommit', round, name).map(({ signed }) => signed);
    const precommits: Precommits = {
      height,
      round,
      blockId: fromHex(name),
      certificate: open.certificate?.commit.round === round ? open.certificate : undefined,
      votes,
    };
    yield* perform({ kind: 'cancel-timers' });
    yield* perform({ kind: 'decide', block, id: fromHex(name), precommits });
    const { parentCommit } = block.body;
    yield* this.#showContradictions(this.#past.flatMap((past) => past.contradictedBy(parentCommit)));
    yield* this.#signLate(open, round, name);
    this.#past = [new PastHeight(open, precommits), ...this.#past].slice(0, PAST_HEIGHTS);
    this.#current = undefined;
  }

  /** Others know the votes that a certificate is made of: with these they have evidence. */
  *#showContradictions(votes: readonly SignedVote[]): Performing {
    for (const vote of votes) yield* perform({ kind: 'broadcast', message: { kind: 'vote', vote } });
  }

  /** Who needed longer than +2/3 for a block precommits it all the same, so that its signature and extension are not missed. */
  *#signLate(open: OpenHeight, round: number, name: string): Performing {
    const own = open.ownVotes.get('precommit');
    const isEarlier = own === undefined || own.vote.payload.round < round;
    if (open.certificate !== undefined || !isEarlier || open.driver.state.round > round) return;
    yield* this.#castVote(open, 'precommit', round, name);
  }

  /** Everything may get lost: while the height is open, the latest own messages are sent again, and missing blocks asked for. */
  *#resend(open: OpenHeight): Performing {
    const { height, params } = open.context;
    yield* setTimer({ kind: 'resend', height }, resendMs(params));
    open.helped.clear();
    const { round } = open.driver.state;
    const proposal = open.proposals.get(round);
    if (proposal === undefined) yield* this.#notifyProposer(open);
    if (proposal !== undefined && toHex(proposal.proposal.proposer) === open.own) {
      yield* perform({ kind: 'broadcast', message: { kind: 'proposal', proposal } });
    }
    const polka = open.driver.votes.latestPolka(round);
    if (polka !== undefined) yield* this.#sharePolka(open, polka.round);
    for (const vote of open.ownVotes.values())
      yield* perform({ kind: 'broadcast', message: { kind: 'vote', vote } });
    for (const name of open.wanted()) {
      if (!open.blocks.has(name)) yield* perform({ kind: 'fetch', height, id: fromHex(name) });
    }
  }

  *#sharePolka(open: OpenHeight, round: number): Performing {
    if (round === NO_ROUND) return;
    const polka = open.polkas.get(round);
    if (polka !== undefined) return yield* perform({ kind: 'broadcast', message: { kind: 'polka', polka } });
    const { votes } = open.driver;
    const target = votes.quorum('prevote', round);
    invariant(target !== undefined, 'a valid round has a polka');
    const prevotes = votes.votesFor('prevote', round, target).map(({ signed }) => signed);
    yield* perform({ kind: 'share-polka', height: open.context.height, round, votes: prevotes });
  }

  /** Who is in an earlier round gets the votes that have brought this node to its own. */
  *#helpRound(open: OpenHeight, to: Peer, round: number): Performing {
    const { votes, state } = open.driver;
    if (round >= state.round || open.helped.has(to) || state.step === 'decided') return;
    if (open.helped.size < MAX_HELPED) open.helped.add(to);
    const proof = votes.hasAnyQuorum('precommit', state.round - 1)
      ? votes.votesOf('precommit', state.round - 1)
      : votes.oneOfEach(state.round);
    if (proof.length === 0) return;
    yield* perform({
      kind: 'send',
      to,
      message: { kind: 'votes', votes: proof.map(({ signed }) => signed) },
    });
  }
}

/** Peers remembered as helped; who comes after them is helped as often as it asks. */
const MAX_HELPED = 1024;

type InputOf<Kind extends Input['kind']> = Extract<Input, { readonly kind: Kind }>;

function* setTimer(timer: Timer, delayMs: number): Performing {
  yield* perform({ kind: 'timer', timer, delayMs });
}

function* report(contradiction: Contradiction): Performing {
  yield* perform({ kind: 'evidence', contradiction });
}

/** A second vote for something else, or a second extension of one vote. */
function* reportConflict({ signed }: EngineVote, result: AddResult<EngineVote> | undefined): Performing {
  if (result === undefined || result.kind === 'added' || result.kind === 'ignored') return;
  const first = result.first.signed;
  if (result.kind === 'conflict') yield* report({ kind: 'vote', first: first.vote, second: signed.vote });
  const [one] = first.extension;
  const [other] = signed.extension;
  if (one === undefined || other === undefined) return;
  if (!isSameRoot(extensionPayloadCodec, one.payload, other.payload)) {
    yield* report({ kind: 'extension', first: one, second: other });
  }
}

function isSameRoot<Value>(codec: { root(value: Value): Uint8Array }, a: Value, b: Value): boolean {
  return bytesEqual(codec.root(a), codec.root(b));
}

/** Long enough that nothing is sent twice where messages arrive. */
function resendMs({ timeoutProposeMs }: HeightContext['params']): number {
  return timeoutProposeMs;
}
