import { describeError } from '../../protocol/errors.js';
import { invariant } from '../../protocol/invariant.js';
import type { Prng } from '../support/prng.js';
import { ViolationError, type Checker, type Observation } from './checker.js';
import type { FaultBody } from './faults.js';
import { NodeClock } from './clock.js';
import { Network } from './network.js';
import type { Recorder } from './recorder.js';
import type { Environment, Inhabitant, Scenario, Setting } from './scenario.js';
import type { Scheduler, Task } from './scheduler.js';
import type { Streams } from './streams.js';
import { SECOND_US } from './units.js';

export interface World {
  readonly scheduler: Scheduler;
  readonly recorder: Recorder;
  readonly streams: Streams;
}

/** A disk operation takes this long, plus up to as much as `DISK_JITTER_US`, unless a fault makes it slower. */
const DISK_LATENCY_US = 100;
const DISK_JITTER_US = 2_000;

/** How long a process that ended itself, or could not start on a full disk, stays down. */
const RESTART_US = SECOND_US;

/** Events a node that stands still may have waiting. */
const MAX_HELD = 100_000;

/** One process, from its start to its death. */
interface Life<Message> {
  isAlive: boolean;
  inhabitant: Inhabitant<Message> | undefined;
}

type Censorship = Extract<FaultBody, { readonly kind: 'censor' }>;

interface Slot<Message, Disk> {
  readonly node: number;
  readonly clock: NodeClock;
  readonly diskRandom: Prng;
  life: Life<Message>;
  /** The life that was prepared last: the current one, or the next when the node is down. */
  lives: number;
  disk: Disk;
  diskLatencyUs: number | undefined;
  isDiskFull: boolean;
  /** Since the node was started last. */
  sawDiskFull: boolean;
  /** 0: not armed. */
  effectsUntilDeath: number;
  /** What arms it next, and how far. */
  ambush: { readonly cue: string; readonly atEffect: number } | undefined;
  /** Faults that hold the node down, or will. */
  downs: number;
  pauses: number;
  held: Task[];
}

/**
 * The nodes of a run, each with its clock, its disk and its lives: starts them, kills them at any effect, and stands between them and
 * everything outside.
 */
export class Cluster<Message, Disk, Seen extends Observation> {
  readonly network: Network<Message>;
  #deaths = 0;
  readonly #scenario: Scenario<Message, Disk, Seen>;
  readonly #setting: Setting;
  readonly #world: World;
  readonly #checkers: readonly Checker<Seen>[];
  readonly #slots: readonly Slot<Message, Disk>[];

  constructor(
    scenario: Scenario<Message, Disk, Seen>,
    setting: Setting,
    world: World,
    checkers: readonly Checker<Seen>[],
  ) {
    this.#scenario = scenario;
    this.#setting = setting;
    this.#world = world;
    this.#checkers = checkers;
    const { nodes } = setting;
    const options = { nodes, ...scenario.network(world.streams('network/shape'), nodes) };
    this.network = new Network(options, world, {
      deliver: (from, to, message) => this.#deliver(from, to, message),
      disconnected: (node, peer) => this.#disconnected(node, peer),
    });
    this.#slots = Array.from({ length: nodes }, (_, node) => this.#createSlot(node));
  }

  /** How often a process died or ended itself. */
  get deaths(): number {
    return this.#deaths;
  }

  /** Starts every node, each at its own moment within `spreadUs`. */
  start(spreadUs: number): void {
    const random = this.#world.streams('start');
    for (const { node } of this.#slots) {
      this.#world.scheduler.after(random.below(spreadUs + 1), () => this.#bootUnlessDown(node));
    }
  }

  /** Kills the node, at once for 0 or at its `atEffect`th effect from now, and keeps it down until `release`. */
  kill(node: number, atEffect: number): void {
    const slot = this.#slot(node);
    slot.downs++;
    if (atEffect > 0) slot.effectsUntilDeath = atEffect;
    else this.#die(slot);
  }

