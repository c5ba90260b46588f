import { domainHash } from '../../protocol/domains.js';
import { invariant } from '../../protocol/invariant.js';
import { hasCome } from '../../protocol/moment.js';
import { claimedAttempt } from '../../consensus/verification/attempt.js';
import { requiredBondWei } from '../../consensus/verification/bond.js';
import { operatorCount } from '../../consensus/verification/seats.js';
import { drawsOf } from '../../consensus/verification/seed.js';
import { isParty, type AttemptTerms } from '../../consensus/verification/terms.js';
import type { Address } from '../../protocol/address.js';
import { lockBond, mayClaim } from '../providers/bonds.js';
import { freeWei, partiesOf, providers } from '../providers/provider.js';
import { drawWeights, weightOfClaim } from '../providers/weight.js';
import { capableVerifiers } from '../sources/attestations.js';
import { segmentKindOf, sources } from '../sources/source.js';
import type { Reader } from '../store/store.js';
import type { BlockContext } from '../transition/block-context.js';
import { EVENTS } from './abi.js';
import { live, scheduleJob } from './life.js';
import { writeAttempt } from './attempt.js';
import { dropBeacon } from './beacons.js';
import { claimableUntil, indexProvider, JOB_PHASES, type Claim, type Job } from './job.js';
import type { JobScope } from './settling.js';
import { segmentMs } from './work.js';

/** Draws one of the claims of a job, and begins its attempt. Who cannot put up the bond any more has no chance. */
export function drawClaim(scope: JobScope, id: Uint8Array, job: Job, beacon: Uint8Array): void {
  const { state, block } = scope;
  dropBeacon(state, job.drawHeight);
  const open: Job = { ...job, claims: [], claimByMs: 0, claimByHeight: 0, drawHeight: 0 };
  const isOver = hasCome(claimableUntil(job), block);
  const able = isOver ? [] : job.claims.filter((claim) => isAble(scope, id, job, claim));
  const drawn = drawAmong(scope, id, job, able, beacon);
  if (drawn !== undefined) {
    assign(scope, id, job, open, drawn);
    return;
  }
  scope.emit(EVENTS.ClaimsLapsed, [id]);
  if (isOver) live(scope, id, job, open, { kind: 'tick' });
  else scheduleJob(state, id, job, open, claimableUntil(open));
}

function isAble(scope: JobScope, id: Uint8Array, job: Job, claim: Claim): boolean {
  const provider = providers.find(scope.state, claim.provider);
  if (provider === undefined || !mayClaim(scope.block.params, provider)) return false;
  return freeWei(provider) >= termsOf(scope, id, job, claim).bondWei;
}

function drawAmong(
  { state, block }: JobScope,
  id: Uint8Array,
  job: Job,
  claims: readonly Claim[],
  beacon: Uint8Array,
): Claim | undefined {
  if (claims.length === 0) return undefined;
  const weights = claims.map(({ provider, priceWei }) => {
    const { reputation } = providers.read(state, provider);
    return weightOfClaim({ priceWei, maxPriceWei: job.maxPriceWei, reputation });
  });
  const cut = drawWeights(weights, block.params.providers.drawCapBps);
  const { chainId } = block.identity;
  const seed = domainHash(chainId, 'claim-draw', beacon, id, Uint8Array.of(job.attempts));
  const total = cut.reduce((sum, weight) => sum + weight, 0);
  const point = drawsOf(chainId, seed).below(total, 0, 0, 0);
  let end = 0;
  const index = cut.findIndex((weight) => (end += weight) > point);
  const drawn = claims[index];
  invariant(drawn !== undefined, 'a draw finds a claim');
  return drawn;
}

function assign(scope: JobScope, id: Uint8Array, before: Job, job: Job, claim: Claim): void {
  const { state, block, emit } = scope;
  const terms = termsOf(scope, id, job, claim);
  const attempt = claimedAttempt(terms);
  lockBond(state, claim.provider, terms.bondWei);
  writeAttempt(state, attempt);
  indexProvider(state, id, claim.provider);
  const assigned: Job = {
    ...job,
    phase: JOB_PHASES.indexOf('ASSIGNED'),
    attempts: job.attempts + 1,
    tried: [...job.tried, claim.provider],
  };
  scheduleJob(state, id, before, assigned, attempt.deadline);
  const number = BigInt(terms.attempt);
  emit(EVENTS.JobAssigned, [id, claim.provider, number, terms.priceWei, terms.bondWei]);
  invariant(!hasCome(claimableUntil(before), block), 'a job is assigned in time');
}

/** What terms depend on: a block under way, or the one after a state that is read. */
export interface TermsScope {
  readonly state: Reader;
  readonly block: Pick<BlockContext, 'height' | 'timeMs' | 'params'> & {
    readonly identity: { readonly chainId: number };
  };
}

/** What an attempt by this claim would be judged by. */
export function termsOf(
  scope: TermsScope,
  id: Uint8Array,
  job: Job,
  claim: Claim,
  own: readonly Address[] = partiesOf(scope.state, claim.provider),
): AttemptTerms {
  const { provider, priceWei } = claim;
  const { state, block } = scope;
  const { identity, params } = block;
  const source = sources.read(state, job.source);
  const judgeMs = segmentMs(source, params.jobs);
  const height = block.height + params.jobs.windowBlocks;
  const workMs = judgeMs * job.segments;
  const terms = {
    ...{ chainId: identity.chainId, job: id, attempt: job.attempts, kind: segmentKindOf(source) },
    ...{
      segments: job.segments,
      sampled: job.sampled,
      seats: params.jobs.seatsPerSegment,
      full: job.full === 1,
    },
    ...{
      priceWei,
      auditFeeWei: job.auditFeeWei,
      provider,
      client: job.client,
      inputId: job.inputId,
      judgeMs,
    },
    parties: [...own, job.client],
    commitBy: { timeMs: block.timeMs + params.jobs.commitWindowMs + workMs, height },
    releaseBy: { timeMs: block.timeMs + params.jobs.releaseWindowMs, height },
  };
  const able = capableVerifiers(state, job.source).filter(
    ({ id: verifier, operator }) => !isParty(terms, verifier) && !isParty(terms, operator),
  );
  const bondTerms = { ...terms, valueWei: job.valueWei };
  return { ...terms, bondWei: requiredBondWei(params.jobs, bondTerms, operatorCount(able), able.length) };
}
