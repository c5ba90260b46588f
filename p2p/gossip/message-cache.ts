import type { GossipsubOpts } from '@libp2p/gossipsub';

/*
 * Messages of the last seconds: those that are being judged, and those that peers outside the mesh may still ask for.
 *
 * gossipsub brings a cache of its own, which has no bound in bytes and answers a request for a thousand messages with a thousand messages.
 */

type LibraryCache = GossipsubOpts['messageCache'];
type RawMessage = NonNullable<ReturnType<LibraryCache['get']>>;
type MessageId = Parameters<LibraryCache['put']>[0];

export interface CacheLimits {
  /** What is kept; the oldest make way. */
  readonly maxBytes: number;
  readonly maxCount: number;
  /** What one peer is given in a heartbeat; a single message may be larger. */
  readonly maxGivenBytes: number;
  readonly maxGivenCount: number;
  /** Names of messages of a topic that one peer is told in a heartbeat. */
  readonly maxToldIds: number;
}

interface Entry {
  readonly id: Uint8Array;
  readonly message: RawMessage;
  /** The heartbeat it came in. */
  readonly tick: number;
  readonly sources: Set<string>;
  readonly askedBy: Map<string, number>;
  isValid: boolean;
}

interface Given {
  bytes: number;
  count: number;
}

/** What gossipsub asks of its cache. */
export class MessageCache {
  /** In the order in which they came. */
  readonly msgs = new Map<string, Entry>();
  readonly #limits: CacheLimits;
  readonly #idToName: (id: Uint8Array) => string;
  /** Heartbeats for which a message is kept, and for which others are told of it. */
  readonly #keptTicks: number;
  readonly #toldTicks: number;
  readonly #given = new Map<string, Given>();
  #bytes = 0;
  #tick = 0;

  constructor(
    limits: CacheLimits,
    idToName: (id: Uint8Array) => string,
    keptTicks: number,
    toldTicks: number,
  ) {
    this.#limits = limits;
    this.#idToName = idToName;
    this.#keptTicks = keptTicks;
    this.#toldTicks = toldTicks;
  }

  get size(): number {
    return this.msgs.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get notValidatedCount(): number {
    return [...this.msgs.values()].filter(({ isValid }) => !isValid).length;
  }

  put({ msgId, msgIdStr }: MessageId, message: RawMessage, isValid = false): boolean {
    if (this.msgs.has(msgIdStr)) return false;
    this.msgs.set(msgIdStr, {
      ...{ id: msgId, message, isValid, tick: this.#tick },
      ...{ sources: new Set<string>(), askedBy: new Map<string, number>() },
    });
    this.#bytes += bytesOf(message);
    const { maxBytes, maxCount } = this.#limits;
    for (const name of this.msgs.keys()) {
      if (this.#bytes <= maxBytes && this.msgs.size <= maxCount) break;
      this.#drop(name);
    }
    return true;
  }

  get(id: Uint8Array): RawMessage | undefined {
    return this.msgs.get(this.#idToName(id))?.message;
  }

  /** Somebody else has sent a message that is being judged: it need not be sent there. */
  observeDuplicate(name: string, peer: string): void {
    const entry = this.msgs.get(name);
    if (entry !== undefined && !entry.isValid) entry.sources.add(peer);
  }

  /** A message for a peer that asks for it, unless it has been given enough for now. */
  getWithIWantCount(name: string, peer: string): { msg: RawMessage; count: number } | null {
    const entry = this.msgs.get(name);
    if (entry?.isValid !== true) return null;
    const given = this.#given.get(peer) ?? { bytes: 0, count: 0 };
    const bytes = given.bytes + bytesOf(entry.message);
    const { maxGivenBytes, maxGivenCount } = this.#limits;
    if (given.count > 0 && (bytes > maxGivenBytes || given.count >= maxGivenCount)) return null;
    this.#given.set(peer, { bytes, count: given.count + 1 });
    const count = (entry.askedBy.get(peer) ?? 0) + 1;
    entry.askedBy.set(peer, count);
    return { msg: entry.message, count };
  }

  /** Names of valid messages by topic, the newest first. */
  getGossipIDs(topics: ReadonlySet<string>): Map<string, Uint8Array[]> {
    const told = new Map<string, Uint8Array[]>();
    for (const { id, message, isValid, tick } of [...this.msgs.values()].reverse()) {
      if (this.#tick - tick >= this.#toldTicks) break;
      if (!isValid || !topics.has(message.topic)) continue;
      const ids = told.get(message.topic) ?? [];
      if (ids.length < this.#limits.maxToldIds) ids.push(id);
      told.set(message.topic, ids);
    }
    return told;
  }

  /** A message was judged and found good. Returns it, and who else has sent it meanwhile. */
  validate(name: string): { message: RawMessage; originatingPeers: Set<string> } | null {
    const entry = this.msgs.get(name);
    if (entry === undefined) return null;
    entry.isValid = true;
    const originatingPeers = new Set(entry.sources);
    entry.sources.clear();
    return { message: entry.message, originatingPeers };
  }

  remove(name: string): { message: RawMessage; originatingPeers: Set<string> } | null {
    const entry = this.msgs.get(name);
    if (entry === undefined) return null;
    this.#drop(name);
    return { message: entry.message, originatingPeers: entry.sources };
  }

  /** A heartbeat has passed. */
  shift(): void {
    this.#tick++;
    this.#given.clear();
    for (const [name, { tick }] of this.msgs) {
      if (this.#tick - tick < this.#keptTicks) break;
      this.#drop(name);
    }
  }

  #drop(name: string): void {
    const entry = this.msgs.get(name);
    if (entry === undefined) return;
    this.msgs.delete(name);
    this.#bytes -= bytesOf(entry.message);
  }
}

/** The same, as gossipsub wants to have it: its own class has private members, so that no other fits its type. */
export function asLibraryCache(cache: MessageCache): LibraryCache {
  return cache as unknown as LibraryCache;
}

function bytesOf(message: RawMessage): number {
  return message.data?.length ?? 0;
}
