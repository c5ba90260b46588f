import { runSegments, type Executor } from '../../compute/run-segments.js';
import { SandboxError } from '../../compute/sandbox/sandbox.js';
import type { PendingEntry } from '../../consensus/verification/entries.js';
import { plainEntry } from '../../consensus/verification/statements.js';
import type { Address } from '../../protocol/address.js';
import { bytesEqual, concatBytes, toHex } from '../../protocol/bytes.js';
import type { OgpuError } from '../../protocol/errors.js';
import type { Program } from '../../protocol/graph/check.js';
import type { GraphInput } from '../../protocol/graph/graph.js';
import { allocateTensor, tensorToBytes, type TensorData } from '../../protocol/graph/tensor-data.js';
import { elementCount } from '../../protocol/graph/tensors.js';
import { AUDIT_SOURCE_RUNNABLE } from '../../protocol/types/audit.js';
import { CAN_RUN, verdictOf } from '../../state/sources/attestations.js';
import { SOURCE_RETIRED, sources } from '../../state/sources/source.js';
import { STATE_KEYS } from '../../state/store/keys.js';
import { isMember, nextValidators } from '../../state/staking/active-set.js';
import type { Change, Reader, Store } from '../../state/store/store.js';
import { WorkQueue } from '../../compute/work-queue.js';
import type { BlobService } from '../blobs/service.js';
import type { Alarm, Clock } from '../consensus/surroundings.js';
import { MaterialsError } from './materials.js';
import type { SourceShelf } from './source-shelf.js';

export interface SourceWatchParts {
  readonly store: Reader & Pick<Store, 'range'>;
  readonly validator: Address;
  readonly shelf: SourceShelf;
  readonly blobs: BlobService;
  readonly executor: () => Promise<Executor>;
  readonly hidden: readonly string[];
  /** Of one segment on a device: sources that take more are left to others. */
  readonly maxMemoryBytes: number;
  readonly clock: Clock;
  /** There is something new to say. */
  readonly onEntry: () => void;
  readonly onRunnable: (id: Uint8Array) => void;
  readonly onWarning: (error: OgpuError) => void;
  readonly onFailure: (error: unknown) => void;
}

/** Sources that are looked at; more are left to other validators. */
const MAX_WATCHED = 4_096;

/** Weights that nobody has are looked for again after this, and each time after twice as long. */
const FIRST_RETRY_MS = 1_000;
const MAX_RETRY_MS = 10 * 60_000;

/** Loading and running one segment of the least and of the most there is. */
const TRIAL_WALL_MS = 180_000;

interface Watched {
  readonly id: Uint8Array;
  attempts: number;
  isRunnable: boolean;
  alarm?: Alarm;
}

/**
 * Tries every registered source as soon as it is there: fetches its weights, has every bound proved and one segment run, and says with the
 * next votes that this validator can run it. Until then it judges no jobs of it.
 */
export class SourceWatch {
  readonly #parts: SourceWatchParts;
  readonly #watched = new Map<string, Watched>();
  readonly #trials = new WorkQueue(1);
  readonly #stop = new AbortController();

  constructor(parts: SourceWatchParts) {
    this.#parts = parts;
  }

