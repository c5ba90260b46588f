import { invariant } from '../../protocol/invariant.js';
import { copyMessage } from './copy-message.js';
import type { Latency } from './latency.js';
import type { Recorder } from './recorder.js';
import type { Scheduler } from './scheduler.js';
import type { Streams } from './streams.js';

/** What a link does with one message too many: loses it, or loses the connection and everything under way on it, as a full TCP buffer ends up doing. */
export type Overflow = 'drop-newest' | 'drop-connection';

export interface NetworkOptions<Message> {
  readonly nodes: number;
  readonly latency: Latency;
  /** Whether a link keeps order, as a stream does. A reordering fault breaks it nevertheless. */
  readonly isOrdered: boolean;
  /** Upload of each node; a message leaves when those before it have. Unlimited where absent. */
  readonly uploadBytesPerSecond?: number;
  /** Messages under way on one link, stalled ones included. */
  readonly maxInFlight: number;
  readonly overflow: Overflow;
  /** What the receiver gets: by default a frozen copy. An identity is right only for messages nobody can change. */
  readonly copy?: (message: Message) => Message;
  /** Tells one message from another in the record; the size where absent. */
  readonly tag?: (message: Message, sizeBytes: number) => number;
}

/** Where messages and news of connections come out. */
export interface NetworkEnds<Message> {
  deliver(from: number, to: number, message: Message): void | Promise<void>;
  /** The connection between two nodes broke; what was under way is gone. Both are told. */
  disconnected(node: number, peer: number): void | Promise<void>;
}

/** What happens to messages on the whole network, in parts per thousand. */
export interface Weather {
  readonly lossPermille: number;
  readonly duplicatePermille: number;
  readonly reorderPermille: number;
  /** A reordered message is late by up to this. */
  readonly reorderMaxUs: number;
}

/** Picks messages that are to be lost. */
export type Censor<Message> = (from: number, to: number, message: Message) => boolean;

export const CALM: Weather = { lossPermille: 0, duplicatePermille: 0, reorderPermille: 0, reorderMaxUs: 0 };

export interface NetworkCounts {
  sent: number;
  sentBytes: number;
  delivered: number;
  lost: number;
  duplicated: number;
  peakInFlight: number;
}

/** Small messages slip between the packets of a large one instead of waiting behind it. */
const PACKET_BYTES = 1_500;

interface Held<Message> {
  readonly message: Message;
  readonly tag: number;
}

interface Link<Message> {
  /** How many faults cut it now; likewise how many clog it. */
  cuts: number;
  clogs: number;
  /** Rises when the connection breaks; what left before then does not arrive. */
  epoch: number;
  inFlight: number;
  lastArrivalUs: number;
  readonly held: Held<Message>[];
}

/**
 * Point-to-point messages between nodes over links that delay, lose, repeat, reorder, stall and break.
 * Every kind of chance has its own stream of randomness.
 */
export class Network<Message> {
  readonly #options: NetworkOptions<Message>;
  readonly #scheduler: Scheduler;
  readonly #recorder: Recorder;
  readonly #ends: NetworkEnds<Message>;
  readonly #random;
  readonly #links: readonly Link<Message>[];
  readonly #uploadFreeAtUs: number[];
  readonly #copy: (message: Message) => Message;
  readonly #tag: (message: Message, sizeBytes: number) => number;
  readonly #censors = new Set<Censor<Message>>();
  #weather: Weather = CALM;
  readonly counts: NetworkCounts = {
    sent: 0,
    sentBytes: 0,
    delivered: 0,
    lost: 0,
    duplicated: 0,
    peakInFlight: 0,
  };

