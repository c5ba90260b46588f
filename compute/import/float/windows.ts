import { bilinearTaps, nearestTaps } from '../../reference/resize.js';
import type { FloatTensor, LayerAttributes } from '../network/network.js';
import { operand, type FloatKernel } from './tensor.js';

export const maxPool: FloatKernel<'maxPool'> = (inputs, attributes, y) => {
  pool(operand(inputs, 0), attributes, y, true);
};

export const averagePool: FloatKernel<'averagePool'> = (inputs, attributes, y) => {
  pool(operand(inputs, 0), attributes, y, false, attributes.countPadding);
};

function pool(
  x: FloatTensor,
  window: LayerAttributes['maxPool'],
  y: FloatTensor,
  isMax: boolean,
  countPadding = false,
): void {
  const { kernelHeight, kernelWidth, strideHeight, strideWidth, padTop, padLeft } = window;
  const [, height = 0, width = 0, channels = 0] = x.shape;
  const [batch = 0, rows = 0, columns = 0] = y.shape;
  let at = 0;
  for (let image = 0; image < batch; image++)
    for (let row = 0; row < rows; row++) {
      const [top, bottom] = span(row, strideHeight, padTop, kernelHeight, height);
      for (let column = 0; column < columns; column++) {
        const [left, right] = span(column, strideWidth, padLeft, kernelWidth, width);
        const count = countPadding ? kernelHeight * kernelWidth : (bottom - top) * (right - left);
        for (let channel = 0; channel < channels; channel++) {
          let result = isMax ? -Infinity : 0;
          for (let i = top; i < bottom; i++)
            for (let j = left; j < right; j++) {
              const value = x.data[((image * height + i) * width + j) * channels + channel] ?? 0;
              result = isMax ? Math.max(result, value) : result + value;
            }
          y.data[at++] = isMax ? result : result / count;
        }
      }
    }
}

function span(place: number, stride: number, before: number, kernel: number, size: number): [number, number] {
  const first = place * stride - before;
  return [Math.max(first, 0), Math.min(first + kernel, size)];
}

/** Bits of the fractions between two pixels: as good as exact beside floats. */
const BITS = 24;

/** Places are those of the tensor machine: whole-number arithmetic, so that neither drifts from the other. */
export const resize: FloatKernel<'resize'> = (inputs, { height, width, mode, grid }, y) => {
  const { data, shape } = operand(inputs, 0);
  const [batch = 0, inputHeight = 0, inputWidth = 0, channels = 0] = shape;
  const taps = mode === 'nearest' ? nearestTaps : bilinearTaps;
  const rows = taps(inputHeight, height, grid, BITS);
  const columns = taps(inputWidth, width, grid, BITS);
  let at = 0;
  for (let image = 0; image < batch; image++)
    for (let row = 0; row < height; row++) {
      const down = (rows.fraction[row] ?? 0) / 2 ** BITS;
      for (let column = 0; column < width; column++) {
        const across = (columns.fraction[column] ?? 0) / 2 ** BITS;
        const pixel = (line: Int32Array, place: Int32Array): number =>
          ((image * inputHeight + (line[row] ?? 0)) * inputWidth + (place[column] ?? 0)) * channels;
        const corners = [
          pixel(rows.first, columns.first),
          pixel(rows.first, columns.second),
          pixel(rows.second, columns.first),
          pixel(rows.second, columns.second),
        ] as const;
        for (let channel = 0; channel < channels; channel++) {
          const [a = 0, b = 0, c = 0, d = 0] = corners.map((corner) => data[corner + channel] ?? 0);
          y.data[at++] = (a + (b - a) * across) * (1 - down) + (c + (d - c) * across) * down;
        }
      }
    }
};
