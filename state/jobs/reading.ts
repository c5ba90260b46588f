import type { Address } from '../../protocol/address.js';
import { invariant } from '../../protocol/invariant.js';
import { hasEnded, type Attempt } from '../../consensus/verification/attempt.js';
import { dutiesOf as dutiesIn, type Duty } from '../../consensus/verification/duties.js';
import type { Reader } from '../store/store.js';
import { chainRecord } from '../system/chain.js';
import { findAttempt } from './attempt.js';
import { jobs, type Job } from './job.js';
import { dutyEntries, readJudge } from './judges.js';

/** Attempts one validator is told of at one time: more than fit its extensions in any window. */
export const MAX_OPEN_ATTEMPTS = 4_096;

/** A job and one of its attempts; undefined where there is none. */
export function attemptOf(
  view: Reader,
  id: Uint8Array,
  number: number,
): { readonly job: Job; readonly attempt: Attempt } | undefined {
  const job = jobs.find(view, id);
  const attempt = job && findAttempt(view, chainRecord.read(view).chainId, id, job, number);
  return job && attempt && { job, attempt };
}

/** Attempts to which a validator owes an entry, now or when their phase comes: what it has to look at, and no more. */
export function attemptsOwed(view: Reader, validator: Address, limit = MAX_OPEN_ATTEMPTS): Attempt[] {
  const { jobs: count } = readJudge(view, validator);
  return Array.from({ length: Math.min(count, limit) }, (_, place) => {
    const { job, attempt: number } = dutyEntries.read(view, validator, place);
    const found = attemptOf(view, job, number);
    invariant(found !== undefined && !hasEnded(found.attempt), 'a duty is of an attempt under way');
    return found.attempt;
  });
}

/** What is owed at present. */
export interface OwedDuty {
  readonly attempt: Attempt;
  readonly duty: Duty;
}

/** What a validator owes in this state, in the order of its places. */
export function dutiesOf(view: Reader, validator: Address, limit = MAX_OPEN_ATTEMPTS): OwedDuty[] {
  return attemptsOwed(view, validator, limit).flatMap((attempt) =>
    dutiesIn(attempt, validator).map((duty) => ({ attempt, duty })),
  );
}
