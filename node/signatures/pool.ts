import type { Address } from '../../protocol/address.js';
import { MAX_BLS_BATCH, type SignedBy } from '../../protocol/crypto/bls.js';
import { WorkerCrew } from './crew.js';
import { SignaturePoolError } from './errors.js';
import { Lane, type Task } from './lane.js';
import {
  aggregatesRequest,
  packRecoveries,
  possessionRequest,
  recoverRequest,
  RECOVERED_LENGTH,
  sameMessageRequest,
  unpackRecovered,
  type Packed,
  type Recovery,
  type Statement,
} from './wire.js';

/** About 10 ms of one core: long enough to hide the cost of a message, short enough to share a block among workers. */
const RECOVERIES_PER_TASK = 128;
const MAX_QUEUED_RECOVERIES = 32_768;
const MAX_QUEUED_VOTES = 16 * MAX_BLS_BATCH;
const MAX_QUEUED_PROOFS = 256;
/** Native tasks take milliseconds; in JavaScript, a full batch of bad votes may take longer than this. */
const CLOSE_TIMEOUT_MS = 10_000;

export interface SignaturePoolOptions {
  readonly workers: number;
  /** Recoveries that may wait for a worker; a larger call is refused outright. */
  readonly maxQueuedRecoveries?: number;
  /** BLS signatures that may wait for a worker. */
  readonly maxQueuedVotes?: number;
  /** Proofs of possession that may wait for a worker. */
  readonly maxQueuedProofs?: number;
  /** How long `close` waits for the tasks in progress. */
  readonly closeTimeoutMs?: number;
  /** For tests. */
  readonly workerUrl?: URL;
}

/**
 * Verifies signatures on worker threads, so that the event loop keeps serving votes and peers.
 *
 * Consensus signatures go before transactions, and those before proofs of possession, each behind a bound of its own: a
 * flood of transactions delays a vote by the tasks in progress at most. Small calls wait together and travel as one task.
 *
 * Every method rejects with SignaturePoolError: QUEUE_FULL (nothing was queued; shed load), WORKER_DIED (the task may be
 * tried again), WORKERS_EXHAUSTED (workers die as fast as they start; the pool is of no more use), POOL_CLOSED.
 */
export class SignaturePool {
  private readonly crew: WorkerCrew;
  private readonly votes: Lane;
  private readonly recoveries: Lane;
  private readonly proofs: Lane;
  private readonly closeTimeoutMs: number;
  private isClosed = false;

  constructor(options: SignaturePoolOptions) {
    this.votes = new Lane(options.maxQueuedVotes ?? MAX_QUEUED_VOTES);
    this.recoveries = new Lane(options.maxQueuedRecoveries ?? MAX_QUEUED_RECOVERIES);
    this.proofs = new Lane(options.maxQueuedProofs ?? MAX_QUEUED_PROOFS);
    this.closeTimeoutMs = options.closeTimeoutMs ?? CLOSE_TIMEOUT_MS;
    this.crew = new WorkerCrew(
      options.workers,
      options.workerUrl ?? new URL('./worker.js', import.meta.url),
      () => {
        this.dispatch();
      },
    );
  }

  /** The address that made each signature; undefined where `Secp256k1.recover` finds no key. */
  async recoverAddresses(recoveries: readonly Recovery[]): Promise<(Address | undefined)[]> {
    this.admit(this.recoveries, recoveries.length);
    const bodies: { readonly weight: number; readonly body: Packed }[] = [];
    for (let start = 0; start < recoveries.length; start += RECOVERIES_PER_TASK) {
      const part = recoveries.slice(start, start + RECOVERIES_PER_TASK);
      bodies.push({ weight: part.length, body: packRecoveries(part) });
    }
    const responses = bodies.map(({ weight, body }) => this.enqueue(this.recoveries, weight, body));
    this.dispatch();
    return (await Promise.all(responses)).flatMap(unpackRecovered);
  }

