import { commitmentTo, unsealingOf } from '../../consensus/verification/committing.js';
import type { Attempt } from '../../consensus/verification/attempt.js';
import { MAX_PUBLISHED_BYTES } from '../../consensus/verification/publishing.js';
import { subjectBytes, type AuditSubject } from '../../protocol/audit/commitment.js';
import { toHex } from '../../protocol/bytes.js';
import { OgpuError } from '../../protocol/errors.js';
import { MAX_FULL_AUDIT_SEGMENTS, MAX_TRANSACTION_BYTES } from '../../protocol/limits.js';
import { hasCome } from '../../protocol/moment.js';
import type { JobResult, LoadedJob } from '../job-run.js';
import { WorkQueue } from '../work-queue.js';
import { chooseClaims, type ProviderPolicy } from './choice.js';
import { jobKeyOf } from './job-key.js';
import type { Assignment, Market, MarketView, Offer } from './market.js';
import { missingPieces, type Piece } from './pieces.js';
import type { ResultStore } from './result-store.js';
import type { JobRunner } from './runner.js';

/** A job whose program, weights or input could not be had. */
export class JobUnavailableError extends OgpuError<'JOB_DATA_UNAVAILABLE'> {}

/** What verifiers miss does not go onto the chain. `bytes` and `pieces` in the data. */
export class PublicationError extends OgpuError<'PUBLICATION_TOO_LARGE'> {}

/** The node is behind what it has shown before: nothing is done by what it says. */
export class ViewError extends OgpuError<'VIEW_STALE'> {}

export interface AgentParts {
  readonly market: Market;
  /** @throws JobUnavailableError where data is missing so far; anything else: the job cannot be done here */
  readonly load: (assignment: Assignment, signal: AbortSignal) => Promise<LoadedJob>;
  readonly runner: JobRunner;
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
  /** Loads its data, waits for a device, or computes. */
  isComputing: boolean;
  /** All it runs on has been had. */
  hasData: boolean;
  /** Sends one transaction at a time. */
  isActing: boolean;
  /** Steps done in this life. */
  readonly done: Set<string>;
}

/** Data of one piece: its transaction has a call around it, with a branch of sixteen hashes at most. */
const MAX_PIECE_BYTES = MAX_TRANSACTION_BYTES - 2_048;

/** Release is sent when so little of its window is left: the data may still come. */
const RELEASE_MARGIN_MS = 1_500;

/** Jobs whose data is fetched at a time, beside what the devices do. */
const MAX_LOADING = 2;

/** Jobs that are remembered as beyond this provider. */
const MAX_UNFIT = 4_096;

/**
 * Runs jobs for pay: claims what it can do, computes, commits, unseals, and hands out the output. Whatever it does next follows from what the
 * chain says now and what lies on its disk, so that it can be killed at any moment and go on.
 */
export class ProviderAgent {
  readonly #parts: AgentParts;
  readonly #loading = new WorkQueue(MAX_LOADING);
  readonly #devices: WorkQueue;
  readonly #tasks = new Map<string, Task>();
  readonly #acts = new Set<Promise<void>>();
  /** Hex of jobs that turned out to be beyond this provider. */
  readonly #unfit = new Set<string>();
  #height = 0;
  #claims = 0;
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

  /** Whether nothing is under way, as it was when it last looked: no attempt, and no claim that may be drawn. */
  get isIdle(): boolean {
    return this.#tasks.size + this.#claims + this.#claiming.size === 0;
  }

  /** Claims nothing more. What it has been given it finishes. */
  drain(): void {
    this.#isDraining = true;
  }

  /**
   * Does what is to be done now, or begins it. Call it when a block is final, and every now and then.
   *
   * @throws ViewError; what looking at the chain does; DiskError
   */
  async reconcile(): Promise<void> {
    const view = await this.#parts.market.look();
    if (this.#isStopped) return;
    const { height } = view.now;
    if (height < this.#height)
      throw new ViewError('VIEW_STALE', 'the node is behind what it has shown before', {
        ...{ height, seen: this.#height },
        cure: 'wait until it has caught up; where the chain itself was begun anew, start the provider again',
      });
    this.#height = height;
    this.#claims = view.claims.length;
    await this.#forgetEnded(view);
    for (const assignment of view.assignments) {
      const task = await this.#taskOf(assignment);
      if (this.#hasStopped()) return;
      this.#attend(task, view);
    }
    if (!this.#isDraining) this.#claim(view);
  }

  /** Resolves when nothing is computed or sent any more. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const { stop } of this.#tasks.values()) stop.abort();
    await Promise.all([this.#loading.stop(), this.#devices.stop()]);
    await Promise.all(this.#acts);
  }

  /** Asked where something was waited for. */
  #hasStopped(): boolean {
    return this.#isStopped;
  }

  async #forgetEnded({ assignments, now }: MarketView): Promise<void> {
    const open = new Set(assignments.map(({ attempt }) => nameOf(attempt.terms)));
    for (const [name, { stop, assignment }] of this.#tasks) {
      if (open.has(name)) continue;
      stop.abort();
      this.#tasks.delete(name);
      this.#parts.onEvent({ kind: 'over', subject: assignment.attempt.terms });
    }
    await this.#parts.results.keepOnly(
      assignments.map(({ attempt }) => attempt.terms),
      now.timeMs,
    );
  }

  /** With what a former life has left of it on the disk. */
  async #taskOf(assignment: Assignment): Promise<Task> {
    const name = nameOf(assignment.attempt.terms);
    const known = this.#tasks.get(name);
    if (known !== undefined) {
      known.assignment = assignment;
      return known;
    }
    const task: Task = {
      ...{ assignment, stop: new AbortController(), done: new Set() },
      ...{ isComputing: false, hasData: false, isActing: false },
    };
    const saved = await this.#parts.results.load(assignment.attempt.terms);
    if (saved !== undefined) task.result = saved;
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
        // Before the unsealing nobody may see an answer.
        if (attempt.unsealed !== undefined) this.#handOut(task);
        this.#publish(task);
        return;
      default:
        // It waits for the beacon or the seats; a result that a crash has taken is made again meanwhile.
        this.#compute(task);
    }
  }

