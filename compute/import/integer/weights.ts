import { allocateTensor, type TensorData } from '../../../protocol/graph/tensor-data.js';
import { TYPE_RANGES, type DataType } from '../../../protocol/graph/tensors.js';
import { largestOf } from './grid.js';
import type { FloatTensor } from '../network/network.js';

/** Weights as whole numbers, with a scale for each channel they make, outermost first: row `channel` holds its `terms`. */
export interface Weights {
  readonly type: DataType;
  readonly data: TensorData;
  readonly scales: readonly number[];
  readonly channels: number;
  readonly terms: number;
}

/** Numbers below this are as good as zero: a channel of them has no scale of its own. */
const LEAST_WEIGHT = 1e-30;

/** Beyond this a bias leaves no room for sums. */
const MOST_BIAS = 2 ** 30;

/**
 * Weights with one row for each channel, as bytes from −127 to 127, or the numbers that the model gives.
 *
 * @param unit what one step of the activations is worth: a bias must fit 32 bits beside the products
 */
export function quantiseWeights(
  { data, quantised }: FloatTensor,
  channels: number,
  bias: FloatTensor['data'] | undefined,
  unit: number,
): Weights {
  const terms = data.length / channels;
  if (quantised !== undefined && (quantised.scales.length === 1 || quantised.axis === 0)) {
    const type = typeFor(quantised.data);
    const scales = Array.from(
      { length: channels },
      (_, i) => quantised.scales[quantised.scales.length === 1 ? 0 : i] ?? 1,
    );
    const elements = allocateTensor(type, data.length);
    elements.set(quantised.data);
    return { type, data: elements, scales, channels, terms };
  }
  const elements = allocateTensor('int8', data.length);
  const scales = Array.from({ length: channels }, (_, channel) => {
    const row = data.subarray(channel * terms, (channel + 1) * terms);
    const largest = Math.max(largestOf(row), LEAST_WEIGHT);
    const scale = Math.max(largest / 127, Math.abs(bias?.[channel] ?? 0) / unit / MOST_BIAS);
    for (let i = 0; i < terms; i++) elements[channel * terms + i] = Math.round((row[i] ?? 0) / scale);
    return scale;
  });
  return { type: 'int8', data: elements, scales, channels, terms };
}

function typeFor(data: Float64Array): DataType {
  const fits = (type: DataType): boolean =>
    data.every((element) => element >= TYPE_RANGES[type].min && element <= TYPE_RANGES[type].max);
  return (['int8', 'uint8', 'int16'] as const).find(fits) ?? 'int32';
}

/** Bias in units of each channel's sums. */
export function quantiseBias(bias: FloatTensor['data'], units: readonly number[]): Int32Array {
  const { min, max } = TYPE_RANGES.int32;
  return Int32Array.from(units, (unit, channel) =>
    Math.min(Math.max(Math.round((bias[channel] ?? 0) / unit), min), max),
  );
}

/** Of all channels, the most that a sum comes to where activations less their zero point reach from `low` to `high`. */
export function largestSum(
  { data, channels, terms }: Weights,
  low: number,
  high: number,
  bias?: Int32Array,
): number {
  let largest = 0;
  for (let channel = 0; channel < channels; channel++) {
    let [positive, negative] = [0, 0];
    for (let i = 0; i < terms; i++) {
      const weight = data[channel * terms + i] ?? 0;
      if (weight > 0) positive += weight;
      else negative += weight;
    }
    const offset = bias?.[channel] ?? 0;
    const ends = [positive * low + negative * high + offset, positive * high + negative * low + offset];
    largest = Math.max(largest, ...ends.map(Math.abs));
  }
  return largest;
}
