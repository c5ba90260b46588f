import { OgpuError } from '../../protocol/errors.js';
import { invariant } from '../../protocol/invariant.js';
import type { VoteExtension } from '../../protocol/types/extension.js';
import type { Effect, EffectOf } from './effect.js';
import type { ConsensusEngine } from './engine.js';
import type { HeightContext, Input, Timer } from './input.js';
import {
  decodeRecord,
  encodeRecord,
  type EncodedRecord,
  type LogRecord,
  type SignKind,
  type SignResult,
} from './record.js';

/** Makes signatures, and never two that contradict each other; see `consensus/signer`. */
export interface VoteSigner {
  /** Null where it refuses: the node stays silent in this step. Whatever it throws stops the node. */
  sign(effect: EffectOf<SignKind>, extensionContent: Uint8Array | undefined): Promise<Signed | null>;
}

export interface Signed {
  readonly signature: Uint8Array;
  /** Of a precommit for a block; null otherwise. */
  readonly extension: VoteExtension | null;
}

/** The log of one height at a time; see `consensus/wal`. */
export interface HeightLog {
  /** @throws OgpuError WAL_FULL with the log as it was: the node stays silent for the rest of the height */
  append(record: EncodedRecord): void;
  /** Resolves when everything appended is durable. */
  sync(): Promise<void>;
  startHeight(height: number): Promise<void>;
}

/** What the engine's effects are performed with. Nothing here may call back before it has returned. */
export interface Host {
  /** Content of the extension of a precommit: ready or empty, never waited for. Undefined for a vote for nil, which has none. */
  extensionContent(effect: EffectOf<'sign-precommit'>): Uint8Array | undefined;
  /** Stores block, state and commit; resolves when they are durable. */
  decide(effect: EffectOf<'decide'>): Promise<void>;
  /** Everything else: begun, not waited for. What it leads to comes back as an input. */
  perform(effect: HostEffect): void;
  /** An input has been dealt with: the engine is where it led. */
  handled?(input: Input): void;
  /** Something an operator should know. */
  warn(error: OgpuError): void;
  /** The node must not go on: a disk failed, or a bug was found. */
  fail(error: unknown): void;
}

export type HostEffect = Exclude<Effect, { readonly kind: 'log' | 'decide' | SignKind }>;

/** Inputs that wait; what comes from peers beyond is dropped, and will be sent again. */
const MAX_WAITING = 16_384;

/**
 * Runs the engine: one input after the other, each to its end. Keeps the order on which safety after a crash rests: what led to a
 * signature is durable before it is made, and a decision is durable before the next height starts.
 */
export class Runner {
  readonly #engine: ConsensusEngine;
  readonly #log: HeightLog;
  readonly #signer: VoteSigner;
  readonly #host: Host;
  readonly #waiting: Input[] = [];
  /** What is in progress; never rejects. */
  #running: Promise<void> = Promise.resolve();
  #isRunning = false;
  #isStopped = false;
  /** Nothing is signed below: this height's log is full, or lost. */
  #silentBelow = 0;

  constructor(parts: {
    readonly engine: ConsensusEngine;
    readonly log: HeightLog;
    readonly signer: VoteSigner;
    readonly host: Host;
  }) {
    this.#engine = parts.engine;
    this.#log = parts.log;
    this.#signer = parts.signer;
    this.#host = parts.host;
  }

  get isStopped(): boolean {
    return this.#isStopped;
  }

