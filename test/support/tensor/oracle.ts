import type { GraphNode } from '../../../protocol/graph/operators.js';
import type { DataType } from '../../../protocol/graph/tensors.js';

/**
 * The tensor machine a second time, written from its specification alone: in whole numbers without bounds, element by element. It shares
 * no arithmetic with the machine, counts what it multiplies and visits, and complains of any sum that 32 bits would not hold.
 */
export interface Numbers {
  readonly type: DataType;
  readonly shape: readonly number[];
  readonly values: readonly bigint[];
}

export interface OracleResult {
  readonly values: bigint[];
  readonly macs: number;
  readonly steps: number;
}

type Named = Readonly<Record<string, Numbers | readonly Numbers[] | undefined>>;

const LIMITS: Readonly<Record<DataType, readonly [bigint, bigint]>> = {
  int8: [-128n, 127n],
  uint8: [0n, 255n],
  int16: [-32768n, 32767n],
  int32: [-(2n ** 31n), 2n ** 31n - 1n],
};

interface Count {
  macs: number;
  steps: number;
}

/** What `node` makes, `shape` and type of it given. */
export function oracle(node: GraphNode, operands: Named, y: Omit<Numbers, 'values'>): OracleResult {
  const count: Count = { macs: 0, steps: 0 };
  const values = indicesOf(y.shape).length === 0 ? [] : compute(node, operands, y, count);
  for (const value of values) within(value, y.type);
  return { values, ...count };
}

