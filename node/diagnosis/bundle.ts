import { z } from 'zod';
import type { ChainIdentity } from '../../protocol/domains.js';
import { describeError, OgpuError, type ErrorData } from '../../protocol/errors.js';
import { MAX_BLOCK_BYTES, MAX_RECEIPTS_BYTES } from '../../protocol/limits.js';
import { blockCodec } from '../../protocol/types/block.js';
import { blockId, headerCodec } from '../../protocol/types/header.js';
import { blockReceiptsCodec } from '../../protocol/types/receipt.js';
import type { BlockRecord, RunResult, Verdict } from '../../state/diagnosis/diagnose.js';
import { MAX_KEY_BYTES } from '../../state/store/limits.js';
import { MAX_VALUE_BYTES } from '../../state/tree/leaf.js';

/** A block with all it read and led to on one machine, to be looked at on another. */
export interface Bundle {
  /** Version of the software that made it. */
  readonly software: string;
  readonly chain: ChainIdentity;
  readonly verdict: Verdict;
  readonly record: BlockRecord;
}

/** Text of a bundle; larger ones are neither written nor read. */
export const MAX_BUNDLE_BYTES = 256 * 1024 * 1024;

/** Commas and opening brackets of a bundle. Without a bound, parsing the shortest parts would take 40 times their text in memory. */
export const MAX_BUNDLE_PARTS = 2_000_000;

/** A bundle that is none, or that cannot be read or written. `data` has the path where there is one. */
export class BundleError extends OgpuError<
  'BUNDLE_INVALID' | 'BUNDLE_TOO_LARGE' | 'BUNDLE_EXISTS' | 'BUNDLE_FILE'
> {}

/**
 * The JSON text of a bundle: byte strings are hex, amounts decimal strings, absence is null.
 *
 * @throws BundleError BUNDLE_TOO_LARGE
 */
export function formatBundle({ software, chain, verdict, record }: Bundle): string {
  const { block, parent, parentRoot, reads, result } = record;
  const json = {
    format: FORMAT,
    version: FORMAT_VERSION,
    software,
    chain: { ...chain, genesisId: hex(chain.genesisId) },
    verdict,
    height: block.header.height,
    blockId: hex(blockId(block.header)),
    parentRoot: hex(parentRoot),
    block: hex(blockCodec.encode(block)),
    parent: parent === undefined ? null : hex(headerCodec.encode(parent)),
    reads: reads.map(({ key, value }) => [hex(key), orNull(value)]),
    ...formatResult(result),
  };
  const bytes = estimate(record);
  const tooLarge = (data: ErrorData): BundleError =>
    new BundleError('BUNDLE_TOO_LARGE', 'the block reads or changes too much for a bundle', data);
  if (bytes > MAX_BUNDLE_BYTES) throw tooLarge({ bytes, maxBytes: MAX_BUNDLE_BYTES });
  const text = `${JSON.stringify(json, null, 1)}\n`;
  if (hasTooManyParts(text)) throw tooLarge({ maxParts: MAX_BUNDLE_PARTS });
  return text;
}

/**
 * The bundle in a JSON text, which may come from anybody. That the block has the id and height it claims is checked; what it proves is not.
 *
 * @throws BundleError BUNDLE_INVALID
 */
export function parseBundle(text: string): Bundle {
  try {
    if (hasTooManyParts(text)) throw new RangeError(`more than ${MAX_BUNDLE_PARTS} parts`);
    const { software, chain, verdict, ...fields } = BundleSchema.parse(JSON.parse(text));
    const block = blockCodec.decode(fields.block);
    const parent = fields.parent === undefined ? undefined : headerCodec.decode(fields.parent);
    const { reads, parentRoot } = fields;
    return {
      software,
      chain,
      verdict,
      record: { block, parent, parentRoot, reads, result: parseResult(fields.result) },
    };
  } catch (error) {
    const reason =
      error instanceof z.ZodError
        ? error.issues
            .slice(0, 3)
            .map(({ path, message }) => `${path.join('.')}: ${message}`)
            .join('; ')
        : describeError(error);
    throw new BundleError(
      'BUNDLE_INVALID',
      'this is no bundle',
      { reason: reason.slice(0, 500) },
      { cause: error },
    );
  }
}

const FORMAT = 'ogpu-block-bundle';
const FORMAT_VERSION = 1;

function formatResult(result: RunResult): { readonly result: unknown } {
  if (result.failure !== undefined) return { result: { failure: result.failure } };
  const { changes, receipts, commitments } = result;
  const { receiptsRoot, logsBloom, validatorsHash, nextValidatorsHash, stateRoot } = commitments;
  return {
    result: {
      changes: changes.map(({ key, old, value }) => [hex(key), orNull(old), orNull(value)]),
      receipts: hex(blockReceiptsCodec.encode(receipts)),
      commitments: {
        gasUsed: commitments.gasUsed,
        gasLimit: commitments.gasLimit,
        baseFeeWei: commitments.baseFeeWei.toString(),
        receiptsRoot: hex(receiptsRoot),
        logsBloom: hex(logsBloom),
        validatorsHash: hex(validatorsHash),
        nextValidatorsHash: hex(nextValidatorsHash),
        stateRoot: hex(stateRoot),
      },
    },
  };
}

