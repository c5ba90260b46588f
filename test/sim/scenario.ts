import type { Prng } from '../support/prng.js';
import type { Checker, Observation } from './checker.js';
import type { FaultKind } from './faults.js';
import type { NetworkOptions } from './network.js';

/** A node's clock as the node sees it. */
export interface LocalClock {
  /** Milliseconds since 1970, off by whatever the simulation makes the clock be off; may jump. */
  wallMs(): number;
  /** Microseconds since the start of the run by the node's own oscillator; never jumps. */
  monotonicUs(): number;
}

/** A pending timer of a node. */
export interface Alarm {
  cancel(): void;
}

/**
 * All that a node may touch. Each call that reaches outside is an effect, and the node may be killed at any of them: from then on
 * nothing it does has any consequence, its timers never fire and its promises never resolve.
 */
export interface Environment<Message, Disk, Seen extends Observation> {
  readonly node: number;
  readonly nodes: number;
  readonly clock: LocalClock;
  /** The node's own randomness, different in each of its lives. */
  readonly random: Prng;
  readonly disk: Disk;
  /** @param sizeBytes as encoded; what bandwidth is charged for */
  send(to: number, message: Message, sizeBytes: number): void;
  /** Runs `task` when the node's own oscillator has counted `delayUs` microseconds. */
  setTimer(delayUs: number, task: () => void | Promise<void>): Alarm;
  sleep(delayUs: number): Promise<void>;
  /** A point at which the node may be killed that is none of the others, such as between two calls. */
  effect(): void;
  /** The process ends itself, as after a failed disk. Whoever watches over it starts it again after a while. */
  exit(why: string): void;
  /** Tells the checkers, not the other nodes. */
  observe(observation: Seen): void;
}

/** A running node. What it throws, or rejects with, is a failure of the run: no input may crash a node. */
export interface Inhabitant<Message> {
  receive(from: number, message: Message): void | Promise<void>;
  disconnected?(peer: number): void | Promise<void>;
}

/** The disks of a scenario: what a node finds when it starts. */
export interface DiskKind<Disk> {
  /**
   * @param random for what a crash leaves
   * @param delay awaited around every operation that would take time: the node may be killed there
   */
  create(random: Prng, delay: () => Promise<void>): Disk;
  /** What the next process finds, as a new disk. The given one is used no longer. */
  crash(disk: Disk, random: Prng, delay: () => Promise<void>): Disk;
  /** The disk as it is now, for somebody else, while its owner goes on. Where absent, no node is given another's disk. */
  copy?(disk: Disk, random: Prng, delay: () => Promise<void>): Disk;
  /** Whether nothing was ever written to it: such a disk cannot be told from a new node's. */
  isBlank(disk: Disk): boolean;
  /** Whether writes that need more space fail. */
  setFull(disk: Disk, isFull: boolean): void;
}

/** What a run is of: everything the environment needs to know of its inhabitants. */
export interface Scenario<Message, Disk, Seen extends Observation> {
  readonly name: string;
  /** No promises anywhere: the faster of the two ways to run. */
  readonly isSynchronous: boolean;
  readonly disks: DiskKind<Disk>;
  /** Ways for a validator to be Byzantine. */
  readonly crimes: readonly string[];
  /** Faults it is not built for, such as a lossy network under a protocol that never repeats. */
  readonly spares?: readonly FaultKind[];
  maxByzantine(nodes: number): number;
  /** Whether these may be Byzantine together; where absent, any that are few enough. */
  readonly tolerates?: (nodes: readonly number[]) => boolean;
  /** Moments in a node's life at which it is worth killing it, by what it tells the checkers. */
  readonly cues?: {
    readonly names: readonly string[];
    readonly of: (seen: Seen) => string;
  };
  /** What messages are about, for an adversary who picks among them. */
  readonly topics?: {
    readonly names: readonly string[];
    /** Undefined for messages that are never picked. */
    readonly of: (message: Message) => { readonly topic: string; readonly round: number } | undefined;
  };
  network(random: Prng, nodes: number): Omit<NetworkOptions<Message>, 'nodes'>;
  /**
   * Starts a node, from nothing or from what its disk holds.
   *
   * @param crime how it misbehaves; undefined when it is honest
   * @throws where the disk is not its own, or full: then it is started again after a while; otherwise it starts
   */
  boot(
    environment: Environment<Message, Disk, Seen>,
    crime: string | undefined,
  ): Inhabitant<Message> | Promise<Inhabitant<Message>>;
  checkers(setting: Setting): readonly Checker<Seen>[];
}

/** What checkers may know: a run from outside. */
export interface Setting {
  readonly seed: number;
  readonly nodes: number;
  /** By node. */
  readonly crimes: ReadonlyMap<number, string>;
}
