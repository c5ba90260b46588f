import { bytesEqual } from '../../protocol/bytes.js';
import { Revert } from '../modules/module.js';
import { returnBond } from '../providers/bonds.js';
import { schedule } from '../queues/due.js';
import { STATE_KEYS } from '../store/keys.js';
import type { Overlay } from '../store/overlay.js';
import type { Reader } from '../store/store.js';
import { DUE } from '../system/due-kinds.js';
import { ERRORS } from './abi.js';
import { claimsOf, jobs, phaseOf, type Job } from './job.js';

const ENTRY = Uint8Array.of(1);

/** @throws Revert UnknownJob */
export function knownJob(state: Reader, id: Uint8Array): Job {
  const job = jobs.find(state, id);
  if (job === undefined) throw new Revert(ERRORS.UnknownJob, [id]);
  return job;
}

/** Stores a job that is not over, under its status; one that waits for claims settles itself. */
export function writeJob(state: Overlay, id: Uint8Array, job: Job): void {
  const known = jobs.find(state, id);
  if (known?.phase !== job.phase) {
    if (known !== undefined) state.delete(STATE_KEYS.jobStatus.encode(known.phase, id));
    state.put(STATE_KEYS.jobStatus.encode(job.phase, id), ENTRY);
  }
  jobs.write(state, job, id);
  if (phaseOf(job) !== 'OPEN') return;
  const { drawMs, drawHeight, deadlineMs, deadlineHeight } = job;
  const next =
    drawMs > 0 ? { timeMs: drawMs, height: drawHeight } : { timeMs: deadlineMs, height: deadlineHeight };
  schedule(state, { ...next, kind: DUE.job, subject: id });
}

/** Returns the bonds of claims that are not drawn, and forgets them. @param drawn a provider whose bond stays locked */
export function freeClaims(state: Overlay, id: Uint8Array, drawn?: Uint8Array): void {
  for (const { provider, bondWei } of claimsOf.find(state, id) ?? []) {
    if (drawn !== undefined && bytesEqual(provider, drawn)) continue;
    returnBond(state, provider, bondWei);
    state.delete(STATE_KEYS.providerJob.encode(provider, id));
  }
  claimsOf.remove(state, id);
}
