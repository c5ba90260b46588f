import { OgpuError } from '../../protocol/errors.js';
import { toHex } from '../../protocol/bytes.js';

/** What stands beside the message of an entry. */
export type LogFields = Readonly<Record<string, unknown>>;

export const HIDDEN = '[secret]';

const MAX_DEPTH = 6;
const MAX_ITEMS = 64;
const MAX_TEXT = 8_192;
const MAX_BYTES = 96;
const MAX_CAUSES = 5;

/**
 * Fields as they may be written: no secrets, bounded, and in JSON's terms. Bytes become hex, amounts decimal strings, errors their type,
 * code, message, data and stack. What has the name of a secret is hidden whatever it holds, however deep it lies.
 */
export function loggable(fields: LogFields): Record<string, unknown> {
  return plainObject(fields, 0);
}

/** Names under which this project and its libraries keep what must never be written; not those of where it lies. */
const SECRET_NAME =
  /^(?:.*(?:secret|password|passphrase|mnemonic|priv_?key|private_?key|authorization|cookie).*|seed|ikm)$/i;
const PLACE_NAME = /(?:file|path|folder|dir)$/i;

/** Whether there is one says nothing of it. */
function isSecret(name: string, value: unknown): boolean {
  if (value === undefined || value === null || typeof value === 'boolean') return false;
  return SECRET_NAME.test(name) && !PLACE_NAME.test(name);
}

function plain(value: unknown, depth: number): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'string') return value.length > MAX_TEXT ? `${value.slice(0, MAX_TEXT)}…` : value;
  if (typeof value === 'function' || typeof value === 'symbol') return undefined;
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Uint8Array) return bytes(value);
  if (depth >= MAX_DEPTH) return '[deep]';
  if (value instanceof Error) return plainError(value, depth);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'invalid' : value.toISOString();
  if (Array.isArray(value)) return plainList(value, depth);
  if (value instanceof Map) return plainObject(Object.fromEntries(value) as LogFields, depth);
  if (value instanceof Set) return plainList([...(value as Set<unknown>)], depth);
  return plainObject(value as LogFields, depth);
}

function plainList(list: readonly unknown[], depth: number): unknown[] {
  const items = list.slice(0, MAX_ITEMS).map((item) => plain(item, depth + 1));
  return list.length > MAX_ITEMS ? [...items, `and ${list.length - MAX_ITEMS} more`] : items;
}

function plainObject(fields: LogFields, depth: number): Record<string, unknown> {
  const written: Record<string, unknown> = {};
  let count = 0;
  for (const [name, value] of Object.entries(fields)) {
    if (count++ === MAX_ITEMS) break;
    written[name] = isSecret(name, value) ? HIDDEN : plain(value, depth + 1);
  }
  return written;
}

function plainError(error: Error, depth: number, causes = 0): Record<string, unknown> {
  const cause =
    error.cause instanceof Error && causes < MAX_CAUSES
      ? { cause: plainError(error.cause, depth, causes + 1) }
      : {};
  return {
    type: error.name,
    ...(error instanceof OgpuError
      ? { code: error.code, data: plainObject(error.data, depth + 1) }
      : 'code' in error && typeof error.code === 'string'
        ? { code: error.code }
        : {}),
    message: plain(error.message, depth),
    stack: plain(error.stack, depth),
    ...cause,
  };
}

function bytes(value: Uint8Array): string {
  return value.length > MAX_BYTES
    ? `${toHex(value.subarray(0, MAX_BYTES))}… (${value.length} bytes)`
    : toHex(value);
}
