import type { Address } from '../../protocol/address.js';
import { domainHash } from '../../protocol/domains.js';
import { invariant } from '../../protocol/invariant.js';
import { createCodec } from '../../protocol/ssz/codec.js';
import {
  byteList,
  bytes20,
  bytes32,
  ContainerType,
  listOf,
  uint128,
  uint16,
  uint64,
  uint8,
  type ValueOf,
} from '../../protocol/ssz/types.js';
import {
  JOB_REASONS,
  type JobLife,
  type JobPhase,
  type JobReason,
} from '../../consensus/verification/job-life.js';
import type { BlockMoment } from '../../protocol/moment.js';
import { STATE_KEYS } from '../store/keys.js';
import type { Overlay } from '../store/overlay.js';
import { records } from '../store/record.js';

/** By the number in a record. */
export const JOB_PHASES: readonly JobPhase[] = [
  'OPEN',
  'ASSIGNED',
  'SETTLED',
  'REFUNDED',
  'CANCELLED',
  'EXPIRED',
];

/** Claims collected at one time. */
export const MAX_CLAIMS = 32;
/** Attempts of one job, those without loss included. */
export const MAX_ATTEMPTS = 255;

/** Bytes of an encoded segmentation. */
const MAX_SEGMENTATION_BYTES = 13;

const ClaimType = new ContainerType({ provider: bytes20, priceWei: uint128 });

const JobType = new ContainerType({
  client: bytes20,
  source: bytes32,
  /** The blob that holds the whole input. */
  input: bytes32,
  /** Of a batch the root over the content ids of all segments' inputs, of a chain the id of its first state. */
  inputId: bytes32,
  /** How the input is cut, encoded as the tensor machine has it. */
  segmentation: byteList(MAX_SEGMENTATION_BYTES),
  segments: uint16,
  /** Segments that are drawn when the audit is not full. */
  sampled: uint16,
  /** 1: every segment is audited. */
  full: uint8,
  maxPriceWei: uint128,
  auditFeeWei: uint128,
  valueWei: uint128,
  /** What it owes to somebody. */
  escrowWei: uint128,
  /** Until then somebody has to have taken it, */
  quoteUntilMs: uint64,
  /** and until then somebody can take it again. */
  deadlineMs: uint64,
  /** Both no earlier than in this block. */
  deadlineHeight: uint64,
  /** In `JOB_PHASES`. */
  phase: uint8,
  /** In `JOB_REASONS`; 0 until it has ended. */
  reason: uint8,
  attempts: uint8,
  releases: uint8,
  claims: listOf(ClaimType, MAX_CLAIMS),
  /** When the claims are closed; 0 while there are none. */
  claimByMs: uint64,
  claimByHeight: uint64,
  /** The height whose beacon draws among them; 0 before they are closed. */
  drawHeight: uint64,
  /** Providers that have had an attempt. */
  tried: listOf(bytes20, MAX_ATTEMPTS),
  /** When it settles itself, or of one that has ended, is forgotten. */
  dueMs: uint64,
  dueHeight: uint64,
});

export type Claim = Readonly<ValueOf<typeof ClaimType>>;
export type Job = Readonly<ValueOf<typeof JobType>>;

export const jobs = records(STATE_KEYS.job, createCodec<Job>('Job', JobType));

const PastJobType = new ContainerType({ phase: uint8, reason: uint8, endedHeight: uint64 });

/** What is left of a job after its retention: its id is never used again. */
export type PastJob = Readonly<ValueOf<typeof PastJobType>>;

export const pastJobs = records(STATE_KEYS.pastJob, createCodec<PastJob>('PastJob', PastJobType));

/** A client's key names one job for ever: whoever knows it can tell the id before it is posted. */
export function jobIdOf(chainId: number, client: Address, key: Uint8Array): Uint8Array {
  invariant(client.length === 20 && key.length === 32, 'a job id is of a client and a key');
  return domainHash(chainId, 'job-id', client, key);
}

export function phaseOf({ phase }: Pick<Job, 'phase'>): JobPhase {
  const name = JOB_PHASES[phase];
  invariant(name !== undefined, 'a stored phase has a name');
  return name;
}

export function reasonOf({ reason }: Pick<Job, 'reason'>): JobReason | undefined {
  const found = Object.entries(JOB_REASONS).find(([, number]) => number === reason);
  return found && (found[0] as JobReason);
}

export function hasJobEnded(job: Pick<Job, 'phase'>): boolean {
  return job.phase > JOB_PHASES.indexOf('ASSIGNED');
}

/** Until then it can be claimed: the quote counts until somebody has taken it. */
export function claimableUntil({ attempts, quoteUntilMs, deadlineMs, deadlineHeight }: Job): BlockMoment {
  return { timeMs: attempts === 0 ? quoteUntilMs : deadlineMs, height: deadlineHeight };
}

export function lifeOf(job: Job): JobLife {
  const { escrowWei, attempts, releases } = job;
  return { phase: phaseOf(job), escrowWei, attempts, releases, deadline: claimableUntil(job) };
}

/** Marks an index entry; state values are never empty. */
const PRESENT = Uint8Array.of(1);

/** Stores a job, and it among those of its status. */
export function writeJob(state: Overlay, id: Uint8Array, job: Job, before: Job | undefined): void {
  jobs.write(state, job, id);
  if (before === undefined) state.put(STATE_KEYS.jobClient.encode(job.client, id), PRESENT);
  if (before?.phase === job.phase) return;
  if (before !== undefined) state.delete(STATE_KEYS.jobStatus.encode(before.phase, id));
  state.put(STATE_KEYS.jobStatus.encode(job.phase, id), PRESENT);
}

/** Notes that a provider has had an attempt of a job. */
export function indexProvider(state: Overlay, id: Uint8Array, provider: Address): void {
  state.put(STATE_KEYS.jobProvider.encode(provider, id), PRESENT);
}

/** Leaves nothing of a job but that it was. */
export function forgetJob(state: Overlay, id: Uint8Array, job: Job, endedHeight: number): void {
  jobs.remove(state, id);
  state.delete(STATE_KEYS.jobClient.encode(job.client, id));
  state.delete(STATE_KEYS.jobStatus.encode(job.phase, id));
  for (const provider of job.tried) state.delete(STATE_KEYS.jobProvider.encode(provider, id));
  pastJobs.write(state, { phase: job.phase, reason: job.reason, endedHeight }, id);
}
