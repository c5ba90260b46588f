import { performance } from 'node:perf_hooks';
import { RPC } from '../errors/codes.js';
import { RpcError } from '../errors/rpc-error.js';
import type { RpcLimits } from '../limits.js';
import { RateLimit } from './rate-limit.js';

/** Whether a request may begin: not too many at a time, and not too many of one client. */
export class Admission {
  readonly #limits: RpcLimits;
  readonly #rate: RateLimit;
  #running = 0;

  constructor(limits: RpcLimits) {
    this.#limits = limits;
    this.#rate = new RateLimit(limits.requestsPerSecond, limits.burst);
  }

  /** Counts it in, or says why not. Each that is counted in must `leave`. */
  enter(client: string, body: string): RpcError | undefined {
    const { maxRequests, limitsLoopback } = this.#limits;
    if (this.#running >= maxRequests)
      return new RpcError(RPC.limitExceeded, 'RPC_BUSY', 'too many requests at a time', { maxRequests });
    if (limitsLoopback || !isLoopback(client)) {
      const retryAfterMs = this.#rate.take(client, requestsIn(body), performance.now());
      if (retryAfterMs > 0) {
        const text = 'too many requests of this client: slow down';
        return new RpcError(RPC.limitExceeded, 'RPC_RATE_LIMITED', text, { retryAfterMs });
      }
    }
    this.#running++;
    return undefined;
  }

  leave(): void {
    this.#running--;
  }
}

/** How many a body asks for, before it is parsed: each names a method. */
function requestsIn(body: string): number {
  if (!body.trimStart().startsWith('[')) return 1;
  return Math.max(1, body.split('"method"').length - 1);
}

export function isLoopback(address: string): boolean {
  return (
    address === 'localhost' ||
    address === '::1' ||
    address.startsWith('127.') ||
    address.startsWith('::ffff:127.')
  );
}
