import { decodeMessage, encodeMessage, type Message } from '../../../../consensus/messages.js';
import { proposerOf } from '../../../../consensus/proposer.js';
import { DiskError } from '../../../../consensus/disk/disk.js';
import { bytesEqual, toHex } from '../../../../protocol/bytes.js';
import { describeError, OgpuError } from '../../../../protocol/errors.js';
import { validatorsAt } from '../../../../state/staking/active-set.js';
import { StoreError } from '../../../../state/store/errors.js';
import type { MemoryStore } from '../../../../state/store/memory.js';
import { chainIdentityAt, paramsRecord, progressRecord } from '../../../../state/system/chain.js';
import type { SimulatedChain } from '../../../sim/consensus/chain.js';
import { SimulatedDisk, type CrashKind } from '../../../sim/disk.js';
import { Scheduler } from '../../../sim/scheduler.js';
import { MILLISECOND_US } from '../../../sim/units.js';
import { createPrng, type Prng } from '../../../support/prng.js';
import { Life, type Fate } from './life.js';
import { Oath, type ValidRounds } from './oath.js';

/** Decides what becomes of a message; nodes are named by the round of the first height they propose in. */
export type Filter = (from: number, to: number, message: Message) => boolean;

const LATENCY_US = 10 * MILLISECOND_US;
const DOWN_US = 40 * MILLISECOND_US;
/** How long a full disk stays so: until a start has failed on it, or if the node needs none, for a while. */
const FULL_US = 700 * MILLISECOND_US;
const DISK_STEP_US = 200;

/** What happens to the victim. */
export interface Plan {
  /** What befalls life number `life` (from 0) at its point number `point` (from 0). */
  readonly fateAt: (life: number, point: number) => Fate;
  readonly crash: CrashKind;
  /** Whether a disk with somebody else's log is tried before the node's own. */
  readonly triesForeignLog: boolean;
  /** What the crash leaves, and where writes are cut. */
  readonly seed: number;
}

/** Four validators on one clock, each with its disk; one of them is the victim. */
export class Cluster {
  readonly scheduler = new Scheduler({ maxPending: 10_000, maxEvents: 200_000 });
  readonly members: readonly Member[];
  readonly victim: Member;
  readonly faults: string[] = [];
  filter: Filter = () => true;
  /** Messages as they come out of their encoding, which is of no interest here more than once. */
  readonly #decoded = new WeakMap<Message, Message>();

  /** @param victim named as the filter does */
  constructor(chain: SimulatedChain, victim: number, plan: Plan) {
    const { previousBeacon, set, identity } = firstHeight(chain);
    const validRounds: ValidRounds = new Map();
    const order = chain.validators.map((_, round) => {
      const { id } = proposerOf(chain.genesis.chainId, set, previousBeacon, round);
      return chain.validators.find((validator) => bytesEqual(validator.id, id));
    });
    const ordered = { ...chain, validators: order.filter((validator) => validator !== undefined) };
    const quiet: Plan = { fateAt: () => undefined, crash: 'process', triesForeignLog: false, seed: 0 };
    this.members = ordered.validators.map(
      (_, index) =>
        new Member(this, ordered, index, new Oath(identity, validRounds), index === victim ? plan : quiet),
    );
    const found = this.members[victim];
    if (found === undefined) throw new RangeError('the victim is one of the nodes');
    this.victim = found;
  }

  indices(): number[] {
    return [...this.members.keys()];
  }

  send(from: number, to: number, message: Message): void {
    if (!this.filter(from, to, message)) return;
    const decoded = this.#transport(from, message);
    this.scheduler.after(LATENCY_US, () => this.members[to]?.life?.receive(from, decoded));
  }

  #transport(from: number, message: Message): Message {
    const known = this.#decoded.get(message);
    if (known !== undefined) return known;
    const bytes = encodeMessage(message);
    this.members[from]?.oath.tells(message, bytes);
    const decoded = decodeMessage(bytes);
    this.#decoded.set(message, decoded);
    return decoded;
  }

  /** @returns whether all have decided so many heights */
  async run(heights: number, limitMs: number): Promise<boolean> {
    for (const member of this.members) if (member !== this.victim) member.boot();
    this.victim.boot();
    const isDone = (): boolean => this.members.every(({ height }) => height >= heights);
    const untilUs = limitMs * MILLISECOND_US;
    return (await this.scheduler.run({ untilUs, isDone })) === 'done';
  }
}

/** A validator: what of it outlives its processes. */
export class Member {
  readonly oath: Oath;
  readonly index: number;
  readonly lives: Life[] = [];
  /** The ledger after each height. */
  readonly ledgers = new Map<number, MemoryStore>();
  /** Points that the latest life had passed when it was open for business. */
  readonly openedAfter: number[] = [];
  disk: SimulatedDisk;
  store: MemoryStore;
  height = 0;
  foreignRefusals = 0;
  readonly #cluster: Cluster;
  readonly #chain: SimulatedChain;
  readonly #plan: Plan;
  readonly #prng: Prng;
  #hasSigner = false;
  #isFull = false;
  #wasFull = false;

