import { describeError } from '../../protocol/errors.js';

export type Verdict = 'ok' | 'warn' | 'fail';

/** What one look at the machine has found. */
export interface Finding {
  readonly name: string;
  readonly verdict: Verdict;
  /** The figures it was judged by. */
  readonly detail: string;
  /** What to do; only where not all is well. */
  readonly cure?: string;
}

export function ok(name: string, detail: string): Finding {
  return { name, verdict: 'ok', detail };
}

/** The node runs, but not as well as it could, or not for long. */
export function warn(name: string, detail: string, cure: string): Finding {
  return { name, verdict: 'warn', detail, cure };
}

/** The node does not start, or it must not. */
export function fail(name: string, detail: string, cure: string): Finding {
  return { name, verdict: 'fail', detail, cure };
}

/** A failure whose cure the error knows itself. */
export function failedBy(name: string, error: unknown): Finding {
  const data =
    typeof error === 'object' && error !== null && 'data' in error ? (Object(error.data) as object) : {};
  const cure =
    'cure' in data && typeof data.cure === 'string' ? data.cure : 'look the code up in the documentation';
  return fail(name, describeError(error), cure);
}

/** Bytes for people: three digits or so. */
export function formatSize(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let [size, unit] = [bytes, 0];
  for (; size >= 1024 && unit < units.length - 1; unit++) size /= 1024;
  return `${unit === 0 || size >= 100 ? Math.round(size) : size.toFixed(1)} ${units[unit] ?? ''}`;
}
