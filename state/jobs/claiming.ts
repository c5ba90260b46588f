import type { Address } from '../../protocol/address.js';
import { bytesEqual } from '../../protocol/bytes.js';
import { requiredBondWei } from '../../consensus/verification/bond.js';
import { operatorCount } from '../../consensus/verification/seats.js';
import { hasCome } from '../queues/due.js';
import { Revert } from '../modules/module.js';
import { lockBond, mayClaim } from '../providers/bonds.js';
import { partiesOf, providerByOperator } from '../providers/provider.js';
import { capableVerifiers } from '../sources/attestations.js';
import { segmentKindOf, sources } from '../sources/source.js';
import { STATE_KEYS } from '../store/keys.js';
import type { Reader } from '../store/store.js';
import type { BlockContext } from '../transition/block-context.js';
import { ERRORS, EVENTS } from './abi.js';
import { claimsOf, MAX_CLAIMS, phaseOf, type Job } from './job.js';
import { knownJob, writeJob } from './keeping.js';
import type { JobScope } from './scope.js';

/**
 * A provider, by an address that stands for it, wants to do an open job. Its bond is locked until the draw, which the first claim sets off.
 *
 * @throws Revert UnknownJob | JobNotOpen | PriceTooHigh | CannotClaim | PartyConflict | ClaimedBefore | TooManyClaims; InsufficientLockup
 */
export function claim(scope: JobScope, id: Uint8Array, priceWei: bigint, caller: Address): void {
  const { state, block } = scope;
  const job = knownJob(state, id);
  assertTakesClaims(scope, id, job);
  if (priceWei > job.maxPriceWei) throw new Revert(ERRORS.PriceTooHigh, [priceWei, job.maxPriceWei]);
  const found = providerByOperator(state, caller);
  if (found === undefined || !mayClaim(block.params, found.provider))
    throw new Revert(ERRORS.CannotClaim, [caller]);
  const { master } = found;
  const conflict = partiesOf(state, master).find((party) => bytesEqual(party, job.client));
  if (conflict !== undefined) throw new Revert(ERRORS.PartyConflict, [conflict]);
  const claims = claimsOf.find(state, id) ?? [];
  const isKnown = (known: Address): boolean => bytesEqual(known, master);
  if (job.tried.some(isKnown) || claims.some(({ provider }) => isKnown(provider)))
    throw new Revert(ERRORS.ClaimedBefore, [id, master]);
  if (claims.length >= MAX_CLAIMS) throw new Revert(ERRORS.TooManyClaims, [id, BigInt(MAX_CLAIMS)]);
  const bondWei = bondOf(state, block, job, priceWei);
  lockBond(state, master, bondWei);
  claimsOf.write(state, [...claims, { provider: master, priceWei, bondWei }], id);
  state.put(STATE_KEYS.providerJob.encode(master, id), Uint8Array.of(1));
  scope.emit(EVENTS.JobClaimed, [id, master, priceWei, bondWei]);
  if (claims.length === 0) writeJob(state, id, { ...job, ...drawAfter(scope) });
}

/** What a claim at this price locks now. */
export function bondOf(
  state: Reader,
  { params }: Pick<BlockContext, 'params'>,
  job: Job,
  priceWei: bigint,
): bigint {
  const verifiers = capableVerifiers(state, job.source);
  const { segments, sampled, seats, auditFeeWei, valueWei } = job;
  const kind = segmentKindOf(sources.read(state, job.source));
  const scale = { kind, segments, sampled, seats, full: job.full === 1 };
  const terms = { ...scale, priceWei, auditFeeWei, valueWei };
  return requiredBondWei(params.jobs, terms, operatorCount(verifiers), verifiers.length);
}

function assertTakesClaims({ block }: JobScope, id: Uint8Array, job: Job): void {
  const deadline = { timeMs: job.deadlineMs, height: job.deadlineHeight };
  const isDrawn = job.drawMs > 0 && hasCome({ timeMs: job.drawMs, height: job.drawHeight }, block);
  const takes = phaseOf(job) === 'OPEN' && job.drawClosed === 0 && !isDrawn && !hasCome(deadline, block);
  if (!takes) throw new Revert(ERRORS.JobNotOpen, [id, BigInt(job.phase)]);
}

function drawAfter({ block }: JobScope): { drawMs: number; drawHeight: number } {
  const { claimWindowMs, windowBlocks } = block.params.jobs;
  return { drawMs: block.timeMs + claimWindowMs, drawHeight: block.height + windowBlocks };
}
