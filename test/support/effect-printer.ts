import type { Contradiction, Effect, Precommits } from '../../consensus/engine/effect.js';
import type { Input, Timer } from '../../consensus/engine/input.js';
import type { Message, Polka, SignedProposal, SignedVote } from '../../consensus/messages.js';
import type { VoteExtension } from '../../protocol/types/extension.js';
import { blockId } from '../../protocol/types/header.js';
import { NO_ROUND, type ProposalPayload } from '../../protocol/types/proposal.js';
import { PREVOTE, type VotePayload } from '../../protocol/types/vote.js';

/** Effects of the engine as lines of a script. */
export class EffectPrinter {
  readonly #nameOf: (id: Uint8Array) => string;

  /** @param nameOf the letter of a block id, `nil` for the nil block */
  constructor(nameOf: (id: Uint8Array) => string) {
    this.#nameOf = nameOf;
  }

  effect(effect: Effect): string {
    switch (effect.kind) {
      case 'log':
        return `log ${this.#input(effect.input)}`;
      case 'sign-proposal':
        return `sign-proposal ${this.#proposed(effect.payload)}`;
      case 'sign-prevote':
      case 'sign-precommit':
        return `${effect.kind} ${this.#target(effect.payload)}`;
      case 'build':
        return `build ${effect.height}/${effect.round}${this.#buildUpon(effect)}`;
      case 'validate':
      case 'fetch':
      case 'diverged':
        return `${effect.kind} ${this.#nameOf(effect.id)}`;
      case 'broadcast':
        return `broadcast ${this.#message(effect.message)}`;
      case 'send':
        return `send to ${effect.to}: ${this.#message(effect.message)}`;
      case 'share-polka':
        return `share-polka ${effect.round}: ${this.#votes(effect.votes)}`;
      case 'notify-proposer':
        return `notify-proposer ${letterOf(effect.proposer)} of ${effect.height}`;
      case 'timer':
        return `timer ${timerText(effect.timer)} in ${effect.delayMs} ms`;
      case 'cancel-timers':
        return 'cancel-timers';
      case 'decide':
        return `decide ${this.#nameOf(effect.id)} ${this.#precommits(effect.precommits)}`;
      case 'evidence':
        return `evidence ${this.#contradiction(effect.contradiction)}`;
    }
  }

  #buildUpon({ parent, extensions }: Extract<Effect, { readonly kind: 'build' }>): string {
    const upon =
      parent === undefined ? '' : ` on ${this.#nameOf(parent.blockId)} ${this.#precommits(parent)}`;
    return upon + (extensions.length === 0 ? '' : ` with ${extensions.map(extensionText).join(' ')}`);
  }

  #precommits({ round, votes, certificate }: Precommits): string {
    const end = certificate === undefined ? '' : `, certificate of round ${certificate.commit.round}`;
    return `in ${round} by [${votes.map(({ vote }) => letterOf(vote.validator)).join(' ')}]${end}`;
  }

  #input(input: Input): string {
    switch (input.kind) {
      case 'open':
        return `open ${input.height}`;
      case 'timer':
        return `timer ${timerText(input.timer)}`;
      case 'proposal':
        return `proposal ${this.#proposal(input.proposal)}`;
      case 'block':
      case 'built':
        return `${input.kind} ${this.#nameOf(input.id)}`;
      case 'validated':
        return `validated ${this.#nameOf(input.id)} ${input.validity}`;
      case 'vote':
        return this.#vote(input.vote);
      case 'votes':
        return `votes ${this.#votes(input.votes)}`;
      case 'polka':
        return `polka ${this.#certificate(input.polka)}`;
      case 'commit':
        return `commit ${this.#certificate(input.commit.commit)}`;
      case 'start':
      case 'work':
      case 'work-notice':
      case 'peer-round':
        return input.kind;
    }
  }

  #message(message: Message): string {
    switch (message.kind) {
      case 'proposal':
        return `proposal ${this.#proposal(message.proposal)}`;
      case 'block':
        return `block ${this.#nameOf(blockId(message.block.header))}`;
      case 'vote':
        return this.#vote(message.vote);
      case 'votes':
        return `votes ${this.#votes(message.votes)}`;
      case 'polka':
        return `polka ${this.#certificate(message.polka)}`;
      case 'commit':
        return `commit ${this.#certificate(message.commit.commit)}`;
      case 'work':
        return `work ${message.work.height}`;
      case 'evidence':
      case 'wantBlock':
      case 'wantCommit':
      case 'compactBody':
      case 'compactBlock':
      case 'transactions':
      case 'wantTransactions':
        return message.kind;
    }
  }

  #contradiction({ kind, first, second }: Contradiction): string {
    switch (kind) {
      case 'proposal':
        return `proposal of ${letterOf(first.proposer)}: ${this.#proposed(first.payload)}, ${this.#proposed(second.payload)}`;
      case 'vote':
        return `vote of ${letterOf(first.validator)}: ${this.#target(first.payload)}, ${this.#target(second.payload)}`;
      case 'extension':
        return `extension of ${letterOf(first.validator)}: ${extensionText(first)}, ${extensionText(second)}`;
    }
  }

  #proposal({ proposal }: SignedProposal): string {
    return this.#proposed(proposal.payload);
  }

  #proposed({ round, validRound, blockId: id }: ProposalPayload): string {
    return `${round} ${this.#nameOf(id)}${validRound === NO_ROUND ? '' : ` valid=${validRound}`}`;
  }

  #votes(votes: readonly SignedVote[]): string {
    return votes.map((vote) => this.#vote(vote)).join(', ');
  }

  #vote({ vote }: SignedVote): string {
    const kind = vote.kind === PREVOTE ? 'prevote' : 'precommit';
    return `${kind} ${letterOf(vote.validator)} ${this.#target(vote.payload)}`;
  }

  #certificate({ round, blockId: id }: Polka): string {
    return `${round} ${this.#nameOf(id)}`;
  }

  #target({ round, blockId: id }: VotePayload): string {
    return `${round} ${this.#nameOf(id)}`;
  }
}

function extensionText({ payload, validator }: VoteExtension): string {
  const { height, round, content } = payload;
  return `${letterOf(validator)}@${height}/${round}"${new TextDecoder().decode(content)}"`;
}

function timerText(timer: Timer): string {
  switch (timer.kind) {
    case 'propose':
    case 'prevote':
    case 'precommit':
      return `${timer.kind} ${timer.round}`;
    default:
      return timer.kind;
  }
}

function letterOf(id: Uint8Array): string {
  return String.fromCharCode(id[0] ?? 0);
}