  /** What cannot be had by the end of the release window is given back in time: later it would cost. */
  #computeOrRelease(task: Task, { now }: MarketView): void {
    const { terms } = task.assignment.attempt;
    const isEnding = now.timeMs + RELEASE_MARGIN_MS >= terms.releaseBy.timeMs;
    const isLast = isEnding && !hasCome(terms.releaseBy, now);
    if (task.obstacle === 'impossible' || (!task.hasData && isLast)) {
      this.#avoid(terms.job);
      this.#act(task, 'released', () => this.#parts.market.release(terms));
      return;
    }
    this.#compute(task);
  }

  /** Fetches the data, then waits for a device. */
  #compute(task: Task): void {
    if (task.result !== undefined || task.isComputing) return;
    // Who is bound to a result tries again for as long as the bond is at stake.
    if (task.obstacle === 'impossible' && task.assignment.attempt.phase === 'CLAIMED') return;
    task.isComputing = true;
    this.#queue(this.#loading, task, async () => {
      const job = await this.#parts.load(task.assignment, task.stop.signal);
      task.hasData = true;
      this.#queue(this.#devices, task, () => this.#run(task, job));
    });
  }

  #queue(queue: WorkQueue, task: Task, work: () => Promise<void>): void {
    const fail = (error: unknown): void => {
      task.obstacle = error instanceof JobUnavailableError ? 'unavailable' : 'impossible';
      task.isComputing = false;
      this.#tell(task, error);
    };
    const { deadline } = task.assignment.attempt;
    queue.add(deadline.timeMs, task.stop.signal, work, fail);
  }

  /** A result is on the disk before anybody is bound to it. @throws as running does; DiskError */
  async #run(task: Task, job: LoadedJob): Promise<void> {
    const { runner, onEvent, results } = this.#parts;
    const { assignment, stop } = task;
    const { terms } = assignment.attempt;
    onEvent({ kind: 'computing', subject: terms });
    const result = await runner.execute(job, assignment, stop.signal);
    try {
      await results.save(terms, result);
    } catch (error) {
      if (task.assignment.attempt.phase === 'CLAIMED') throw error;
      this.#tell(task, error);
    }
    task.result = result;
    task.isComputing = false;
    delete task.obstacle;
    onEvent({ kind: 'computed', subject: terms });
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
    const { assignment, result } = task;
    if (result === undefined) {
      this.#compute(task);
      return;
    }
    const { attempt, publishedItems } = assignment;
    this.#act(task, `published ${attempt.round} ${publishedItems.length}`, async () => {
      const pieces = await this.#missingPieces(task, result);
      checkFits(pieces);
      await this.#parts.market.publish(attempt.terms, pieces);
    });
  }

  #missingPieces({ assignment, stop }: Task, result: JobResult): Promise<readonly Piece[]> {
    const { runner, secret } = this.#parts;
    let loading: Promise<LoadedJob> | undefined;
    const load = (): Promise<LoadedJob> => (loading ??= this.#parts.load(assignment, stop.signal));
    return missingPieces(assignment, {
      ...{ load, result, jobKey: jobKeyOf(secret, assignment.attempt.terms) },
      rerun: async (segments) => runner.rerun(await load(), segments, assignment, stop.signal),
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
      } catch (error) {
        // Trying again would not make it smaller.
        if (error instanceof PublicationError) task.done.add(step);
        throw error;
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
            this.#avoid(job);
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

  #avoid(job: Uint8Array): void {
    this.#unfit.add(toHex(job));
    for (const oldest of this.#unfit) {
      if (this.#unfit.size <= MAX_UNFIT) return;
      this.#unfit.delete(oldest);
    }
  }

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

/** Of a publication all pieces are there in the end, or it was for nothing. @throws PublicationError */
function checkFits(pieces: readonly Piece[]): void {
  const bytes = pieces.reduce((sum, { data }) => sum + data.length, 0);
  const largest = pieces.reduce((most, { data }) => Math.max(most, data.length), 0);
  const fits = bytes <= MAX_PUBLISHED_BYTES && largest <= MAX_PIECE_BYTES;
  if (fits && pieces.length <= MAX_FULL_AUDIT_SEGMENTS) return;
  throw new PublicationError('PUBLICATION_TOO_LARGE', 'more data than fits the chain', {
    ...{ bytes, maxBytes: MAX_PUBLISHED_BYTES, largestBytes: largest, maxPieceBytes: MAX_PIECE_BYTES },
    ...{ pieces: pieces.length, maxPieces: MAX_FULL_AUDIT_SEGMENTS },
    cure: 'let verifiers reach the node that holds the data: they look for it until the window ends',
  });
}

function nameOf(subject: AuditSubject): string {
  return toHex(subjectBytes(subject));
}