function compute(node: GraphNode, named: Named, y: Omit<Numbers, 'values'>, count: Count): bigint[] {
  const x = (name = 'x'): Numbers => {
    const found = named[name];
    if (found === undefined || !('shape' in found)) throw new RangeError(`no operand ${name}`);
    return found;
  };
  const maybe = (name: string): Numbers | undefined => named[name] as Numbers | undefined;
  const each = (element: (index: number[], flat: number) => bigint): bigint[] =>
    indicesOf(y.shape).map((index, flat) => {
      count.steps++;
      return element(index, flat);
    });
  switch (node.op) {
    case 'conv2d': {
      const { attributes: a } = node;
      const [weights, bias, scale] = [x('weights'), maybe('bias'), maybe('scale')];
      const [outputs = 0, kernelHeight = 0, kernelWidth = 0, perGroup = 0] = weights.shape;
      return each(([n = 0, oh = 0, ow = 0, o = 0]) => {
        let sum = bias?.values[o] ?? 0n;
        const group = Math.floor(o / (outputs / a.groups));
        for (let kh = 0; kh < kernelHeight; kh++)
          for (let kw = 0; kw < kernelWidth; kw++)
            for (let c = 0; c < perGroup; c++) {
              count.macs++;
              const at = [
                n,
                oh * a.strideHeight - a.padTop + kh * a.dilationHeight,
                ow * a.strideWidth - a.padLeft + kw * a.dilationWidth,
                group * perGroup + c,
              ];
              if (!isInside(at, x().shape)) continue;
              sum +=
                (get(x(), at) - BigInt(a.zeroX)) * (get(weights, [o, kh, kw, c]) - BigInt(a.zeroWeights));
            }
        return finish(sum, o, a, scale);
      });
    }
    case 'depthwiseConv2d': {
      const { attributes: a } = node;
      const [weights, bias, scale] = [x('weights'), maybe('bias'), maybe('scale')];
      const [kernelHeight = 0, kernelWidth = 0, outputs = 0] = weights.shape;
      const multiplier = outputs / (x().shape[3] ?? 1);
      return each(([n = 0, oh = 0, ow = 0, o = 0]) => {
        let sum = bias?.values[o] ?? 0n;
        for (let kh = 0; kh < kernelHeight; kh++)
          for (let kw = 0; kw < kernelWidth; kw++) {
            count.macs++;
            const row = oh * a.strideHeight - a.padTop + kh * a.dilationHeight;
            const column = ow * a.strideWidth - a.padLeft + kw * a.dilationWidth;
            const at = [n, row, column, Math.floor(o / multiplier)];
            if (!isInside(at, x().shape)) continue;
            sum += (get(x(), at) - BigInt(a.zeroX)) * (get(weights, [kh, kw, o]) - BigInt(a.zeroWeights));
          }
        return finish(sum, o, a, scale);
      });
    }
    case 'matmul': {
      const { attributes: a } = node;
      const [left, right, bias, scale] = [x('a'), x('b'), maybe('bias'), maybe('scale')];
      const terms = left.shape.at(a.transposeA ? -2 : -1) ?? 0;
      return each((index) => {
        const batch = index.slice(0, -2);
        const [row = 0, column = 0] = index.slice(-2);
        let sum = bias?.values[column] ?? 0n;
        for (let t = 0; t < terms; t++) {
          count.macs++;
          const l = get(left, [...batch, ...(a.transposeA ? [t, row] : [row, t])]) - BigInt(a.zeroA);
          const rightBatch = right.shape.length === 2 ? [] : batch;
          const r =
            get(right, [...rightBatch, ...(a.transposeB ? [column, t] : [t, column])]) - BigInt(a.zeroB);
          sum += l * r;
        }
        return finish(sum, column, a, scale);
      });
    }
    case 'add':
    case 'sub':
    case 'mul': {
      const { attributes: a } = node;
      const [left, right, scale] = [x('a'), x('b'), maybe('scale')];
      return each((index) => {
        const l = get(left, index) - BigInt(a.zeroA);
        const r = repeat(right, index) - BigInt(a.zeroB);
        if (node.op === 'mul') return finish(l * r, index.at(-1) ?? 0, a, scale);
        const sign = node.op === 'add' ? 1n : -1n;
        if (scale === undefined) return finish(l + sign * r, 0, a, undefined);
        const [ma = 0n, sa = 0n, mb = 0n, sb = 0n, mo = 0n, so = 0n] = scale.values;
        const term = (value: bigint, m: bigint, s: bigint): bigint =>
          clampTo(rescale(value, m, s), -(2n ** 30n), 2n ** 30n - 1n);
        const sum = term(l, ma, sa) + sign * term(r, mb, sb);
        within(sum, 'int32');
        return clampTo(rescale(sum, mo, so) + BigInt(a.zeroY), BigInt(a.low), BigInt(a.high));
      });
    }
    case 'requantise': {
      const { attributes: a } = node;
      return each((index, flat) =>
        finish((x().values[flat] ?? 0n) - BigInt(a.zeroX), index.at(-1) ?? 0, a, x('scale')),
      );
    }
    case 'clamp': {
      const { low, high } = node.attributes;
      return each((_, flat) => clampTo(x().values[flat] ?? 0n, BigInt(low), BigInt(high)));
    }
    case 'cast':
      return each((_, flat) => clampTo(x().values[flat] ?? 0n, ...LIMITS[y.type]));
    case 'lookup': {
      const table = x('table');
      return each((index, flat) => {
        const entry = Number((x().values[flat] ?? 0n) - LIMITS[x().type][0]);
        return get(table, table.shape.length === 2 ? [index.at(-1) ?? 0, entry] : [entry]);
      });
    }
    case 'compare': {
      const { relation } = node.attributes;
      return each((index) => {
        const [l, r] = [get(x('a'), index), repeat(x('b'), index)];
        const order = l < r ? 'less' : l > r ? 'greater' : 'equal';
        const holds = relation.toLowerCase().includes(order) && relation !== 'notEqual';
        return holds || (relation === 'notEqual' && order !== 'equal') ? 1n : 0n;
      });
    }
    case 'select':
      return each((index) =>
        repeat(x('condition'), index) !== 0n ? get(x('a'), index) : repeat(x('b'), index),
      );
    case 'gather': {
      const rank = x('indices').shape.length;
      return each((index) => {
        const row = get(x('indices'), index.slice(0, rank));
        return get(x('data'), [Number(row), ...index.slice(rank)]);
      });
    }
    case 'concat': {
      const { axis } = node.attributes;
      const parts = named['parts'] as readonly Numbers[];
      return each((index) => {
        let place = index[axis] ?? 0;
        for (const part of parts) {
          const size = part.shape[axis] ?? 0;
          if (place < size) return get(part, index.with(axis, place));
          place -= size;
        }
        throw new RangeError('no part');
      });
    }
    case 'slice': {
      const { begin, step } = node.attributes;
      return each((index) =>
        get(
          x(),
          index.map((place, axis) => (begin[axis] ?? 0) + place * (step[axis] ?? 1)),
        ),
      );
    }
    case 'pad': {
      const { before, mode, value } = node.attributes;
      return each((index) => {
        const at = index.map((place, axis) => place - (before[axis] ?? 0));
        if (isInside(at, x().shape)) return get(x(), at);
        if (mode === 'constant') return BigInt(value);
        const held = at.map((place, axis) => {
          const last = (x().shape[axis] ?? 1) - 1;
          if (mode === 'edge') return Math.min(Math.max(place, 0), last);
          return place < 0 ? -place : place > last ? last - (place - last) : place;
        });
        return get(x(), held);
      });
    }
    case 'transpose': {
      const { permutation } = node.attributes;
      return each((index) => {
        const at = index.map(() => 0);
        for (const [axis, from] of permutation.entries()) at[from] = index[axis] ?? 0;
        return get(x(), at);
      });
    }
    case 'reshape':
      return [...x().values];
    case 'depthToSpace':
    case 'spaceToDepth': {
      const { block, order } = node.attributes;
      const isDepthToSpace = node.op === 'depthToSpace';
      const channels = (isDepthToSpace ? y.shape : x().shape)[3] ?? 0;
      const deepChannel = (row: number, column: number, channel: number): number =>
        order === 'blockFirst'
          ? (row * block + column) * channels + channel
          : (channel * block + row) * block + column;
      if (isDepthToSpace) {
        return each(([n = 0, h = 0, w = 0, c = 0]) =>
          get(x(), [n, Math.floor(h / block), Math.floor(w / block), deepChannel(h % block, w % block, c)]),
        );
      }
      return each(([n = 0, h = 0, w = 0, deep = 0]) => {
        for (let row = 0; row < block; row++)
          for (let column = 0; column < block; column++)
            for (let channel = 0; channel < channels; channel++)
              if (deepChannel(row, column, channel) === deep)
                return get(x(), [n, h * block + row, w * block + column, channel]);
        throw new RangeError('no such channel');
      });
    }
    case 'maxPool':
    case 'averagePool': {
      const { attributes: a } = node;
      return indicesOf(y.shape).map(([n = 0, oh = 0, ow = 0, c = 0]) => {
        const inside: bigint[] = [];
        for (let kh = 0; kh < a.kernelHeight; kh++)
          for (let kw = 0; kw < a.kernelWidth; kw++) {
            count.steps++;
            const at = [n, oh * a.strideHeight - a.padTop + kh, ow * a.strideWidth - a.padLeft + kw, c];
            if (isInside(at, x().shape)) inside.push(get(x(), at));
          }
        if (node.op === 'maxPool') return inside.reduce((most, value) => (value > most ? value : most));
        const { countPadding, zeroX } = node.attributes;
        const sum = inside.reduce((total, value) => total + value - BigInt(zeroX), 0n);
        within(sum, 'int32');
        const divisor = countPadding ? a.kernelHeight * a.kernelWidth : inside.length;
        return BigInt(zeroX) + nearest(sum, BigInt(divisor));
      });
    }
    case 'resize':
      return resizeImage(node.attributes, x(), y.shape, count);
    case 'reduceSum':
    case 'reduceMax':
    case 'argmax': {
      const { axis } = node.attributes;
      return indicesOf(y.shape).map((index) => {
        const line = Array.from({ length: x().shape[axis] ?? 0 }, (_, place) => {
          count.steps++;
          return get(x(), index.with(axis, place));
        });
        const most = line.reduce((a, b) => (b > a ? b : a));
        if (node.op === 'reduceMax') return most;
        if (node.op === 'argmax') return BigInt(line.indexOf(most));
        const sum = line.reduce((total, value) => total + value - BigInt(node.attributes.zeroX), 0n);
        return finish(sum, index.at(-1) ?? 0, node.attributes, maybe('scale'));
      });
    }
    case 'softmax':
      return rowsOf(x()).flatMap((row) => {
        count.steps += 4 * row.length;
        const most = row.reduce((a, b) => (b > a ? b : a));
        const [m = 0n, s = 1n] = x('scale').values;
        const powers = row.map((value) => {
          within(most - value, 'int32');
          const exponent = rescale(most - value, m, s);
          return exponent >= 17n * 256n ? 0n : powerOfTwo(exponent % 256n) >> (exponent / 256n);
        });
        const sum = powers.reduce((a, b) => a + b);
        const [low, high] = LIMITS[y.type];
        const [unit, zero] = y.type === 'int16' ? [32768n, 0n] : [256n, low];
        return powers.map((power) => clampTo((power * unit + sum / 2n) / sum + zero, low, high));
      });
    case 'layerNorm': {
      const { attributes: a } = node;
      const [gamma, beta, scale] = [x('gamma'), x('beta'), x('scale')];
      return rowsOf(x()).flatMap((row) => {
        count.steps += 4 * row.length;
        const length = BigInt(row.length);
        const unit = x().type === 'int16' ? 1n : 256n;
        const mean = nearest(row.reduce((p, q) => p + q) * unit, length);
        const centred = row.map((value) => value * unit - mean);
        const variance = centred.reduce((p, q) => p + q * q, 0n) / length + BigInt(a.epsilon);
        let doublings = 0n;
        while (variance * 4n ** (doublings + 1n) < 2n ** 32n) doublings++;
        const root = squareRoot(variance * 4n ** doublings);
        const inverse = (2n ** 32n - 1n) / root;
        return centred.map((value, i) => {
          within(value * 2n ** doublings, 'int32');
          const normal = clampTo(rescale(value * 2n ** doublings, inverse, 21n), -32768n, 32767n);
          const sum = normal * (gamma.values[i] ?? 0n) + (beta.values[i] ?? 0n);
          return finish(sum, i, a, scale);
        });
      });
    }
  }
}

