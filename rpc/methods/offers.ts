import { z } from 'zod';
import { toChecksumAddress, type Address } from '../../protocol/address.js';
import { bytesEqual, toHex } from '../../protocol/bytes.js';
import { decodeSegmentation } from '../../protocol/graph/segmentation.js';
import { hasEnded, type Attempt } from '../../consensus/verification/attempt.js';
import { JOB_PHASES, jobs, type Job } from '../../state/jobs/job.js';
import type { TermsScope } from '../../state/jobs/drawing.js';
import { offerOf, type JobOffer } from '../../state/jobs/offering.js';
import { progressOf } from '../../state/jobs/publications.js';
import { attemptOf } from '../../state/jobs/reading.js';
import { providerByOperator, type FoundProvider } from '../../state/providers/provider.js';
import { STATE_KEYS } from '../../state/store/keys.js';
import type { Reader } from '../../state/store/store.js';
import { paramsRecord, progressRecord } from '../../state/system/chain.js';
import { readPage } from '../chain/pages.js';
import type { ChainReader } from '../chain/chain-reader.js';
import { RPC } from '../errors/codes.js';
import { RpcError } from '../errors/rpc-error.js';
import { defineMethod, parameter, type RpcMethod } from '../method.js';
import { NextCursor, Page } from '../schema/paging.js';
import { AddressText, HashText } from '../schema/values.js';
import { AuditShape, auditJson, Counter, Moment, SegmentationShape } from './jobs.js';
import { ChecksumAddress, UnixMs, WeiText } from './status.js';

const Kind = z.enum(['batch', 'chain']);
const Subject = z.enum(['sealing', 'escalation', 'output']);

export const JobOfferShape = z
  .strictObject({
    job: HashText,
    client: ChecksumAddress,
    source: HashText,
    input: HashText,
    inputId: HashText,
    segmentation: SegmentationShape,
    kind: Kind,
    segments: Counter,
    maxPriceWei: WeiText,
    bondWei: WeiText.describe('What a claim at the highest price would lock now.'),
    workUnits: WeiText.describe('Metered multiply-accumulates and steps of all segments.'),
    memoryBytes: Counter.describe('Of the largest moment of one segment.'),
    isClaimable: z.boolean().describe('In the next block, by this provider; its lockup is not looked at.'),
    claim: z
      .strictObject({ priceWei: WeiText, bondWei: WeiText })
      .nullable()
      .describe('Of this provider, not drawn yet.'),
    quoteUntilMs: UnixMs,
    deadlineMs: UnixMs,
  })
  .meta({ id: 'JobOffer', description: 'An open job as a provider sees it.' });

const TermsShape = z.strictObject({
  kind: Kind,
  segments: Counter.describe('Of the job.'),
  sampled: Counter,
  seats: Counter,
  full: z.boolean(),
  auditFeeWei: WeiText,
  client: ChecksumAddress,
  parties: z.array(ChecksumAddress),
  inputId: HashText,
  judgeMs: Counter,
  commitBy: Moment,
  releaseBy: Moment.describe('Until then a missing input is reported without loss.'),
});

export const AssignmentShape = z
  .strictObject({
    source: HashText,
    input: HashText,
    segmentation: SegmentationShape,
    terms: TermsShape,
    audit: AuditShape,
    keyCommitment: HashText.nullable(),
    jobKey: HashText.nullable(),
    offered: z.array(Subject).describe('What publications there have been.'),
    published: z.array(Subject),
    publishedItems: z
      .array(Counter)
      .describe('Pieces of the publication under way that stand on the chain already, ascending.'),
  })
  .meta({ id: 'Assignment', description: 'An attempt under way, with all its provider acts by.' });

const OfferFilter = z.strictObject({ provider: AddressText.optional() });

const page = parameter('page', Page.prefault({}), 'Which part of the list.');
const filter = parameter('filter', OfferFilter.prefault({}), 'For whom: an address that stands for it.');
const provider = parameter('provider', AddressText, 'An address that stands for it.');

