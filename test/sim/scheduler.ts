import { invariant } from '../../protocol/invariant.js';
import { EventHeap, type HeapEntry } from './event-heap.js';

/** What happens at a moment. A promise it returns may stay pending over later events; a rejection ends the run. */
export type Task = () => void | Promise<void>;

/** A task that waits for its moment; the handle with which it is cancelled. */
export interface Timer extends HeapEntry {
  readonly task: Task;
}

/** When a run ends, whichever comes first; it also ends when nothing is left to do. */
export interface Stop {
  /** Events at this time still happen, later ones do not; the clock then shows this time. */
  readonly untilUs?: number;
  /** Asked after every event. */
  readonly isDone?: () => boolean;
}

export type RunEnd = 'time' | 'done' | 'idle';

export interface SchedulerLimits {
  readonly maxPending: number;
  /** A run of more events than this is taken for an endless loop. */
  readonly maxEvents: number;
}

const DEFAULT_LIMITS: SchedulerLimits = { maxPending: 2_000_000, maxEvents: 50_000_000 };

/** Events between two looks at the real event loop, which nothing simulated may wait for. */
const EVENTS_PER_BREATH = 1 << 16;

/** Taken before anybody may be kept from using it. */
const yieldToLoop = setImmediate;

/**
 * Simulated time: a queue of tasks, each at a moment, in order of time and then of being asked for. Time jumps from task to task.
 *
 * `run` drains the microtasks between any two events: everything that promises, already resolved, let go on has run before time moves.
 * This is exact, not a guess: the continuation of an `await` runs as a microtask, and what is handed to `process.nextTick` from a
 * microtask runs when the microtask queue is empty, including what was added while it was being emptied
 * (https://nodejs.org/en/learn/asynchronous-work/event-loop-timers-and-nexttick). Inhabitants may therefore be async functions as long
 * as every promise they wait for is resolved by this scheduler, directly or not. `runSync` is for inhabitants without promises.
 */
export class Scheduler {
  readonly #heap: EventHeap<Timer>;
  readonly #limits: SchedulerLimits;
  #nowUs = 0;
  #order = 0;
  #executed = 0;
  #failure: { readonly error: unknown } | undefined;

  constructor(limits: Partial<SchedulerLimits> = {}) {
    this.#limits = { ...DEFAULT_LIMITS, ...limits };
    this.#heap = new EventHeap(this.#limits.maxPending);
  }

  get nowUs(): number {
    return this.#nowUs;
  }

  /** Events executed so far. */
  get executed(): number {
    return this.#executed;
  }

  get pending(): number {
    return this.#heap.size;
  }

  /** @throws InvariantError where the time is past or not a whole number, or too much is pending */
  at(atUs: number, task: Task): Timer {
    invariant(Number.isSafeInteger(atUs), `a time in whole microseconds, not ${atUs}`);
    invariant(atUs >= this.#nowUs, `time ${atUs} is past at ${this.#nowUs}`);
    const timer = { atUs, order: this.#order++, index: -1, task };
    this.#heap.push(timer);
    return timer;
  }

  after(delayUs: number, task: Task): Timer {
    return this.at(this.#nowUs + delayUs, task);
  }

  /** Whether it was still to come. */
  cancel(timer: Timer): boolean {
    return this.#heap.remove(timer);
  }

  sleep(delayUs: number): Promise<void> {
    return new Promise((resolve) => void this.after(delayUs, resolve));
  }

  /** Ends the current run after this event by throwing `error` out of it. The first one counts. */
  fail(error: unknown): void {
    this.#failure ??= { error };
  }

  /** Runs events with all microtasks drained after each. @throws whatever a task threw or rejected with */
  async run(stop: Stop = {}): Promise<RunEnd> {
    await Promise.resolve();
    for (;;) {
      const end = this.#endOf(stop);
      if (end !== undefined) return end;
      const outcome = this.#execute();
      if (outcome !== undefined) outcome.catch((error: unknown) => this.fail(error));
      await drainMicrotasks();
      if (this.#executed % EVENTS_PER_BREATH === 0) await new Promise((resolve) => yieldToLoop(resolve));
      this.#throwFailure();
    }
  }

  /** Runs events without waiting for anything. @throws InvariantError where a task returns a promise, and what a task threw */
  runSync(stop: Stop = {}): RunEnd {
    for (;;) {
      const end = this.#endOf(stop);
      if (end !== undefined) return end;
      invariant(this.#execute() === undefined, 'a synchronous run has no promises');
      this.#throwFailure();
    }
  }

  #endOf(stop: Stop): RunEnd | undefined {
    if (stop.isDone?.() === true) return 'done';
    const next = this.#heap.peek();
    if (stop.untilUs !== undefined && (next === undefined || next.atUs > stop.untilUs)) {
      this.#nowUs = Math.max(this.#nowUs, stop.untilUs);
      return next === undefined ? 'idle' : 'time';
    }
    return next === undefined ? 'idle' : undefined;
  }

  #execute(): Promise<void> | undefined {
    const timer = this.#heap.pop() as Timer;
    invariant(this.#executed < this.#limits.maxEvents, `a run ends within ${this.#limits.maxEvents} events`);
    this.#nowUs = timer.atUs;
    this.#executed++;
    return timer.task() as Promise<void> | undefined;
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}

/** Resolves when no microtask is left. Only exact when called from a microtask. */
function drainMicrotasks(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve));
}