function resizeImage(
  { height, width, mode, grid }: Extract<GraphNode, { op: 'resize' }>['attributes'],
  x: Numbers,
  shape: readonly number[],
  count: Count,
): bigint[] {
  const bits = x.type === 'int16' ? 7n : 10n;
  /** Twice the position, over a common denominator. */
  const position = (at: number, from: number, to: number): [bigint, bigint] => {
    const [o, n, m] = [BigInt(at), BigInt(from), BigInt(to)];
    if (grid === 'asymmetric') return [o * n, m];
    if (grid === 'halfPixel') return [(2n * o + 1n) * n - m, 2n * m];
    return m === 1n ? [0n, 1n] : [o * (n - 1n), m - 1n];
  };
  const near = (at: number, from: number, to: number): number => {
    const [p, q] = position(at, from, to);
    // The centre of an element with the index i is at i: half a step up, rounded down; without it for the grid whose elements begin at i.
    const moved = grid === 'asymmetric' ? floorDivide(p, q) : floorDivide(2n * p + q, 2n * q);
    return Number(clampTo(moved, 0n, BigInt(from - 1)));
  };
  const taps = (at: number, from: number, to: number): [number, bigint][] => {
    const [p, q] = position(at, from, to);
    const held = clampTo(p, 0n, BigInt(from - 1) * q);
    const fraction = ((held % q) << bits) / q;
    const first = Number(held / q);
    return [
      [first, 2n ** bits - fraction],
      [Math.min(first + 1, from - 1), fraction],
    ];
  };
  const [, inHeight = 0, inWidth = 0] = x.shape;
  return indicesOf(shape).map(([n = 0, h = 0, w = 0, c = 0]) => {
    if (mode === 'nearest') {
      count.steps++;
      return get(x, [n, near(h, inHeight, height), near(w, inWidth, width), c]);
    }
    let sum = 0n;
    for (const [row, down] of taps(h, inHeight, height))
      for (const [column, right] of taps(w, inWidth, width)) {
        count.steps++;
        sum += get(x, [n, row, column, c]) * down * right;
      }
    within(sum, 'int32');
    return floorDivide(sum + 2n ** (2n * bits - 1n), 2n ** (2n * bits));
  });
}

