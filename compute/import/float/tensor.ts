import { elementCount } from '../model.js';
import type { FloatData, FloatTensor, LayerAttributes, LayerKind } from '../network/network.js';

/** Fills `y`, whose shape is known, with what a layer makes of its inputs. */
export type FloatKernel<Kind extends LayerKind> = (
  inputs: readonly FloatTensor[],
  attributes: LayerAttributes[Kind],
  y: FloatTensor,
) => void;

/** Results are doubles where an operand is, so that whole numbers stay whole. */
export function allocateFloat(shape: readonly number[], inputs: readonly FloatTensor[]): FloatTensor {
  const count = elementCount(shape);
  const isDouble = inputs.some(({ data }) => data instanceof Float64Array);
  return { shape, data: isDouble ? new Float64Array(count) : new Float32Array(count) };
}

const EMPTY: FloatTensor = { shape: [0], data: new Float32Array(0) };

/** The operand at a place where the shape rule has found one. */
export function operand(inputs: readonly FloatTensor[], place: number): FloatTensor {
  return inputs[place] ?? EMPTY;
}

/** The elements of a tensor repeated to fill `shape`, as ONNX and NumPy repeat them. */
export function repeatedTo({ shape: from, data }: FloatTensor, shape: readonly number[]): FloatData {
  const count = elementCount(shape);
  if (data.length === count) return data;
  const result = data instanceof Float64Array ? new Float64Array(count) : new Float32Array(count);
  const offset = shape.length - from.length;
  let stride = 1;
  const strides = shape.map(() => 0);
  for (let axis = from.length - 1; axis >= 0; axis--) {
    const size = from[axis] ?? 1;
    if (size !== 1) strides[offset + axis] = stride;
    stride *= size;
  }
  const place = shape.map(() => 0);
  let at = 0;
  for (let i = 0; i < count; i++) {
    result[i] = data[at] ?? 0;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const step = strides[axis] ?? 0;
      const next = (place[axis] ?? 0) + 1;
      if (next < (shape[axis] ?? 1)) {
        place[axis] = next;
        at += step;
        break;
      }
      place[axis] = 0;
      at -= step * (next - 1);
    }
  }
  return result;
}
