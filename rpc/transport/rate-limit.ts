/** Clients whose buckets are remembered; of more, those that were silent longest are forgotten first, and begin anew. */
const MAX_CLIENTS = 16_384;

interface Bucket {
  tokens: number;
  atMs: number;
}

/** A bucket of tokens for each client: a request takes one, and so many come back each second. */
export class RateLimit {
  readonly #perSecond: number;
  readonly #burst: number;
  readonly #buckets = new Map<string, Bucket>();

  constructor(perSecond: number, burst: number) {
    this.#perSecond = perSecond;
    this.#burst = burst;
  }

  /**
   * Takes tokens for as many requests, or none.
   *
   * @param nowMs of any clock that does not run back
   * @returns 0, or the ms after which there are enough; a batch beyond what a bucket holds is let in when the bucket is full
   */
  take(client: string, count: number, nowMs: number): number {
    const bucket = this.#bucketOf(client, nowMs);
    const wanted = Math.min(count, this.#burst);
    if (bucket.tokens >= wanted) {
      bucket.tokens -= count;
      return 0;
    }
    return Math.ceil(((wanted - bucket.tokens) * 1000) / this.#perSecond);
  }

  #bucketOf(client: string, nowMs: number): Bucket {
    const known = this.#buckets.get(client);
    const bucket = known ?? { tokens: this.#burst, atMs: nowMs };
    const gained = ((nowMs - bucket.atMs) * this.#perSecond) / 1000;
    bucket.tokens = Math.min(this.#burst, bucket.tokens + gained);
    bucket.atMs = nowMs;
    // The order of the map is that of the last request.
    this.#buckets.delete(client);
    this.#buckets.set(client, bucket);
    if (this.#buckets.size > MAX_CLIENTS) {
      const [oldest] = this.#buckets.keys();
      if (oldest !== undefined) this.#buckets.delete(oldest);
    }
    return bucket;
  }
}