  /** Looks at all sources there are. @throws as reading the store does */
  async start(): Promise<void> {
    for await (const page of this.#parts.store.range({ ...STATE_KEYS.source.range(), limit: MAX_WATCHED }))
      for (const { key } of page) this.#look(key.slice(-32));
  }

  /** Looks at what a block has changed. */
  follow(changes: readonly Change[]): void {
    for (const { key } of changes) if (isSourceKey(key)) this.#look(key.slice(-32));
  }

  /** What has not been heard yet: of one source at a time, as one is heard in a block. */
  entries(): PendingEntry[] {
    const { store, validator } = this.#parts;
    const next = [...this.#watched.values()].find(
      ({ id, isRunnable }) => isRunnable && this.#isWaitedFor(id),
    );
    if (next === undefined || !isMember(nextValidators(store), validator)) return [];
    const entry = plainEntry({ job: next.id, attempt: 0 }, AUDIT_SOURCE_RUNNABLE, 0);
    return [{ entry, deadline: WHENEVER }];
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    for (const { alarm } of this.#watched.values()) alarm?.cancel();
    await this.#trials.stop();
  }

  #look(id: Uint8Array): void {
    const name = toHex(id);
    const known = this.#watched.get(name);
    const status = sources.find(this.#parts.store, id)?.status;
    if (status === undefined || status === SOURCE_RETIRED) {
      if (known === undefined) return;
      known.alarm?.cancel();
      this.#watched.delete(name);
      this.#inBackground(this.#parts.blobs.release({ kind: 'source', id }));
      return;
    }
    if (known !== undefined || this.#watched.size >= MAX_WATCHED) return;
    const watched: Watched = { id, attempts: 0, isRunnable: !this.#isWaitedFor(id) };
    this.#watched.set(name, watched);
    this.#tryLater(watched, 0);
  }

  /** Whether the state does not know yet that this validator can run it. */
  #isWaitedFor(id: Uint8Array): boolean {
    const { store, validator } = this.#parts;
    return verdictOf(store, id, validator) !== CAN_RUN;
  }

  #tryLater(watched: Watched, delayMs: number): void {
    if (this.#stop.signal.aborted) return;
    const { clock, onFailure } = this.#parts;
    watched.alarm = clock.setTimer(delayMs, () => {
      this.#trials.add(clock.nowMs(), this.#stop.signal, () => this.#attempt(watched), onFailure);
    });
  }

  async #attempt(watched: Watched): Promise<void> {
    if (!this.#watched.has(toHex(watched.id))) return;
    watched.attempts++;
    try {
      await this.#tryOut(watched);
    } catch (error) {
      if (!(error instanceof MaterialsError)) throw error;
      this.#parts.onWarning(error);
      if (error.code !== 'MATERIALS_UNAVAILABLE') return;
      this.#tryLater(watched, Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** (watched.attempts - 1)));
      return;
    }
    watched.isRunnable = true;
    this.#parts.onRunnable(watched.id);
    this.#parts.onEntry();
  }

  /** @throws MaterialsError */
  async #tryOut({ id, isRunnable }: Watched): Promise<void> {
    const { blobs, shelf, maxMemoryBytes } = this.#parts;
    const program = shelf.program(id);
    const { memoryBytes } = program.work;
    if (memoryBytes > maxMemoryBytes)
      throw new MaterialsError('MATERIALS_UNFIT', 'a source takes more memory than it may here', {
        ...{ source: toHex(id), memoryBytes, maxMemoryBytes, cure: 'raise compute.maxMemoryBytes' },
      });
    const { weights } = await shelf.obtain(id, this.#stop.signal);
    await blobs.pin(program.graph.weightsHash, { kind: 'source', id });
    // What it has said already was tried in an earlier life; the device gate says whether the machine has changed.
    if (!isRunnable) await this.#run(id, program, weights);
  }

  async #run(id: Uint8Array, program: Program, weights: Uint8Array): Promise<void> {
    const { executor, hidden } = this.#parts;
    const { items, state } = trialInputs(program);
    try {
      const { outcome } = await runSegments({
        ...{ program, weights, segments: [items], state, hidden, wallMs: TRIAL_WALL_MS },
        ...{ executor: await executor(), signal: this.#stop.signal, onOutputs: () => undefined },
      });
      if (outcome.kind === 'completed') return;
      const { log: _log, ...how } = outcome;
      throw new MaterialsError('MATERIALS_UNFIT', 'a source does not run here', {
        source: toHex(id),
        outcome: how,
      });
    } catch (cause) {
      if (!(cause instanceof SandboxError)) throw cause;
      throw new MaterialsError(
        'MATERIALS_UNFIT',
        'a source cannot be tried here',
        { source: toHex(id) },
        { cause },
      );
    }
  }

  #inBackground(work: Promise<void>): void {
    work.catch(this.#parts.onFailure);
  }
}

/** After whatever has a deadline. */
const WHENEVER = { timeMs: Number.MAX_SAFE_INTEGER, height: Number.MAX_SAFE_INTEGER };

const { gte: SOURCE_PREFIX } = STATE_KEYS.source.range();

function isSourceKey(key: Uint8Array): boolean {
  return bytesEqual(key.subarray(0, SOURCE_PREFIX.length), SOURCE_PREFIX);
}

/** Of each input the value next to zero that it takes. */
function trialInputs({ graph: { inputs } }: Program): { items: TensorData[]; state: Uint8Array | undefined } {
  const fill = ({ type, shape, min, max }: GraphInput): TensorData =>
    allocateTensor(type, elementCount(shape)).fill(Math.min(max, Math.max(min, 0)));
  const states = inputs.filter(({ role }) => role === 'state').map(fill);
  return {
    items: inputs.filter(({ role }) => role === 'item').map(fill),
    state: states.length === 0 ? undefined : concatBytes(...states.map(tensorToBytes)),
  };
}
