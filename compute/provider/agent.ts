import { commitmentTo, unsealingOf } from '../../consensus/verification/committing.js';
import type { Attempt } from '../../consensus/verification/attempt.js';
import { subjectBytes, type AuditSubject } from '../../protocol/audit/commitment.js';
import { toHex } from '../../protocol/bytes.js';
import { OgpuError } from '../../protocol/errors.js';
import type { JobResult, LoadedJob } from '../job-run.js';
import { WorkQueue } from '../work-queue.js';
import { chooseClaims, type ProviderPolicy } from './choice.js';
import { jobKeyOf } from './job-key.js';
import type { Assignment, Market, MarketView, Offer } from './market.js';
import type { Piece } from './pieces.js';
import type { ResultStore } from './result-store.js';

/** A job whose program, weights or input could not be had. */
export class JobUnavailableError extends OgpuError<'JOB_DATA_UNAVAILABLE'> {}

/** What verifiers miss does not go onto the chain. */
export class PublicationError extends OgpuError<'PUBLICATION_TOO_LARGE'> {}

export interface AgentParts {
  readonly market: Market;
  /** @throws JobUnavailableError where data is missing so far; anything else: the job cannot be done here */
  readonly load: (assignment: Assignment, signal: AbortSignal) => Promise<LoadedJob>;
  /** Runs a job on one of the devices. */
  readonly execute: (job: LoadedJob, assignment: Assignment, signal: AbortSignal) => Promise<JobResult>;
  /** What is to be put on the chain, where verifiers miss it. */
  readonly pieces: (
    assignment: Assignment,
    result: JobResult | undefined,
    signal: AbortSignal,
  ) => Promise<readonly Piece[]>;
  /** Whether the program takes the job as it is offered, as far as is known without its data. */
  readonly suits: (offer: Offer) => Promise<boolean>;
  /** Hands the output to whoever asks for it. Called after the unsealing alone. @returns its content id */
  readonly publishOutput: (output: Uint8Array) => Promise<Uint8Array>;
  readonly results: ResultStore;
  /** 32 bytes from which job keys are made. */
  readonly secret: Uint8Array;
  readonly policy: ProviderPolicy;
  /** Jobs that are computed at the same time: one for each device. */
  readonly devices: number;
  readonly onEvent: (event: AgentEvent) => void;
}

/** What an operator is told. */
export type AgentEvent =
  | { readonly kind: 'claimed'; readonly job: Uint8Array; readonly priceWei: bigint }
  | { readonly kind: AttemptStep; readonly subject: AuditSubject }
  | { readonly kind: 'trouble'; readonly subject?: AuditSubject; readonly error: unknown };

type AttemptStep = 'computing' | 'computed' | 'committed' | 'unsealed' | 'published' | 'released' | 'over';

/** How far this provider is with an attempt. */
interface Task {
  assignment: Assignment;
  readonly stop: AbortController;
  result?: JobResult;
  /** Why there is no result. */
  obstacle?: 'unavailable' | 'impossible';
  isComputing: boolean;
  /** Sends one transaction at a time. */
  isActing: boolean;
  /** Steps done in this life. */
  readonly done: Set<string>;
}

/** Data that a provider can put on the chain for one publication. */
const MAX_PUBLICATION_BYTES = 2 ** 20;

/** Release is sent when so little of its window is left: the data may still come. */
const RELEASE_MARGIN_MS = 1_500;

/**
 * Runs jobs for pay: claims what it can do, computes, commits, unseals, and hands out the output. Whatever it does next follows from what the
 * chain says now and what lies on its disk, so that it can be killed at any moment and go on.
 */
export class ProviderAgent {
  readonly #parts: AgentParts;
  readonly #devices: WorkQueue;
  readonly #tasks = new Map<string, Task>();
  readonly #acts = new Set<Promise<void>>();
  /** Hex of jobs that turned out to be beyond this provider. */
  readonly #unfit = new Set<string>();
  #isDraining = false;
  #isStopped = false;

  constructor(parts: AgentParts) {
    this.#parts = parts;
    this.#devices = new WorkQueue(parts.devices);
  }

  /** Attempts that have not ended. */
  get open(): number {
    return this.#tasks.size;
  }

