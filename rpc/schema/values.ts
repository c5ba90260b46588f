import { z } from 'zod';
import { fromHex, type Hex } from '../../protocol/bytes.js';

/*
 * The values of Ethereum's JSON-RPC. As parameters they are read into bytes and numbers; the JSON schemas in the documents are of what is
 * sent.
 */

/** A number as JSON-RPC writes it: hex without leading zeros. */
export function quantity(value: number | bigint): Hex {
  return `0x${value.toString(16)}`;
}

/** Bytes in text are at most as long as a request allows; this bounds single values. */
const MAX_DATA_BYTES = 262_144;

const QUANTITY_FAULT = 'expected a hex quantity without leading zeros, such as 0x1a';

export const Quantity = z
  .string()
  .max(66)
  .regex(/^0x(?:0|[1-9a-fA-F][0-9a-fA-F]{0,63})$/, QUANTITY_FAULT)
  .transform(BigInt)
  .meta({ id: 'Quantity', description: 'A whole number of up to 256 bits, in hex without leading zeros.' });

/** Numbers that JavaScript holds exactly. */
export const Count = z
  .string()
  .max(18)
  .regex(/^0x(?:0|[1-9a-fA-F][0-9a-fA-F]{0,13})$/, QUANTITY_FAULT)
  .transform(Number)
  .refine(Number.isSafeInteger, 'too large')
  .meta({ id: 'Count', description: 'A whole number below 2^53, in hex without leading zeros.' });

export const Data = z
  .string()
  .max(2 + 2 * MAX_DATA_BYTES, `more than ${MAX_DATA_BYTES} bytes`)
  .regex(/^0x(?:[0-9a-fA-F]{2})*$/, 'expected 0x and an even number of hex digits')
  .transform((text) => fromHex(text))
  .meta({ id: 'Data', description: 'Bytes in hex.' });

export const Hash = z
  .string()
  .regex(/^0x[0-9a-fA-F]{64}$/, 'expected 32 bytes in hex')
  .transform((text) => fromHex(text))
  .meta({ id: 'Hash', description: '32 bytes in hex.' });

export const AddressText = z
  .string()
  .regex(/^0x[0-9a-fA-F]{40}$/, 'expected an address: 20 bytes in hex')
  .transform((text) => fromHex(text))
  .meta({ id: 'Address', description: 'An account: 20 bytes in hex, of any case.' });

/** Clients write null for what they leave out. */
export function optional<Schema extends z.ZodType>(
  schema: Schema,
): z.ZodType<z.output<Schema> | undefined, z.input<Schema> | null | undefined> {
  return schema.nullish().transform((value) => value ?? undefined);
}

/** What names a block. */
export type BlockReference =
  | { readonly kind: 'latest' | 'pending' | 'earliest' }
  | { readonly kind: 'height'; readonly height: number }
  | { readonly kind: 'hash'; readonly hash: Uint8Array };

const BlockTag = z
  .enum(['latest', 'safe', 'finalized', 'pending', 'earliest'])
  .transform((tag): BlockReference => {
    if (tag === 'pending' || tag === 'earliest') return { kind: tag };
    return { kind: 'latest' };
  })
  .meta({
    id: 'BlockTag',
    description:
      'latest, safe and finalized are the same: the last final block. pending is that block with what waits in the mempool where that makes sense. earliest is the genesis, block 0.',
  });

const BlockHeight = Count.transform((height): BlockReference => ({ kind: 'height', height }));
const BlockHash = Hash.transform((hash): BlockReference => ({ kind: 'hash', hash }));

export const BlockNumberOrTag = z
  .union([BlockTag, BlockHeight], { error: 'expected a block number or tag' })
  .meta({ id: 'BlockNumberOrTag', description: 'A block by its number or a tag.' });

/** EIP-1898. */
const BlockObject = z
  .union([
    z
      .strictObject({ blockHash: Hash, requireCanonical: z.boolean().optional() })
      .transform(({ blockHash }): BlockReference => ({ kind: 'hash', hash: blockHash })),
    z.strictObject({ blockNumber: BlockNumberOrTag }).transform(({ blockNumber }) => blockNumber),
  ])
  .meta({ id: 'BlockObject', description: 'A block as in EIP-1898.' });

export const BlockSelector = z
  .union([BlockTag, BlockHash, BlockHeight, BlockObject], {
    error: 'expected a block number, tag or hash',
  })
  .meta({ id: 'BlockSelector', description: 'A block by number, tag or hash, or as in EIP-1898.' });

export const LATEST: BlockReference = { kind: 'latest' };

/** As results they are text already. */
export const QuantityText = z
  .string()
  .regex(/^0x(?:0|[1-9a-f][0-9a-f]*)$/)
  .meta({ id: 'QuantityResult', description: 'A whole number in hex without leading zeros.' });
export const HexText = z
  .string()
  .regex(/^0x(?:[0-9a-f]{2})*$/)
  .meta({ id: 'DataResult', description: 'Bytes in lower-case hex.' });
export const HashText = z
  .string()
  .regex(/^0x[0-9a-f]{64}$/)
  .meta({ id: 'HashResult', description: '32 bytes in lower-case hex.' });
export const AddressResult = z
  .string()
  .regex(/^0x[0-9a-f]{40}$/)
  .meta({ id: 'AddressResult', description: 'An account: 20 bytes in lower-case hex.' });
