import { z } from 'zod';
import { fromHex } from '../../protocol/bytes.js';

/*
 * What clients of jobs read of a node's answers: that alone, and nothing of it unchecked.
 */

/** Asks a node; its answer is held against the schema before it is believed. @throws whatever asking throws, the typed error of a refusal within */
export type AskNode = <Result>(
  method: string,
  params: readonly unknown[],
  schema: z.ZodType<Result>,
) => Promise<Result>;

const Hash = z
  .string()
  .regex(/^0x[0-9a-f]{64}$/)
  .transform((text) => fromHex(text));
const Address = z.string().regex(/^0x[0-9a-fA-F]{40}$/);
const Counter = z.int().min(0);
const Word32 = Counter.max(2 ** 32 - 1);
const Wei = z
  .string()
  .regex(/^\d{1,40}$/)
  .transform(BigInt);
const Text = z.string().max(1_024);

/** The rules that jobs are posted and programs registered by. */
export const Rules = z.object({
  jobs: z.object({
    sampledSegments: Counter,
    seatsPerSegment: Counter,
    fullAuditValueWei: Wei,
    stepsPerMs: Counter.min(1),
    bytesPerMs: Counter.min(1),
    workWei: Wei,
  }),
  sources: z.object({ bondWei: Wei, bondPerByteWei: Wei }),
});
export type Rules = z.output<typeof Rules>;

/** Chain, and time of its last block. */
export const ChainTime = z.object({
  chainId: Counter,
  block: z.object({ height: Counter, timeMs: Counter }),
});

/** Whether a program takes jobs. */
export const SourceStanding = z.object({
  status: z.enum(['waiting', 'open', 'retired']),
  takesJobs: z.boolean(),
  capablePower: Counter,
  totalPower: Counter,
});
export type SourceStanding = z.output<typeof SourceStanding>;

export const SourceGraph = z.object({
  /** 64 KiB at most. */
  graph: z
    .string()
    .regex(/^0x(?:[0-9a-f]{2}){0,65536}$/)
    .transform((text) => fromHex(text)),
});

const Segmentation = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('rows'), count: Word32 }),
  z.object({ kind: z.literal('windows'), length: Word32, hop: Word32 }),
  z.object({ kind: z.literal('tiles'), height: Word32, width: Word32, margin: Word32 }),
  z.object({ kind: z.literal('steps'), count: Word32 }),
]);

/** A job as its client knows it again. */
export const KnownJob = z.object({
  source: Hash,
  input: Hash,
  inputId: Hash,
  segmentation: Segmentation,
  segments: Counter,
  phase: Text,
  reason: Text.nullable(),
  attempts: Counter,
});
export type KnownJob = z.output<typeof KnownJob>;

/** An attempt that was accepted, or not. */
export const JudgedAttempt = z.object({
  provider: Address,
  phase: Text,
  priceWei: Wei,
  outputRoot: Hash.nullable(),
  outputId: Hash.nullable(),
});
