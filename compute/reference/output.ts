import { outputElement } from '../../protocol/graph/fixed-point.js';
import type { OutputStage } from '../../protocol/graph/operators.js';
import { lastSize } from '../../protocol/graph/tensors.js';
import type { Tensor } from './tensor.js';

/** How accumulators of one node become elements. */
export interface Output {
  readonly stage: OutputStage;
  readonly scale: Int32Array | undefined;
  /** Numbers in a row of the scale. */
  readonly columns: number;
  /** From one channel's row to the next: 0 where one row serves all. */
  readonly rowStride: number;
  readonly bias: ArrayLike<number> | undefined;
}

export function outputOf(stage: OutputStage, scale: Tensor | undefined, bias?: Tensor): Output {
  const [rows = 1, columns = 2] = scale?.shape ?? [];
  return {
    stage,
    scale: scale?.data as Int32Array | undefined,
    columns,
    rowStride: rows === 1 ? 0 : columns,
    bias: bias?.data,
  };
}

/** Writes `count` neighbouring channels of y, from the channel `first` on. */
export function writeChannels(
  { stage, scale, columns, rowStride, bias }: Output,
  sums: Int32Array,
  from: number,
  count: number,
  first: number,
  y: Tensor,
  at: number,
): void {
  const { data } = y;
  for (let i = 0; i < count; i++) {
    const channel = first + i;
    const sum = ((sums[from + i] ?? 0) + (bias === undefined ? 0 : (bias[channel] ?? 0))) | 0;
    data[at + i] = outputElement(sum, stage, scale, columns, channel * rowStride);
  }
}

/** Writes all of y from as many accumulators; its channels are its last dimension. */
export function writeAll(output: Output, sums: Int32Array, y: Tensor): void {
  const channels = lastSize(y.shape);
  for (let at = 0; at < sums.length; at += channels) writeChannels(output, sums, at, channels, 0, y, at);
}
