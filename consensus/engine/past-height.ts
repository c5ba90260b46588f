import { toHex } from '../../protocol/bytes.js';
import type { VoteExtension } from '../../protocol/types/extension.js';
import { isNilBlockId, PRECOMMIT } from '../../protocol/types/vote.js';
import type { ValidatorName } from '../core/types.js';
import type { SignedVote } from '../messages.js';
import type { Precommits } from './effect.js';
import type { EngineVote, OpenHeight } from './open-height.js';
import { toEngineVote } from './open-height.js';

/** A decided height whose late precommits still come in: every signer and every extension counts, however slow. */
export class PastHeight {
  readonly height: number;
  readonly #decided: Omit<Precommits, 'votes'>;
  readonly #members: ReadonlySet<ValidatorName>;
  readonly #precommits = new Map<ValidatorName, SignedVote>();
  /** One of each validator: of the decided round, as soon as there is one. */
  readonly #extensions = new Map<ValidatorName, VoteExtension>();

  constructor(open: OpenHeight, decided: Precommits) {
    this.height = decided.height;
    this.#decided = decided;
    this.#members = new Set(open.context.validators.map(({ id }) => toHex(id)));
    for (const signed of decided.votes) this.add(signed);
    for (const round of [decided.round, open.driver.state.round]) {
      for (const { signed } of open.driver.votes.votesOf('precommit', round)) this.add(signed);
    }
  }

  /** @returns an earlier precommit of the same validator and round, if there is one */
  add(signed: SignedVote): EngineVote | undefined {
    const { kind, payload } = signed.vote;
    const name = toHex(signed.vote.validator);
    if (kind !== PRECOMMIT || payload.height !== this.height || !this.#members.has(name)) return undefined;
    const [extension] = signed.extension;
    const isDecidedRound = payload.round === this.#decided.round;
    const kept = this.#extensions.get(name);
    const isPreferred = isDecidedRound && kept?.payload.round !== payload.round;
    if (extension !== undefined && !isNilBlockId(payload.blockId) && (kept === undefined || isPreferred)) {
      this.#extensions.set(name, extension);
    }
    if (!isDecidedRound) return undefined;
    const known = this.#precommits.get(name);
    if (known === undefined) this.#precommits.set(name, signed);
    return known && toEngineVote(known);
  }

  precommits(): Precommits {
    const name = toHex(this.#decided.blockId);
    const votes = [...this.#precommits.values()].filter(({ vote }) => toHex(vote.payload.blockId) === name);
    return { ...this.#decided, votes };
  }

  extensions(): VoteExtension[] {
    return [...this.#extensions.values()];
  }
}
