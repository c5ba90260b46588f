import { EXPONENT_BITS, EXPONENT_END, POWERS_OF_TWO } from '../../../protocol/graph/exponential.js';
import { invariant } from '../../../protocol/invariant.js';
import type { TensorType } from '../../../protocol/graph/tensors.js';
import { elementCount, lastSize, sizeAt, TYPE_RANGES } from '../../../protocol/graph/tensors.js';
import { wholeViews } from './elementwise.js';
import { elementPass, loadCode } from './elements.js';
import { countOf, GROUP_SIZE, makePass, type DeviceTensor, type Pass } from './kernel.js';
import type { Lower } from './lower.js';
import { SCALE_ROUND, stageCode } from './output-stage.js';
import { ANYWHERE, DIVIDE_ROUNDED } from './windows.js';

export const reduceSum: Lower<'reduceSum'> = ({ x, scale }, attributes, y, { add: pass }) => {
  const stage = stageCode(attributes, scale);
  pass(
    elementPass({
      reads: { x, ...stage.reads },
      views: { x: ANYWHERE, ...wholeViews(stage.reads) },
      y,
      numbers: { ...stage.numbers, zeroX: attributes.zeroX },
      functions: stage.functions,
      element: `var sum = 0;
  ${lineCode(x, attributes.axis, 'sum += value - params.zeroX;')}
  return stage(sum, i % ${lastSize(y.shape)}u);`,
    }),
  );
};

export const reduceMax: Lower<'reduceMax'> = ({ x }, { axis }, y, { add: pass }) => {
  pass(greatest(x, axis, y, 'most'));
};

/** The first of equals: only what is greater takes its place. */
export const argmax: Lower<'argmax'> = ({ x }, { axis }, y, { add: pass }) => {
  pass(greatest(x, axis, y, 'i32(place)'));
};

function greatest(x: DeviceTensor, axis: number, y: DeviceTensor, result: string): Pass {
  const element = `var most = i32(0x80000000u);
  var place = 0u;
  ${lineCode(x, axis, 'if (value > most) { most = value; place = at; }')}
  return ${result};`;
  return elementPass({ reads: { x }, views: { x: ANYWHERE }, y, element });
}

/** Loops along an axis over the elements of x that become element i, each as `value`, its place as `at`. */
function lineCode({ shape }: TensorType, axis: number, visit: string): string {
  const length = sizeAt(shape, axis);
  const stride = elementCount(shape.slice(axis + 1));
  return `let first = i / ${stride}u * ${stride * length}u + i % ${stride}u;
  for (var at = 0u; at < ${length}u; at++) {
    let value = load_x(first + at * ${stride}u);
    ${visit}
  }`;
}

/** Numbers of each row that its elements need: found first, by one invocation for a row, as so many words from `figures` on. */
function rowPass(
  x: DeviceTensor,
  stats: DeviceTensor,
  figures: number,
  parts: {
    readonly reads?: Readonly<Record<string, DeviceTensor>>;
    readonly numbers: Readonly<Record<string, number>>;
    readonly functions: string;
    readonly row: string;
  },
): Pass {
  const length = lastSize(x.shape);
  const rows = Math.floor(countOf(x) / length);
  return makePass({
    reads: { x, ...parts.reads },
    y: stats,
    numbers: parts.numbers,
    functions: `${loadCode('x', x)}\n${parts.functions}`,
    main: `let row = group * ${GROUP_SIZE}u + lane;
  if (row >= ${rows}u) { return; }
  let first = row * ${length}u;
  let figures = row * ${figures}u;
  ${parts.row}`,
    groups: Math.ceil(rows / GROUP_SIZE),
  });
}

function statsOf(x: TensorType, figures: number): TensorType {
  return { type: 'int32', shape: [Math.floor(elementCount(x.shape) / lastSize(x.shape)), figures] };
}

const POWERS = Int32Array.from(POWERS_OF_TWO);