/** What a provider's agent looks at. */
export const offerMethods: readonly RpcMethod[] = [
  defineMethod({
    name: 'ogpu_jobOffers',
    summary: 'Open jobs as a provider sees them, in the order of their ids.',
    description: 'Jobs whose claims are being drawn are among them, with isClaimable false.',
    isHeavy: true,
    parameters: [filter, page],
    result: {
      description: 'A page.',
      schema: z.strictObject({ offers: z.array(JobOfferShape), next: NextCursor }),
    },
    errors: ['RPC_CURSOR_INVALID', 'RPC_PROVIDER_UNKNOWN'],
    call: async ({ services, deadline }, wanted, part) => {
      const { store } = services.chain;
      const found = wanted.provider && requireProvider(store, wanted.provider);
      const range = STATE_KEYS.jobStatus.range(JOB_PHASES.indexOf('OPEN'));
      const { entries, next } = await readPage(store, range, part);
      const offers: z.input<typeof JobOfferShape>[] = [];
      for (const { key } of entries) {
        const id = key.slice(-32);
        const job = jobs.find(store, id);
        if (job !== undefined)
          offers.push(offerJson(id, job, offerOf(nextBlock(services.chain), id, job, found)));
        await deadline.slice();
      }
      return { offers, next };
    },
  }),
  defineMethod({
    name: 'ogpu_assignments',
    summary: 'Attempts of a provider that are under way, in the order of their jobs.',
    description: 'A page has fewer rows than its limit where jobs of the provider have ended.',
    isHeavy: true,
    parameters: [provider, page],
    result: {
      description: 'A page.',
      schema: z.strictObject({ assignments: z.array(AssignmentShape), next: NextCursor }),
    },
    errors: ['RPC_CURSOR_INVALID', 'RPC_PROVIDER_UNKNOWN'],
    call: async ({ services, deadline }, address, part) => {
      const { store } = services.chain;
      const { master } = requireProvider(store, address);
      const { entries, next } = await readPage(store, STATE_KEYS.jobProvider.range(master), part);
      const assignments: z.input<typeof AssignmentShape>[] = [];
      for (const { key } of entries) {
        const found = assignmentOf(store, key.slice(-32), master);
        if (found !== undefined) assignments.push(found);
        await deadline.slice();
      }
      return { assignments, next };
    },
  }),
];

/** The next block, as far as it can be told: no earlier than the last one. */
function nextBlock({ store, chainId }: ChainReader): TermsScope {
  const { height, timeMs } = progressRecord.read(store);
  const params = paramsRecord.read(store);
  return { state: store, block: { identity: { chainId }, height: height + 1, timeMs, params } };
}

/** @throws RpcError RPC_PROVIDER_UNKNOWN */
function requireProvider(view: Reader, address: Address): FoundProvider {
  const found = providerByOperator(view, address);
  if (found !== undefined) return found;
  const data = { address: toChecksumAddress(address) };
  throw new RpcError(RPC.resourceNotFound, 'RPC_PROVIDER_UNKNOWN', 'no such provider', data);
}

/** The last attempt of a job, where it is this provider's and has not ended. */
function assignmentOf(
  view: Reader,
  id: Uint8Array,
  master: Address,
): z.input<typeof AssignmentShape> | undefined {
  const job = jobs.find(view, id);
  const found = job && attemptOf(view, id, job.attempts - 1);
  if (found === undefined || hasEnded(found.attempt)) return undefined;
  if (!bytesEqual(found.attempt.terms.provider, master)) return undefined;
  return assignmentJson(view, found.job, found.attempt);
}

function offerJson(id: Uint8Array, job: Job, offer: JobOffer): z.input<typeof JobOfferShape> {
  const { kind, bondWei, workUnits, memoryBytes, isClaimable, claim } = offer;
  const { segments, quoteUntilMs, deadlineMs } = job;
  return {
    ...{ job: toHex(id), client: toChecksumAddress(job.client), kind, segments },
    ...{ source: toHex(job.source), input: toHex(job.input), inputId: toHex(job.inputId) },
    ...{ segmentation: decodeSegmentation(job.segmentation), maxPriceWei: job.maxPriceWei.toString() },
    ...{ bondWei: bondWei.toString(), workUnits: workUnits.toString(), memoryBytes, isClaimable },
    claim:
      claim === undefined ? null : { priceWei: claim.priceWei.toString(), bondWei: claim.bondWei.toString() },
    ...{ quoteUntilMs, deadlineMs },
  };
}

function assignmentJson(view: Reader, job: Job, attempt: Attempt): z.input<typeof AssignmentShape> {
  const { terms, commitment, unsealed, offered, published, phase } = attempt;
  const { kind, segments, sampled, seats, full, judgeMs } = terms;
  return {
    ...{ source: toHex(job.source), input: toHex(job.input) },
    segmentation: decodeSegmentation(job.segmentation),
    terms: {
      ...{ kind, segments, sampled, seats, full, judgeMs, auditFeeWei: terms.auditFeeWei.toString() },
      ...{ client: toChecksumAddress(terms.client), parties: terms.parties.map(toChecksumAddress) },
      inputId: toHex(terms.inputId),
      ...{ commitBy: { ...terms.commitBy }, releaseBy: { ...terms.releaseBy } },
    },
    audit: auditJson(attempt),
    keyCommitment: commitment === undefined ? null : toHex(commitment.keyCommitment),
    jobKey: unsealed === undefined ? null : toHex(unsealed.jobKey),
    ...{ offered: [...offered], published: [...published] },
    publishedItems: phase === 'PUBLISHING' ? [...progressOf(view, terms.job, attempt).items] : [],
  };
}