  /**
   * Starts the first height after the program has.
   *
   * @param recovered what the log of this height holds; undefined where it has none
   * @param silentBelow no signature is asked for below this height: where a signer has signed at a height whose log is lost, the node
   *   does not know any more what it is bound to
   */
  async start(
    context: HeightContext,
    recovered: readonly EncodedRecord[] | undefined,
    silentBelow = 0,
  ): Promise<void> {
    this.#silentBelow = silentBelow;
    this.#running = this.#guarded(async () => {
      if (recovered === undefined) await this.#log.startHeight(context.height);
      const replay = new Replay((recovered ?? []).map(decodeRecord));
      await this.#run({ kind: 'start', context }, replay);
      await this.#replay(replay, context.height);
    });
    await this.#running;
  }

  /** Takes an input. Returns at once. @returns false where there is no room for what peers have sent */
  submit(input: Input): boolean {
    const isOwn =
      input.kind === 'start' ||
      input.kind === 'timer' ||
      input.kind === 'built' ||
      input.kind === 'validated';
    if (this.#isStopped || (this.#waiting.length >= MAX_WAITING && !isOwn)) return false;
    this.#waiting.push(input);
    if (!this.#isRunning) this.#running = this.#guarded(() => Promise.resolve());
    return true;
  }

  /** Nothing more is done; an effect in progress may still end. */
  stop(): void {
    this.#isStopped = true;
    this.#waiting.length = 0;
  }

  /** Resolves when nothing is in progress. */
  whenIdle(): Promise<void> {
    return this.#running;
  }

  async #guarded(first: () => Promise<void>): Promise<void> {
    invariant(!this.#isRunning, 'one input is handled at a time');
    this.#isRunning = true;
    try {
      await first();
      for (let input = this.#waiting.shift(); input !== undefined; input = this.#waiting.shift()) {
        if (input.kind === 'start') await this.#log.startHeight(input.context.height);
        await this.#run(input, undefined);
        if (!this.#isStopped) this.#host.handled?.(input);
      }
    } catch (error) {
      this.stop();
      this.#host.fail(error);
    } finally {
      this.#isRunning = false;
    }
  }

  async #run(input: Input, replay: Replay | undefined): Promise<void> {
    const effects = this.#engine.handle(input);
    for (let next = effects.next(); next.done !== true;) {
      const performed = this.#perform(next.value, replay);
      const resume: unknown = performed instanceof Promise ? await performed : performed;
      if (this.#isStopped) return;
      next = effects.next(resume);
    }
  }

  /** @returns a promise only where there is something to wait for */
  #perform(effect: Effect, replay: Replay | undefined): unknown {
    switch (effect.kind) {
      case 'log':
        if (replay === undefined) this.#append(effect.input);
        return undefined;
      case 'decide':
        return this.#host.decide(effect);
      case 'sign-proposal':
      case 'sign-prevote':
      case 'sign-precommit': {
        const logged = replay?.takeSigned(effect.kind);
        return logged === undefined ? this.#sign(effect) : logged.result;
      }
      default:
        if (replay === undefined) this.#host.perform(effect);
        else replay.defer(effect);
        return undefined;
    }
  }

  async #sign(effect: EffectOf<SignKind>): Promise<unknown> {
    const signed = effect.payload.height < this.#silentBelow ? null : await this.#signDurably(effect);
    const record: SignResult =
      effect.kind === 'sign-precommit'
        ? { kind: effect.kind, result: signed }
        : { kind: effect.kind, result: signed?.signature ?? null };
    this.#append(record);
    return record.result;
  }

  async #signDurably(effect: EffectOf<SignKind>): Promise<Signed | null> {
    const content = effect.kind === 'sign-precommit' ? this.#host.extensionContent(effect) : undefined;
    await this.#log.sync();
    if (this.#isStopped) return null;
    return await this.#signer.sign(effect, content);
  }

  #append(record: LogRecord): void {
    const height = this.#engine.height;
    if (height === undefined || height < this.#silentBelow) return;
    try {
      this.#log.append(encodeRecord(record));
    } catch (error) {
      if (!isLogFull(error)) throw error;
      this.#silentBelow = height + 1;
      this.#host.warn(error);
    }
  }

  /** Brings the engine to where the log ends, then begins what was under way. */
  async #replay(replay: Replay, height: number): Promise<void> {
    const hadRecords = !replay.isOver;
    for (let input = replay.takeInput(); input !== undefined; input = replay.takeInput()) {
      await this.#run(input, replay);
      if (this.#isStopped) return;
    }
    const isDecided = this.#engine.height !== height;
    for (const effect of replay.pending(isDecided)) this.#host.perform(effect);
    if (hadRecords) this.submit({ kind: 'timer', timer: { kind: 'resend', height } });
  }
}

/** A log being replayed. */
class Replay {
  readonly #records: readonly LogRecord[];
  readonly #timers = new Map<string, EffectOf<'timer'>>();
  readonly #validations = new Map<string, EffectOf<'validate'>>();
  readonly #others: HostEffect[] = [];
  #build: EffectOf<'build'> | undefined;
  #position = 0;

  constructor(records: readonly LogRecord[]) {
    this.#records = records;
  }

  get isOver(): boolean {
    return this.#position >= this.#records.length;
  }

  takeInput(): Input | undefined {
    const record = this.#records[this.#position++];
    if (record === undefined) return undefined;
    const isInput = !isSignRecord(record);
    invariant(isInput, 'signatures are logged right after what they were asked for');
    return record;
  }

  /** The logged result of a signature; undefined where the log ends before it. */
  takeSigned(kind: SignKind): SignResult | undefined {
    const record = this.#records[this.#position];
    if (record === undefined) return undefined;
    this.#position++;
    invariant(isSignRecord(record) && record.kind === kind, 'a log replays to the signatures it holds');
    return record;
  }

  /** What nobody has to hear again is dropped; what was under way is begun again at the end. */
  defer(effect: HostEffect): void {
    switch (effect.kind) {
      case 'timer':
        this.#timers.set(timerName(effect.timer), effect);
        return;
      case 'cancel-timers':
        this.#timers.clear();
        return;
      case 'build':
        this.#build = effect;
        return;
      case 'validate':
        this.#validations.set(effect.id.join(), effect);
        return;
      case 'evidence':
      case 'diverged':
        if (this.#others.length < MAX_DEFERRED) this.#others.push(effect);
        return;
      default:
        return;
    }
  }

  /** @param isDecided whether the log ended the height: then nothing of it is made or checked any more */
  pending(isDecided: boolean): HostEffect[] {
    if (isDecided) return this.#others;
    for (const record of this.#records) {
      if (record.kind === 'validated') this.#validations.delete(record.id.join());
      if (record.kind === 'built' && record.round === this.#build?.round) this.#build = undefined;
    }
    const build = this.#build === undefined ? [] : [this.#build];
    return [...this.#others, ...this.#timers.values(), ...this.#validations.values(), ...build];
  }
}

const MAX_DEFERRED = 1024;

function isLogFull(error: unknown): error is OgpuError {
  return error instanceof OgpuError && error.code === 'WAL_FULL';
}

function isSignRecord(record: LogRecord): record is SignResult {
  return (
    record.kind === 'sign-proposal' || record.kind === 'sign-prevote' || record.kind === 'sign-precommit'
  );
}

function timerName(timer: Timer): string {
  return 'round' in timer ? `${timer.kind} ${timer.round}` : timer.kind;
}