function parseResult(result: z.output<typeof ResultSchema>): RunResult {
  if ('failure' in result) return result;
  return { ...result, receipts: blockReceiptsCodec.decode(result.receipts) };
}

/** Hex of `minBytes` to `maxBytes`. Checked without a repeated group, whose stack a long text could exhaust. */
function bytesField(minBytes: number, maxBytes: number = minBytes): z.ZodType<Uint8Array> {
  return z.string().transform((text, context) => {
    const digits = text.slice(2);
    const isHex = text.startsWith('0x') && digits.length % 2 === 0 && !/[^0-9a-f]/.test(digits);
    if (isHex && digits.length >= 2 * minBytes && digits.length <= 2 * maxBytes)
      return new Uint8Array(Buffer.from(digits, 'hex'));
    context.issues.push({
      code: 'custom',
      message: `not ${minBytes} to ${maxBytes} bytes in hex`,
      input: '',
    });
    return z.NEVER;
  });
}

const MAX_HEADER_BYTES = 2_048;

const root = bytesField(32);
const key = bytesField(1, MAX_KEY_BYTES);
const value = bytesField(0, MAX_VALUE_BYTES)
  .nullable()
  .transform((bytes) => bytes ?? undefined);

/** A list in key order, no key twice. Told of the first fault alone: a hostile text has millions. */
function byKey<Item extends { readonly key: Uint8Array }>(item: z.ZodType<Item>): z.ZodType<Item[]> {
  return z.array(z.unknown()).transform((parts, context) => {
    const items: Item[] = [];
    for (const [index, part] of parts.entries()) {
      const { data, error } = item.safeParse(part);
      const last = items.at(-1);
      if (data !== undefined && (last === undefined || Buffer.compare(last.key, data.key) < 0)) {
        items.push(data);
        continue;
      }
      const message = error === undefined ? 'not in key order' : (error.issues[0]?.message ?? 'invalid');
      context.issues.push({ code: 'custom', message, path: [index], input: '' });
      return z.NEVER;
    }
    return items;
  });
}

const count = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const verdicts = [
  'nondeterministic',
  'damaged',
  'other-rules',
  'reproduced',
] as const satisfies readonly Verdict[];

const ResultSchema = z.union([
  z.strictObject({ failure: z.string().max(10_000) }),
  z.strictObject({
    changes: byKey(z.tuple([key, value, value]).transform(([k, old, v]) => ({ key: k, old, value: v }))),
    receipts: bytesField(0, MAX_RECEIPTS_BYTES),
    commitments: z.strictObject({
      gasUsed: count,
      gasLimit: count,
      baseFeeWei: z.string().max(40).regex(/^\d+$/).transform(BigInt),
      receiptsRoot: root,
      logsBloom: bytesField(256),
      validatorsHash: root,
      nextValidatorsHash: root,
      stateRoot: root,
    }),
  }),
]);

const BundleSchema = z
  .strictObject({
    format: z.literal(FORMAT),
    version: z.literal(FORMAT_VERSION),
    software: z.string().regex(/^[\w.+-]{1,100}$/, 'not a version'),
    chain: z.strictObject({ chainId: count, genesisId: root, protocolVersion: count }),
    verdict: z.enum(verdicts),
    height: count,
    blockId: root,
    parentRoot: root,
    block: bytesField(0, MAX_BLOCK_BYTES),
    parent: bytesField(0, MAX_HEADER_BYTES)
      .nullable()
      .transform((bytes) => bytes ?? undefined),
    reads: byKey(z.tuple([key, value]).transform(([k, v]) => ({ key: k, value: v }))),
    result: ResultSchema,
  })
  .refine((bundle) => {
    const { header } = blockCodec.decode(bundle.block);
    return header.height === bundle.height && Buffer.compare(blockId(header), bundle.blockId) === 0;
  }, 'the block is not the one that is named');

/** Counted without parsing; strings of a bundle hold hardly any. */
function hasTooManyParts(text: string): boolean {
  let parts = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === COMMA || code === OPEN_BRACKET || code === OPEN_BRACE) parts++;
  }
  return parts > MAX_BUNDLE_PARTS;
}

const [COMMA, OPEN_BRACKET, OPEN_BRACE] = [0x2c, 0x5b, 0x7b];

/** Characters of the byte strings, and of what is around them. */
function estimate({ block, reads, result }: BlockRecord): number {
  const around = 100;
  let bytes = 2 * blockCodec.encode(block).length + 10 * around;
  for (const read of reads) bytes += 2 * (read.key.length + (read.value?.length ?? 0)) + around;
  if (result.failure !== undefined) return bytes;
  for (const change of result.changes)
    bytes += 2 * (change.key.length + (change.old?.length ?? 0) + (change.value?.length ?? 0)) + around;
  return bytes + 2 * blockReceiptsCodec.encode(result.receipts).length;
}

function hex(bytes: Uint8Array): string {
  return `0x${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')}`;
}

function orNull(bytes: Uint8Array | undefined): string | null {
  return bytes === undefined ? null : hex(bytes);
}
