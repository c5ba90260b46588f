import { invariant } from '../../../protocol/invariant.js';
import type { OutputStage } from '../../../protocol/graph/operators.js';
import type { DeviceTensor } from './kernel.js';

/** What a kernel adds to itself to turn accumulators into elements. */
export interface StageCode {
  readonly reads: Readonly<Record<string, DeviceTensor>>;
  readonly numbers: Readonly<Record<string, number>>;
  /** Defines `fn stage(sum: i32, channel: u32) -> i32`. */
  readonly functions: string;
}

/**
 * `scale_round(value, multiplier, shift)`: the requantisation, its magnitude held at 2³¹ − 1, or 2³¹ below zero. Products of 64 bits are made of
 * four of 16-bit limbs; nothing shifts by 32 or more.
 */
export const SCALE_ROUND = `
fn magnitude(value: i32) -> u32 {
  let sign = u32(value >> 31u);
  return (u32(value) ^ sign) - sign;
}
fn scale_round(value: i32, multiplier: i32, shift: i32) -> i32 {
  let a = magnitude(value);
  let b = magnitude(multiplier);
  let low = (a & 0xffffu) * (b & 0xffffu);
  let first = (a >> 16u) * (b & 0xffffu);
  let second = (a & 0xffffu) * (b >> 16u);
  let middle = (low >> 16u) + (first & 0xffffu) + (second & 0xffffu);
  let product = (middle << 16u) | (low & 0xffffu);
  let half = u32(shift) - 1u;
  let half_bit = 1u << (half & 31u);
  let lower = product + select(0u, half_bit, half < 32u);
  let upper = (a >> 16u) * (b >> 16u) + (first >> 16u) + (second >> 16u) + (middle >> 16u)
    + select(0u, 1u, lower < product) + select(half_bit, 0u, half < 32u);
  let bits = u32(shift) & 31u;
  let is_short = shift < 32;
  let quotient = select(upper >> bits, (upper << ((32u - bits) & 31u)) | (lower >> bits), is_short);
  let held = select(quotient, 0xffffffffu, is_short && (upper >> bits) != 0u);
  if ((value < 0) != (multiplier < 0)) { return i32(0u - min(held, 0x80000000u)); }
  return i32(min(held, 0x7fffffffu));
}`;

/**
 * The stage of a node whose channels are the last dimension of y. The clamp is moved by the zero point instead of the value, which then
 * cannot leave 32 bits.
 */
export function stageCode({ zeroY, low, high }: OutputStage, scale?: DeviceTensor): StageCode {
  const numbers = { zeroY, least: low - zeroY, most: high - zeroY };
  const clamped = (value: string): string =>
    `return clamp(${value}, params.least, params.most) + params.zeroY;`;
  if (scale === undefined)
    return {
      reads: {},
      numbers,
      functions: `fn stage(sum: i32, channel: u32) -> i32 { ${clamped('sum')} }`,
    };
  const [rows = 1, columns = 2] = scale.shape;
  const pick = columns === 4 ? 'select(0u, 2u, sum < 0)' : '0u';
  if (rows > 1)
    return {
      reads: { scale },
      numbers,
      functions: `${SCALE_ROUND}
fn stage(sum: i32, channel: u32) -> i32 {
  let row = channel * ${columns}u + ${pick};
  ${clamped('scale_round(sum, i32(scale[row]), i32(scale[row + 1u]))')}
}`,
    };
  const { data } = scale.storage;
  invariant(data !== undefined, 'a scale is a constant');
  const [multiplier = 0, shift = 1, negativeMultiplier = multiplier, negativeShift = shift] = data;
  const scaled =
    columns === 4
      ? `scale_round(sum, select(params.multiplier, params.negativeMultiplier, sum < 0),
    select(params.shift, params.negativeShift, sum < 0))`
      : 'scale_round(sum, params.multiplier, params.shift)';
  return {
    reads: {},
    numbers: { ...numbers, multiplier, shift, ...(columns === 4 && { negativeMultiplier, negativeShift }) },
    functions: `${SCALE_ROUND}
fn stage(sum: i32, channel: u32) -> i32 { ${clamped(scaled)} }`,
  };
}
