import { allocateTensor } from '../../../protocol/graph/tensor-data.js';
import { broadcasts, TYPE_RANGES } from '../../../protocol/graph/tensors.js';
import { rangeOfData } from '../../../protocol/graph/weights.js';
import { CURVES } from '../float/curves.js';
import { unsupported } from '../model-error.js';
import { elementCount } from '../model.js';
import type { LayerOf, ValueId } from '../network/network.js';
import { elementOn, gridOver, largestOf, multiplierOf } from './grid.js';
import { storeSums } from './linear.js';
import { reachOf, type Lowered, type Lowering } from './lowering.js';

/** Terms of a sum are brought to a common unit of which the larger has this many. */
const TERM_BITS = 28;

/** Most elements of zeros that a value is added to where it must be repeated. */
const MAX_REPEATED = 2 ** 22;

/** a ± b: both in a common unit much finer than the result. */
export function lowerSum(low: Lowering, layer: LayerOf<'add' | 'sub'>): void {
  const sign = layer.kind === 'sub' ? -1 : 1;
  const [left, right] = layer.inputs.map((id) => low.get(id)) as [Lowered, Lowered];
  const shape = low.shapeOf(layer.output);
  // The first operand has the shape of the result; a difference turned round is a sum with signs turned round.
  const isTurned = !broadcasts(right.shape, shape) || left.shape.join() !== shape.join();
  const canTurn = right.shape.join() === shape.join();
  const [a, b] = isTurned && canTurn ? [right, left] : [repeated(low, layer.where, left, shape), right];
  const [signA, signB] = isTurned && canTurn ? [sign, 1] : [1, sign];
  addTerms(low, layer.output, a, b, signA, signB);
}

function addTerms(low: Lowering, output: ValueId, a: Lowered, b: Lowered, signA = 1, signB = 1): void {
  const reach = (x: Lowered): number => x.scale * reachOf(x);
  const unit = Math.max(reach(a), reach(b)) / 2 ** TERM_BITS;
  const tail = low.tailOf(output);
  const grid = low.gridOfTail(tail);
  const stage = low.stage(tail, grid);
  const scale = low.scale([
    [
      ...multiplierOf((signA * a.scale) / unit),
      ...multiplierOf((signB * b.scale) / unit),
      ...multiplierOf(unit / grid.scale),
    ],
  ]);
  const attributes = { zeroA: zeroOf(a), zeroB: zeroOf(b), ...stage };
  low.store(tail, low.graph.node('add', { a: a.ref, b: b.ref, scale }, attributes), grid, stage);
}

/** A value in a shape it only repeats to. */
function repeated(low: Lowering, where: string, x: Lowered, shape: readonly number[]): Lowered {
  if (x.shape.join() === shape.join()) return x;
  const count = elementCount(shape);
  if (count > MAX_REPEATED) throw unsupported(where, `operands that both repeat, to ${count} elements`);
  const zeros = low.graph.constant({ type: 'int8', shape }, new Int8Array(count));
  const { min, max } = TYPE_RANGES[x.type];
  const stage = { outType: x.type, zeroY: zeroOf(x), low: min, high: max };
  const ref = low.graph.node('add', { a: zeros, b: x.ref }, { zeroA: 0, zeroB: zeroOf(x), ...stage });
  return { ...x, ref, shape };
}

/** The zero point as a node has it: numbers of 32 bits have none. */
function zeroOf({ type, zero }: Lowered): number {
  return type === 'int32' ? 0 : zero;
}

