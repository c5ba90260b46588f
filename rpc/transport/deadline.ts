import { performance } from 'node:perf_hooks';
import { RPC } from '../errors/codes.js';
import { RpcError } from '../errors/rpc-error.js';
import type { Turns } from './turns.js';

/** Longest work between two pauses. */
const SLICE_MS = 4;

/** The time of one call: long work is cut into slices, between which the rest of the node runs, and ends when the time is over. */
export class Deadline {
  readonly #turns: Turns;
  readonly #maxMs: number;
  readonly #endMs: number;
  #sliceEndMs: number;

  constructor(turns: Turns, maxMs: number) {
    const nowMs = performance.now();
    this.#turns = turns;
    this.#maxMs = maxMs;
    this.#endMs = nowMs + maxMs;
    this.#sliceEndMs = nowMs + SLICE_MS;
  }

  /** To be called often in long work. @throws RpcError RPC_TIMEOUT */
  async slice(): Promise<void> {
    if (performance.now() < this.#sliceEndMs) return;
    this.check();
    await this.#turns.pause();
    this.#sliceEndMs = performance.now() + SLICE_MS;
  }

  /** @throws RpcError RPC_TIMEOUT */
  check(): void {
    if (performance.now() < this.#endMs) return;
    throw new RpcError(RPC.resourceUnavailable, 'RPC_TIMEOUT', 'request timed out', { maxMs: this.#maxMs });
  }
}
