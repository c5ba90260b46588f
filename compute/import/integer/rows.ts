import type { OutputStage } from '../../../protocol/graph/operators.js';
import type { DataType } from '../../../protocol/graph/tensors.js';
import { unsupported } from '../model-error.js';
import type { LayerOf } from '../network/network.js';
import { largestOf, multiplierOf, sameGrid, type Grid } from './grid.js';
import { storeSums } from './linear.js';
import { INT32_MAX, reachOf, type Lowered, type Lowering } from './lowering.js';

/** What shares of a softmax are written on. */
const SHARES: Readonly<Record<'int8' | 'uint8' | 'int16', Grid>> = {
  int8: { type: 'int8', scale: 2 ** -8, zero: -128 },
  uint8: { type: 'uint8', scale: 2 ** -8, zero: 0 },
  int16: { type: 'int16', scale: 2 ** -15, zero: 0 },
};

const ENDS: Readonly<Record<'int8' | 'uint8' | 'int16', Pick<OutputStage, 'low' | 'high'>>> = {
  int8: { low: -128, high: 127 },
  uint8: { low: 0, high: 255 },
  int16: { low: 0, high: 32_767 },
};

/** Shares come on a grid of their own; the model's, where it has one, is that or is moved to. */
export function lowerSoftmax(low: Lowering, layer: LayerOf<'softmax'>): void {
  const x = low.within(low.get(layer.inputs[0] ?? 0), 32_767);
  const tail = low.tailOf(layer.output);
  const wanted = tail.grid;
  const outType = shareType(low, wanted?.type);
  const grid = SHARES[outType];
  const scale = low.scale([multiplierOf(x.scale * Math.LOG2E * 256)]);
  const ref = low.graph.node('softmax', { x: x.ref, scale }, { outType });
  const shape = low.shapeOf(tail.value);
  const { low: min, high: max } = ENDS[outType];
  const shares: Lowered = { ...grid, ref, shape, range: { min, max } };
  if (wanted === undefined) low.set(tail.value, shares);
  else if (sameGrid(grid, wanted)) low.store(tail, ref, grid, ENDS[outType]);
  else low.set(tail.value, { ...low.onGrid(shares, wanted), scale: 1, zero: 0 });
}

function shareType(low: Lowering, wanted: DataType | undefined): 'int8' | 'uint8' | 'int16' {
  if (wanted === 'int8' || wanted === 'uint8') return wanted;
  return low.precision === 'int8' ? 'uint8' : 'int16';
}

/** Bits after the point of a normalised element. */
const NORMAL_BITS = 11;
const MAX_EPSILON = 65_536;

export function lowerLayerNorm(low: Lowering, layer: LayerOf<'layerNorm'>): void {
  const [id = 0, gammaId, betaId] = layer.inputs;
  const [gamma, beta] = [low.constantOf(gammaId)?.data, low.constantOf(betaId)?.data];
  if (gamma === undefined || beta === undefined)
    throw unsupported(layer.where, 'a scale or offset that is not a constant');
  // Products of a normalised element and gamma, and beta beside them, fit 32 bits.
  const step = Math.max(
    largestOf(gamma) / 32_767,
    (largestOf(beta) * 2 ** NORMAL_BITS) / (INT32_MAX / 2),
    1e-30,
  );
  const unit = step / 2 ** NORMAL_BITS;
  const most = Math.floor(INT32_MAX / 2 / 32_768);
  const gammas = Int16Array.from(gamma, (g) => Math.min(Math.max(Math.round(g / step), -most), most));
  const betas = Int32Array.from(beta, (b) => Math.round(b / unit));
  const x = normalised(low, low.within(low.get(id), 32_767), layer.attributes.epsilon);
  const epsilon = Math.max(epsilonOn(x, layer.attributes.epsilon), 1);
  const operands = {
    x: x.ref,
    gamma: low.graph.constant({ type: 'int16', shape: [gammas.length] }, gammas),
    beta: low.graph.constant({ type: 'int32', shape: [betas.length] }, betas),
  };
  storeSums(low, layer.output, [unit], (scale, stage) =>
    low.graph.node('layerNorm', { ...operands, scale }, { epsilon, ...stage }),
  );
}

/** Epsilon in units of the squares of what is normalised, of which bytes have 8 bits more. */
function epsilonOn({ type, scale }: Grid, epsilon: number): number {
  const finer = type === 'int16' ? 1 : 256;
  return Math.round((epsilon * finer ** 2) / scale ** 2);
}

/** A grid coarse enough for epsilon to be a number that the operator takes. */
function normalised(low: Lowering, x: Lowered, epsilon: number): Lowered {
  if (epsilonOn(x, epsilon) <= MAX_EPSILON) return x;
  const scale = Math.max(Math.sqrt(epsilon / MAX_EPSILON), (reachOf(x) * x.scale) / 32_767);
  return low.onGrid(x, { type: 'int16', scale, zero: 0 });
}

export function lowerReduce(low: Lowering, layer: LayerOf<'reduce'>): void {
  const { kind, axis } = layer.attributes;
  const given = low.get(layer.inputs[0] ?? 0);
  const shape = low.shapeOf(layer.output);
  if (kind === 'max') {
    low.set(layer.output, { ...given, ref: low.graph.node('reduceMax', { x: given.ref }, { axis }), shape });
    return;
  }
  const count = given.shape[axis] ?? 1;
  const x = low.within(given, Math.floor(INT32_MAX / count));
  const unit = kind === 'mean' ? x.scale / count : x.scale;
  storeSums(low, layer.output, [unit], (scale, stage) =>
    low.graph.node('reduceSum', { x: x.ref, scale }, { axis, zeroX: x.zero, ...stage }),
  );
}

export function lowerArgmax(low: Lowering, layer: LayerOf<'argmax'>): void {
  const { axis } = layer.attributes;
  const x = low.get(layer.inputs[0] ?? 0);
  const ref = low.graph.node('argmax', { x: x.ref }, { axis });
  const range = { min: 0, max: (x.shape[axis] ?? 1) - 1 };
  low.set(layer.output, { type: 'int32', scale: 1, zero: 0, ref, shape: low.shapeOf(layer.output), range });
}