export function lowerMul(low: Lowering, layer: LayerOf<'mul'>): void {
  const [idA = 0, idB = 0] = layer.inputs;
  for (const [id, other] of [
    [idA, idB],
    [idB, idA],
  ] as const) {
    const constant = low.constantOf(other);
    const factor = constant?.data[0] ?? 0;
    if (
      constant?.data.length === 1 &&
      factor !== 0 &&
      low.shapeOf(id).join() === low.shapeOf(layer.output).join()
    ) {
      scaleBy(low, layer, id, factor);
      return;
    }
  }
  const shape = low.shapeOf(layer.output);
  const [left, right] = layer.inputs.map((id) => low.within(low.get(id), 32_767)) as [Lowered, Lowered];
  const [first, second] = left.shape.join() === shape.join() ? [left, right] : [right, left];
  const a = repeated(low, layer.where, first, shape);
  storeSums(low, layer.output, [a.scale * second.scale], (scale, stage) =>
    low.graph.node(
      'mul',
      { a: a.ref, b: second.ref, scale },
      { zeroA: a.zero, zeroB: second.zero, ...stage },
    ),
  );
}

/** Another number for the same whole numbers; a negative one turns them round. */
function scaleBy(low: Lowering, layer: LayerOf<'mul'>, id: ValueId, factor: number): void {
  const x = low.get(id);
  if (factor > 0) low.set(layer.output, { ...x, scale: x.scale * factor });
  else
    storeSums(low, layer.output, [x.scale * factor], (scale, stage) =>
      low.graph.node('requantise', { x: x.ref, scale }, { zeroX: zeroOf(x), ...stage }),
    );
}

/** On the grid of what is clamped. */
export function lowerClip(low: Lowering, layer: LayerOf<'clip'>): void {
  const x = low.get(layer.inputs[0] ?? 0);
  const { low: least, high: most } = layer.attributes;
  const ends = { low: elementOn(x, least), high: elementOn(x, most) };
  const into = (value: number): number => Math.min(Math.max(value, ends.low), ends.high);
  const ref = low.graph.node('clamp', { x: x.ref }, ends);
  low.set(layer.output, { ...x, ref, range: { min: into(x.range.min), max: into(x.range.max) } });
}

/** A second pair of multiplier and shift for negative elements. */
export function lowerPrelu(low: Lowering, layer: LayerOf<'prelu'>): void {
  const x = low.get(layer.inputs[0] ?? 0);
  const slopes = low.constantOf(layer.inputs[1]);
  const channels = x.shape.at(-1) ?? 1;
  const isVector =
    slopes?.data.length === 1 || (slopes?.data.length === channels && slopes.shape.at(-1) === channels);
  if (slopes === undefined || !isVector) {
    lowerSlopes(low, layer, x);
    return;
  }
  const tail = low.tailOf(layer.output);
  const grid = low.gridOfTail(tail);
  const stage = low.stage(tail, grid);
  const factor = x.scale / grid.scale;
  const rows = Array.from(slopes.data, (slope) => [...multiplierOf(factor), ...multiplierOf(factor * slope)]);
  const ref = low.graph.node(
    'requantise',
    { x: x.ref, scale: low.scale(rows) },
    { zeroX: zeroOf(x), ...stage },
  );
  low.store(tail, ref, grid, stage);
}

/** With a slope for each element: what is positive, and what is negative times the slopes, each alone, then their sum. */
function lowerSlopes(low: Lowering, layer: LayerOf<'prelu'>, given: Lowered): void {
  const x = low.within(given, 32_767);
  const slopes = low.within(low.get(layer.inputs[1] ?? 0), 32_767);
  const part = (min: number, max: number): Lowered => {
    const range = { min: Math.max(x.range.min, min), max: Math.min(x.range.max, max) };
    return { ...x, ref: low.graph.node('clamp', { x: x.ref }, { low: min, high: max }), range };
  };
  const { min, max } = TYPE_RANGES[x.type];
  const below = part(min, x.zero);
  const product = { a: below.ref, b: slopes.ref };
  const factor = below.scale * slopes.scale;
  const interval = low.intervalOf(layer.output);
  const grid = gridOver({ min: -largestOf([interval.min, interval.max]), max: 0 }, 'int16');
  const stage = { outType: grid.type, zeroY: grid.zero, low: -32_767, high: 32_767 };
  const scale = low.scale([multiplierOf(factor / grid.scale)]);
  const ref = low.graph.node(
    'mul',
    { ...product, scale },
    { zeroA: below.zero, zeroB: slopes.zero, ...stage },
  );
  addTerms(low, layer.output, part(x.zero, max), {
    ...grid,
    ref,
    shape: x.shape,
    range: { min: -32_767, max: 32_767 },
  });
}