interface Stage {
  readonly zeroY: number;
  readonly low: number;
  readonly high: number;
}

/** An accumulator, which must fit 32 bits, as an element of channel `channel`. */
function finish(
  sum: bigint,
  channel: number,
  { zeroY, low, high }: Stage,
  scale: Numbers | undefined,
): bigint {
  within(sum, 'int32');
  let value = sum;
  if (scale !== undefined) {
    const [rows = 1, columns = 2] = scale.shape;
    const pair = columns === 4 && sum < 0n ? 2 : 0;
    const row = rows === 1 ? 0 : channel;
    value = rescale(sum, get(scale, [row, pair]), get(scale, [row, pair + 1]));
  }
  return clampTo(value + BigInt(zeroY), BigInt(low), BigInt(high));
}

/** sign · ⌊(|value · m| + 2^(s−1)) / 2^s⌋ */
export function rescale(value: bigint, m: bigint, s: bigint): bigint {
  const product = value * m;
  const magnitude = ((product < 0n ? -product : product) + 2n ** (s - 1n)) / 2n ** s;
  return product < 0n ? -magnitude : magnitude;
}

/** value / divisor to the nearest, halves away from zero; an odd divisor has no halves. */
function nearest(value: bigint, divisor: bigint): bigint {
  const magnitude = ((value < 0n ? -value : value) * 2n + divisor) / (2n * divisor);
  return value < 0n ? -magnitude : magnitude;
}

