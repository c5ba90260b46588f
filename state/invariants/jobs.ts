import { bytesEqual, fromHex, toHex } from '../../protocol/bytes.js';
import { hasEnded } from '../../consensus/verification/attempt.js';
import { attempts, findAttempt, PHASES } from '../jobs/attempt.js';
import { hasJobEnded, jobs, phaseOf, type Job } from '../jobs/job.js';
import { owedTo, readJudge } from '../jobs/judges.js';
import { providers } from '../providers/provider.js';
import { findScheduled } from '../queues/due.js';
import { sources } from '../sources/source.js';
import { STATE_KEYS } from '../store/keys.js';
import { spaceOf } from '../store/state-spaces.js';
import type { Reader } from '../store/store.js';
import { chainRecord } from '../system/chain.js';
import { DUE } from '../system/due-kinds.js';
import { InvariantBroken } from './errors.js';

/** An escrow is what its job owes; only the last attempt can be under way; a job settles itself when it says so. */
export function checkJob(state: Reader, id: Uint8Array): void {
  const job = jobs.find(state, id);
  const due = findScheduled(state, DUE.job, id);
  const fault = job === undefined ? goneFault(due !== undefined) : jobFault(state, id, job);
  const isScheduled = job === undefined || (due?.timeMs === job.dueMs && due.height === job.dueHeight);
  if (fault === undefined && isScheduled) return;
  throw new InvariantBroken('JOB_WRONG', fault ?? 'a job is not scheduled for its moment', {
    job: toHex(id),
    phase: job && phaseOf(job),
    escrowWei: job?.escrowWei,
  });
}

function goneFault(isScheduled: boolean): string | undefined {
  return isScheduled ? 'a job that is gone is scheduled' : undefined;
}

function jobFault(state: Reader, id: Uint8Array, job: Job): string | undefined {
  const owedWei = hasJobEnded(job) ? 0n : job.maxPriceWei + job.auditFeeWei;
  if (job.escrowWei !== owedWei) return 'an escrow is not what the job owes';
  if (hasJobEnded(job) !== job.reason > 0) return 'a job has a reason exactly when it has ended';
  const { chainId } = chainRecord.read(state);
  for (let number = 0; number < job.attempts; number++) {
    const attempt = findAttempt(state, chainId, id, job, number);
    const isOpen = phaseOf(job) === 'ASSIGNED' && number === job.attempts - 1;
    if (attempt === undefined || hasEnded(attempt) === isOpen)
      return 'not only the last attempt is under way';
    if (!job.tried.some((provider) => bytesEqual(provider, attempt.terms.provider))) {
      return 'an attempt is of a provider that was not drawn';
    }
  }
  return undefined;
}

/** What open jobs promise, over a whole state: bonds are locked, sources count their jobs, validators know what they owe. */
export class JobsPromised {
  readonly #state: Reader;
  readonly #bondsWei = new Map<string, bigint>();
  readonly #openJobs = new Map<string, number>();
  readonly #duties = new Map<string, { owed: number; jobs: number }>();

  constructor(state: Reader) {
    this.#state = state;
  }

  add(key: Uint8Array, value: Uint8Array): void {
    switch (spaceOf(key)) {
      case 'job': {
        const job = jobs.decode(value);
        const name = toHex(job.source);
        if (!hasJobEnded(job)) this.#openJobs.set(name, (this.#openJobs.get(name) ?? 0) + 1);
        return;
      }
      case 'attempt':
        this.#addAttempt(...STATE_KEYS.attempt.decode(key), value);
        return;
      case 'judge': {
        const name = toHex(STATE_KEYS.judge.decode(key)[0]);
        if (!this.#duties.has(name)) this.#duties.set(name, { owed: 0, jobs: 0 });
        return;
      }
      default:
    }
  }

  /** @throws InvariantBroken JOB_WRONG | DUTIES_WRONG */
  assertKept(): void {
    for (const [master, bondWei] of this.#bondsWei) {
      const { lockedWei } = providers.read(this.#state, fromHex(master));
      if (lockedWei < bondWei) throw broken('bonds are not locked', { master, lockedWei, bondWei });
    }
    for (const [source, open] of this.#openJobs) {
      const { openJobs } = sources.read(this.#state, fromHex(source));
      if (openJobs < open) throw broken('a source does not count its jobs', { source, openJobs, open });
    }
    for (const [validator, { owed, jobs: count }] of this.#duties) {
      const judge = readJudge(this.#state, fromHex(validator));
      if (judge.owed === owed && judge.jobs === count) continue;
      throw new InvariantBroken('DUTIES_WRONG', 'a validator does not know what it owes', {
        ...{ validator, counted: judge.owed, owed, jobs: count },
      });
    }
  }

  #addAttempt(id: Uint8Array, number: number, value: Uint8Array): void {
    const { provider, phase, bondWei } = attempts.decode(value);
    if (phase >= PHASES.indexOf('ACCEPTED')) return;
    const master = toHex(provider);
    this.#bondsWei.set(master, (this.#bondsWei.get(master) ?? 0n) + bondWei);
    const job = jobs.read(this.#state, id);
    const attempt = findAttempt(this.#state, chainRecord.read(this.#state).chainId, id, job, number);
    for (const [name, { entries }] of attempt === undefined ? [] : owedTo(attempt)) {
      const known = this.#duties.get(name) ?? { owed: 0, jobs: 0 };
      this.#duties.set(name, { owed: known.owed + entries, jobs: known.jobs + 1 });
    }
  }
}

function broken(message: string, data: Readonly<Record<string, unknown>>): InvariantBroken {
  return new InvariantBroken('JOB_WRONG', message, data);
}
