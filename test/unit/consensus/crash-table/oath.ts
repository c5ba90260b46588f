import type { EffectOf } from '../../../../consensus/engine/effect.js';
import type { SignKind } from '../../../../consensus/engine/record.js';
import type { Message } from '../../../../consensus/messages.js';
import { toHex } from '../../../../protocol/bytes.js';
import type { ChainIdentity } from '../../../../protocol/domains.js';
import {
  beaconSignBytes,
  extensionSignBytes,
  proposalSignBytes,
  voteSignBytes,
} from '../../../../protocol/sign-bytes.js';
import { NO_ROUND } from '../../../../protocol/types/proposal.js';
import { isNilBlockId, PRECOMMIT, PREVOTE } from '../../../../protocol/types/vote.js';

interface Vote {
  readonly height: number;
  readonly round: number;
  readonly block: string;
}

/** Proposals by height and round, as their rounds of validity: shared by all who watch one cluster. */
export type ValidRounds = Map<string, number>;

/**
 * What a validator may never break, over all its lives: one signature for one place, lock kept, nothing told otherwise than before.
 * It watches the key itself, so that a signature counts even where it never left the process.
 */
export class Oath {
  readonly broken: string[] = [];
  readonly #chain: ChainIdentity;
  readonly #validRounds: ValidRounds;
  /** Places of everything that was asked to be signed, by sign-bytes. */
  readonly #asked = new Map<string, { readonly place: string; readonly vote?: Vote & { kind: SignKind } }>();
  readonly #signed = new Map<string, string>();
  readonly #told = new Map<string, string>();
  readonly #precommits: (Vote & { readonly life: number })[] = [];
  readonly #prevotes: Vote[] = [];
  #life = 0;
  /** How often a prevote was signed by one who had to remember a lock from a life before. */
  locksRemembered = 0;

  constructor(chain: ChainIdentity, validRounds: ValidRounds) {
    this.#chain = chain;
    this.#validRounds = validRounds;
  }

  /** Another process begins. */
  begins(): void {
    this.#life++;
  }

  /** Whether a prevote was signed at a height in a round or later. */
  hasPrevoted(height: number, round: number): boolean {
    return this.#prevotes.some((vote) => vote.height === height && vote.round >= round);
  }

  /** What the validator precommitted at a height: rounds and blocks, none for nil. */
  precommits(height: number): readonly Vote[] {
    return this.#precommits.filter((vote) => vote.height === height && vote.block !== '');
  }

  /** The engine asks for a signature. */
  asks({ kind, payload }: EffectOf<SignKind>): void {
    const { height, round } = payload;
    const place = `${height}/${round}/${kind}`;
    if (kind === 'sign-proposal') {
      const validRound = payload.validRound === NO_ROUND ? -1 : payload.validRound;
      this.#validRounds.set(`${height}/${round}`, validRound);
      this.#asked.set(toHex(proposalSignBytes(this.#chain, payload)), { place });
      return;
    }
    const signBytes = voteSignBytes(this.#chain, kind === 'sign-prevote' ? PREVOTE : PRECOMMIT, payload);
    const block = isNilBlockId(payload.blockId) ? '' : toHex(payload.blockId);
    this.#asked.set(toHex(signBytes), { place, vote: { kind, height, round, block } });
  }

  asksExtension(height: number, round: number, content: Uint8Array): void {
    const signBytes = extensionSignBytes(this.#chain, { height, round, content });
    this.#asked.set(toHex(signBytes), { place: `${height}/${round}/extension` });
  }

  asksBeacon(height: number, previousBeacon: Uint8Array): void {
    const signBytes = beaconSignBytes(this.#chain, height, previousBeacon);
    this.#asked.set(toHex(signBytes), { place: `${height}/beacon` });
  }

  /** The key signs. */
  signs(message: Uint8Array): void {
    const name = toHex(message);
    const asked = this.#asked.get(name);
    if (asked === undefined) {
      this.#breaks('signed what nobody asked for');
      return;
    }
    const first = this.#signed.get(asked.place);
    if (first !== undefined) {
      if (first !== name) this.#breaks(`signed two things at ${asked.place}`);
      return;
    }
    this.#signed.set(asked.place, name);
    if (asked.vote?.kind === 'sign-precommit') {
      this.#precommits.push({ ...asked.vote, life: this.#life });
    }
    if (asked.vote?.kind === 'sign-prevote') {
      this.#prevotes.push(asked.vote);
      this.#checkLock(asked.vote);
    }
  }

  /** A message leaves the node. */
  tells(message: Message, encoded: Uint8Array): void {
    if (message.kind === 'evidence') this.#breaks('has seen a contradiction');
    if (message.kind !== 'vote' && message.kind !== 'proposal') return;
    const payload = message.kind === 'vote' ? message.vote.vote.payload : message.proposal.proposal.payload;
    const kind = message.kind === 'vote' ? message.vote.vote.kind : 'proposal';
    const place = `${payload.height}/${payload.round}/${kind}`;
    const bytes = toHex(encoded);
    const first = this.#told.get(place) ?? bytes;
    this.#told.set(place, first);
    if (first !== bytes) this.#breaks(`told two things of ${place}`);
  }

  /** Who precommitted a block prevotes another one only where that had a polka since. */
  #checkLock({ height, round, block }: Vote): void {
    const validRound = this.#validRounds.get(`${height}/${round}`) ?? -1;
    for (const lock of this.#precommits) {
      if (lock.height !== height || lock.block === '' || lock.round >= round || validRound >= lock.round) {
        continue;
      }
      if (block !== '' && block !== lock.block) {
        this.#breaks(`forgot at ${height}/${round} what it had locked in round ${lock.round}`);
      } else if (lock.life < this.#life) {
        this.locksRemembered++;
      }
    }
  }

  #breaks(what: string): void {
    if (!this.broken.includes(what)) this.broken.push(what);
  }
}
