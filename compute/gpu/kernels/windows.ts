import type { Attributes } from '../../../protocol/graph/operators.js';
import { lastSize, sizeAt, type TensorType } from '../../../protocol/graph/tensors.js';
import { bilinearTaps, fractionBits, nearestTaps, type Taps } from '../../reference/resize.js';
import { elementPass, type View } from './elements.js';
import type { Lower } from './lower.js';

/** For an operand that is read wherever the kernel wants. */
export const ANYWHERE: View = { sizes: [], strides: [], offset: 0 };

/** `sign(value) · ⌊(|value| + ⌊divisor/2⌋) / divisor⌋` */
export const DIVIDE_ROUNDED = `
fn divide_rounded(value: i32, divisor: u32) -> i32 {
  let sign = u32(value >> 31u);
  let quotient = (((u32(value) ^ sign) - sign) + divisor / 2u) / divisor;
  return select(i32(quotient), -i32(quotient), value < 0);
}`;

/** Where place i of an image lies, as `image`, `row`, `column` and `channel`. */
export function pixelCode({ shape }: TensorType): string {
  const [, rows = 1, columns = 1, channels = 1] = shape;
  return `let channel = i % ${channels}u;
  let column = i / ${channels}u % ${columns}u;
  let row = i / ${channels * columns}u % ${rows}u;
  let image = i / ${channels * columns * rows}u;`;
}

/** Loops over the elements of x under the window of element i of y, each as `value`, their number as `inside`. */
function windowCode(x: TensorType, y: TensorType, window: Attributes<'maxPool'>, visit: string): string {
  const [, height = 1, width = 1, channels = 1] = x.shape;
  const { kernelHeight, kernelWidth, strideHeight, strideWidth, padTop, padLeft } = window;
  return `${pixelCode(y)}
  let top = i32(row) * ${strideHeight} - ${padTop};
  let left = i32(column) * ${strideWidth} - ${padLeft};
  let first_row = u32(max(top, 0));
  let end_row = u32(min(top + ${kernelHeight}, ${height}));
  let first_column = u32(max(left, 0));
  let end_column = u32(min(left + ${kernelWidth}, ${width}));
  let inside = (end_row - first_row) * (end_column - first_column);
  for (var r = first_row; r < end_row; r++) {
    for (var c = first_column; c < end_column; c++) {
      let value = load_x(((image * ${height}u + r) * ${width}u + c) * ${channels}u + channel);
      ${visit}
    }
  }`;
}

export const maxPool: Lower<'maxPool'> = ({ x }, attributes, y, { add: pass }) => {
  const element = `var most = i32(0x80000000u);
  ${windowCode(x, y, attributes, 'most = max(most, value);')}
  return most;`;
  pass(elementPass({ reads: { x }, views: { x: ANYWHERE }, y, element }));
};

export const averagePool: Lower<'averagePool'> = ({ x }, attributes, y, { add: pass }) => {
  const { countPadding, kernelHeight, kernelWidth, zeroX } = attributes;
  const divisor = countPadding ? `${kernelHeight * kernelWidth}u` : 'inside';
  pass(
    elementPass({
      reads: { x },
      views: { x: ANYWHERE },
      y,
      numbers: { zeroX },
      functions: DIVIDE_ROUNDED,
      element: `var sum = 0;
  ${windowCode(x, y, attributes, 'sum += value - params.zeroX;')}
  return params.zeroX + divide_rounded(sum, ${divisor});`,
    }),
  );
};

/** Which rows and columns an element lies between is told by tables: for each place the first, the second and the way towards it. */
export const resize: Lower<'resize'> = ({ x }, { height, width, mode, grid }, y, { add: pass, table }) => {
  const [, inputHeight = 1, inputWidth = 1] = x.shape;
  const channels = lastSize(x.shape);
  const isBilinear = mode === 'bilinear';
  const bits = isBilinear ? fractionBits(x.type === 'int16' ? 2 : 1) : 0;
  const taps = (input: number, output: number): Taps =>
    isBilinear ? bilinearTaps(input, output, grid, bits) : nearestTaps(input, output, grid);
  const rows = table(interleave(taps(inputHeight, height)));
  const columns = table(interleave(taps(inputWidth, width)));
  const at = (tapRow: string, tapColumn: string): string =>
    `load_x(((image * ${inputHeight}u + ${tapRow}) * ${inputWidth}u + ${tapColumn}) * ${channels}u + channel)`;
  const place = `${pixelCode(y)}
  let top = rows[3u * row];
  let left = columns[3u * column];`;
  const blended = `let bottom = rows[3u * row + 1u];
  let right = columns[3u * column + 1u];
  let down = i32(rows[3u * row + 2u]);
  let across = i32(columns[3u * column + 2u]);
  let above = ${at('top', 'left')} * (${2 ** bits} - across) + ${at('top', 'right')} * across;
  let below = ${at('bottom', 'left')} * (${2 ** bits} - across) + ${at('bottom', 'right')} * across;
  return (above * (${2 ** bits} - down) + below * down + ${2 ** Math.max(2 * bits - 1, 0)}) >> ${2 * bits}u;`;
  pass(
    elementPass({
      reads: { x, rows, columns },
      views: { x: ANYWHERE, rows: ANYWHERE, columns: ANYWHERE },
      y,
      element: `${place}\n  ${isBilinear ? blended : `return ${at('top', 'left')};`}`,
    }),
  );
};

function interleave({ first, second, fraction }: Taps): Int32Array {
  return Int32Array.from(
    { length: 3 * first.length },
    (_, i) => [first, second, fraction][i % 3]?.[Math.floor(i / 3)] ?? 0,
  );
}

/** Loops over the taps of a convolution that lie on the image, each as `tap_row`, `tap_column` and `pixel`, its place in x. */
export function tapsCode(
  { shape }: TensorType,
  kernelHeight: number,
  kernelWidth: number,
  attributes: Attributes<'depthwiseConv2d'>,
  visit: string,
): string {
  const { strideHeight, strideWidth, dilationHeight, dilationWidth, padTop, padLeft } = attributes;
  const [height, width] = [sizeAt(shape, 1), sizeAt(shape, 2)];
  return `for (var tap_row = 0u; tap_row < ${kernelHeight}u; tap_row++) {
    let input_row = i32(row * ${strideHeight}u + tap_row * ${dilationHeight}u) - ${padTop};
    if (input_row < 0 || input_row >= ${height}) { continue; }
    for (var tap_column = 0u; tap_column < ${kernelWidth}u; tap_column++) {
      let input_column = i32(column * ${strideWidth}u + tap_column * ${dilationWidth}u) - ${padLeft};
      if (input_column < 0 || input_column >= ${width}) { continue; }
      let pixel = ((image * ${height}u + u32(input_row)) * ${width}u + u32(input_column));
      ${visit}
    }
  }`;
}
