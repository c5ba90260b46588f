import type { FloatData, FloatTensor } from '../network/network.js';
import { multiplyRows } from './products.js';
import { operand, type FloatKernel } from './tensor.js';

/** Numbers of patches gathered at once: they stay in a core's cache. */
const PATCH_NUMBERS = 65_536;

/** Windows become rows of a matrix, which is multiplied with the weights, group by group. */
export const conv: FloatKernel<'conv'> = (inputs, attributes, y) => {
  const [x, weights, bias] = [operand(inputs, 0), operand(inputs, 1), inputs[2]];
  const [batch = 0, rows = 0, columns = 0, outputs = 0] = y.shape;
  const [, kernelHeight = 0, kernelWidth = 0, groupChannels = 0] = weights.shape;
  const { groups } = attributes;
  const terms = kernelHeight * kernelWidth * groupChannels;
  const groupOutputs = outputs / groups;
  const atOnce = Math.max(2, 2 * Math.floor(PATCH_NUMBERS / terms / 2));
  const patches = new Float32Array(atOnce * terms);
  const sums = new Float64Array(atOnce * groupOutputs);
  const pixels = batch * rows * columns;
  for (let group = 0; group < groups; group++) {
    const factors = weights.data.subarray(group * groupOutputs * terms, (group + 1) * groupOutputs * terms);
    for (let first = 0; first < pixels; first += atOnce) {
      const count = Math.min(atOnce, pixels - first);
      for (let i = 0; i < count; i++)
        gatherPatch(x, first + i, y.shape, weights.shape, attributes, group, patches, i * terms);
      multiplyRows(patches, count, factors, groupOutputs, terms, sums);
      for (let i = 0; i < count; i++) {
        const at = (first + i) * outputs + group * groupOutputs;
        for (let o = 0; o < groupOutputs; o++)
          y.data[at + o] = (sums[i * groupOutputs + o] ?? 0) + (bias?.data[group * groupOutputs + o] ?? 0);
      }
    }
  }
};

function gatherPatch(
  { shape: [, height = 0, width = 0, channels = 0], data }: FloatTensor,
  pixel: number,
  [, rows = 0, columns = 0]: readonly number[],
  [, kernelHeight = 0, kernelWidth = 0, count = 0]: readonly number[],
  window: Parameters<typeof conv>[1],
  group: number,
  patches: FloatData,
  start: number,
): void {
  const column = pixel % columns;
  const row = Math.floor(pixel / columns) % rows;
  const image = Math.floor(pixel / (columns * rows));
  let at = start;
  for (let tapRow = 0; tapRow < kernelHeight; tapRow++) {
    const inputRow = row * window.strideHeight - window.padTop + tapRow * window.dilationHeight;
    for (let tapColumn = 0; tapColumn < kernelWidth; tapColumn++) {
      const inputColumn = column * window.strideWidth - window.padLeft + tapColumn * window.dilationWidth;
      const isInside = inputRow >= 0 && inputRow < height && inputColumn >= 0 && inputColumn < width;
      const from = ((image * height + inputRow) * width + inputColumn) * channels + group * count;
      for (let channel = 0; channel < count; channel++)
        patches[at + channel] = isInside ? (data[from + channel] ?? 0) : 0;
      at += count;
    }
  }
}

export const matmul: FloatKernel<'matmul'> = (inputs, { transposeB }, y) => {
  const [a, b, bias] = [operand(inputs, 0), operand(inputs, 1), inputs[2]];
  const columns = y.shape.at(-1) ?? 1;
  const [rows, terms] = [a.shape.at(-2) ?? 1, a.shape.at(-1) ?? 1];
  const matrices = y.data.length / (rows * columns);
  const right = new Float32Array(columns * terms);
  const sums = new Float64Array(rows * columns);
  const matrixA = a.data.length / (rows * terms);
  for (let matrix = 0; matrix < matrices; matrix++) {
    if (matrix === 0 || b.shape.length > 2)
      gatherColumns(b.data, b.shape.length > 2 ? matrix : 0, terms, columns, transposeB, right);
    const from = (matrix % matrixA) * rows * terms;
    multiplyRows(a.data.subarray(from, from + rows * terms), rows, right, columns, terms, sums);
    const first = matrix * rows * columns;
    for (let i = 0; i < sums.length; i++) y.data[first + i] = (sums[i] ?? 0) + (bias?.data[i % columns] ?? 0);
  }
};

/** Columns of one matrix as rows. */
function gatherColumns(
  data: FloatData,
  matrix: number,
  terms: number,
  columns: number,
  isTransposed: boolean,
  target: Float32Array,
): void {
  const first = matrix * terms * columns;
  if (isTransposed) target.set(data.subarray(first, first + terms * columns));
  else
    for (let term = 0; term < terms; term++)
      for (let column = 0; column < columns; column++)
        target[column * terms + term] = data[first + term * columns + column] ?? 0;
}
