import type { Attributes } from '../../protocol/graph/operators.js';
import type { Kernel } from './tensor.js';

type Grid = Attributes<'resize'>['grid'];

/** Of every output row or column: the two of the input it lies between, and how far it is from the first towards the second. */
export interface Taps {
  readonly first: Int32Array;
  readonly second: Int32Array;
  /** In units of 2^−bits. */
  readonly fraction: Int32Array;
}

/** Bits of a fraction: two fractions times an element, and the sum of four such, fit 32 bits. */
export function fractionBits(elementBytes: number): number {
  return elementBytes === 1 ? 10 : 7;
}

export const resize: Kernel<'resize'> = ({ x }, { height, width, mode, grid }, y) => {
  const [batch = 0, inputHeight = 0, inputWidth = 0, channels = 0] = x.shape;
  const bits = mode === 'bilinear' ? fractionBits(x.data.BYTES_PER_ELEMENT) : 0;
  const rows =
    mode === 'bilinear'
      ? bilinearTaps(inputHeight, height, grid, bits)
      : nearestTaps(inputHeight, height, grid);
  const columns =
    mode === 'bilinear' ? bilinearTaps(inputWidth, width, grid, bits) : nearestTaps(inputWidth, width, grid);
  const half = bits === 0 ? 0 : 1 << (2 * bits - 1);
  const at = (image: number, row: number, column: number): number =>
    ((image * inputHeight + row) * inputWidth + column) * channels;
  let target = 0;
  for (let image = 0; image < batch; image++) {
    for (let row = 0; row < height; row++) {
      const [top = 0, bottom = 0, down = 0] = [rows.first[row], rows.second[row], rows.fraction[row]];
      for (let column = 0; column < width; column++) {
        const [left = 0, right = 0] = [columns.first[column], columns.second[column]];
        const across = columns.fraction[column] ?? 0;
        const topLeft = at(image, top, left);
        const topRight = at(image, top, right);
        const bottomLeft = at(image, bottom, left);
        const bottomRight = at(image, bottom, right);
        for (let channel = 0; channel < channels; channel++) {
          const above = blend(x.data[topLeft + channel] ?? 0, x.data[topRight + channel] ?? 0, across, bits);
          const below = blend(
            x.data[bottomLeft + channel] ?? 0,
            x.data[bottomRight + channel] ?? 0,
            across,
            bits,
          );
          y.data[target++] = (blend(above, below, down, bits) + half) >> (2 * bits);
        }
      }
    }
  }
};

/** a·(2^bits − fraction) + b·fraction */
function blend(a: number, b: number, fraction: number, bits: number): number {
  return a * ((1 << bits) - fraction) + b * fraction;
}

/** The input element whose area, or place, each output element falls on. */
export function nearestTaps(input: number, output: number, grid: Grid): Taps {
  const first = Int32Array.from({ length: output }, (_, at) => {
    if (grid === 'asymmetric') return Math.floor((at * input) / output);
    if (grid === 'halfPixel') return Math.floor(((2 * at + 1) * input) / (2 * output));
    return output === 1 ? 0 : Math.floor((2 * at * (input - 1) + (output - 1)) / (2 * (output - 1)));
  });
  return { first, second: first, fraction: new Int32Array(output) };
}

/** Positions are exact fractions, held inside the input, and rounded down to 2^−bits. */
export function bilinearTaps(input: number, output: number, grid: Grid, bits: number): Taps {
  const first = new Int32Array(output);
  const second = new Int32Array(output);
  const fraction = new Int32Array(output);
  for (let at = 0; at < output; at++) {
    const [numerator, denominator] = position(at, input, output, grid);
    const held = Math.min(Math.max(numerator, 0), (input - 1) * denominator);
    const whole = Math.floor(held / denominator);
    first[at] = whole;
    second[at] = Math.min(whole + 1, input - 1);
    fraction[at] = Math.floor(((held - whole * denominator) * 2 ** bits) / denominator);
  }
  return { first, second, fraction };
}

function position(at: number, input: number, output: number, grid: Grid): [number, number] {
  if (grid === 'asymmetric') return [at * input, output];
  if (grid === 'halfPixel') return [(2 * at + 1) * input - output, 2 * output];
  return output === 1 ? [0, 1] : [at * (input - 1), output - 1];
}
