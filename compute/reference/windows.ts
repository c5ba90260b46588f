import type { Attributes } from '../../protocol/graph/operators.js';
import type { Kernel, Tensor } from './tensor.js';

/** Greatest element under each window; padding is not an element. */
export const maxPool: Kernel<'maxPool'> = ({ x }, attributes, y) => {
  eachWindow(x, attributes, y, (channel, rows, columns, at) => {
    let most = -0x8000_0000;
    for (let row = rows.begin; row < rows.end; row++)
      for (let column = columns.begin; column < columns.end; column++) {
        const value = x.data[row * columns.stride + column * channel.stride + channel.index] ?? 0;
        if (value > most) most = value;
      }
    y.data[at] = most;
  });
};

/** Mean of what is under each window, halves away from the zero point. */
export const averagePool: Kernel<'averagePool'> = ({ x }, attributes, y) => {
  const { kernelHeight, kernelWidth, countPadding, zeroX } = attributes;
  eachWindow(x, attributes, y, (channel, rows, columns, at) => {
    let sum = 0;
    for (let row = rows.begin; row < rows.end; row++)
      for (let column = columns.begin; column < columns.end; column++)
        sum += (x.data[row * columns.stride + column * channel.stride + channel.index] ?? 0) - zeroX;
    const inside = (rows.end - rows.begin) * (columns.end - columns.begin);
    y.data[at] = zeroX + divideRounded(sum, countPadding ? kernelHeight * kernelWidth : inside);
  });
};

/** sign(value) · ⌊(|value| + ⌊divisor/2⌋) / divisor⌋ */
export function divideRounded(value: number, divisor: number): number {
  const quotient = Math.floor((Math.abs(value) + Math.floor(divisor / 2)) / divisor);
  return value < 0 ? -quotient : quotient;
}

interface Span {
  begin: number;
  end: number;
  stride: number;
}

interface Channel {
  index: number;
  stride: number;
}

/** Visits every element of y with the part of its window that lies on the image. Spans are of rows of the whole batch and of columns. */
function eachWindow(
  x: Tensor,
  attributes: Attributes<'maxPool'>,
  y: Tensor,
  visit: (channel: Channel, rows: Span, columns: Span, at: number) => void,
): void {
  const { kernelHeight, kernelWidth, strideHeight, strideWidth, padTop, padLeft } = attributes;
  const [, height = 0, width = 0, channels = 0] = x.shape;
  const [batch = 0, outRows = 0, outColumns = 0] = y.shape;
  const rows: Span = { begin: 0, end: 0, stride: 1 };
  const columns: Span = { begin: 0, end: 0, stride: width * channels };
  const channel: Channel = { index: 0, stride: channels };
  let at = 0;
  for (let image = 0; image < batch; image++) {
    for (let row = 0; row < outRows; row++) {
      const top = row * strideHeight - padTop;
      rows.begin = image * height + Math.max(top, 0);
      rows.end = image * height + Math.min(top + kernelHeight, height);
      for (let column = 0; column < outColumns; column++) {
        const left = column * strideWidth - padLeft;
        columns.begin = Math.max(left, 0);
        columns.end = Math.min(left + kernelWidth, width);
        for (channel.index = 0; channel.index < channels; channel.index++)
          visit(channel, rows, columns, at++);
      }
    }
  }
}
