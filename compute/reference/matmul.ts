import { lastTwo } from '../../protocol/graph/shapes/linear.js';
import { lastSize, sizeAt } from '../../protocol/graph/tensors.js';
import { outputOf, writeAll } from './output.js';
import { multiplyRows } from './products.js';
import type { Kernel, Tensor } from './tensor.js';

/** Rows of a are multiplied with columns of b, matrix after matrix of the batch. */
export const matmul: Kernel<'matmul'> = ({ a, b, bias, scale }, attributes, y) => {
  const { transposeA, transposeB, zeroA, zeroB } = attributes;
  const [rows, terms] = lastTwo(a.shape, transposeA);
  const [, columns] = lastTwo(b.shape, transposeB);
  const matrices = Math.floor(y.data.length / (rows * columns));
  const left = new Int32Array(rows * terms);
  const right = new Int32Array(columns * terms);
  const sums = new Int32Array(y.data.length);
  for (let matrix = 0; matrix < matrices; matrix++) {
    gatherMatrix(a, matrix, transposeA, zeroA, left);
    if (matrix === 0 || b.shape.length > 2) gatherMatrix(b, matrix, !transposeB, zeroB, right);
    const first = matrix * rows * columns;
    multiplyRows(left, rows, right, columns, terms, sums.subarray(first, first + rows * columns));
  }
  writeAll(outputOf(attributes, scale, bias), sums, y);
};

/** One matrix of a batch, less its zero point, its rows and columns swapped where asked. */
function gatherMatrix(
  { data, shape }: Tensor,
  matrix: number,
  isSwapped: boolean,
  zero: number,
  target: Int32Array,
): void {
  const [rows, columns] = [sizeAt(shape, shape.length - 2), lastSize(shape)];
  const first = matrix * rows * columns;
  const [rowStride, columnStride] = isSwapped ? [1, rows] : [columns, 1];
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++)
      target[row * rowStride + column * columnStride] = (data[first + row * columns + column] ?? 0) - zero;
}
