import { elementCount } from '../model.js';
import { operand, type FloatKernel } from './tensor.js';

export const softmax: FloatKernel<'softmax'> = (inputs, _, y) => {
  const { data, shape } = operand(inputs, 0);
  const length = shape.at(-1) ?? 1;
  for (let row = 0; row < data.length; row += length) {
    let [most, sum] = [-Infinity, 0];
    for (let i = 0; i < length; i++) most = Math.max(most, data[row + i] ?? 0);
    for (let i = 0; i < length; i++) sum += y.data[row + i] = Math.exp((data[row + i] ?? 0) - most);
    for (let i = 0; i < length; i++) y.data[row + i] = (y.data[row + i] ?? 0) / sum;
  }
};

export const layerNorm: FloatKernel<'layerNorm'> = (inputs, { epsilon }, y) => {
  const [{ data, shape }, gamma, beta] = [operand(inputs, 0), operand(inputs, 1), operand(inputs, 2)];
  const length = shape.at(-1) ?? 1;
  for (let row = 0; row < data.length; row += length) {
    let [sum, squares] = [0, 0];
    for (let i = 0; i < length; i++) sum += data[row + i] ?? 0;
    const mean = sum / length;
    for (let i = 0; i < length; i++) squares += ((data[row + i] ?? 0) - mean) ** 2;
    const inverse = 1 / Math.sqrt(squares / length + epsilon);
    for (let i = 0; i < length; i++)
      y.data[row + i] = ((data[row + i] ?? 0) - mean) * inverse * (gamma.data[i] ?? 1) + (beta.data[i] ?? 0);
  }
};

export const reduce: FloatKernel<'reduce'> = (inputs, { kind, axis }, y) => {
  const { data, shape } = operand(inputs, 0);
  const length = shape[axis] ?? 1;
  eachLine(shape, axis, (first, stride, at) => {
    let result = kind === 'max' ? -Infinity : 0;
    for (let i = 0; i < length; i++) {
      const value = data[first + i * stride] ?? 0;
      result = kind === 'max' ? Math.max(result, value) : result + value;
    }
    y.data[at] = kind === 'mean' ? result / length : result;
  });
};

/** The first of equals. */
export const argmax: FloatKernel<'argmax'> = (inputs, { axis }, y) => {
  const { data, shape } = operand(inputs, 0);
  eachLine(shape, axis, (first, stride, at) => {
    let best = 0;
    for (let i = 1; i < (shape[axis] ?? 1); i++)
      if ((data[first + i * stride] ?? 0) > (data[first + best * stride] ?? 0)) best = i;
    y.data[at] = best;
  });
};

function eachLine(
  shape: readonly number[],
  axis: number,
  visit: (first: number, stride: number, at: number) => void,
): void {
  const length = shape[axis] ?? 1;
  const stride = elementCount(shape.slice(axis + 1));
  const lines = elementCount(shape) / length;
  for (let at = 0; at < lines; at++)
    visit(Math.floor(at / stride) * stride * length + (at % stride), stride, at);
}
