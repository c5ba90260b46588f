import { monitorEventLoopDelay, performance, type EventLoopUtilization } from 'node:perf_hooks';

/** How late timers were in one window: how long everything else had to wait for the thread. */
export interface EventLoopWindow {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** Part of the time in which the thread was busy, 0 to 1. */
  readonly utilization: number;
}

export interface EventLoopOptions {
  readonly windowMs?: number;
  /** A 99th percentile above this is slow. */
  readonly slowP99Ms?: number;
  /** So is a single wait above this: while the thread is taken, only one sample is. */
  readonly slowMaxMs?: number;
  readonly onSlow: (window: EventLoopWindow) => void;
}

export interface EventLoopWatch {
  /** The last whole window. */
  last(): EventLoopWindow;
  stop(): void;
}

const RESOLUTION_MS = 10;
const NS_PER_MS = 1e6;

/** Consensus waits half a second for a vote: a thread that is taken for longer costs rounds. */
export const EVENT_LOOP_DEFAULTS = { windowMs: 10_000, slowP99Ms: 200, slowMaxMs: 1_000 } as const;

/** Measures, window by window, how late this thread is, and tells when it is too late. Keeps no process alive. */
export function watchEventLoop(options: EventLoopOptions): EventLoopWatch {
  const { windowMs, slowP99Ms, slowMaxMs, onSlow } = { ...EVENT_LOOP_DEFAULTS, ...options };
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  let before: EventLoopUtilization = performance.eventLoopUtilization();
  let last: EventLoopWindow = { p50Ms: 0, p99Ms: 0, maxMs: 0, utilization: 0 };
  const timer = setInterval(() => {
    const now = performance.eventLoopUtilization();
    last = {
      p50Ms: lateness(delay.percentile(50)),
      p99Ms: lateness(delay.percentile(99)),
      maxMs: lateness(delay.max),
      utilization: performance.eventLoopUtilization(now, before).utilization,
    };
    before = now;
    delay.reset();
    if (last.p99Ms > slowP99Ms || last.maxMs > slowMaxMs) onSlow(last);
  }, windowMs);
  timer.unref();
  delay.enable();
  return {
    last: () => last,
    stop: () => {
      clearInterval(timer);
      delay.disable();
    },
  };
}

/** The histogram holds the time between two samples, of which `RESOLUTION_MS` is meant. */
function lateness(ns: number): number {
  return Math.max(0, ns / NS_PER_MS - RESOLUTION_MS);
}
