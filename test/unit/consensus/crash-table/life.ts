import type { Directory, OpenFile } from '../../../../consensus/disk/directory.js';
import { durableFolder } from '../../../../consensus/disk/durable-folder.js';
import type { Effect } from '../../../../consensus/engine/effect.js';
import type { ConsensusEngine } from '../../../../consensus/engine/engine.js';
import type { Input } from '../../../../consensus/engine/input.js';
import type { Message } from '../../../../consensus/messages.js';
import type { SigningKey } from '../../../../consensus/signer/local-signer.js';
import { synchronousEngine } from '../../../../consensus/votes/engine.js';
import { openParticipant } from '../../../../node/consensus/open-participant.js';
import type { Participant } from '../../../../node/consensus/participant.js';
import { bytesEqual } from '../../../../protocol/bytes.js';
import { progressRecord } from '../../../../state/system/chain.js';
import { SimulatedStore } from '../../../sim/consensus/disk.js';
import {
  GENESIS_TIME_MS,
  type SimulatedChain,
  type SimulatedValidator,
} from '../../../sim/consensus/chain.js';
import { SimulatedTransactions } from '../../../sim/consensus/transactions.js';
import type { SimulatedDisk } from '../../../sim/disk.js';
import { MILLISECOND_US } from '../../../sim/units.js';
import type { Prng } from '../../../support/prng.js';
import type { Cluster } from './cluster.js';
import type { EngineObserver } from './engine-observer.js';
import type { Oath } from './oath.js';

/** A place where a process can die. */
export interface Point {
  /** Of the disk and what follows from it, or of the round. */
  readonly kind: 'durable' | 'step';
  readonly name: string;
}

/** What befalls a life at a point. */
export type Fate = 'dies' | 'disk-fills' | undefined;

/** Thrown where a process dies in the middle of what cannot wait; nobody hears of it. */
class Death extends Error {}

export interface LifeParts {
  readonly cluster: Cluster;
  readonly chain: SimulatedChain;
  readonly index: number;
  readonly self: SimulatedValidator;
  readonly oath: Oath;
  readonly disk: SimulatedDisk;
  readonly store: SimulatedStore['memory'];
  /** Makes the signer's record where there is none. */
  readonly isFirst: boolean;
  readonly prng: Prng;
  /** Virtual time of a step at the disk; zero where nothing shall come in between. */
  readonly diskStepUs: number;
  /** Whether what becomes of its rounds is of interest. */
  readonly isWatched: boolean;
  readonly fateAt: (point: number) => Fate;
  readonly onDeath: () => void;
  readonly onDiskFull: () => void;
  readonly onFinal: (height: number) => void;
  readonly onStop: (error: unknown) => void;
  readonly onBlame: (error: Error) => void;
}

/** One process of a validator, from its start to its death: the real node but for sockets and mempool. */
export class Life implements EngineObserver {
  /** Every place it has passed. */
  readonly points: Point[] = [];
  readonly store: SimulatedStore;
  participant: Participant | undefined;
  isDead = false;
  /** Whether it has taken up consensus. */
  hasOpened = false;
  readonly #parts: LifeParts;
  #storeSteps = 0;
  #lastPrecommitRound = 0;
  #facts = '';

  constructor(parts: LifeParts) {
    this.#parts = parts;
    this.store = new SimulatedStore(parts.store, () =>
      this.#durable(`block batch ${this.#storeSteps++ % 2 === 0 ? 'before' : 'after'}`),
    );
  }