  /** Claims nothing more. What it has been given it finishes. */
  drain(): void {
    this.#isDraining = true;
  }

  /**
   * Does what is to be done now, or begins it. Call it when a block is final, when something was computed, and every now and then.
   *
   * @returns the height that it has looked at
   * @throws what looking at the chain does
   */
  async reconcile(): Promise<number> {
    const view = await this.#parts.market.look();
    const { height } = view.now;
    if (this.#isStopped) return height;
    await this.#forgetEnded(view);
    for (const assignment of view.assignments) this.#attend(this.#taskOf(assignment), view);
    if (!this.#isDraining) this.#claim(view);
    return height;
  }

  /** Resolves when nothing is computed or sent any more. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const { stop } of this.#tasks.values()) stop.abort();
    await this.#devices.stop();
    await Promise.all(this.#acts);
  }

  async #forgetEnded({ assignments }: MarketView): Promise<void> {
    const open = new Set(assignments.map(({ attempt }) => nameOf(attempt.terms)));
    for (const [name, { stop, assignment }] of this.#tasks) {
      if (open.has(name)) continue;
      stop.abort();
      this.#tasks.delete(name);
      this.#parts.onEvent({ kind: 'over', subject: assignment.attempt.terms });
    }
    await this.#parts.results.keepOnly(assignments.map(({ attempt }) => attempt.terms));
  }

  #taskOf(assignment: Assignment): Task {
    const name = nameOf(assignment.attempt.terms);
    const known = this.#tasks.get(name);
    if (known !== undefined) {
      known.assignment = assignment;
      return known;
    }
    const task: Task = {
      ...{ assignment, stop: new AbortController(), done: new Set() },
      ...{ isComputing: false, isActing: false },
    };
    this.#tasks.set(name, task);
    return task;
  }

  #attend(task: Task, view: MarketView): void {
    const { attempt } = task.assignment;
    switch (attempt.phase) {
      case 'CLAIMED':
        if (task.result !== undefined)
          this.#act(task, 'committed', (result) => this.#commit(attempt, result));
        else this.#computeOrRelease(task, view);
        return;
      case 'UNSEALING':
        if (task.result !== undefined) this.#act(task, 'unsealed', (result) => this.#unseal(attempt, result));
        else this.#compute(task);
        return;
      case 'REVEALING':
      case 'ESCALATION_SEALING':
      case 'ESCALATION_REVEALING':
        this.#handOut(task);
        return;
      case 'PUBLISHING':
        this.#handOut(task);
        this.#publish(task);
        return;
      default:
        // It waits for the beacon or the seats; a result that a crash has taken is made again meanwhile.
        if (task.result === undefined) this.#compute(task);
    }
  }

  #computeOrRelease(task: Task, { now }: MarketView): void {
    const { terms } = task.assignment.attempt;
    const isLast = now.timeMs + RELEASE_MARGIN_MS >= terms.releaseBy.timeMs;
    if (task.obstacle === 'impossible' || (task.obstacle === 'unavailable' && isLast)) {
      this.#unfit.add(toHex(terms.job));
      this.#act(task, 'released', () => this.#parts.market.release(terms));
      return;
    }
    this.#compute(task);
  }

  #compute(task: Task): void {
    if (task.isComputing || task.obstacle === 'impossible') return;
    task.isComputing = true;
    const { terms, deadline } = task.assignment.attempt;
    this.#devices.add(
      deadline.timeMs,
      task.stop.signal,
      async () => {
        try {
          task.result = await this.#resultOf(task);
          delete task.obstacle;
        } catch (error) {
          task.obstacle = error instanceof JobUnavailableError ? 'unavailable' : 'impossible';
          this.#tell(task, error);
        } finally {
          task.isComputing = false;
        }
      },
      (error) => {
        this.#parts.onEvent({ kind: 'trouble', subject: terms, error });
      },
    );
  }

  /** From the disk, or computed; on the disk before anybody is bound to it. */
  async #resultOf({ assignment, stop }: Task): Promise<JobResult> {
    const { execute, load, onEvent, results } = this.#parts;
    const { terms } = assignment.attempt;
    const saved = await results.load(terms);
    if (saved !== undefined) return saved;
    const job = await load(assignment, stop.signal);
    onEvent({ kind: 'computing', subject: terms });
    const result = await execute(job, assignment, stop.signal);
    await results.save(terms, result);
    onEvent({ kind: 'computed', subject: terms });
    return result;
  }

  #commit({ terms }: Attempt, { stateIds }: JobResult): Promise<void> {
    const key = jobKeyOf(this.#parts.secret, terms);
    return this.#parts.market.commit(terms, commitmentTo(terms, key, stateIds));
  }

  async #unseal(attempt: Attempt, { stateIds, output }: JobResult): Promise<void> {
    const { terms } = attempt;
    const outputId = await this.#parts.publishOutput(output);
    const jobKey = jobKeyOf(this.#parts.secret, terms);
    await this.#parts.market.unseal(terms, unsealingOf(attempt, jobKey, stateIds, outputId));
  }

  /** Once in each life: whoever held the output may have lost it. */
  #handOut(task: Task): void {
    if (task.result === undefined) {
      this.#compute(task);
      return;
    }
    if (task.done.has('handed out') || task.done.has('unsealed')) return;
    task.done.add('handed out');
    this.#inBackground(task, async () => {
      if (task.result !== undefined) await this.#parts.publishOutput(task.result.output);
    });
  }

  #publish(task: Task): void {
    const { assignment, stop, result } = task;
    const { attempt } = assignment;
    if (attempt.publication?.subject === 'output' && result === undefined) return;
    this.#act(task, `published ${attempt.round}`, async () => {
      const pieces = await this.#parts.pieces(assignment, result, stop.signal);
      const bytes = pieces.reduce((sum, { data }) => sum + data.length, 0);
      if (bytes > MAX_PUBLICATION_BYTES)
        throw new PublicationError('PUBLICATION_TOO_LARGE', 'more data than fits the chain', {
          ...{ bytes, maxBytes: MAX_PUBLICATION_BYTES, cure: 'let verifiers reach the node that holds it' },
        });
      await this.#parts.market.publish(attempt.terms, pieces);
    });
  }

  /** Sends a transaction, once: one that was refused is tried again when the chain still asks for it. */
  #act(task: Task, step: string, send: (result: JobResult) => Promise<void>): void {
    if (task.isActing || task.done.has(step)) return;
    task.isActing = true;
    const result = task.result ?? { stateIds: [], output: new Uint8Array(0) };
    this.#inBackground(task, async () => {
      try {
        await send(result);
        task.done.add(step);
        const [kind] = step.split(' ');
        this.#parts.onEvent({ kind: kind as AttemptStep, subject: task.assignment.attempt.terms });
      } finally {
        task.isActing = false;
      }
    });
  }

  #claim(view: MarketView): void {
    const { market, onEvent, policy } = this.#parts;
    for (const { job, priceWei, offer } of chooseClaims(view, policy, this.#unfit)) {
      // Refused or not, what the chain says next decides; until then it is not claimed twice.
      const name = `claim ${toHex(job)}`;
      if (this.#claiming.has(name)) continue;
      this.#claiming.add(name);
      this.#inBackground(undefined, async () => {
        try {
          if (!(await this.#parts.suits(offer))) {
            this.#unfit.add(toHex(job));
            return;
          }
          await market.claim(job, priceWei);
          onEvent({ kind: 'claimed', job, priceWei });
        } finally {
          this.#claiming.delete(name);
        }
      });
    }
  }

  readonly #claiming = new Set<string>();

  #inBackground(task: Task | undefined, work: () => Promise<void>): void {
    const done = work()
      .catch((error: unknown) => {
        this.#tell(task, error);
      })
      .finally(() => this.#acts.delete(done));
    this.#acts.add(done);
  }

  #tell(task: Task | undefined, error: unknown): void {
    if (this.#isStopped || task?.stop.signal.aborted === true) return;
    const subject = task?.assignment.attempt.terms;
    this.#parts.onEvent({ kind: 'trouble', error, ...(subject === undefined ? {} : { subject }) });
  }
}

function nameOf(subject: AuditSubject): string {
  return toHex(subjectBytes(subject));
}
