import { z } from 'zod';
import { parseAddress, type Address } from '../protocol/address.js';
import { parseAmountWei } from '../protocol/amounts.js';
import { fromHex } from '../protocol/bytes.js';
import { OgpuError } from '../protocol/errors.js';
import type { Fault } from '../protocol/faults.js';
import { isZeroAddress } from './accounts.js';

type Context = z.core.$RefinementCtx;

/** An address as text, of which somebody can hold the key. */
export const addressField = z.string().transform((text, context): Address => {
  const address = parseOr(context, () => parseAddress(text));
  if (address === undefined) return z.NEVER;
  if (!isZeroAddress(address)) return address;
  return refuse(context, 'ADDRESS_ZERO', 'nobody holds the key of the zero address');
});

/** A positive amount of wei as a decimal string: JSON numbers lose digits above 2^53. */
export const amountWeiField = z.string().transform((text, context): bigint => {
  const amountWei = parseOr(context, () => parseAmountWei(text, 0));
  if (amountWei === undefined) return z.NEVER;
  return amountWei > 0n ? amountWei : refuse(context, 'AMOUNT_ZERO', 'the amount is zero');
});

export function hexField(length: number): z.ZodType<Uint8Array> {
  return z.string().transform((text, context) => parseOr(context, () => fromHex(text, length)) ?? z.NEVER);
}

export function integerField(min: number, max: number): z.ZodType<number> {
  // Adding 0 turns JSON's -0 into 0.
  return z
    .number()
    .int()
    .min(min)
    .max(max)
    .transform((value) => value + 0);
}

/** Text of a pattern; anything else has its own `code`. */
export function textField(pattern: RegExp, code: string, expected: string): z.ZodType<string> {
  return z.string().transform((text, context) => {
    return pattern.test(text) ? text : refuse(context, code, `expected ${expected}`);
  });
}

/** A field another parser reads; its faults carry their own paths. */
export function parsedField<Value>(
  parse: (json: unknown) => { value: Value } | { faults: readonly Fault[] },
): z.ZodType<Value> {
  return z.unknown().transform((json, context): Value => {
    const result = parse(json);
    if ('value' in result) return result.value;
    for (const { code, message, path } of result.faults) {
      context.issues.push({ code: 'custom', message, input: json, params: { code, path } });
    }
    return z.NEVER;
  });
}

/**
 * The value as `schema` has it, or everything wrong with it. Codes: FIELD_MISSING, FIELD_UNKNOWN, FIELD_TYPE, FIELD_VALUE, NUMBER_RANGE,
 * TEXT_LENGTH, LIST_LENGTH, and those of the fields above.
 *
 * @param path of `json` in the whole document; empty for the document itself
 */
export function parseFields<Value>(
  schema: z.ZodType<Value>,
  json: unknown,
  path: string,
): { value: Value } | { faults: Fault[] } {
  const result = schema.safeParse(json, { reportInput: true });
  if (result.success) return { value: result.data };
  return { faults: result.error.issues.flatMap((issue) => toFaults(issue, path)) };
}

/** The parsed value; undefined after a fault was reported. */
function parseOr<Value>(context: Context, parse: () => Value): Value | undefined {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof OgpuError)) throw error;
    report(context, String(error.code), error.message);
    return undefined;
  }
}

function refuse(context: Context, code: string, message: string): never {
  report(context, code, message);
  return z.NEVER;
}

function report(context: Context, code: string, message: string): void {
  context.issues.push({ code: 'custom', message, input: context.value, params: { code } });
}

function toFaults(issue: z.core.$ZodIssue, root: string): Fault[] {
  const path = jsonPath(root, issue.path);
  if (issue.input === undefined && issue.code.startsWith('invalid_')) {
    return [{ path, code: 'FIELD_MISSING', message: 'is missing' }];
  }
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => ({
        path: jsonPath(root, [...issue.path, key]),
        code: 'FIELD_UNKNOWN',
        message: 'there is no such field',
      }));
    case 'custom':
      return [
        {
          path: String(issue.params?.['path'] ?? path),
          code: String(issue.params?.['code']),
          message: issue.message,
        },
      ];
    case 'too_big':
    case 'too_small':
      return [{ path, code: RANGE_CODES[issue.origin] ?? 'FIELD_TYPE', message: issue.message }];
    case 'invalid_value':
      return [{ path, code: 'FIELD_VALUE', message: issue.message }];
    default:
      return [{ path, code: 'FIELD_TYPE', message: issue.message }];
  }
}

const RANGE_CODES: Readonly<Record<string, string>> = {
  number: 'NUMBER_RANGE',
  int: 'NUMBER_RANGE',
  string: 'TEXT_LENGTH',
  array: 'LIST_LENGTH',
};

function jsonPath(root: string, keys: readonly PropertyKey[]): string {
  let path = root;
  for (const key of keys) {
    if (typeof key === 'number') path += `[${key}]`;
    else path += path === '' ? String(key) : `.${String(key)}`;
  }
  return path === '' ? '$' : path;
}