  /** @throws as openParticipant does */
  async open(): Promise<void> {
    const { cluster, chain, index, self, prng, oath, isFirst, onFinal, onStop } = this.#parts;
    const { scheduler } = cluster;
    const nowMs = (): number => GENESIS_TIME_MS + Math.floor(scheduler.nowUs / MILLISECOND_US);
    const folder = (name: string): ReturnType<typeof durableFolder> => durableFolder(this.#directory(name));
    this.participant = await openParticipant({
      store: this.store,
      bls: chain.bls,
      logFolder: folder('wal'),
      evidenceFolder: folder('evidence'),
      validator: { id: self.id, key: this.#key(), folder: folder('signer'), create: isFirst },
      randomBytes: (length) => prng.bytes(length),
      signatures: synchronousEngine(chain.bls),
      network: {
        broadcast: (message) => {
          this.#broadcast(message);
        },
        send: (peer, message) => {
          if (!this.isDead) cluster.send(index, Number(peer), message);
        },
        sendToValidator: (id, message) => {
          const to = chain.validators.findIndex((validator) => bytesEqual(validator.id, id));
          if (!this.isDead && to !== index) cluster.send(index, to, message);
        },
        blame: (_peer, error) => {
          if (!this.isDead) this.#parts.onBlame(error);
        },
      },
      clock: {
        nowMs,
        setTimer: (delayMs, run) => {
          const timer = scheduler.after(delayMs * MILLISECOND_US, () => {
            if (!this.isDead) run();
          });
          return { cancel: () => void scheduler.cancel(timer) };
        },
      },
      transactions: new SimulatedTransactions(this.store, chain.genesis.chainId, nowMs),
      extensionContent: (height) => {
        const content = prng.bytes(1 + prng.below(7));
        oath.asksExtension(height, this.#lastPrecommitRound, content);
        return content;
      },
      onFinal: ({ block }) => {
        if (!this.isDead) onFinal(block.header.height);
      },
      onStop: (error) => {
        if (!this.isDead) onStop(error);
      },
    });
  }

  receive(from: number, message: Message): void {
    if (!this.isDead) this.participant?.receive(String(from), message);
  }

  /** Nothing it still computes has consequences. */
  end(): void {
    this.isDead = true;
    this.participant?.stop();
  }

  onEffect(engine: ConsensusEngine, effect: Effect): void {
    if (this.isDead) throw new Death();
    this.#noteRequest(effect);
    this.#seeFacts(engine);
    if (!QUIET_EFFECTS.includes(effect.kind)) this.#step(effect.kind);
  }

  onInput(engine: ConsensusEngine, input: Input, isLogged: boolean): void {
    if (this.isDead) throw new Death();
    this.#seeFacts(engine);
    if (isLogged) this.#step(`took ${input.kind}`);
  }

  /** The oath is told what will be signed. */
  #noteRequest(effect: Effect): void {
    const { oath } = this.#parts;
    if (effect.kind === 'build') oath.asksBeacon(effect.height, progressRecord.read(this.store).beacon);
    if (effect.kind === 'sign-precommit') this.#lastPrecommitRound = effect.payload.round;
    if (
      effect.kind === 'sign-proposal' ||
      effect.kind === 'sign-prevote' ||
      effect.kind === 'sign-precommit'
    ) {
      oath.asks(effect);
    }
  }

  /** What has become true of the round since the last look. */
  #seeFacts({ current }: ConsensusEngine): void {
    if (current === undefined || !this.#parts.isWatched) return;
    const { locked, decision, round, step } = current.driver.state;
    const facts = [
      current.isOpen ? 'open' : '',
      step === 'unstarted' ? '' : `round ${round === 0 ? 'first' : 'later'}`,
      locked === null ? '' : 'polka seen',
      current.driver.votes.commit() === undefined ? '' : 'commit seen',
      decision === null ? '' : 'decided',
    ].filter((fact) => fact !== '');
    const before = this.#facts.split(', ');
    this.#facts = facts.join(', ');
    for (const fact of facts) if (!before.includes(fact)) this.#step(fact);
  }

  #broadcast(message: Message): void {
    if (this.isDead) return;
    const { cluster, index, prng } = this.#parts;
    const others = cluster.indices().filter((to) => to !== index);
    try {
      this.#step(`tell ${message.kind}`);
    } catch (death) {
      // Whoever dies here has told some, none or all of them.
      for (const to of others.slice(0, prng.below(others.length + 1))) cluster.send(index, to, message);
      throw death;
    }
    for (const to of others) cluster.send(index, to, message);
  }

  /** A point that cannot wait. */
  #step(name: string): void {
    if (this.#pass({ kind: 'step', name }) === 'dies') throw new Death();
  }

  /** A point at the disk. Whoever dies there never goes on. */
  async #durable(name: string): Promise<void> {
    if (this.isDead || this.#pass({ kind: 'durable', name }) === 'dies') return NEVER;
    await this.#linger();
  }

  async #linger(): Promise<void> {
    const { cluster, diskStepUs } = this.#parts;
    if (diskStepUs === 0) return;
    await cluster.scheduler.sleep(diskStepUs);
    if (this.isDead) return NEVER;
  }

  #pass(point: Point): Fate {
    const fate = this.#parts.fateAt(this.points.length);
    this.points.push(point);
    if (fate === 'disk-fills') this.#parts.onDiskFull();
    if (fate !== 'dies') return fate;
    this.isDead = true;
    this.#parts.onDeath();
    return fate;
  }

  #key(): SigningKey {
    const { chain, self, oath } = this.#parts;
    return {
      publicKey: chain.bls.publicKey(self.blsSecretKey),
      sign: (message) => {
        if (this.isDead) throw new Death();
        if (this.#pass({ kind: 'durable', name: 'signature' }) === 'dies') throw new Death();
        oath.signs(message);
        return chain.bls.sign(self.blsSecretKey, message);
      },
    };
  }

  /** The disk's own steps, each a point. */
  #directory(path: string): Directory {
    const steps = this.#parts.disk.directory(path);
    const at = (step: string): Promise<void> => this.#durable(`${path} ${step}`);
    return {
      path,
      open: async (name) => {
        await at('open');
        return this.#file(path, await steps.open(name));
      },
      read: async (name, maxBytes) => {
        await at('read');
        return steps.read(name, maxBytes);
      },
      rename: async (from, to) => {
        await at('rename');
        await steps.rename(from, to);
      },
      remove: async (name) => {
        await at('remove');
        await steps.remove(name);
      },
      sync: async () => {
        await at('sync-folder');
        await steps.sync();
      },
      list: async () => {
        await at('list');
        return steps.list();
      },
    };
  }

  #file(path: string, file: OpenFile): OpenFile {
    const { prng } = this.#parts;
    return {
      append: async (bytes) => {
        if (this.isDead) return NEVER;
        if (this.#pass({ kind: 'durable', name: `${path} append` }) === 'dies') {
          // Whoever dies here has written any part of it.
          await file.append(bytes.subarray(0, prng.below(bytes.length + 1)));
          return NEVER;
        }
        await this.#linger();
        await file.append(bytes);
      },
      sync: async () => {
        await this.#durable(`${path} sync-file`);
        await file.sync();
      },
      close: async () => {
        await this.#durable(`${path} close`);
        await file.close();
      },
    };
  }
}

/** Nothing of them outlives the process, or they are points of their own where they leave it. */
const QUIET_EFFECTS: readonly Effect['kind'][] = [
  'log',
  'timer',
  'cancel-timers',
  'broadcast',
  'send',
  'share-polka',
];

const NEVER = new Promise<never>(() => undefined);
