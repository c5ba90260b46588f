import type { ChainParams } from '../../protocol/params.js';
import type { Source } from '../sources/source.js';

/** Longest metered work of all segments of a job. */
export const MAX_WORK_MS = 24 * 3_600_000;

/** A source or a program: what a segment of it costs. */
export type Metered = Pick<Source, 'work'>;

/** Time that one segment takes by its metered work: at least a millisecond. */
export function segmentMs(
  { work }: Metered,
  { stepsPerMs, bytesPerMs }: Pick<ChainParams['jobs'], 'stepsPerMs' | 'bytesPerMs'>,
): number {
  const { macs, steps, bytes, inputBytes, outputBytes } = work;
  return (
    1 +
    quotient(macs, stepsPerMs) +
    quotient(steps, stepsPerMs) +
    quotient(bytes, 100 * bytesPerMs) +
    quotient(inputBytes + outputBytes, bytesPerMs)
  );
}

function quotient(amount: number, perMs: number): number {
  return Math.ceil(amount / perMs);
}
