import { z } from 'zod';
import { toChecksumAddress } from '../../protocol/address.js';
import { toHex } from '../../protocol/bytes.js';
import { decodeSegmentation } from '../../protocol/graph/segmentation.js';
import { ENDINGS, OPEN_PHASES, type Attempt, type Voice } from '../../consensus/verification/attempt.js';
import { explainJob, type Explanation } from '../../state/jobs/explain.js';
import { JOB_PHASES, jobs, phaseOf, reasonOf, type Job } from '../../state/jobs/job.js';
import { attemptOf } from '../../state/jobs/reading.js';
import { STATE_KEYS } from '../../state/store/keys.js';
import type { KeyRange } from '../../state/store/store.js';
import { readPage } from '../chain/pages.js';
import { RPC } from '../errors/codes.js';
import { RpcError } from '../errors/rpc-error.js';
import { defineMethod, parameter, type RpcMethod } from '../method.js';
import { NextCursor, Page } from '../schema/paging.js';
import { AddressText, BlockSelector, Hash, HashText, LATEST } from '../schema/values.js';
import { then } from '../transport/then.js';
import { ChecksumAddress, Height, UnixMs, WeiText } from './status.js';

export const Counter = z.int().min(0);
const PhaseName = z.enum([...OPEN_PHASES, ...ENDINGS]);
export const JobPhaseName = z.enum(['OPEN', 'ASSIGNED', 'SETTLED', 'REFUNDED', 'CANCELLED', 'EXPIRED']);
export const Moment = z.strictObject({ timeMs: UnixMs, height: Height });

/** How the input of a job is cut. */
export const SegmentationShape = z
  .discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('rows'), count: Counter }),
    z.strictObject({ kind: z.literal('windows'), length: Counter, hop: Counter }),
    z.strictObject({ kind: z.literal('tiles'), height: Counter, width: Counter, margin: Counter }),
    z.strictObject({ kind: z.literal('steps'), count: Counter }),
  ])
  .meta({ id: 'Segmentation', description: 'How the input is cut into segments.' });

export const JobShape = z
  .strictObject({
    id: HashText,
    client: ChecksumAddress,
    source: HashText,
    input: HashText.describe('The blob that holds the whole input.'),
    inputId: HashText,
    segmentation: SegmentationShape,
    segments: Counter,
    sampled: Counter.describe('Segments that are drawn when the audit is not full.'),
    full: z.boolean(),
    phase: JobPhaseName,
    reason: z.string().nullable().describe('Why it has ended.'),
    maxPriceWei: WeiText,
    auditFeeWei: WeiText,
    valueWei: WeiText,
    escrowWei: WeiText.describe('What it owes.'),
    quoteUntilMs: UnixMs,
    deadlineMs: UnixMs,
    attempts: Counter,
    claims: z.array(z.strictObject({ provider: ChecksumAddress, priceWei: WeiText })),
    due: Moment.describe('When it settles itself, or is forgotten.'),
  })
  .meta({ id: 'Job', description: 'A job as the state has it.' });

const VoiceShape = z.strictObject({
  validator: ChecksumAddress,
  round: Counter,
  power: Counter.describe('In millionths of OGPU.'),
  status: z.string(),
  segments: z.array(Counter),
  seal: HashText.nullable().describe('What binds it to its answers before anybody else has given any.'),
  answerRoot: HashText.nullable().describe('Root over what its segments came to; of who has revealed.'),
  disputed: Counter.nullable().describe('The lowest segment where it came to something else.'),
});

export const AuditShape = z
  .strictObject({
    job: HashText,
    attempt: Counter,
    provider: ChecksumAddress,
    phase: PhaseName,
    ending: z.string().nullable(),
    round: Counter,
    deadline: Moment,
    priceWei: WeiText,
    bondWei: WeiText,
    root: HashText.nullable().describe('What the provider has committed to.'),
    outputRoot: HashText.nullable(),
    outputId: HashText.nullable().describe('The blob that is said to hold the output.'),
    segments: z.array(Counter).describe('That are judged.'),
    answers: z
      .array(HashText)
      .describe('What the provider says they come to, in their order; after the unsealing.'),
    uncovered: z.array(Counter).describe('That lack seals: all verifiers judge them.'),
    seatTarget: Counter,
    seats: z.array(VoiceShape),
    escalation: z
      .strictObject({ segments: z.array(Counter), tries: Counter, voices: z.array(VoiceShape) })
      .nullable(),
    publication: z
      .strictObject({
        subject: z.enum(['sealing', 'escalation', 'output']),
        voices: z.array(VoiceShape),
      })
      .nullable(),
  })
  .meta({ id: 'Audit', description: 'An attempt of a job, and how it is judged.' });

