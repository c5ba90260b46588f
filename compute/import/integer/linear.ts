import type { TensorRef } from '../../../protocol/graph/builder.js';
import { allocateTensor } from '../../../protocol/graph/tensor-data.js';
import { unsupported } from '../model-error.js';
import type { FloatTensor, LayerOf, ValueId } from '../network/network.js';
import { gridOver, type Grid } from './grid.js';
import { INT32_MAX, reachOf, type Lowered, type Lowering, type Tail } from './lowering.js';
import { largestSum, quantiseBias, quantiseWeights, type Weights } from './weights.js';

/** Halvings of activations that are tried before sums are given up. */
const MAX_HALVINGS = 14;

export function lowerConv(low: Lowering, layer: LayerOf<'conv'>): void {
  const { groups, isExact, ...window } = layer.attributes;
  const weights = low.constantOf(layer.inputs[1]);
  if (weights === undefined) throw unsupported(layer.where, 'a kernel that is not a constant');
  const [outputs = 1, kernelHeight = 1, kernelWidth = 1, groupChannels = 1] = weights.shape;
  const isDepthwise = groupChannels === 1 && groups > 1;
  const product = prepare(low, layer, weights, outputs);
  const { x, kernel } = product;
  emit(low, layer.output, product, isExact, (extras, stage) => {
    const attributes = { ...window, zeroX: x.zero, zeroWeights: 0, ...stage };
    if (!isDepthwise) {
      const ref = low.graph.constant({ type: kernel.type, shape: weights.shape }, kernel.data);
      return low.graph.node('conv2d', { x: x.ref, weights: ref, ...extras }, { ...attributes, groups });
    }
    const turned = swapped(kernel);
    const ref = low.graph.constant(
      { type: kernel.type, shape: [kernelHeight, kernelWidth, outputs] },
      turned,
    );
    return low.graph.node('depthwiseConv2d', { x: x.ref, weights: ref, ...extras }, attributes);
  });
}

/** Terms outermost instead of channels. */
function swapped({ type, data, channels, terms }: Weights): Weights['data'] {
  const turned = allocateTensor(type, data.length);
  for (let channel = 0; channel < channels; channel++)
    for (let term = 0; term < terms; term++)
      turned[term * channels + channel] = data[channel * terms + term] ?? 0;
  return turned;
}

export function lowerMatmul(low: Lowering, layer: LayerOf<'matmul'>): void {
  const [, b = 0] = layer.inputs;
  const matrix = low.constantOf(b);
  if (matrix?.shape.length !== 2) {
    lowerProduct(low, layer);
    return;
  }
  const { transposeB, isExact } = layer.attributes;
  const rows = transposeB ? matrix : transposedMatrix(matrix);
  const [columns = 1, terms = 1] = rows.shape;
  const product = prepare(low, layer, rows, columns);
  const { x, kernel } = product;
  emit(low, layer.output, product, isExact, (extras, stage) => {
    const ref = low.graph.constant({ type: kernel.type, shape: [columns, terms] }, kernel.data);
    const attributes = { transposeA: false, transposeB: true, zeroA: x.zero, zeroB: 0, ...stage };
    return low.graph.node('matmul', { a: x.ref, b: ref, ...extras }, attributes);
  });
}

function transposedMatrix({ shape: [rows = 1, columns = 1], data, quantised }: FloatTensor): FloatTensor {
  const turn = (from: ArrayLike<number>): Float64Array =>
    Float64Array.from(
      { length: from.length },
      (_, i) => from[(i % rows) * columns + Math.floor(i / rows)] ?? 0,
    );
  return {
    shape: [columns, rows],
    data: turn(data),
    quantised: quantised && { ...quantised, data: turn(quantised.data), axis: 1 - quantised.axis },
  };
}

interface Product {
  readonly x: Lowered;
  readonly kernel: Weights;
  readonly bias: Int32Array | undefined;
  /** What one step of each channel's sums is worth. */
  readonly units: readonly number[];
}