  /** Kills the node at its `atEffect`th effect after it tells of `cue`, and keeps it down until `release`; a later ambush takes the place of this one. */
  lieInWait(node: number, cue: string, atEffect: number): void {
    const slot = this.#slot(node);
    slot.downs++;
    slot.ambush = { cue, atEffect };
  }

  /** Takes back one `kill`; the last one starts the node again if it died. */
  release(node: number): void | Promise<void> {
    const slot = this.#slot(node);
    invariant(slot.downs > 0, `node ${node} is held down`);
    slot.downs--;
    if (slot.downs > 0) return;
    slot.effectsUntilDeath = 0;
    slot.ambush = undefined;
    return this.#bootUnlessDown(node);
  }

  /**
   * Kills the node and starts it on a copy of what a crash would leave of `owner`'s disk, which it must refuse.
   *
   * @returns what ends it: the node is started on its own disk again
   */
  giveForeignDisk(node: number, owner: number): () => void | Promise<void> {
    this.kill(node, 0);
    const slot = this.#slot(node);
    const owned = this.#slot(owner).disk;
    const life: Life<Message> = { isAlive: true, inhabitant: undefined };
    const { disks } = this.#scenario;
    if (disks.copy !== undefined && !disks.isBlank(owned)) {
      const foreign = disks.copy(owned, slot.diskRandom, () => this.#operateDisk(slot, life));
      this.#expectRefusal(slot, life, owner, foreign);
    }
    return () => {
      life.isAlive = false;
      return this.release(node);
    };
  }

  #expectRefusal(slot: Slot<Message, Disk>, life: Life<Message>, owner: number, foreign: Disk): void {
    const { scheduler, recorder } = this.#world;
    const { node } = slot;
    const started = (): void => {
      scheduler.fail(new ViolationError('disk', `node ${node} started on the disk of node ${owner}`));
    };
    const refused = (error: unknown): void => {
      if (!life.isAlive) return;
      life.isAlive = false;
      recorder.tell(`node ${node} refuses the disk of node ${owner}: ${describeError(error)}`);
    };
    try {
      const booted = this.#scenario.boot(this.#environment(slot, life, foreign), undefined);
      if (booted instanceof Promise) booted.then(started, refused);
      else started();
    } catch (error) {
      refused(error);
    }
  }

  pause(node: number): void {
    this.#slot(node).pauses++;
  }

  resume(node: number): void {
    const slot = this.#slot(node);
    invariant(slot.pauses > 0, `node ${node} stands still`);
    slot.pauses--;
    if (slot.pauses > 0) return;
    for (const task of slot.held.splice(0)) this.#world.scheduler.after(0, task);
  }

  clock(node: number): NodeClock {
    return this.#slot(node).clock;
  }

  /** @returns what ends it */
  censor({ topic, sender, exempt, rounds, isMute }: Censorship): () => void {
    const { topics } = this.#scenario;
    return this.network.censor((from, to, message) => {
      if (from === exempt) return isMute;
      const isSpared = to === exempt || (sender !== undefined && from !== sender);
      const subject = isSpared ? undefined : topics?.of(message);
      if (subject?.topic !== topic) return false;
      return rounds === 'all' || (rounds === 'even') === (subject.round % 2 === 0);
    });
  }

  /** @param latencyUs of every operation; undefined for the usual */
  setDiskLatency(node: number, latencyUs: number | undefined): void {
    this.#slot(node).diskLatencyUs = latencyUs;
  }

  setDiskFull(node: number, isFull: boolean): void {
    const slot = this.#slot(node);
    slot.isDiskFull = isFull;
    slot.sawDiskFull ||= isFull;
    this.#scenario.disks.setFull(slot.disk, isFull);
  }

