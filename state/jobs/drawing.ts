import { domainHash } from '../../protocol/domains.js';
import { bytesEqual } from '../../protocol/bytes.js';
import { invariant } from '../../protocol/invariant.js';
import { uniformBelow, wordOfDigest } from '../../protocol/uniform.js';
import { claimedAttempt } from '../../consensus/verification/attempt.js';
import { jobTransition } from '../../consensus/verification/job-life.js';
import type { AttemptTerms } from '../../consensus/verification/terms.js';
import { partiesOf, providers } from '../providers/provider.js';
import { drawWeights, weightOfClaim } from '../providers/weight.js';
import { segmentKindOf, sources } from '../sources/source.js';
import { hasCome } from '../queues/due.js';
import { progressRecord } from '../system/chain.js';
import { EVENTS } from './abi.js';
import { writeAttempt } from './attempt.js';
import { claimsOf, lifeOf, NO_DRAW, withLife, type Claim, type Job } from './job.js';
import { freeClaims, writeJob } from './keeping.js';
import type { JobScope } from './scope.js';

/**
 * When the time for claims is over none is taken any more; the block after that draws one, so that nobody who knows the beacon can still
 * change what is drawn from. @returns whether there was anything to do
 */
export function drawWhenDue(scope: JobScope, id: Uint8Array, job: Job): boolean {
  const { state, block } = scope;
  if (!hasCome({ timeMs: job.drawMs, height: job.drawHeight }, block)) return false;
  if (job.drawClosed === 1) drawClaim(scope, id, job);
  else writeJob(state, id, { ...job, drawClosed: 1, drawHeight: block.height + 1 });
  return true;
}

/**
 * Draws one of the claims by the beacon of the last block, with chances by price and reputation: docs/spec/market.md. The others' bonds are
 * free again. A claim whose provider has meanwhile become a party, or is gone, is not drawn.
 */
function drawClaim(scope: JobScope, id: Uint8Array, job: Job): void {
  const { state, block } = scope;
  const claims = (claimsOf.find(state, id) ?? []).filter(({ provider }) => isFit(scope, job, provider));
  const life = jobTransition(lifeOf(job), { kind: 'assigned' }, { now: block, params: block.params });
  const drawn = 'refused' in life ? undefined : drawOne(scope, id, job, claims);
  freeClaims(state, id, drawn?.provider);
  const undrawn: Job = { ...job, ...NO_DRAW };
  if (drawn === undefined || 'refused' in life) {
    writeJob(state, id, undrawn);
    return;
  }
  const tried = [...job.tried, drawn.provider];
  writeJob(state, id, { ...withLife(undrawn, life.job), tried });
  const terms = termsOf(scope, id, job, drawn);
  writeAttempt(scope, undefined, { attempt: claimedAttempt(terms) });
  const { priceWei, bondWei, provider } = drawn;
  const numbers = [BigInt(terms.attempt), priceWei, bondWei, BigInt(terms.commitBy.timeMs)];
  scope.emit(EVENTS.JobAssigned, [id, provider, ...numbers]);
}

function isFit({ state }: JobScope, { client }: Job, provider: Uint8Array): boolean {
  if (providers.find(state, provider) === undefined) return false;
  return !partiesOf(state, provider).some((party) => bytesEqual(party, client));
}

function drawOne(
  { state, block }: JobScope,
  id: Uint8Array,
  job: Job,
  claims: readonly Claim[],
): Claim | undefined {
  const { maxPriceWei } = job;
  const weights = drawWeights(
    claims.map(({ provider, priceWei }) =>
      weightOfClaim({ priceWei, maxPriceWei, reputation: providers.read(state, provider).reputation }),
    ),
    block.params.providers.drawCapBps,
  );
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  if (total === 0) return undefined;
  const { beacon } = progressRecord.read(state);
  const attempt = Uint8Array.of(job.attempts);
  const point = uniformBelow(total, (tries) =>
    wordOfDigest(domainHash(block.identity.chainId, 'claim-draw', beacon, id, attempt, Uint8Array.of(tries))),
  );
  let end = 0;
  const found = claims.find((_, index) => (end += weights[index] ?? 0) > point);
  invariant(found !== undefined, 'a draw finds a claim');
  return found;
}

function termsOf({ state, block }: JobScope, id: Uint8Array, job: Job, claim: Claim): AttemptTerms {
  const { jobs: params } = block.params;
  const { segments, sampled, seats, judgeMs, auditFeeWei, client, input } = job;
  const from = (lengthMs: number): { timeMs: number; height: number } => ({
    timeMs: block.timeMs + lengthMs,
    height: block.height + params.windowBlocks,
  });
  return {
    ...{ chainId: block.identity.chainId, job: id, attempt: job.attempts },
    kind: segmentKindOf(sources.read(state, job.source)),
    ...{ segments, sampled, seats, full: job.full === 1 },
    ...{ priceWei: claim.priceWei, auditFeeWei, bondWei: claim.bondWei },
    ...{ provider: claim.provider, client, parties: [...partiesOf(state, claim.provider), client] },
    ...{ inputId: input, judgeMs },
    commitBy: from(params.commitWindowMs + judgeMs * segments),
    releaseBy: from(params.releaseWindowMs),
  };
}
