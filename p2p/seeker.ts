import { SszError } from '../protocol/ssz/types.js';
import { addressGroup, dialable, isOfUse, type Scope } from './addresses.js';
import type { AddressBook } from './address-book.js';
import type { Alarm, Clock } from './clock.js';
import {
  claimedAddress,
  decodeContacts,
  encodeContacts,
  encodeRequest,
  MAX_CONTACTS,
  type Contact,
} from './peer-exchange.js';

/*
 * Finds peers: dials who is in the book or was heard of, until there are enough that this node has chosen itself. Those that come by
 * themselves do not count: an attacker can send any number of them.
 */

/** A peer that is here. */
export interface PresentPeer {
  readonly id: string;
  /** Multiaddress of its connection. */
  readonly remote: string;
  readonly isOutbound: boolean;
}

export interface SeekerParts {
  readonly ownId: () => string;
  readonly ownAddresses: () => readonly string[];
  /** Peers that this node has dialled, wanted. 0: it dials nobody but who is named. */
  readonly targetOutbound: number;
  readonly clock: Clock;
  readonly book: AddressBook;
  readonly peers: () => readonly PresentPeer[];
  /** Named by the operator, or banned. */
  readonly isExcluded: (id: string) => boolean;
  readonly dial: (address: string) => Promise<void>;
  readonly ask: (peer: string, request: Uint8Array) => AsyncIterable<Uint8Array>;
  readonly blame: (peer: string, error: SszError) => void;
  /** A whole number below `bound`. */
  readonly draw: (bound: number) => number;
}

/** Contacts that were heard of and not tried. */
const MAX_CONTACTS_KEPT = 256;
/** Peers whose failures are remembered. */
const MAX_TRIED = 1024;
const ROUND_MS = 5000;
const SAVE_MS = 30_000;
const ASK_MS = 30_000;
const MAX_DIALS = 4;
const MIN_BACKOFF_MS = 30_000;
const MAX_BACKOFF_MS = 3_600_000;
/** An address that fails so often, for more than a day, is no longer in the book. */
const MAX_FAILURES = 30;
/** Peers of one address that this node chooses; on the loopback interface everybody has one. */
const MAX_PER_GROUP = 2;

export class Seeker {
  readonly #parts: SeekerParts;
  readonly #heard = new Map<string, Contact>();
  /** What peers that are here have said about where they can be reached. */
  readonly #claims = new Map<string, string>();
  readonly #tried = new Map<string, { failures: number; againMs: number }>();
  readonly #dialling = new Map<string, string>();
  #alarm: Alarm | undefined;
  #askedMs = -Infinity;
  #savedMs = 0;
  #isStopped = false;

  constructor(parts: SeekerParts) {
    this.#parts = parts;
    this.#savedMs = parts.clock.nowMs();
  }

  get knownCount(): number {
    return this.#known().length;
  }

  get heardCount(): number {
    return this.#heard.size;
  }

  start(): void {
    this.#round();
  }

  /** Ends, and keeps what was learnt. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#alarm?.cancel();
    await this.#parts.book.save();
  }

  /** A peer has passed its handshake. */
  admitted({ id, remote, isOutbound }: PresentPeer): void {
    this.#heard.delete(id);
    this.#tried.delete(id);
    if (isOutbound) this.#parts.book.reached(id, remote);
    this.#roundSoon();
  }

  gone(id: string): void {
    this.#claims.delete(id);
    this.#roundSoon();
  }

  /** Answers a peer that asks for others, and notes where it can be reached itself. @throws SszError */
  answer({ id, remote }: PresentPeer, request: Uint8Array): Uint8Array {
    const claimed = claimedAddress(request, remote);
    if (claimed !== undefined) this.#claims.set(id, claimed);
    const scope = scopeOf(remote);
    const contacts = this.#known().filter(
      (contact) => contact.id !== id && isOfUse(dialable(contact.address)?.scope ?? 'loopback', scope),
    );
    return encodeContacts(this.#shuffled(contacts).slice(0, MAX_CONTACTS));
  }