function floorDivide(value: bigint, divisor: bigint): bigint {
  const quotient = value / divisor;
  return value % divisor < 0n ? quotient - 1n : quotient;
}

/** The whole number nearest to 2^16 · 2^(−f/256): (2t − 1)^256 ≤ 2^(17·256 − f) < (2t + 1)^256. */
export function powerOfTwo(f: bigint): bigint {
  const known = POWERS.get(f);
  if (known !== undefined) return known;
  const target = 2n ** (17n * 256n - f);
  let [low, high] = [0n, 2n ** 17n];
  while (high - low > 1n) {
    const middle = (low + high) / 2n;
    if ((2n * middle - 1n) ** 256n <= target) low = middle;
    else high = middle;
  }
  POWERS.set(f, low);
  return low;
}

const POWERS = new Map<bigint, bigint>();

function squareRoot(value: bigint): bigint {
  let root = 0n;
  for (let bit = 2n ** 16n; bit > 0n; bit /= 2n) if ((root + bit) ** 2n <= value) root += bit;
  return root;
}

function within(value: bigint, type: DataType): void {
  const [low, high] = LIMITS[type];
  if (value < low || value > high) throw new RangeError(`${value} does not fit ${type}`);
}

function clampTo(value: bigint, low: bigint, high: bigint): bigint {
  return value < low ? low : value > high ? high : value;
}

function get({ shape, values }: Numbers, index: readonly number[]): bigint {
  const flat = shape.reduce((at, size, axis) => at * size + (index[axis] ?? 0), 0);
  const value = values[flat];
  if (value === undefined || !isInside(index, shape)) throw new RangeError(`no element ${index.join()}`);
  return value;
}

/** The element of a smaller tensor that stands at an index of a larger one. */
function repeat(small: Numbers, index: readonly number[]): bigint {
  const own = index.slice(index.length - small.shape.length);
  return get(
    small,
    own.map((place, axis) => (small.shape[axis] === 1 ? 0 : place)),
  );
}

function isInside(index: readonly number[], shape: readonly number[]): boolean {
  return index.every((place, axis) => place >= 0 && place < (shape[axis] ?? 0));
}

function rowsOf({ shape, values }: Numbers): bigint[][] {
  const length = shape.at(-1) ?? 1;
  return Array.from({ length: values.length / length }, (_, row) =>
    values.slice(row * length, (row + 1) * length),
  );
}

function indicesOf(shape: readonly number[]): number[][] {
  return shape.reduce<number[][]>(
    (prefixes, size) =>
      prefixes.flatMap((prefix) => Array.from({ length: size }, (_, place) => [...prefix, place])),
    [[]],
  );
}
