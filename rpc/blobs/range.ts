/** Bytes from `start` to before `end`. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/**
 * What a `Range` header asks for (RFC 9110). A header that is none, or asks for several ranges, is as good as no header.
 *
 * @returns undefined where all of it is asked for; 'unsatisfiable' where the range begins behind the end
 */
export function parseRange(
  header: string | undefined,
  lengthBytes: number,
): ByteRange | 'unsatisfiable' | undefined {
  const [, first = '', last = ''] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? '') ?? [];
  if (first === '' && last === '') return undefined;
  if (first === '') {
    const count = Math.min(Number(last), lengthBytes);
    return count === 0 ? 'unsatisfiable' : { start: lengthBytes - count, end: lengthBytes };
  }
  const start = Number(first);
  if (last !== '' && Number(last) < start) return undefined;
  if (start >= lengthBytes) return 'unsatisfiable';
  return { start, end: last === '' ? lengthBytes : Math.min(lengthBytes, Number(last) + 1) };
}