  /** Who is here or was, by what this node has seen itself or they have said about themselves. */
  #known(): Contact[] {
    const known = new Map<string, Contact>(this.#parts.book.entries.map((entry) => [entry.id, entry]));
    for (const [id, address] of this.#claims) if (!known.has(id)) known.set(id, { id, address });
    return [...known.values()];
  }

  #roundSoon(): void {
    if (this.#isStopped) return;
    this.#alarm?.cancel();
    this.#alarm = this.#parts.clock.setTimer(SOON_MS, () => {
      this.#round();
    });
  }

  #round(): void {
    const { clock, book, targetOutbound, peers } = this.#parts;
    this.#alarm = clock.setTimer(ROUND_MS, () => {
      this.#round();
    });
    const nowMs = clock.nowMs();
    if (nowMs - this.#savedMs >= SAVE_MS) {
      this.#savedMs = nowMs;
      void book.save();
    }
    if (targetOutbound === 0) return;
    const chosen = peers().filter(({ isOutbound }) => isOutbound);
    const wanted = targetOutbound - chosen.length - this.#dialling.size;
    const free = Math.min(wanted, MAX_DIALS - this.#dialling.size);
    if (wanted <= 0) return;
    const candidates = this.#candidates(nowMs, chosen);
    for (const contact of candidates.slice(0, free)) void this.#dial(contact);
    if (candidates.length < wanted && nowMs - this.#askedMs >= ASK_MS) void this.#ask(nowMs);
  }

  /** Whom to try now, in the order to try them: those in the book and those heard of in turns, so that neither can crowd out the other. */
  #candidates(nowMs: number, chosen: readonly PresentPeer[]): Contact[] {
    const { ownId, peers, isExcluded, book } = this.#parts;
    const present = new Set(peers().map(({ id }) => id));
    const groups = new Map<string, number>();
    for (const address of [...chosen.map(({ remote }) => remote), ...this.#dialling.values()])
      count(groups, address);
    const isFree = ({ id, address }: Contact): boolean => {
      const isTaken = present.has(id) || this.#dialling.has(id) || id === ownId() || isExcluded(id);
      if (isTaken || (this.#tried.get(id)?.againMs ?? 0) > nowMs) return false;
      return scopeOf(address) === 'loopback' || count(groups, address) <= MAX_PER_GROUP;
    };
    const [known, heard] = [this.#shuffled(book.entries), this.#shuffled([...this.#heard.values()])];
    const both = Array.from({ length: Math.max(known.length, heard.length) }, (_, i) => [known[i], heard[i]]);
    const byId = new Map<string, Contact>(known.map((entry) => [entry.id, entry]));
    const ordered = new Set(both.flat().flatMap((contact) => contact?.id ?? []));
    // Where somebody was reached counts more than where others say it is.
    for (const contact of heard) if (!byId.has(contact.id)) byId.set(contact.id, contact);
    return [...ordered].flatMap((id) => byId.get(id) ?? []).filter(isFree);
  }

  async #dial({ id, address }: Contact): Promise<void> {
    this.#dialling.set(id, address);
    // Counts as a failure until its handshake succeeds.
    this.#failed(id);
    try {
      await this.#parts.dial(`${address}/p2p/${id}`);
    } catch {
      this.#heard.delete(id);
      if ((this.#tried.get(id)?.failures ?? 0) >= MAX_FAILURES) this.#parts.book.forget(id);
    } finally {
      this.#dialling.delete(id);
    }
  }

  #failed(id: string): void {
    const failures = (this.#tried.get(id)?.failures ?? 0) + 1;
    const backoffMs = Math.min(MIN_BACKOFF_MS * 2 ** (failures - 1), MAX_BACKOFF_MS);
    this.#tried.delete(id);
    this.#tried.set(id, { failures, againMs: this.#parts.clock.nowMs() + backoffMs });
    const [oldest] = this.#tried.keys();
    if (this.#tried.size > MAX_TRIED && oldest !== undefined) this.#tried.delete(oldest);
  }

  /** Asks somebody who is here for others. What it tells takes the place of what was heard long ago. */
  async #ask(nowMs: number): Promise<void> {
    const [peer] = this.#shuffled(this.#parts.peers());
    if (peer === undefined) return;
    this.#askedMs = nowMs;
    try {
      for await (const answer of this.#parts.ask(peer.id, encodeRequest(this.#parts.ownAddresses()))) {
        for (const contact of decodeContacts(answer, scopeOf(peer.remote))) this.#hear(contact);
      }
      this.#roundSoon();
    } catch (error) {
      // What failed on the way is blamed there; somebody else is asked the next time.
      if (error instanceof SszError) this.#parts.blame(peer.id, error);
    }
  }

  #hear(contact: Contact): void {
    this.#heard.delete(contact.id);
    this.#heard.set(contact.id, contact);
    const [oldest] = this.#heard.keys();
    if (this.#heard.size > MAX_CONTACTS_KEPT && oldest !== undefined) this.#heard.delete(oldest);
  }

  #shuffled<Item>(items: readonly Item[]): Item[] {
    const shuffled = [...items];
    for (let i = shuffled.length - 1; i > 0; i--) {
      const j = this.#parts.draw(i + 1);
      const [a, b] = [shuffled[i], shuffled[j]];
      if (a !== undefined && b !== undefined) [shuffled[i], shuffled[j]] = [b, a];
    }
    return shuffled;
  }
}

const SOON_MS = 200;

function scopeOf(address: string): Scope {
  return dialable(address)?.scope ?? 'public';
}

/** Peers of the group of an address, this one included. */
function count(groups: Map<string, number>, address: string): number {
  const group = addressGroup(address);
  const number = (groups.get(group) ?? 0) + 1;
  groups.set(group, number);
  return number;
}
