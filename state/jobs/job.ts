import type { Address } from '../../protocol/address.js';
import { domainHash } from '../../protocol/domains.js';
import { createCodec } from '../../protocol/ssz/codec.js';
import {
  byteList,
  bytes20,
  bytes32,
  ContainerType,
  listOf,
  uint128,
  uint16,
  uint32,
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
import { STATE_KEYS } from '../store/keys.js';
import { records } from '../store/record.js';

/** By the number in a record, in an event and in a key; numbers are for ever. */
export const JOB_PHASES: readonly JobPhase[] = [
  'OPEN',
  'ASSIGNED',
  'SETTLED',
  'REFUNDED',
  'CANCELLED',
  'EXPIRED',
];

/** Providers that can have tried one job: released and failed attempts are counted apart. */
export const MAX_TRIED = 510;
const MAX_SEGMENTATION_BYTES = 16;

const JobType = new ContainerType({
  client: bytes20,
  source: bytes32,
  /** Content id of the whole input. */
  input: bytes32,
  /** How the input is cut, encoded. */
  segmentation: byteList(MAX_SEGMENTATION_BYTES),
  segments: uint16,
  /** Segments drawn, and seats of each, as at the posting. */
  sampled: uint16,
  seats: uint16,
  /** 1 where all segments are audited. */
  full: uint8,
  /** The most a provider is paid, in wei. */
  maxPriceWei: uint128,
  auditFeeWei: uint128,
  /** What a wrong result could be worth to a cheat, in wei. */
  valueWei: uint128,
  /** In `JOB_PHASES`. */
  phase: uint8,
  /** In `JOB_REASONS`; 0 while it is not over. */
  reason: uint8,
  /** What the job still owes to somebody, in wei. */
  escrowWei: uint128,
  attempts: uint8,
  releases: uint8,
  /** Nobody can claim it any more. */
  deadlineMs: uint64,
  deadlineHeight: uint64,
  /** What the judging of one segment adds to a window. */
  judgeMs: uint32,
  postedMs: uint64,
  postedHeight: uint64,
  /** When the claims are drawn; zeros while there are none. */
  drawMs: uint64,
  drawHeight: uint64,
  /** 1 once no more claims are taken before the draw. */
  drawClosed: uint8,
  /** Providers that have begun it: none begins it twice. */
  tried: listOf(bytes20, MAX_TRIED),
  /** When it is forgotten; 0 while it is not over. */
  forgottenMs: uint64,
});

/** A job, kept under its id. */
export type Job = Readonly<ValueOf<typeof JobType>>;

export const jobs = records(STATE_KEYS.job, createCodec<Job>('Job', JobType));

const MAX_CLAIMS = 64;

const ClaimType = new ContainerType({
  /** Id of the provider. */
  provider: bytes20,
  priceWei: uint128,
  /** Locked while the claim waits. */
  bondWei: uint128,
});

export type Claim = Readonly<ValueOf<typeof ClaimType>>;

/** In the order they came. Absent where there are none. */
export const claimsOf = records(
  STATE_KEYS.claims,
  createCodec<Claim[]>('Claims', listOf(ClaimType, MAX_CLAIMS)),
);

export { MAX_CLAIMS };

/** The same client and key name the same job: whoever sends it twice has one. */
export function jobIdOf(chainId: number, client: Address, key: Uint8Array): Uint8Array {
  return domainHash(chainId, 'job-id', client, key);
}

export function phaseOf({ phase }: Pick<Job, 'phase'>): JobPhase {
  return JOB_PHASES[phase] ?? 'EXPIRED';
}

export function isOver(job: Job): boolean {
  return phaseOf(job) !== 'OPEN' && phaseOf(job) !== 'ASSIGNED';
}

/** Why it is over; undefined while it is not. */
export function jobReasonOf({ reason }: Job): JobReason | undefined {
  return JOB_REASON_NAMES.get(reason);
}

const JOB_REASON_NAMES: ReadonlyMap<number, JobReason> = new Map(
  Object.entries(JOB_REASONS).map(([name, number]) => [number, name as JobReason]),
);

/** Of a job without claims. */
export const NO_DRAW = { drawMs: 0, drawHeight: 0, drawClosed: 0 } as const;

/** What the rules of a job's life look at. */
export function lifeOf(job: Job): JobLife {
  const { escrowWei, attempts, releases, deadlineMs, deadlineHeight } = job;
  const deadline = { timeMs: deadlineMs, height: deadlineHeight };
  return { phase: phaseOf(job), escrowWei, attempts, releases, deadline };
}

/** The job with the life that the rules have given it. */
export function withLife(job: Job, { phase, escrowWei, attempts, releases }: JobLife): Job {
  return { ...job, phase: JOB_PHASES.indexOf(phase), escrowWei, attempts, releases };
}