/** A row's greatest element and the sum of its powers; then each element's share. */
export const softmax: Lower<'softmax'> = ({ x, scale }, { outType }, y, { add: pass, scratch, table }) => {
  const length = lastSize(x.shape);
  const { data } = scale.storage;
  invariant(data !== undefined, 'a scale is a constant');
  const [multiplier = 0, shift = 1] = data;
  const powers = table(POWERS);
  const stats = scratch(statsOf(x, 2));
  const functions = `${SCALE_ROUND}
fn power_of_two(fall: i32) -> u32 {
  let exponent = u32(scale_round(fall, params.multiplier, params.shift));
  if (exponent >= ${EXPONENT_END}u) { return 0u; }
  return powers[exponent & ${2 ** EXPONENT_BITS - 1}u] >> (exponent >> ${EXPONENT_BITS}u);
}`;
  const numbers = { multiplier, shift };
  pass(
    rowPass(x, stats, 2, {
      reads: { powers },
      numbers,
      functions,
      row: `var most = load_x(first);
  for (var at = 1u; at < ${length}u; at++) { most = max(most, load_x(first + at)); }
  var sum = 0u;
  for (var at = 0u; at < ${length}u; at++) { sum += power_of_two(most - load_x(first + at)); }
  y[figures] = u32(most);
  y[figures + 1u] = sum;`,
    }),
  );
  const unit = outType === 'int16' ? 32_768 : 256;
  const zero = outType === 'int8' ? -128 : 0;
  pass(
    elementPass({
      reads: { x, stats, powers },
      views: wholeViews({ stats, powers }),
      y,
      numbers,
      functions,
      element: `let row = i / ${length}u;
  let sum = stats[2u * row + 1u];
  let share = (power_of_two(i32(stats[2u * row]) - x_at(i)) * ${unit}u + sum / 2u) / sum;
  return min(i32(share) + ${zero}, ${TYPE_RANGES[outType].max});`,
    }),
  );
};

/**
 * Of a row: its mean, the inverse of its deviation and by how many bits both were moved. Squares have up to 47 bits: their upper and lower
 * 16 bits are summed apart, and divided digit by digit.
 */
const ROW_FIGURES = `
fn root_of(radicand: u32) -> u32 {
  var root = 0u;
  for (var bit = 0x8000u; bit > 0u; bit >>= 1u) {
    let next = root | bit;
    if (next * next <= radicand) { root = next; }
  }
  return root;
}
fn mean_of_squares(uppers: u32, lowers: u32, length: u32) -> u32 {
  let above = uppers + (lowers >> 16u);
  let rest = (above >> 16u) % length;
  let next = (rest << 16u) | (above & 0xffffu);
  let last = ((next % length) << 16u) | (lowers & 0xffffu);
  return ((next / length) << 16u) + last / length;
}`;

export const layerNorm: Lower<'layerNorm'> = (operands, attributes, y, { add: pass, scratch }) => {
  const { x, gamma, beta, scale } = operands;
  const length = lastSize(x.shape);
  const unit = x.type === 'int16' ? 1 : 256;
  const stats = scratch(statsOf(x, 3));
  pass(
    rowPass(x, stats, 3, {
      numbers: { epsilon: attributes.epsilon },
      functions: `${DIVIDE_ROUNDED}${ROW_FIGURES}`,
      row: `var sum = 0;
  for (var at = 0u; at < ${length}u; at++) { sum += load_x(first + at); }
  let mean = divide_rounded(sum * ${unit}, ${length}u);
  var uppers = 0u;
  var lowers = 0u;
  for (var at = 0u; at < ${length}u; at++) {
    let difference = u32(abs(load_x(first + at) * ${unit} - mean));
    let square = difference * difference;
    uppers += square >> 16u;
    lowers += square & 0xffffu;
  }
  let variance = mean_of_squares(uppers, lowers, ${length}u) + u32(params.epsilon);
  let doublings = countLeadingZeros(variance) / 2u;
  y[figures] = u32(mean);
  y[figures + 1u] = 0xffffffffu / root_of(variance << (2u * doublings));
  y[figures + 2u] = doublings;`,
    }),
  );
  const stage = stageCode(attributes, scale);
  const reads = { stats, gamma, beta, ...stage.reads };
  pass(
    elementPass({
      reads: { x, ...reads },
      views: wholeViews(reads),
      y,
      numbers: stage.numbers,
      functions: stage.functions,
      element: `let figures = i / ${length}u * 3u;
  let channel = i % ${length}u;
  let difference = x_at(i) * ${unit} - i32(stats[figures]);
  let normal = scale_round(difference << stats[figures + 2u], i32(stats[figures + 1u]), ${32 - NORMAL_BITS});
  let held = clamp(normal, -0x8000, 0x7fff);
  return stage(held * load_gamma(channel) + load_beta(channel), channel);`,
    }),
  );
};

/** Bits after the point of a normalised element. */
const NORMAL_BITS = 11;
