import type { Attempt } from '../../consensus/verification/attempt.js';
import { dutiesOf, type Duty } from '../../consensus/verification/duties.js';
import type { PendingEntry } from '../../consensus/verification/entries.js';
import {
  plainEntry,
  revealEntry,
  sealEntry,
  type Judgement,
} from '../../consensus/verification/statements.js';
import { auditNonceRoot, nonceOf } from '../../protocol/audit/seal.js';
import { toHex } from '../../protocol/bytes.js';
import type { ChainIdentity } from '../../protocol/domains.js';
import type { OgpuError } from '../../protocol/errors.js';
import {
  AUDIT_AVAILABLE,
  AUDIT_CANNOT_JUDGE,
  AUDIT_UNAVAILABLE,
  type AuditEntry,
} from '../../protocol/types/audit.js';
import type { Alarm, Clock } from '../consensus/surroundings.js';
import type { ValidatorIdentity } from '../validator-identity.js';
import { MaterialsError, type Materials } from './materials.js';
import type { VerdictStore } from './verdict-store.js';
import { WorkQueue } from '../../compute/work-queue.js';

export interface VerifierParts {
  readonly validator: ValidatorIdentity;
  /** By the rules of the next height. */
  readonly chain: () => ChainIdentity;
  /** All attempts that have not ended and in which this validator has a voice: bounded by what one may owe. */
  readonly attempts: () => readonly Attempt[];
  readonly materials: Materials;
  readonly verdicts: VerdictStore;
  readonly clock: Clock;
  /** There is something new to say. */
  readonly onEntry: () => void;
  readonly onWarning: (error: OgpuError) => void;
  /** The disk failed: no verdict may leave any more. */
  readonly onFailure: (error: unknown) => void;
  /** Segments' voices that are judged at the same time; a device is not shared. */
  readonly maxJudging?: number;
}

/** Searches for data at the same time. */
const MAX_SEARCHING = 4;

/** Attempts whose answers are remembered: an escalation asks again for what a seat has run. */
const MAX_REMEMBERED = 256;

/** What was looked for in vain is looked for again after this. */
const RETRY_MS = 500;

/** How far this validator is with one duty. */
interface Progress {
  readonly attempt: Attempt;
  readonly duty: Duty;
  /** From then on it says that it lacks what it could not get, for its window will be over. */
  readonly lateMs: number;
  readonly stop: AbortController;
  readonly alarms: Set<Alarm>;
  /** Of segments: why they are not judged. */
  obstacle?: 'unavailable' | 'unfit';
  /** Whether the data asked about is held. */
  isHeld?: boolean;
}

/**
 * Judges what this validator has a seat for, beside consensus and never in its way: fetches and re-executes with bounded concurrency, what is due
 * first before the rest, and has entries ready for the next vote extension until state shows them.
 */
export class Verifier {
  readonly #parts: VerifierParts;
  readonly #judging: WorkQueue;
  readonly #searching = new WorkQueue(MAX_SEARCHING);
  readonly #duties = new Map<string, Progress>();
  /** Content ids of what segments come to, by attempt: of the last ones. */
  readonly #answers = new Map<string, Map<number, Uint8Array>>();
  #isStopped = false;

  constructor(parts: VerifierParts) {
    this.#parts = parts;
    this.#judging = new WorkQueue(parts.maxJudging ?? 1);
  }