/** Activations, weights and bias of which no sum can leave 32 bits: where it could, activations lose bits. */
function prepare(
  low: Lowering,
  layer: LayerOf<'conv' | 'matmul'>,
  weights: FloatTensor,
  channels: number,
): Product {
  const [id = 0, , biasId] = layer.inputs;
  const offsets = low.constantOf(biasId)?.data;
  if (biasId !== undefined && offsets === undefined)
    throw unsupported(layer.where, 'a bias that is not a constant');
  const x = operandOf(low, id);
  for (let halvings = 0; halvings <= MAX_HALVINGS; halvings++) {
    const most = Math.floor(reachOf(x) / 2 ** halvings);
    const { scale, zero, range } = halvings === 0 ? x : shortened(x, most);
    const kernel = quantiseWeights(weights, channels, offsets, scale);
    const units = kernel.scales.map((each) => each * scale);
    const bias = offsets && quantiseBias(offsets, units);
    const [least, greatest] = [Math.min(range.min - zero, 0), Math.max(range.max - zero, 0)];
    if (largestSum(kernel, least, greatest, bias) <= INT32_MAX)
      return { x: halvings === 0 ? x : low.within(x, most), kernel, bias, units };
  }
  throw unsupported(layer.where, 'sums that do not fit 32 bits');
}

/** What `Lowering.within` would make. */
function shortened(x: Lowered, most: number): Pick<Lowered, 'scale' | 'zero' | 'range'> {
  return { scale: (reachOf(x) * x.scale) / most, zero: 0, range: { min: -most, max: most } };
}

/** Narrow numbers, and bytes unless all activations have 16 bits. */
function operandOf(low: Lowering, id: ValueId): Lowered {
  const x = low.get(id);
  if (x.type === 'int8' || x.type === 'uint8') return x;
  if (x.type === 'int16' && low.precision === 'int16') return x;
  const interval = { min: (x.range.min - x.zero) * x.scale, max: (x.range.max - x.zero) * x.scale };
  return low.onGrid(x, gridOver(interval, low.precision === 'int16' ? 'int16' : 'int8'));
}

type Stage = ReturnType<Lowering['stage']>;

interface Extras {
  readonly bias?: TensorRef;
  readonly scale?: TensorRef;
}

/** Stores sums: scaled into the grid of what follows, or as they are. */
function emit(
  low: Lowering,
  output: ValueId,
  { bias, units }: Pick<Product, 'bias' | 'units'>,
  isExact: boolean,
  make: (extras: Extras, stage: Stage) => TensorRef,
): void {
  const offsets: Extras =
    bias === undefined ? {} : { bias: low.graph.constant({ type: 'int32', shape: [bias.length] }, bias) };
  if (isExact) {
    const unit = units[0] ?? 1;
    const stage: Stage = { outType: 'int32', zeroY: 0, low: -INT32_MAX - 1, high: INT32_MAX };
    const ref = make(offsets, stage);
    low.set(output, {
      type: 'int32',
      scale: unit,
      zero: 0,
      ref,
      shape: low.shapeOf(output),
      range: { min: stage.low, max: stage.high },
    });
    return;
  }
  storeSums(low, output, units, (scale, stage) => make({ ...offsets, scale }, stage));
}

/** Stores sums worth `units`, with all that follows them, by the node that `make` adds. */
export function storeSums(
  low: Lowering,
  output: ValueId,
  units: readonly number[],
  make: (scale: TensorRef, stage: Stage) => TensorRef,
): void {
  const tail: Tail = low.tailOf(output, true);
  const grid: Grid = low.gridOfTail(tail);
  const stage = low.stage(tail, grid);
  low.store(tail, make(low.scale(low.rows(units, grid, tail)), stage), grid, stage);
}

/** A product of two activations, or of one and a constant batch: one scale for each. */
function lowerProduct(low: Lowering, layer: LayerOf<'matmul'>): void {
  const [idA = 0, idB = 0, biasId] = layer.inputs;
  if (biasId !== undefined) throw unsupported(layer.where, 'a bias of a product of activations');
  const terms = low.shapeOf(idA).at(-1) ?? 1;
  const [left, right] = [operandOf(low, idA), operandOf(low, idB)];
  let [mostA, mostB] = [reachOf(left), reachOf(right)];
  while (mostA * mostB * terms > INT32_MAX)
    if (mostA >= mostB) mostA = Math.floor(mostA / 2);
    else mostB = Math.floor(mostB / 2);
  const [a, b] = [low.within(left, mostA), low.within(right, mostB)];
  const { transposeB } = layer.attributes;
  storeSums(low, layer.output, [a.scale * b.scale], (scale, stage) =>
    low.graph.node(
      'matmul',
      { a: a.ref, b: b.ref, scale },
      { transposeA: false, transposeB, zeroA: a.zero, zeroB: b.zero, ...stage },
    ),
  );
}