  constructor(cluster: Cluster, chain: SimulatedChain, index: number, oath: Oath, plan: Plan) {
    this.#cluster = cluster;
    this.#chain = chain;
    this.index = index;
    this.oath = oath;
    this.#plan = plan;
    this.#prng = createPrng(1 + index + 16 * plan.seed);
    this.disk = new SimulatedDisk({ prng: this.#prng });
    this.store = chain.store.snapshot();
  }

  get id(): string {
    return toHex(this.#chain.validators[this.index]?.id ?? new Uint8Array(0));
  }

  get life(): Life | undefined {
    return this.lives.at(-1);
  }

  boot(): void {
    const life = this.#begin(this.disk);
    life.open().then(
      () => {
        this.#hasSigner = true;
        life.hasOpened = true;
        this.openedAfter.push(life.points.length);
      },
      (error: unknown) => {
        if (!life.isDead) this.#exit(error);
      },
    );
  }

  #begin(disk: SimulatedDisk): Life {
    const self = this.#chain.validators[this.index];
    if (self === undefined) throw new RangeError('every member is a validator');
    const number = this.lives.length;
    const isVictim = this === this.#cluster.victim;
    const life = new Life({
      ...{ cluster: this.#cluster, chain: this.#chain, index: this.index, self, oath: this.oath, disk },
      ...{ store: this.store, isFirst: !this.#hasSigner, prng: this.#prng },
      diskStepUs: isVictim ? DISK_STEP_US : 0,
      isWatched: isVictim,
      fateAt: (point) => this.#plan.fateAt(number, point),
      onDeath: () => {
        this.#restart(this.#plan.crash);
      },
      onDiskFull: () => {
        this.#setFull(true);
        this.#cluster.scheduler.after(FULL_US, () => {
          this.#setFull(false);
        });
      },
      onFinal: (height) => {
        this.#reach(height);
      },
      onStop: (error) => {
        this.#exit(error);
      },
      onBlame: (error) => this.#cluster.faults.push(`node ${this.index} blames: ${describeError(error)}`),
    });
    this.lives.push(life);
    this.oath.begins();
    life.store.isFull = this.#isFull;
    this.#reach(progressRecord.read(this.store).height);
    return life;
  }

  #reach(height: number): void {
    this.height = height;
    this.ledgers.set(height, (this.life?.store.memory ?? this.store).snapshot());
  }

  /** A disk that refuses ends the process, and somebody starts it again; whatever else ends it is a fault. */
  #exit(error: unknown): void {
    const isDisk = this.#wasFull && (error instanceof DiskError || error instanceof StoreError);
    if (!isDisk) this.#cluster.faults.push(`node ${this.index} stopped: ${describeError(error)}`);
    this.life?.end();
    if (!isDisk) return;
    if (this.life?.hasOpened === false) this.#setFull(false);
    this.#restart('process');
  }

  #restart(kind: CrashKind): void {
    const { scheduler } = this.#cluster;
    // What the dying process had handed to the kernel gets there first.
    scheduler.after(1, () => {
      this.disk = this.disk.crash(kind, { prng: this.#prng });
      this.store = (this.life?.store.memory ?? this.store).snapshot();
    });
    scheduler.after(DOWN_US, async () => {
      if (this.#plan.triesForeignLog) await this.#tryForeignLog();
      this.boot();
    });
  }

  #setFull(isFull: boolean): void {
    this.#isFull = isFull;
    this.#wasFull ||= isFull;
    this.disk.capacityBytes = isFull ? 0 : Infinity;
    if (this.life !== undefined) this.life.store.isFull = isFull;
  }

  /** As an operator who mixes up two folders: the start has to be refused, with nothing signed or said. */
  async #tryForeignLog(): Promise<void> {
    const other = this.#cluster.members.find((member) => member !== this);
    const kept = this.disk.crash('process');
    const mixed = this.disk.crash('process');
    this.disk = kept;
    const target = mixed.directory('wal');
    for (const name of await target.list()) await target.remove(name);
    const source = other?.disk.directory('wal');
    for (const name of (await source?.list()) ?? []) {
      const file = await target.open(name);
      await file.append((await source?.read(name, 1 << 20)) ?? new Uint8Array(0));
    }
    const life = this.#begin(mixed);
    try {
      await life.open();
      this.#cluster.faults.push('a foreign log was taken for its own');
    } catch (error) {
      if (error instanceof OgpuError && error.code === 'WAL_FOREIGN') this.foreignRefusals++;
      else this.#cluster.faults.push(`a foreign log was refused otherwise: ${describeError(error)}`);
    }
    if (life.points.some(({ name }) => name === 'signature' || name.startsWith('tell'))) {
      this.#cluster.faults.push('signed or spoke with a foreign log');
    }
    life.end();
  }
}

function firstHeight({ store }: SimulatedChain): {
  previousBeacon: Uint8Array;
  set: ReturnType<typeof validatorsAt>;
  identity: ReturnType<typeof chainIdentityAt>;
} {
  return {
    previousBeacon: progressRecord.read(store).beacon,
    set: validatorsAt(store, 1),
    identity: chainIdentityAt(store, paramsRecord.read(store), 1),
  };
}
