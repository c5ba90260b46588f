import { extensionContent } from '../../consensus/verification/entries.js';
import { bytesEqual, toHex } from '../../protocol/bytes.js';
import type { OgpuError } from '../../protocol/errors.js';
import { attemptsOwed } from '../../state/jobs/reading.js';
import { nextDue } from '../../state/queues/due.js';
import { epochNumber } from '../../state/staking/epoch-record.js';
import { isMember, nextValidators } from '../../state/staking/active-set.js';
import { STATE_KEYS } from '../../state/store/keys.js';
import type { Change, Store } from '../../state/store/store.js';
import { chainIdentityAt, paramsRecord, progressRecord } from '../../state/system/chain.js';
import type { BlobService } from '../blobs/service.js';
import { ComputeDevice, type DeviceSetting } from '../compute/device.js';
import type { Alarm, Clock } from '../consensus/surroundings.js';
import { openFolder } from '../disk/open-folder.js';
import type { Logger } from '../logging/logger.js';
import type { ValidatorIdentity } from '../validator-identity.js';
import { JobMaterials } from './job-materials.js';
import { publishedItems } from './published-items.js';
import { SourceShelf } from './source-shelf.js';
import { SourceWatch } from './source-watch.js';
import { VerdictStore } from './verdict-store.js';
import { Verifier } from './verifier.js';

export interface AuditDeskOptions {
  readonly store: Store;
  readonly validator: ValidatorIdentity;
  readonly blobs: BlobService;
  /** Of verdicts, for this node alone. */
  readonly folder: string;
  readonly device: DeviceSetting;
  readonly maxMemoryBytes: number;
  /** Folders that the processes of jobs do not see. */
  readonly hidden: readonly string[];
  readonly clock: Clock;
  readonly log: Logger;
  /** There is a reason for the next block now. */
  readonly onWork: () => void;
  readonly warn: (error: OgpuError) => void;
  /** The disk failed: this validator must say nothing more. */
  readonly onFailure: (error: unknown) => void;
}

/** Blocks ahead for whose sake the next one is made at once: what falls due later waits for the blocks that come anyway. */
const NEAR_BLOCKS = 64;

/** What clocks can wait for at once. */
const MAX_ALARM_MS = 60_000;

/** The part of a validator that judges jobs: what it says with its votes, and when a block is needed for that. */
export class AuditDesk {
  readonly #options: AuditDeskOptions;
  readonly #device: ComputeDevice;
  readonly #verifier: Verifier;
  readonly #sources: SourceWatch;
  readonly #unlock: () => Promise<void>;
  #epoch: number;
  #alarm: Alarm | undefined;
  #isClosed = false;

  /** @throws DiskError */
  static async open(options: AuditDeskOptions): Promise<AuditDesk> {
    const { folder, unlock } = await openFolder(options.folder);
    try {
      const verdicts = await VerdictStore.open(folder, options.warn);
      return new AuditDesk(options, verdicts, unlock);
    } catch (error) {
      await unlock();
      throw error;
    }
  }

  private constructor(options: AuditDeskOptions, verdicts: VerdictStore, unlock: () => Promise<void>) {
    const { store, validator, blobs, hidden, clock, log, onWork, warn, onFailure } = options;
    this.#options = options;
    this.#unlock = unlock;
    this.#epoch = epochNumber(store);
    this.#device = new ComputeDevice({
      ...{ setting: options.device, hidden, onWarning: warn },
      onChosen: (device) => {
        log.info({ device }, 'jobs are judged on it');
      },
    });
    const shelf = new SourceShelf(store, blobs);
    const executor = (): ComputeDevice['executor'] => this.#device.executor;
    this.#verifier = new Verifier({
      ...{ validator, verdicts, clock, onFailure, onEntry: onWork, onWarning: warn },
      materials: new JobMaterials({
        ...{ store, blobs, shelf, executor, hidden, clock },
        published: (terms) => publishedItems(store, terms),
      }),
      attempts: () => attemptsOwed(store, validator.id),
      chain: () => {
        const { height } = progressRecord.read(store);
        return chainIdentityAt(store, paramsRecord.read(store), height + 1);
      },
    });
    this.#sources = new SourceWatch({
      ...{ store, blobs, shelf, executor, hidden, clock, onFailure, onEntry: onWork, onWarning: warn },
      ...{ validator: validator.id, maxMemoryBytes: options.maxMemoryBytes },
      onRunnable: (id) => {
        log.info({ source: toHex(id) }, 'jobs of a source can be judged here');
      },
    });
  }

  /** Takes up what the ledger asks for. @throws as reading the store does */
  async start(): Promise<void> {
    await this.#sources.start();
    this.follow([]);
  }

  /** A block is final and stored. */
  follow(changes: readonly Change[]): void {
    if (this.#isClosed) return;
    const epoch = epochNumber(this.#options.store);
    if (epoch !== this.#epoch) this.#device.recheck();
    this.#epoch = epoch;
    this.#letGo(changes);
    this.#sources.follow(changes);
    this.#verifier.follow();
    this.#waitForDue();
  }

  /** What this validator says with its next vote. */
  extensionContent(): Uint8Array {
    return extensionContent([...this.#verifier.entries(), ...this.#sources.entries()]);
  }

  /** Whether the next block is needed now: somebody has to hear this validator, or something is due. */
  hasWork(): boolean {
    return !this.#isClosed && (this.#isDue() || this.#hasToSpeak());
  }

  /** Resolves when nothing is judged any more, and the folder is free. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#alarm?.cancel();
    await Promise.all([this.#verifier.stop(), this.#sources.stop(), this.#device.close()]);
    await this.#unlock();
  }

  /** Data of a job stays for its client until the ledger forgets the job. */
  #letGo(changes: readonly Change[]): void {
    for (const { key, value } of changes) {
      if (value !== undefined || !isJobKey(key)) continue;
      this.#options.blobs.release({ kind: 'job', id: key.slice(-32) }).catch(this.#options.onFailure);
    }
  }

  #hasToSpeak(): boolean {
    const { store, validator } = this.#options;
    const entries = this.#verifier.entries().length + this.#sources.entries().length;
    return entries > 0 && isMember(nextValidators(store), validator.id);
  }

  #isDue(): boolean {
    const { store, clock } = this.#options;
    const { timeMs = Infinity, height = Infinity } = nextDue(store);
    return timeMs <= clock.nowMs() || height <= progressRecord.read(store).height + NEAR_BLOCKS;
  }

  #waitForDue(): void {
    const { store, clock, onWork } = this.#options;
    this.#alarm?.cancel();
    const { timeMs } = nextDue(store);
    if (timeMs === undefined) return;
    const delayMs = Math.min(MAX_ALARM_MS, Math.max(1, timeMs - clock.nowMs()));
    this.#alarm = clock.setTimer(delayMs, () => {
      if (this.#isDue()) onWork();
      else this.#waitForDue();
    });
  }
}

const { gte: JOB_PREFIX } = STATE_KEYS.job.range();

function isJobKey(key: Uint8Array): boolean {
  return bytesEqual(key.subarray(0, JOB_PREFIX.length), JOB_PREFIX);
}
