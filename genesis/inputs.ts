import { z } from 'zod';
import { parseAddress } from '../protocol/address.js';
import { OGPU_DECIMALS, parseAmountWei } from '../protocol/amounts.js';
import { OgpuError } from '../protocol/errors.js';
import {
  AllocationEntrySchema,
  MAX_ALLOCATIONS,
  MAX_DOCUMENT_BYTES,
  ValidatorEntrySchema,
  type AllocationEntry,
  type ValidatorEntry,
} from './document.js';
import type { FaultLog } from './faults.js';
import { parseFields } from './fields.js';
import { readTextFile } from './files.js';
import { parseJson } from './json.js';

const AllocationListSchema = z.array(AllocationEntrySchema).max(MAX_ALLOCATIONS);

/** A validator entry as `ogpu genesis validator` writes it; undefined when it cannot be read or has faults. */
export async function readValidatorEntry(path: string, log: FaultLog): Promise<ValidatorEntry | undefined> {
  return readJsonFile(path, ValidatorEntrySchema, log);
}

/** Allocations from `address=amount` in OGPU, or from the path of a JSON list of `{address, balanceWei, label?}`. */
export async function readAllocations(argument: string, log: FaultLog): Promise<readonly AllocationEntry[]> {
  const inline = /^(0x[^=/]*)=(.*)$/s.exec(argument);
  if (inline === null) return (await readJsonFile(argument, AllocationListSchema, log)) ?? [];
  const [, addressText = '', amountText = ''] = inline;
  try {
    const address = parseAddress(addressText);
    return [{ address, balanceWei: parseAmountWei(amountText, OGPU_DECIMALS) }];
  } catch (error) {
    if (!(error instanceof OgpuError)) throw error;
    log.add(argument.slice(0, 120), String(error.code), error.message);
    return [];
  }
}

/** Milliseconds since 1970 from themselves or from an ISO 8601 time with its offset; undefined for anything else. */
export function parseTimeMs(text: string): number | undefined {
  if (/^\d{1,16}$/.test(text)) return Number(text);
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?(?:Z|[+-]\d\d:\d\d)$/.test(text)) return undefined;
  const timeMs = Date.parse(text);
  return Number.isNaN(timeMs) || !isOnCalendar(text) ? undefined : timeMs;
}

/** Whether the minute exists: `Date.parse` takes February 30 for March 2, and 24:00 for the day after. */
function isOnCalendar(text: string): boolean {
  const minute = text.slice(0, 'YYYY-MM-DDTHH:MM'.length);
  return new Date(Date.parse(`${minute}Z`)).toISOString().startsWith(minute);
}

async function readJsonFile<Value>(
  path: string,
  schema: z.ZodType<Value>,
  log: FaultLog,
): Promise<Value | undefined> {
  const countBefore = log.count;
  const text = await log.collect(path, readTextFile(path, MAX_DOCUMENT_BYTES));
  const json = text === undefined ? undefined : parseJson(text, log, path);
  if (log.count > countBefore) return undefined;
  const result = parseFields(schema, json, path);
  if ('value' in result) return result.value;
  log.addAll(result.faults);
  return undefined;
}
