import assert from 'node:assert/strict';
import { GENESIS_TIME_MS } from '../sim/consensus/chain.js';

interface Timer {
  readonly atMs: number;
  readonly run: () => void;
}

/** A clock that stands still until it is moved. */
export class HandClock {
  nowMs = GENESIS_TIME_MS + 60_000;
  readonly timers = new Set<Timer>();

  setTimer(delayMs: number, run: () => void): { cancel(): void } {
    const timer = { atMs: this.nowMs + delayMs, run };
    this.timers.add(timer);
    return { cancel: () => this.timers.delete(timer) };
  }

  /** Runs the alarm that is due first. */
  fireNext(): void {
    const [next] = [...this.timers].sort((a, b) => a.atMs - b.atMs);
    assert.ok(next, 'nothing is waited for');
    this.timers.delete(next);
    this.nowMs = Math.max(this.nowMs, next.atMs);
    next.run();
  }
}
