import type { Attributes } from '../../protocol/graph/operators.js';
import { outputOf, writeChannels } from './output.js';
import { centred, multiplyRows } from './products.js';
import type { Kernel } from './tensor.js';

/** Numbers of patches gathered at once: they stay in a core's cache. */
const PATCH_NUMBERS = 65_536;

interface Kernel2d extends Attributes<'depthwiseConv2d'> {
  readonly kernelHeight: number;
  readonly kernelWidth: number;
}

/** The window of every output pixel becomes a row of a matrix, which is multiplied with the weights, group by group. */
export const conv2d: Kernel<'conv2d'> = ({ x, weights, bias, scale }, attributes, y) => {
  const [batch = 0, rows = 0, columns = 0, outputs = 0] = y.shape;
  const [, kernelHeight = 0, kernelWidth = 0, groupChannels = 0] = weights.shape;
  const { groups, zeroX, zeroWeights } = attributes;
  const window = { ...attributes, kernelHeight, kernelWidth };
  const output = outputOf(attributes, scale, bias);
  const terms = kernelHeight * kernelWidth * groupChannels;
  const groupOutputs = Math.floor(outputs / groups);
  const input = centred(x.data, zeroX);
  const factors = centred(weights.data, zeroWeights);
  const atOnce = Math.max(2, 2 * Math.floor(PATCH_NUMBERS / terms / 2));
  const patches = new Int32Array(atOnce * terms);
  const sums = new Int32Array(atOnce * groupOutputs);
  const pixels = batch * rows * columns;
  for (let group = 0; group < groups; group++) {
    const groupFactors = factors.subarray(group * groupOutputs * terms, (group + 1) * groupOutputs * terms);
    for (let first = 0; first < pixels; first += atOnce) {
      const count = Math.min(atOnce, pixels - first);
      for (let i = 0; i < count; i++)
        gatherPatch(
          input,
          x.shape,
          first + i,
          y.shape,
          window,
          group * groupChannels,
          groupChannels,
          patches,
          i * terms,
        );
      multiplyRows(patches, count, groupFactors, groupOutputs, terms, sums);
      for (let i = 0; i < count; i++) {
        const at = (first + i) * outputs + group * groupOutputs;
        writeChannels(output, sums, i * groupOutputs, groupOutputs, group * groupOutputs, y, at);
      }
    }
  }
};

/** Elements under the window of one output pixel, `count` channels of each tap; zeros beyond the edge. */
function gatherPatch(
  input: Int32Array,
  [, height = 0, width = 0, channels = 0]: readonly number[],
  pixel: number,
  [, rows = 0, columns = 0]: readonly number[],
  {
    kernelHeight,
    kernelWidth,
    strideHeight,
    strideWidth,
    dilationHeight,
    dilationWidth,
    padTop,
    padLeft,
  }: Kernel2d,
  firstChannel: number,
  count: number,
  patches: Int32Array,
  start: number,
): void {
  const column = pixel % columns;
  const row = Math.floor(pixel / columns) % rows;
  const image = Math.floor(pixel / (columns * rows));
  let at = start;
  for (let tapRow = 0; tapRow < kernelHeight; tapRow++) {
    const inputRow = row * strideHeight - padTop + tapRow * dilationHeight;
    for (let tapColumn = 0; tapColumn < kernelWidth; tapColumn++) {
      const inputColumn = column * strideWidth - padLeft + tapColumn * dilationWidth;
      const isInside = inputRow >= 0 && inputRow < height && inputColumn >= 0 && inputColumn < width;
      const from = ((image * height + inputRow) * width + inputColumn) * channels + firstChannel;
      for (let channel = 0; channel < count; channel++)
        patches[at + channel] = isInside ? (input[from + channel] ?? 0) : 0;
      at += count;
    }
  }
}

/** Output channel c reads input channel ⌊c / multiplier⌋ alone. */
export const depthwiseConv2d: Kernel<'depthwiseConv2d'> = ({ x, weights, bias, scale }, attributes, y) => {
  const [, height = 0, width = 0, channels = 0] = x.shape;
  const [batch = 0, rows = 0, columns = 0, outputs = 0] = y.shape;
  const [kernelHeight = 0, kernelWidth = 0] = weights.shape;
  const { strideHeight, strideWidth, dilationHeight, dilationWidth, padTop, padLeft } = attributes;
  const output = outputOf(attributes, scale, bias);
  const input = centred(x.data, attributes.zeroX);
  const factors = centred(weights.data, attributes.zeroWeights);
  const multiplier = Math.floor(outputs / channels);
  const sums = new Int32Array(outputs);
  for (let pixel = 0; pixel < batch * rows * columns; pixel++) {
    const column = pixel % columns;
    const row = Math.floor(pixel / columns) % rows;
    const image = Math.floor(pixel / (columns * rows));
    sums.fill(0);
    for (let tapRow = 0; tapRow < kernelHeight; tapRow++) {
      const inputRow = row * strideHeight - padTop + tapRow * dilationHeight;
      if (inputRow < 0 || inputRow >= height) continue;
      for (let tapColumn = 0; tapColumn < kernelWidth; tapColumn++) {
        const inputColumn = column * strideWidth - padLeft + tapColumn * dilationWidth;
        if (inputColumn < 0 || inputColumn >= width) continue;
        const from = ((image * height + inputRow) * width + inputColumn) * channels;
        addTap(input, from, factors, (tapRow * kernelWidth + tapColumn) * outputs, multiplier, sums);
      }
    }
    writeChannels(output, sums, 0, outputs, 0, y, pixel * outputs);
  }
};

function addTap(
  input: Int32Array,
  from: number,
  factors: Int32Array,
  tap: number,
  multiplier: number,
  sums: Int32Array,
): void {
  let output = 0;
  for (let channel = from; output < sums.length; channel++) {
    const value = input[channel] ?? 0;
    for (const end = output + multiplier; output < end; output++)
      sums[output] = ((sums[output] ?? 0) + Math.imul(value, factors[tap + output] ?? 0)) | 0;
  }
}