  /** Looks at what state asks for now. Call it after every final block. */
  follow(): void {
    if (this.#isStopped) return;
    const attempts = this.#parts.attempts();
    const asked = new Map(
      attempts.flatMap((attempt) =>
        dutiesOf(attempt, this.#parts.validator.id).map((duty) => [nameOf(attempt, duty), { attempt, duty }]),
      ),
    );
    for (const [name, progress] of this.#duties) {
      if (asked.has(name)) continue;
      end(progress);
      this.#duties.delete(name);
    }
    for (const [name, { attempt, duty }] of asked)
      if (!this.#duties.has(name)) this.#begin(name, attempt, duty);
    const open = new Set(attempts.map(({ terms }) => subjectName(terms)));
    this.#settled(this.#parts.verdicts.dropWhere((place) => !open.has(subjectName(place))));
  }

  /** What has not been heard yet. Never waited for. */
  entries(): PendingEntry[] {
    return [...this.#duties.values()].flatMap((progress) => {
      const entry = this.#entryOf(progress);
      return entry === undefined ? [] : { entry, deadline: progress.duty.deadline };
    });
  }

  /** Resolves when nothing is judged or searched for any more. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const progress of this.#duties.values()) end(progress);
    this.#duties.clear();
    await Promise.all([this.#judging.stop(), this.#searching.stop()]);
  }

  #begin(name: string, attempt: Attempt, duty: Duty): void {
    const nowMs = this.#parts.clock.nowMs();
    const leftMs = Math.max(0, duty.deadline.timeMs - nowMs);
    const lateMs = nowMs + Math.floor((leftMs * LATE_SHARE_BPS) / 10_000);
    const progress: Progress = { attempt, duty, lateMs, stop: new AbortController(), alarms: new Set() };
    this.#duties.set(name, progress);
    this.#after(progress, lateMs - nowMs, this.#parts.onEntry);
    if (duty.kind === 'availability') this.#search(progress);
    else this.#judge(progress, duty.segments);
    if (duty.kind === 'reveal') this.#search(progress);
    if (this.#verdictOf(progress) !== undefined) this.#parts.onEntry();
  }

  #judge(progress: Progress, segments: readonly number[]): void {
    if (this.#verdictOf(progress) !== undefined) return;
    const { attempt, duty, stop } = progress;
    this.#judging.add(
      duty.deadline.timeMs,
      stop.signal,
      async () => {
        try {
          const answers = await this.#answersTo(attempt, segments, stop.signal);
          const { job, attempt: number } = attempt.terms;
          const place = { job, attempt: number, round: duty.round };
          await this.#keep({ ...place, answers: [...answers], nonce: this.#nonceOf(attempt, duty.round) });
        } catch (error) {
          if (!(error instanceof MaterialsError)) throw error;
          progress.obstacle = error.code === 'MATERIALS_UNFIT' ? 'unfit' : 'unavailable';
          this.#parts.onWarning(error);
          if (progress.obstacle === 'unavailable')
            this.#again(progress, () => {
              this.#judge(progress, segments);
            });
        }
        if (!stop.signal.aborted) this.#parts.onEntry();
      },
      this.#parts.onFailure,
    );
  }

  /** What was run for an earlier round of the attempt is not run again: it comes to the same. */
  async #answersTo(
    attempt: Attempt,
    segments: readonly number[],
    signal: AbortSignal,
  ): Promise<readonly Uint8Array[]> {
    const name = subjectName(attempt.terms);
    const known = this.#answers.get(name) ?? new Map<number, Uint8Array>();
    this.#answers.delete(name);
    this.#answers.set(name, known);
    const [oldest] = this.#answers.keys();
    if (this.#answers.size > MAX_REMEMBERED && oldest !== undefined) this.#answers.delete(oldest);
    const lacking = segments.filter((segment) => !known.has(segment));
    const found = lacking.length === 0 ? [] : await this.#parts.materials.judge(attempt, lacking, signal);
    for (const [at, segment] of lacking.entries()) known.set(segment, found[at] ?? NO_ANSWER);
    return segments.map((segment) => known.get(segment) ?? NO_ANSWER);
  }

  /** Looks for the output, or for what is called unavailable. */
  #search(progress: Progress): void {
    const { attempt, duty, stop } = progress;
    const { materials } = this.#parts;
    this.#searching.add(
      duty.deadline.timeMs,
      stop.signal,
      async () => {
        progress.isHeld =
          duty.kind === 'availability'
            ? await materials.isAvailable(attempt, duty.subject, stop.signal)
            : await materials.hasOutput(attempt, stop.signal);
        if (stop.signal.aborted) return;
        if (progress.isHeld) this.#parts.onEntry();
        else
          this.#again(progress, () => {
            this.#search(progress);
          });
      },
      this.#parts.onFailure,
    );
  }

  #again(progress: Progress, work: () => void): void {
    this.#after(progress, RETRY_MS, work);
  }

  /** Runs something later, unless the duty is over by then. */
  #after({ stop, alarms }: Progress, delayMs: number, run: () => void): void {
    if (stop.signal.aborted) return;
    const alarm = this.#parts.clock.setTimer(delayMs, () => {
      alarms.delete(alarm);
      run();
    });
    alarms.add(alarm);
  }

  #entryOf(progress: Progress): AuditEntry | undefined {
    const { attempt, duty, isHeld = false, obstacle, lateMs } = progress;
    const { terms } = attempt;
    const isLate = this.#parts.clock.nowMs() >= lateMs;
    if (duty.kind === 'availability') {
      if (!isHeld && !isLate) return undefined;
      return plainEntry(terms, isHeld ? AUDIT_AVAILABLE : AUDIT_UNAVAILABLE, duty.round);
    }
    const judgement = this.#judgementOf(progress, duty.segments);
    if (judgement !== undefined) {
      if (duty.kind === 'seal') return sealEntry(terms, judgement);
      return isHeld || isLate ? revealEntry(attempt, judgement, isHeld) : undefined;
    }
    if (duty.kind === 'reveal' || obstacle === undefined) return undefined;
    if (obstacle === 'unfit') return plainEntry(terms, AUDIT_CANNOT_JUDGE, duty.round);
    return isLate ? plainEntry(terms, AUDIT_UNAVAILABLE, duty.round) : undefined;
  }

  #judgementOf(progress: Progress, segments: readonly number[]): Judgement | undefined {
    const verdict = this.#verdictOf(progress);
    if (verdict === undefined) return undefined;
    const { round, answers, nonce } = verdict;
    return { validator: this.#parts.validator.id, round, segments, answers, nonce };
  }

  #verdictOf({ attempt: { terms }, duty: { round } }: Progress): ReturnType<VerdictStore['get']> {
    return this.#parts.verdicts.get({ job: terms.job, attempt: terms.attempt, round });
  }

  async #keep(verdict: Parameters<VerdictStore['keep']>[0]): Promise<void> {
    await this.#parts.verdicts.keep(verdict);
  }

  #nonceOf({ terms }: Attempt, round: number): Uint8Array {
    const { validator, chain } = this.#parts;
    return nonceOf(terms.chainId, validator.key.sign(auditNonceRoot(chain(), terms, round)));
  }

  #settled(work: Promise<void>): void {
    work.catch(this.#parts.onFailure);
  }
}

const NO_ANSWER = new Uint8Array(0);

function end({ stop, alarms }: Progress): void {
  stop.abort();
  for (const alarm of alarms) alarm.cancel();
}

/** Share of a window after which what is missing is said to be. */
const LATE_SHARE_BPS = 7_000;

function nameOf({ terms }: Attempt, { kind, round }: Duty): string {
  return `${subjectName(terms)} ${round} ${kind}`;
}

function subjectName({ job, attempt }: { readonly job: Uint8Array; readonly attempt: number }): string {
  return `${toHex(job)} ${attempt}`;
}
