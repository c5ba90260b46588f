import type { OutputStage } from './operators.js';

/** Largest magnitude that `scaleRound` gives: beyond every clamp of a 32-bit type. */
export const SATURATED = 0x8000_0000;

export const MIN_SHIFT = 1;
export const MAX_SHIFT = 62;

/** 2^i, all exact. */
const POWERS = Float64Array.from({ length: MAX_SHIFT + 1 }, (_, exponent) => 2 ** exponent);

const LIMB = 0x1_0000;

/**
 * `value` × multiplier / 2^shift, rounded to the nearest, halves away from zero: the one requantisation of the machine.
 *
 * sign · ⌊(|value|·|multiplier| + 2^(shift−1)) / 2^shift⌋, its magnitude saturated at 2^31. Every step below is exact in 53 bits, or beyond
 * saturation.
 *
 * @param value any signed 32-bit integer
 * @param multiplier −(2^31 − 1) to 2^31 − 1
 * @param shift 1 to 62
 */
export function scaleRound(value: number, multiplier: number, shift: number): number {
  const magnitude = Math.abs(value);
  const factor = Math.abs(multiplier);
  const low = magnitude * (factor & 0xffff);
  const high = magnitude * (factor >>> 16);
  const quotient =
    shift > 16
      ? Math.floor((high + Math.floor(low / LIMB) + power(shift - 17)) / power(shift - 16))
      : high * power(16 - shift) + Math.floor((low + power(shift - 1)) / power(shift));
  const saturated = quotient < SATURATED ? quotient : SATURATED;
  return value < 0 === multiplier < 0 ? saturated : -saturated;
}

/** A scaled operand of a sum keeps a bit free, so that the sum of two fits 32 bits: −2^30 to 2^30 − 1. */
export function scaleRoundTerm(value: number, multiplier: number, shift: number): number {
  return Math.min(Math.max(scaleRound(value, multiplier, shift), -0x4000_0000), 0x3fff_ffff);
}

/**
 * The element that an accumulator becomes.
 *
 * @param scale rows of `columns` numbers: multiplier and shift, and where there are four, those for negative accumulators
 * @param row offset of the row to use
 */
export function outputElement(
  accumulator: number,
  { zeroY, low, high }: OutputStage,
  scale?: Int32Array,
  columns = 2,
  row = 0,
): number {
  let value = accumulator;
  if (scale !== undefined) {
    const at = accumulator < 0 && columns === 4 ? row + 2 : row;
    value = scaleRound(accumulator, scale[at] ?? 0, scale[at + 1] ?? MAX_SHIFT);
  }
  const moved = value + zeroY;
  return moved < low ? low : moved > high ? high : moved;
}

function power(exponent: number): number {
  return POWERS[exponent] ?? 0;
}