export const ExplanationShape = z
  .strictObject({
    job: HashText,
    phase: z.enum([...JobPhaseName.options, 'FORGOTTEN']),
    reason: z.string().nullable(),
    attempt: z
      .strictObject({
        number: Counter,
        phase: PhaseName,
        ending: z.string().nullable(),
        meaning: z.string().nullable(),
        round: Counter,
        provider: ChecksumAddress,
        priceWei: WeiText,
        bondWei: WeiText.describe('Answers for the result until it is final.'),
      })
      .nullable(),
    waitsFor: z.string().describe('Who has to act, and what for.'),
    voices: z
      .strictObject({
        waiting: z.array(ChecksumAddress).describe('Validators that have not spoken yet.'),
        heard: Counter,
      })
      .nullable(),
    escrowWei: WeiText.describe('What the job owes to somebody.'),
    next: z.string().describe('What happens at the due moment if nobody does anything.'),
    due: Moment.nullable(),
  })
  .meta({ id: 'Explanation', description: 'Where a job is, why, and what happens next.' });

const Filter = z.strictObject({
  client: AddressText.optional(),
  provider: AddressText.optional(),
  phase: JobPhaseName.optional(),
});

const block = parameter('block', BlockSelector.optional(), 'After which block; latest unless given.');
const job = parameter('id', Hash, 'The id of the job.');
const filter = parameter('filter', Filter, 'By one of client, provider (its master) and phase.');
const page = parameter('page', Page.prefault({}), 'Which part of the list.');

/** Jobs and what is judged of them. */
export const jobMethods: readonly RpcMethod[] = [
  defineMethod({
    name: 'ogpu_jobs',
    summary: 'Jobs of a client, of a provider or in a phase, in the order of their ids.',
    description: 'Without a filter, the open ones. A job that has ended is kept for a while.',
    isHeavy: true,
    parameters: [filter, page],
    result: { description: 'A page.', schema: z.strictObject({ jobs: z.array(JobShape), next: NextCursor }) },
    errors: ['RPC_CURSOR_INVALID', 'RPC_FILTER_AMBIGUOUS'],
    call: async ({ services, deadline }, wanted, part) => {
      const { store } = services.chain;
      const { entries, next } = await readPage(store, rangeOf(wanted), part);
      const answers: z.input<typeof JobShape>[] = [];
      for (const { key } of entries) {
        const id = key.slice(-32);
        const found = jobs.find(store, id);
        if (found !== undefined) answers.push(jobJson(id, found));
        await deadline.slice();
      }
      return { jobs: answers, next };
    },
  }),
  defineMethod({
    name: 'ogpu_job',
    summary: 'One job.',
    parameters: [job, block],
    result: { description: 'The job.', schema: JobShape },
    errors: ['RPC_JOB_UNKNOWN', 'RPC_BLOCK_UNKNOWN', 'PAST_STATE_PRUNED'],
    call: ({ services }, id, reference = LATEST) => {
      const found = services.chain.readState(reference, (view) => jobs.find(view, id));
      return then(found, (known) => (known === undefined ? refuseJob(id) : jobJson(id, known)));
    },
  }),
  defineMethod({
    name: 'ogpu_audit',
    summary: 'An attempt of a job, and how it is judged.',
    parameters: [job, parameter('attempt', Counter.max(255), 'Its number, from 0.'), block],
    result: { description: 'The attempt.', schema: AuditShape },
    errors: ['RPC_JOB_UNKNOWN', 'RPC_BLOCK_UNKNOWN', 'PAST_STATE_PRUNED'],
    call: ({ services }, id, number, reference = LATEST) => {
      const found = services.chain.readState(reference, (view) => attemptOf(view, id, number)?.attempt);
      return then(found, (known) => (known === undefined ? refuseJob(id, number) : auditJson(known)));
    },
  }),
  defineMethod({
    name: 'ogpu_explainJob',
    summary: 'Where a job is, why, and what happens next at which time and height.',
    parameters: [job, block],
    result: { description: 'The explanation.', schema: ExplanationShape },
    errors: ['RPC_JOB_UNKNOWN', 'RPC_BLOCK_UNKNOWN', 'PAST_STATE_PRUNED'],
    call: ({ services }, id, reference = LATEST) => {
      const found = services.chain.readState(reference, (view) => explainJob(view, id));
      return then(found, (known) => (known === undefined ? refuseJob(id) : explanationJson(id, known)));
    },
  }),
];

