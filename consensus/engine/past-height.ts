import { bytesEqual, toHex } from '../../protocol/bytes.js';
import type { Commit } from '../../protocol/types/commit.js';
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
  /** In the order of the set. */
  readonly #members: readonly ValidatorName[];
  readonly #precommits = new Map<ValidatorName, SignedVote>();
  /** One of each validator: of the decided round, as soon as there is one. */
  readonly #extensions = new Map<ValidatorName, VoteExtension>();

  constructor(open: OpenHeight, decided: Precommits) {
    this.height = decided.height;
    this.#decided = decided;
    this.#members = open.context.validators.map(({ id }) => toHex(id));
    for (const signed of decided.votes) this.add(signed);
    for (const round of [decided.round, open.driver.state.round]) {
      for (const { signed } of open.driver.votes.votesOf('precommit', round)) this.add(signed);
    }
  }

  /** @returns an earlier precommit of the same validator and round, if there is one */
  add(signed: SignedVote): EngineVote | undefined {
    const { kind, payload } = signed.vote;
    const name = toHex(signed.vote.validator);
    if (kind !== PRECOMMIT || payload.height !== this.height || !this.#members.includes(name))
      return undefined;
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

  /** Whether an extension is known byte for byte: then its signature has been verified. */
  holds({ payload, validator, signature }: VoteExtension): boolean {
    const kept = this.#extensions.get(toHex(validator));
    if (kept === undefined || payload.height !== this.height) return false;
    const isSame = kept.payload.round === payload.round && bytesEqual(kept.payload.content, payload.content);
    return isSame && bytesEqual(kept.signature, signature);
  }

  /** Known precommits of validators that a commit has as signers of something else: with what others know they are evidence. */
  contradictedBy(commit: Commit): SignedVote[] {
    if (commit.height !== this.height || commit.round !== this.#decided.round) return [];
    return contradictions(this.#members, commit, (name) => this.#precommits.get(name));
  }

  extensions(): VoteExtension[] {
    return [...this.#extensions.values()];
  }
}

/**
 * Votes for something else than what a certificate says their signers voted for. The certificate alone convicts nobody: it holds no single
 * signatures.
 *
 * @param members in the order of the set
 * @param known the vote of a member of the certificate's kind and round
 */
export function contradictions(
  members: readonly ValidatorName[],
  { signers, blockId }: Pick<Commit, 'signers' | 'blockId'>,
  known: (name: ValidatorName) => SignedVote | undefined,
): SignedVote[] {
  return members.flatMap((name, index) => {
    const signed = index < signers.bitLen && signers.get(index) ? known(name) : undefined;
    return signed === undefined || bytesEqual(signed.vote.payload.blockId, blockId) ? [] : [signed];
  });
}