  #createSlot(node: number): Slot<Message, Disk> {
    const { scheduler, streams } = this.#world;
    const life: Life<Message> = { isAlive: false, inhabitant: undefined };
    const diskRandom = streams(`disk/${node}`);
    const slot: Omit<Slot<Message, Disk>, 'disk'> & { disk?: Disk } = {
      node,
      clock: new NodeClock(() => scheduler.nowUs),
      diskRandom,
      life,
      lives: 0,
      diskLatencyUs: undefined,
      isDiskFull: false,
      sawDiskFull: false,
      effectsUntilDeath: 0,
      ambush: undefined,
      downs: 0,
      pauses: 0,
      held: [],
    };
    const disk = this.#scenario.disks.create(diskRandom, () => this.#operateDisk(this.#slot(node), life));
    return Object.assign(slot, { disk });
  }

  #die(slot: Slot<Message, Disk>): void {
    if (!slot.life.isAlive) return;
    const { disks } = this.#scenario;
    const next: Life<Message> = { isAlive: false, inhabitant: undefined };
    this.#deaths++;
    slot.life.isAlive = false;
    slot.life = next;
    slot.held = [];
    slot.disk = disks.crash(slot.disk, slot.diskRandom, () => this.#operateDisk(slot, next));
    disks.setFull(slot.disk, slot.isDiskFull);
    this.#world.recorder.tell(`node ${slot.node} dies`);
    this.network.hangUp(slot.node);
  }

  /** The process ends itself; whoever watches over it starts it again. */
  #exit(slot: Slot<Message, Disk>, life: Life<Message>, why: string): void {
    if (!life.isAlive) return;
    this.#world.recorder.tell(`node ${slot.node} ends itself: ${why}`);
    if (slot.life === life) this.#die(slot);
    life.isAlive = false;
    this.#world.scheduler.after(RESTART_US, () => this.#bootUnlessDown(slot.node));
  }

  #bootUnlessDown(node: number): void | Promise<void> {
    const slot = this.#slot(node);
    const { life } = slot;
    if (life.isAlive || slot.downs > 0) return;
    life.isAlive = true;
    slot.sawDiskFull = slot.isDiskFull;
    slot.lives++;
    this.#world.recorder.tell(`node ${node} starts, life ${slot.lives}`);
    const failed = (error: unknown): void => {
      if (!life.isAlive) return;
      if (slot.sawDiskFull) {
        this.#exit(slot, life, describeError(error));
        return;
      }
      throw new ViolationError('start', `node ${node} does not start: ${describeError(error)}`);
    };
    const started = (inhabitant: Inhabitant<Message>): void => {
      life.inhabitant = inhabitant;
    };
    try {
      const crime = this.#setting.crimes.get(node);
      const booted = this.#scenario.boot(this.#environment(slot, life, slot.disk), crime);
      if (booted instanceof Promise) return booted.then(started, failed);
      started(booted);
    } catch (error) {
      failed(error);
    }
  }

  #environment(slot: Slot<Message, Disk>, life: Life<Message>, disk: Disk): Environment<Message, Disk, Seen> {
    const { scheduler, streams } = this.#world;
    const { node, clock } = slot;
    const later = (delayUs: number, task: Task) =>
      scheduler.after(clock.trueDelayUs(delayUs), () => this.#wake(slot, life, task));
    return {
      node,
      nodes: this.#setting.nodes,
      clock,
      random: streams(`node/${node}/${slot.lives}`),
      disk,
      send: (to, message, sizeBytes) => {
        if (this.#effect(slot, life)) this.network.send(node, to, message, sizeBytes);
      },
      setTimer: (delayUs, task) => {
        let isCancelled = false;
        const timer = later(delayUs, () => (isCancelled ? undefined : task()));
        // Its moment may have come already, while the node stood still.
        const cancel = (): void => {
          isCancelled = true;
          scheduler.cancel(timer);
        };
        return { cancel };
      },
      sleep: (delayUs) => new Promise((resolve) => void later(delayUs, resolve)),
      effect: () => void this.#effect(slot, life),
      exit: (why) => this.#exit(slot, life, why),
      observe: (observation) => {
        if (life.isAlive) this.#observe(node, observation);
      },
    };
  }

  /** Whether the node lives on: it dies here when its time has come. */
  #effect(slot: Slot<Message, Disk>, life: Life<Message>): boolean {
    if (!life.isAlive) return false;
    if (slot.effectsUntilDeath === 0 || slot.life !== life) return true;
    slot.effectsUntilDeath--;
    if (slot.effectsUntilDeath > 0) return true;
    this.#die(slot);
    return false;
  }

  /** Takes its time; never resolves for a node that dies before or after. */
  #operateDisk(slot: Slot<Message, Disk>, life: Life<Message>): Promise<void> {
    return new Promise((resolve) => {
      if (!this.#effect(slot, life)) return;
      const latencyUs = slot.diskLatencyUs ?? DISK_LATENCY_US + slot.diskRandom.below(DISK_JITTER_US);
      this.#world.scheduler.after(latencyUs, () =>
        this.#wake(slot, life, () => {
          if (this.#effect(slot, life)) resolve();
        }),
      );
    });
  }

  #deliver(from: number, to: number, message: Message): void | Promise<void> {
    const slot = this.#slot(to);
    const { inhabitant } = slot.life;
    if (inhabitant === undefined) {
      this.#world.recorder.traffic('absent', from, to, 0);
      return;
    }
    return this.#wake(slot, slot.life, () => inhabitant.receive(from, message));
  }

  #disconnected(node: number, peer: number): void | Promise<void> {
    const slot = this.#slot(node);
    const { inhabitant } = slot.life;
    if (inhabitant?.disconnected === undefined) return;
    return this.#wake(slot, slot.life, () => inhabitant.disconnected?.(peer));
  }

  /** Runs code of a node, unless it is dead; later if it stands still. */
  #wake(slot: Slot<Message, Disk>, life: Life<Message>, task: Task): void | Promise<void> {
    if (!life.isAlive) return;
    if (slot.pauses > 0) {
      invariant(slot.held.length < MAX_HELD, `fewer than ${MAX_HELD} events wait for node ${slot.node}`);
      slot.held.push(() => this.#wake(slot, life, task));
      return;
    }
    try {
      const outcome = task();
      if (outcome instanceof Promise)
        return outcome.catch((error: unknown) => this.#threw(slot, life, error));
    } catch (error) {
      this.#threw(slot, life, error);
    }
  }

  #threw(slot: Slot<Message, Disk>, life: Life<Message>, error: unknown): void {
    if (!life.isAlive) return;
    if (error instanceof ViolationError) throw error;
    const violation = new ViolationError('crash', `node ${slot.node} threw: ${describeError(error)}`);
    violation.cause = error;
    throw violation;
  }

  /** A broken promise ends the run, and not the node that showed it: its code may catch what it likes. */
  #observe(node: number, observation: Seen): void {
    const { scheduler, recorder } = this.#world;
    recorder.tell(observation.line);
    this.#spring(this.#slot(node), observation);
    const isHonest = !this.#setting.crimes.has(node);
    try {
      for (const checker of this.#checkers) {
        checker.observe?.(observation, { node, isHonest, timeUs: scheduler.nowUs });
      }
    } catch (error) {
      scheduler.fail(error);
    }
  }

  #spring(slot: Slot<Message, Disk>, observation: Seen): void {
    const { ambush } = slot;
    if (ambush === undefined || this.#scenario.cues?.of(observation) !== ambush.cue) return;
    slot.ambush = undefined;
    slot.effectsUntilDeath = ambush.atEffect;
  }

  #slot(node: number): Slot<Message, Disk> {
    const slot = this.#slots[node];
    invariant(slot !== undefined, `there is a node ${node}`);
    return slot;
  }
}