/** @throws RpcError RPC_FILTER_AMBIGUOUS */
function rangeOf({ client, provider, phase }: z.output<typeof Filter>): KeyRange {
  const given = [client, provider, phase].filter((each) => each !== undefined).length;
  if (given > 1) {
    throw new RpcError(RPC.invalidParams, 'RPC_FILTER_AMBIGUOUS', 'a list is by one thing', { given });
  }
  if (client !== undefined) return STATE_KEYS.jobClient.range(client);
  if (provider !== undefined) return STATE_KEYS.jobProvider.range(provider);
  return STATE_KEYS.jobStatus.range(JOB_PHASES.indexOf(phase ?? 'OPEN'));
}

function refuseJob(id: Uint8Array, attempt?: number): never {
  const data = { job: toHex(id), ...(attempt === undefined ? {} : { attempt }) };
  throw new RpcError(RPC.resourceNotFound, 'RPC_JOB_UNKNOWN', 'no such job', data);
}

function jobJson(id: Uint8Array, found: Job): z.input<typeof JobShape> {
  const { segments, sampled, quoteUntilMs, deadlineMs, attempts } = found;
  return {
    id: toHex(id),
    client: toChecksumAddress(found.client),
    source: toHex(found.source),
    ...{ input: toHex(found.input), inputId: toHex(found.inputId) },
    segmentation: decodeSegmentation(found.segmentation),
    ...{ segments, sampled, full: found.full === 1, phase: phaseOf(found), reason: reasonOf(found) ?? null },
    maxPriceWei: found.maxPriceWei.toString(),
    auditFeeWei: found.auditFeeWei.toString(),
    valueWei: found.valueWei.toString(),
    escrowWei: found.escrowWei.toString(),
    ...{ quoteUntilMs, deadlineMs, attempts },
    claims: found.claims.map(({ provider, priceWei }) => ({
      provider: toChecksumAddress(provider),
      priceWei: priceWei.toString(),
    })),
    due: { timeMs: found.dueMs, height: found.dueHeight },
  };
}

export function auditJson(attempt: Attempt): z.input<typeof AuditShape> {
  const { terms, commitment, unsealed, escalation, publication } = attempt;
  return {
    ...{ job: toHex(terms.job), attempt: terms.attempt, provider: toChecksumAddress(terms.provider) },
    ...{ phase: attempt.phase, ending: attempt.ending ?? null, round: attempt.round },
    deadline: { ...attempt.deadline },
    ...{ priceWei: terms.priceWei.toString(), bondWei: terms.bondWei.toString() },
    root: commitment === undefined ? null : toHex(commitment.root),
    outputRoot: unsealed === undefined ? null : toHex(unsealed.outputRoot),
    outputId: unsealed === undefined ? null : toHex(unsealed.outputId),
    answers: (unsealed?.answers ?? []).map(toHex),
    ...{ segments: [...attempt.segments], uncovered: [...attempt.uncovered], seatTarget: attempt.seatTarget },
    seats: attempt.seats.map(voiceJson),
    escalation:
      escalation === undefined
        ? null
        : {
            segments: [...escalation.segments],
            tries: escalation.tries,
            voices: escalation.voices.map(voiceJson),
          },
    publication:
      publication === undefined
        ? null
        : { subject: publication.subject, voices: publication.voices.map(voiceJson) },
  };
}

function voiceJson({ validator, seal, answerRoot, disputed, ...voice }: Voice): z.input<typeof VoiceShape> {
  const { round, power, status, segments } = voice;
  return {
    ...{ validator: toChecksumAddress(validator), round, power, status, segments: [...segments] },
    seal: seal === undefined ? null : toHex(seal),
    answerRoot: answerRoot === undefined ? null : toHex(answerRoot),
    disputed: disputed ?? null,
  };
}

function explanationJson(id: Uint8Array, found: Explanation): z.input<typeof ExplanationShape> {
  const { attempt, due, reason, voices, phase, waitsFor, next } = found;
  return {
    job: toHex(id),
    ...{ phase, reason: reason ?? null, waitsFor, next },
    voices: voices === undefined ? null : { ...voices, waiting: voices.waiting.map(toChecksumAddress) },
    escrowWei: found.escrowWei.toString(),
    due: due === undefined ? null : { ...due },
    attempt:
      attempt === undefined
        ? null
        : {
            ...{ number: attempt.number, phase: attempt.phase, round: attempt.round },
            ...{ ending: attempt.ending ?? null, meaning: attempt.meaning ?? null },
            provider: toChecksumAddress(attempt.provider),
            ...{ priceWei: attempt.priceWei.toString(), bondWei: attempt.bondWei.toString() },
          },
  };
}