  /**
   * Indices, ascending, of the entries whose signature over `message` is not their key's, or whose key is none: none
   * when all are good.
   *
   * @throws SignaturePoolError BATCH_TOO_LARGE above MAX_BLS_BATCH entries
   */
  async findInvalid(entries: readonly SignedBy[], message: Uint8Array): Promise<number[]> {
    const size = entries.length;
    if (size > MAX_BLS_BATCH) {
      throw new SignaturePoolError('BATCH_TOO_LARGE', `at most ${MAX_BLS_BATCH} signatures in one call`, {
        size,
      });
    }
    if (size === 0) return [];
    const votes = entries.map(({ key, signature }) => ({ publicKey: key.bytes, signature }));
    this.admit(this.votes, size);
    const response = this.enqueue(this.votes, size, sameMessageRequest(message, votes));
    this.dispatch();
    return [...(await response)].flatMap((isValid, index) => (isValid === 1 ? [] : [index]));
  }

  /** Whether each statement is true: `Bls.fastAggregateVerify` of each, with those of single keys verified together. */
  async verifyStatements(statements: readonly Statement[]): Promise<boolean[]> {
    const weight = statements.reduce((sum, { keys }) => sum + keys.length, 0);
    if (statements.length === 0) return [];
    this.admit(this.votes, weight);
    const response = this.enqueue(this.votes, weight, aggregatesRequest(statements));
    this.dispatch();
    return Array.from(await response, (isValid) => isValid === 1);
  }

  /** As `Bls.verifyPossession`. */
  async verifyPossession(publicKey: Uint8Array, proof: Uint8Array): Promise<boolean> {
    this.admit(this.proofs, 1);
    const response = this.enqueue(this.proofs, 1, possessionRequest(publicKey, proof));
    this.dispatch();
    return (await response)[0] === 1;
  }

  /**
   * What is queued or in progress fails with POOL_CLOSED, as does every later call. Resolves when the workers have
   * finished the tasks they are in and ended, or after `closeTimeoutMs`: workers still busy then no longer keep the
   * process alive, and end with their task or with the process. Close the pool before `process.exit`.
   */
  async close(): Promise<void> {
    this.isClosed = true;
    this.failQueued(new SignaturePoolError('POOL_CLOSED', 'the signature pool was closed'));
    await this.crew.close(this.closeTimeoutMs);
  }

  private admit(lane: Lane, weight: number): void {
    if (this.isClosed) throw new SignaturePoolError('POOL_CLOSED', 'the signature pool was closed');
    if (this.crew.isExhausted) throw exhausted();
    if (!lane.hasRoomFor(weight)) {
      throw new SignaturePoolError('QUEUE_FULL', 'too many signatures wait for verification', {
        queued: lane.weight,
        refused: weight,
      });
    }
  }

  private enqueue(lane: Lane, weight: number, body: Packed): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      lane.push({ weight, body, resolve, reject });
    });
  }

  private dispatch(): void {
    if (this.crew.isExhausted) this.failQueued(exhausted());
    while (this.crew.hasIdle) {
      const [vote] = this.votes.take(1);
      const recoveries = vote === undefined ? this.recoveries.take(RECOVERIES_PER_TASK) : [];
      if (recoveries.length > 0) {
        this.run(recoverRequest(recoveries.map(({ body }) => body)), recoveries);
        continue;
      }
      const [single] = vote === undefined ? this.proofs.take(1) : [vote];
      if (single === undefined) return;
      this.run(single.body, [single]);
    }
  }

  private run(request: Packed, tasks: readonly Task[]): void {
    this.crew.run(request).then(
      (response) => {
        deal(response, tasks);
      },
      (error: unknown) => {
        for (const task of tasks) task.reject(error);
      },
    );
  }

  private failQueued(error: SignaturePoolError): void {
    for (const lane of [this.votes, this.recoveries, this.proofs])
      for (const task of lane.drain()) task.reject(error);
  }
}

/** Gives each task of a joined request its share of the response. */
function deal(response: Uint8Array, tasks: readonly Task[]): void {
  const [only] = tasks;
  if (tasks.length === 1 && only !== undefined) {
    only.resolve(response);
    return;
  }
  let offset = 0;
  for (const { weight, resolve } of tasks) {
    resolve(response.subarray(offset, (offset += weight * RECOVERED_LENGTH)));
  }
}

function exhausted(): SignaturePoolError {
  return new SignaturePoolError('WORKERS_EXHAUSTED', 'signature workers die as fast as they are started');
}
