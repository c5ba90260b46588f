import type { Address } from '../../protocol/address.js';
import { bytesEqual } from '../../protocol/bytes.js';
import { hasCome, type BlockMoment } from '../../protocol/moment.js';
import { Revert } from '../modules/module.js';
import { mayClaim } from '../providers/bonds.js';
import { freeWei, isOwn, providerByOperator, type FoundProvider } from '../providers/provider.js';
import { ERRORS, EVENTS } from './abi.js';
import { knownJob } from './advancing.js';
import { termsOf } from './drawing.js';
import { claimableUntil, hasJobEnded, MAX_ATTEMPTS, MAX_CLAIMS, phaseOf, type Job } from './job.js';
import { refusal, scheduleJob } from './life.js';
import type { JobScope } from './settling.js';

/**
 * A provider wants a job. Claims are collected for a while after the first one; then one of them is drawn.
 *
 * @throws Revert UnknownJob | JobForgotten | NotProvider | ProviderNotReady | ProviderIsClient | PriceTooHigh | ClaimedBefore |
 * TooManyClaims | InsufficientLockup | Refused
 */
export function claim(scope: JobScope, id: Uint8Array, caller: Address, priceWei: bigint): void {
  const { state, block } = scope;
  const job = knownJob(scope, id);
  const { master, provider } = actingProvider(scope, caller);
  assertCollecting(scope, job);
  if (!mayClaim(block.params, provider)) throw new Revert(ERRORS.ProviderNotReady, [master]);
  if (isOwn(master, provider, job.client)) throw new Revert(ERRORS.ProviderIsClient, [job.client]);
  if (priceWei > job.maxPriceWei) throw new Revert(ERRORS.PriceTooHigh, [job.maxPriceWei, priceWei]);
  const hasClaimed = job.claims.some((each) => bytesEqual(each.provider, master));
  if (hasClaimed || job.tried.some((each) => bytesEqual(each, master))) {
    throw new Revert(ERRORS.ClaimedBefore, [master]);
  }
  if (job.claims.length === MAX_CLAIMS) throw new Revert(ERRORS.TooManyClaims, [BigInt(MAX_CLAIMS)]);
  const made = { provider: master, priceWei };
  const { bondWei } = termsOf(scope, id, job, made);
  if (bondWei > freeWei(provider)) throw new Revert(ERRORS.InsufficientLockup, [bondWei, freeWei(provider)]);
  const claimed: Job = { ...job, claims: [...job.claims, made] };
  if (job.claims.length > 0) {
    scheduleJob(state, id, job, claimed, { timeMs: job.dueMs, height: job.dueHeight });
  } else {
    const { claimWindowMs, windowBlocks } = block.params.jobs;
    const [claimByMs, claimByHeight] = [
      block.timeMs + claimWindowMs,
      block.height + Math.min(1, windowBlocks),
    ];
    const first: Job = { ...claimed, claimByMs, claimByHeight };
    scheduleJob(state, id, job, first, { timeMs: claimByMs, height: claimByHeight });
  }
  scope.emit(EVENTS.JobClaimed, [id, master, priceWei]);
}

/** @throws Revert Refused */
function assertCollecting({ block }: JobScope, job: Job): void {
  if (hasJobEnded(job)) throw refusal(job, undefined, 'ENDED');
  if (phaseOf(job) !== 'OPEN' || job.attempts >= MAX_ATTEMPTS) throw refusal(job, undefined, 'WRONG_PHASE');
  if (!isCollecting(job, block)) throw refusal(job, undefined, 'TOO_LATE');
}

/** Whether an open job takes claims at this moment. */
export function isCollecting(job: Job, now: BlockMoment): boolean {
  const isClosed =
    job.claims.length > 0 && hasCome({ timeMs: job.claimByMs, height: job.claimByHeight }, now);
  return job.drawHeight === 0 && !isClosed && !hasCome(claimableUntil(job), now);
}

/** The provider that the caller stands for. @throws Revert NotProvider */
export function actingProvider({ state }: Pick<JobScope, 'state'>, caller: Address): FoundProvider {
  const found = providerByOperator(state, caller);
  if (found === undefined) throw new Revert(ERRORS.NotProvider, [caller]);
  return found;
}
