import type { OgpuError } from '../protocol/errors.js';
import type { Clock } from './clock.js';

/*
 * What peers have done, and for how long they are not spoken to because of it.
 */

/** Points at which a peer is banned. */
export const BAN_POINTS = 100;

/** What no software that follows the protocol sends, however slow, old or badly connected it is: one is enough. */
const FATAL = BAN_POINTS;
/** Four are no accident. One may be: around a change of the validator set, honest nodes differ about what is valid. */
const WRONG = 25;
/** More than twice what an honest peer may have queued: two such floods within the memory of the score. */
const FLOODING = 50;
/** Slow disks, full links and stopped processes are misfortunes: the connection ends, but only a habit bans. */
const SLOW = 10;

/** Points by code of error; every other code is `WRONG`. */
const POINTS: Readonly<Record<string, number>> = {
  FRAME_TOO_LONG: FATAL,
  FRAME_MALFORMED: FATAL,
  SSZ_TOO_LONG: FATAL,
  SSZ_MALFORMED: FATAL,
  SSZ_UNSAFE_INTEGER: FATAL,
  HANDSHAKE_MALFORMED: FATAL,
  HANDSHAKE_BINDING: FATAL,
  // Another chain stays another chain: asking again is a waste for both.
  HANDSHAKE_CHAIN: FATAL,
  HANDSHAKE_GENESIS: FATAL,
  // An upgrade is under way somewhere: back soon.
  HANDSHAKE_VERSION: WRONG,
  HANDSHAKE_TIMEOUT: SLOW,
  HANDSHAKE_FAILED: SLOW,
  LINK_FLOODED: FLOODING,
  LINK_STALLED: SLOW,
  GOSSIP_FLOODED: FLOODING,
  GOSSIP_REJECTED: WRONG,
  REQUEST_MALFORMED: FATAL,
  REQUEST_FLOODED: WRONG,
  REQUEST_BUSY: SLOW,
  REQUEST_REFUSED: 0,
  REQUEST_TIMEOUT: SLOW,
  RESPONSE_MALFORMED: FATAL,
  RESPONSE_TRUNCATED: SLOW,
  // A node serves what it has verified itself.
  BLOB_CHUNK_WRONG: FATAL,
  SYNC_COMMIT_WRONG: FATAL,
  SYNC_BLOCK_WRONG: FATAL,
  SYNC_PAGE_WRONG: FATAL,
  SYNC_SNAPSHOT_WRONG: FATAL,
  SYNC_WITHHELD: FLOODING,
  // This node's own state, not the peer's doing.
  INBOX_CLOSED: 0,
  STREAM_CLOSED: 0,
  PEER_UNKNOWN: 0,
  NETWORK_STOPPED: 0,
};

/** Half of a score is forgotten in this time: faults hours apart have nothing to do with each other. */
const HALF_LIFE_MS = 10 * 60_000;
/** The first ban; each further one lasts twice as long. */
const FIRST_BAN_MS = 10 * 60_000;
const MAX_BAN_MS = 24 * 3_600_000;
/** For peers an operator has named: if validators that trust each other disagree, they must find together again by themselves. */
const STATIC_BAN_MS = 30_000;
/** Peers that are remembered; the one blamed longest ago is forgotten first. */
const MAX_RECORDS = 4096;

interface PeerRecord {
  points: number;
  pointsMs: number;
  bans: number;
  bannedUntilMs: number;
}

export class Conduct {
  readonly #clock: Pick<Clock, 'nowMs'>;
  /** In the order of the last blame. */
  readonly #records = new Map<string, PeerRecord>();

  constructor(clock: Pick<Clock, 'nowMs'>) {
    this.#clock = clock;
  }

  /** Peers that are remembered. */
  get size(): number {
    return this.#records.size;
  }

  /**
   * Counts a fault of a peer.
   *
   * @returns whether it is banned now
   */
  blame(peer: string, error: OgpuError, isStatic: boolean): boolean {
    const points = POINTS[error.code] ?? WRONG;
    if (points === 0) return this.isBanned(peer);
    const nowMs = this.#clock.nowMs();
    const record = this.#records.get(peer) ?? { points: 0, pointsMs: nowMs, bans: 0, bannedUntilMs: 0 };
    record.points = pointsNow(record, nowMs) + points;
    record.pointsMs = nowMs;
    if (record.points >= BAN_POINTS) {
      const banMs = isStatic ? STATIC_BAN_MS : Math.min(MAX_BAN_MS, FIRST_BAN_MS * 2 ** record.bans);
      record.bannedUntilMs = nowMs + banMs;
      record.bans++;
      record.points = 0;
    }
    this.#keep(peer, record);
    return this.isBanned(peer);
  }

  /** Bans that have not expired. */
  get bans(): readonly { readonly id: string; readonly leftMs: number; readonly bans: number }[] {
    return [...this.#records]
      .map(([id, { bans }]) => ({ id, leftMs: this.banLeftMs(id), bans }))
      .filter(({ leftMs }) => leftMs > 0);
  }

  /** A ban from before a restart. */
  restore(peer: string, leftMs: number, bans: number): void {
    if (leftMs <= 0) return;
    const nowMs = this.#clock.nowMs();
    const bannedUntilMs = nowMs + Math.min(leftMs, MAX_BAN_MS);
    this.#keep(peer, { points: 0, pointsMs: nowMs, bans, bannedUntilMs });
  }

  #keep(peer: string, record: PeerRecord): void {
    this.#records.delete(peer);
    this.#records.set(peer, record);
    const [oldest] = this.#records.keys();
    if (this.#records.size > MAX_RECORDS && oldest !== undefined) this.#records.delete(oldest);
  }

  /** Points a peer has now. */
  points(peer: string): number {
    const record = this.#records.get(peer);
    return record === undefined ? 0 : pointsNow(record, this.#clock.nowMs());
  }

  isBanned(peer: string): boolean {
    return this.banLeftMs(peer) > 0;
  }

  /** Milliseconds until the ban ends; 0 without one. */
  banLeftMs(peer: string): number {
    const record = this.#records.get(peer);
    return record === undefined ? 0 : Math.max(0, record.bannedUntilMs - this.#clock.nowMs());
  }
}

function pointsNow({ points, pointsMs }: PeerRecord, nowMs: number): number {
  return points * 2 ** (-(nowMs - pointsMs) / HALF_LIFE_MS);
}