/** A table of what every number becomes. */
export function lowerCurve(low: Lowering, layer: LayerOf<'curve'>): void {
  const { curve, alpha, beta } = layer.attributes;
  const f = CURVES[curve];
  const x = low.get(layer.inputs[0] ?? 0);
  const narrow = x.type === 'int32' ? low.within(x, 32_767) : x;
  const tail = low.tailOf(layer.output);
  const grid = low.gridOfTail(tail);
  const { clip } = tail;
  const { min, max } = TYPE_RANGES[narrow.type];
  const entries = allocateTensor(grid.type, max - min + 1);
  const held = low.stage(tail, grid);
  for (let i = 0; i < entries.length; i++) {
    // Beyond what x reaches nothing is read: the nearest that is.
    const element = Math.min(Math.max(min + i, narrow.range.min), narrow.range.max);
    const y = f((element - narrow.zero) * narrow.scale, alpha, beta);
    entries[i] = Math.min(
      Math.max(elementOn(grid, Math.min(Math.max(y, clip.min), clip.max)), held.low),
      held.high,
    );
  }
  const table = low.graph.constant({ type: grid.type, shape: [entries.length] }, entries);
  const ref = low.graph.node('lookup', { x: narrow.ref, table }, {});
  const range = rangeOfData(entries);
  low.store(tail, ref, grid, { low: range.min, high: range.max });
}

/** The model's own grid: whole numbers that stand for themselves. */
export function lowerQuantise(low: Lowering, layer: LayerOf<'quantise'>): void {
  const { scale, zero, type } = layer.attributes;
  const copy = low.onGrid(low.get(layer.inputs[0] ?? 0), { type, scale, zero });
  low.set(layer.output, { ...copy, scale: 1, zero: 0 });
}

/** The same numbers with another meaning. */
export function lowerDequantise(low: Lowering, layer: LayerOf<'dequantise'>): void {
  const { scale, zero } = layer.attributes;
  const x = low.get(layer.inputs[0] ?? 0);
  const moved = x.zero + zero / x.scale;
  const { min, max } = TYPE_RANGES[x.type];
  if (!Number.isInteger(moved) || moved < min || moved > max || (x.type === 'int32' && moved !== 0))
    throw unsupported(layer.where, 'a zero point that its numbers do not have');
  low.set(layer.output, { ...x, scale: x.scale * scale, zero: moved });
}

export function lowerGather(low: Lowering, layer: LayerOf<'gather'>): void {
  const [dataId = 0, indexId = 0] = layer.inputs;
  const constant = low.constantOf(dataId);
  const data = constant === undefined ? low.get(dataId) : embedded(low, layer, dataId);
  const places = low.constantOf(indexId);
  const rows = data.shape[0] ?? 1;
  const indices = places === undefined ? low.get(indexId) : undefined;
  const shape = low.shapeOf(indexId);
  const fixed = Int32Array.from(places?.data ?? [], (place) => (place < 0 ? place + rows : place));
  const ref = low.graph.node(
    'gather',
    { data: data.ref, indices: indices?.ref ?? low.graph.constant({ type: 'int32', shape }, fixed) },
    {},
  );
  low.set(layer.output, { ...data, ref, shape: low.shapeOf(layer.output) });
}

/** A table of rows, on the grid that its result gets. */
function embedded(low: Lowering, layer: LayerOf<'gather'>, id: ValueId): Lowered {
  const constant = low.constantOf(id);
  const type = low.gridOf(layer.output).type;
  return constant === undefined ? low.get(id) : low.constant(constant, type === 'int8' ? 'int8' : 'int16');
}