  constructor(
    options: NetworkOptions<Message>,
    world: { readonly scheduler: Scheduler; readonly recorder: Recorder; readonly streams: Streams },
    ends: NetworkEnds<Message>,
  ) {
    this.#options = options;
    this.#scheduler = world.scheduler;
    this.#recorder = world.recorder;
    this.#ends = ends;
    const { streams } = world;
    this.#random = {
      latency: streams('network/latency'),
      loss: streams('network/loss'),
      duplicate: streams('network/duplicate'),
      reorder: streams('network/reorder'),
    };
    this.#links = Array.from({ length: options.nodes * options.nodes }, () => newLink<Message>());
    this.#uploadFreeAtUs = new Array<number>(options.nodes).fill(0);
    this.#copy = options.copy ?? copyMessage;
    this.#tag = options.tag ?? ((_message, sizeBytes) => sizeBytes);
  }

  send(from: number, to: number, message: Message, sizeBytes: number): void {
    const link = this.#link(from, to);
    const tag = this.#tag(message, sizeBytes);
    this.counts.sent++;
    this.counts.sentBytes += sizeBytes;
    this.#recorder.traffic('send', from, to, tag);
    const departureUs = this.#upload(from, sizeBytes);
    const { lossPermille, duplicatePermille } = this.#weather;
    if (link.cuts > 0 || this.#isCensored(from, to, message)) {
      this.#lose('cut', from, to, tag);
      return;
    }
    if (lossPermille > 0 && this.#random.loss.chance(lossPermille, 1000)) {
      this.#lose('lose', from, to, tag);
      return;
    }
    if (link.inFlight >= this.#options.maxInFlight) {
      this.#overflow(from, to, tag);
      return;
    }
    this.#dispatch(from, to, message, tag, departureUs);
    if (duplicatePermille === 0 || link.inFlight >= this.#options.maxInFlight) return;
    if (this.#random.duplicate.chance(duplicatePermille, 1000)) {
      this.counts.duplicated++;
      this.#recorder.traffic('duplicate', from, to, tag);
      this.#dispatch(from, to, message, tag, departureUs);
    }
  }

  /** Nothing passes from one to the other, this way only. Cuts add up: a link works when every one has been mended. */
  cut(from: number, to: number): void {
    this.#link(from, to).cuts++;
  }

  mend(from: number, to: number): void {
    const link = this.#link(from, to);
    invariant(link.cuts > 0, `link ${from} -> ${to} is cut`);
    link.cuts--;
  }

  /** Loses every message that `censor` picks. @returns what ends it */
  censor(censor: Censor<Message>): () => void {
    this.#censors.add(censor);
    return () => void this.#censors.delete(censor);
  }

  /** Messages that arrive are held back. */
  clog(from: number, to: number): void {
    this.#link(from, to).clogs++;
  }

  /** The last `unclog` lets everything held arrive at once, in order. */
  unclog(from: number, to: number): void {
    const link = this.#link(from, to);
    invariant(link.clogs > 0, `link ${from} -> ${to} is clogged`);
    link.clogs--;
    if (link.clogs > 0) return;
    const { epoch } = link;
    for (const { message, tag } of link.held.splice(0)) {
      this.#scheduler.after(0, () => this.#arrive(from, to, message, tag, epoch));
    }
  }

  /** Breaks the connection between two nodes: what is under way either way is lost, and both are told. */
  disconnect(a: number, b: number): void {
    this.#breakLink(this.#link(a, b));
    this.#breakLink(this.#link(b, a));
    this.#scheduler.after(0, () => this.#ends.disconnected(a, b));
    this.#scheduler.after(0, () => this.#ends.disconnected(b, a));
  }

  /** A process died: what is under way to it is lost and its peers are told. What it sent still arrives. */
  hangUp(node: number): void {
    for (let peer = 0; peer < this.#options.nodes; peer++) {
      if (peer === node) continue;
      this.#breakLink(this.#link(peer, node));
      this.#scheduler.after(0, () => this.#ends.disconnected(peer, node));
    }
  }

  setWeather(weather: Weather): void {
    invariant(weather.lossPermille <= 300, 'a network that loses more than 30 % is a partition');
    this.#weather = weather;
  }

  #dispatch(from: number, to: number, message: Message, tag: number, departureUs: number): void {
    const link = this.#link(from, to);
    const { reorderPermille, reorderMaxUs } = this.#weather;
    const copied = this.#copy(message);
    let arrivalUs = departureUs + this.#options.latency(from, to, this.#random.latency);
    if (this.#options.isOrdered) arrivalUs = link.lastArrivalUs = Math.max(arrivalUs, link.lastArrivalUs);
    if (reorderPermille > 0 && this.#random.reorder.chance(reorderPermille, 1000)) {
      arrivalUs += this.#random.reorder.below(reorderMaxUs + 1);
    }
    link.inFlight++;
    this.counts.peakInFlight = Math.max(this.counts.peakInFlight, link.inFlight);
    const { epoch } = link;
    this.#scheduler.at(arrivalUs, () => this.#arrive(from, to, copied, tag, epoch));
  }

  #arrive(from: number, to: number, message: Message, tag: number, epoch: number): void | Promise<void> {
    const link = this.#link(from, to);
    if (epoch !== link.epoch) {
      this.#lose('lose', from, to, tag);
      return;
    }
    if (link.cuts > 0) {
      link.inFlight--;
      this.#lose('cut', from, to, tag);
      return;
    }
    if (link.clogs > 0) {
      link.held.push({ message, tag });
      this.#recorder.traffic('clog', from, to, tag);
      return;
    }
    link.inFlight--;
    this.counts.delivered++;
    this.#recorder.traffic('deliver', from, to, tag);
    return this.#ends.deliver(from, to, message);
  }

  /** When the last byte leaves. */
  #upload(from: number, sizeBytes: number): number {
    const { nowUs } = this.#scheduler;
    const { uploadBytesPerSecond } = this.#options;
    if (uploadBytesPerSecond === undefined) return nowUs;
    const busyUs = Math.ceil((sizeBytes * 1_000_000) / uploadBytesPerSecond);
    const freeAtUs = Math.max(nowUs, this.#uploadFreeAtUs[from] ?? 0) + busyUs;
    this.#uploadFreeAtUs[from] = freeAtUs;
    return sizeBytes <= PACKET_BYTES ? nowUs + busyUs : freeAtUs;
  }

  #isCensored(from: number, to: number, message: Message): boolean {
    for (const censor of this.#censors) if (censor(from, to, message)) return true;
    return false;
  }

  #overflow(from: number, to: number, tag: number): void {
    this.#lose('overflow', from, to, tag);
    if (this.#options.overflow === 'drop-connection') this.disconnect(from, to);
  }

  #lose(kind: 'lose' | 'cut' | 'overflow', from: number, to: number, tag: number): void {
    this.counts.lost++;
    this.#recorder.traffic(kind, from, to, tag);
  }

  #breakLink(link: Link<Message>): void {
    link.epoch++;
    link.inFlight = 0;
    this.counts.lost += link.held.length;
    link.held.length = 0;
  }

  #link(from: number, to: number): Link<Message> {
    const { nodes } = this.#options;
    invariant(from >= 0 && from < nodes && to >= 0 && to < nodes, `there is a link ${from} -> ${to}`);
    return this.#links[from * nodes + to] as Link<Message>;
  }
}

function newLink<Message>(): Link<Message> {
  return { cuts: 0, clogs: 0, epoch: 0, inFlight: 0, lastArrivalUs: 0, held: [] };
}
