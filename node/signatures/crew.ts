import { Worker } from 'node:worker_threads';
import { invariant } from '../../protocol/invariant.js';
import { SignaturePoolError } from './errors.js';
import { closeRequest, type Packed } from './wire.js';

/** Workers replaced since the last answer; one more and a dead worker stays dead. */
const MAX_DEATHS_IN_A_ROW = 8;

interface Errand {
  readonly resolve: (response: Uint8Array) => void;
  readonly reject: (error: SignaturePoolError) => void;
}

interface Member {
  readonly worker: Worker;
  errand: Errand | undefined;
  deathCause: Error | undefined;
}

/**
 * A fixed number of workers, each with at most one errand. A worker that dies fails its errand and is replaced, unless
 * workers keep dying without an answer in between.
 */
export class WorkerCrew {
  private readonly size: number;
  private readonly workerUrl: URL;
  private readonly onChange: () => void;
  private readonly members = new Set<Member>();
  private deathsInARow = 0;
  private isClosed = false;

  /** @param onChange called when a worker has become idle or the last one is gone */
  constructor(size: number, workerUrl: URL, onChange: () => void) {
    invariant(Number.isInteger(size) && size > 0, 'a crew has at least one worker');
    this.size = size;
    this.workerUrl = workerUrl;
    this.onChange = onChange;
    this.fill();
  }

  get hasIdle(): boolean {
    return this.idleMember() !== undefined;
  }

  /** No worker is left and none will come. */
  get isExhausted(): boolean {
    return this.members.size === 0;
  }

  /**
   * Gives `request` to an idle worker, which must exist; its buffer is moved to the worker.
   *
   * @throws SignaturePoolError WORKER_DIED | POOL_CLOSED
   */
  run(request: Packed): Promise<Uint8Array> {
    const member = this.idleMember();
    invariant(member !== undefined, 'an errand needs an idle worker');
    return new Promise((resolve, reject) => {
      member.errand = { resolve, reject };
      member.worker.postMessage(request, [request.buffer]);
    });
  }

  /**
   * Fails all errands with POOL_CLOSED and resolves when every worker has finished its task and ended. A worker is never
   * terminated: to stop a thread inside a native module aborts the process. One that is still busy after `timeoutMs` is
   * left behind: it keeps no process alive, and ends with its task or with the process.
   */
  async close(timeoutMs: number): Promise<void> {
    this.isClosed = true;
    const ended = Promise.all([...this.members].map(dismiss));
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      void ended.then(() => {
        clearTimeout(timer);
        resolve();
      });
    });
    for (const { worker } of this.members) worker.unref();
  }

  private idleMember(): Member | undefined {
    if (this.isClosed) return undefined;
    for (const member of this.members) if (member.errand === undefined) return member;
    return undefined;
  }

  private fill(): void {
    if (this.isClosed) return;
    while (this.members.size < this.size && this.deathsInARow <= MAX_DEATHS_IN_A_ROW) this.hire();
  }

  private hire(): void {
    const member: Member = { worker: new Worker(this.workerUrl), errand: undefined, deathCause: undefined };
    member.worker.on('message', (response: Uint8Array) => {
      this.finish(member, response);
    });
    member.worker.on('error', (error: Error) => {
      member.deathCause = error;
    });
    member.worker.on('exit', (exitCode) => {
      this.bury(member, exitCode);
    });
    this.members.add(member);
  }

  private finish(member: Member, response: Uint8Array): void {
    if (this.isClosed) return;
    const { errand } = member;
    invariant(errand !== undefined, 'a worker answers what it was asked');
    member.errand = undefined;
    this.deathsInARow = 0;
    errand.resolve(response);
    this.fill();
    this.onChange();
  }

  private bury(member: Member, exitCode: number): void {
    this.members.delete(member);
    member.errand?.reject(
      new SignaturePoolError(
        'WORKER_DIED',
        'a signature worker died during the task',
        { exitCode },
        member.deathCause === undefined ? {} : { cause: member.deathCause },
      ),
    );
    this.deathsInARow++;
    this.fill();
    this.onChange();
  }
}

/** Fails the errand, asks the worker to end after it, and resolves when it has. */
function dismiss(member: Member): Promise<void> {
  member.errand?.reject(new SignaturePoolError('POOL_CLOSED', 'the signature pool was closed'));
  member.errand = undefined;
  member.worker.postMessage(closeRequest());
  return new Promise((resolve) => {
    member.worker.once('exit', () => {
      resolve();
    });
  });
}
