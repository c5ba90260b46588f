import { buildGraph, outputStage, windowOf, type TensorRef } from '../../../protocol/graph/builder.js';
import type { OutputStage } from '../../../protocol/graph/operators.js';
import type { TensorData } from '../../../protocol/graph/tensor-data.js';
import { TYPE_RANGES, type DataType } from '../../../protocol/graph/tensors.js';
import type { Prng } from '../prng.js';
import { between, randomData, type TensorCase } from './cases.js';

const FACTORS: readonly DataType[] = ['int8', 'uint8', 'int16'];

/** A product or a convolution with rows enough for the larger tiles of a device: whole ones, and ones that end in the middle. */
export function largeProduct(prng: Prng): TensorCase {
  const graph = buildGraph();
  const inputs: TensorData[] = [];
  const operand = (type: DataType, shape: readonly number[], isConstant: boolean): TensorRef => {
    const range = type === 'int16' ? { min: -1000, max: 1000 } : TYPE_RANGES[type];
    const data = randomData(prng, { type, shape }, range);
    if (isConstant) return graph.constant({ type, shape }, data);
    inputs.push(data);
    return graph.input({ type, shape }, range);
  };
  const [type, weightType, outType] = [
    prng.pick(FACTORS),
    prng.pick(FACTORS),
    prng.pick([...FACTORS, 'int32'] as const),
  ];
  const zero = (of: DataType): number =>
    prng.chance(1, 3) ? 0 : between(prng, of === 'uint8' ? 0 : -99, 99);
  const outputs = 4 * between(prng, 1, 6);
  const channels = prng.pick([1, outputs]);
  const pairs = Int32Array.from({ length: 2 * channels }, (_, i) =>
    i % 2 === 0 ? 2 ** 30 + prng.below(2 ** 29) : between(prng, 34, 42),
  );
  const scale = graph.constant({ type: 'int32', shape: [channels, 2] }, pairs);
  const stage: OutputStage = outputStage(outType);
  const zeros = [zero(type), zero(weightType)] as const;
  if (prng.chance(1, 2)) {
    const [batch, rows, terms] = [prng.pick([1, 2]), between(prng, 100, 1100), between(prng, 1, 40)];
    const a = operand(type, [batch, rows, terms], false);
    const b = operand(
      weightType,
      prng.chance(1, 2) ? [batch, outputs, terms] : [outputs, terms],
      prng.chance(1, 2),
    );
    const attributes = { transposeA: false, transposeB: true, zeroA: zeros[0], zeroB: zeros[1], ...stage };
    return { ...graph.finish([graph.node('matmul', { a, b, scale }, attributes)]), inputs };
  }
  const groups = outputs % 8 === 0 ? prng.pick([1, 2]) : 1;
  const [kernel, run, size] = [between(prng, 1, 3), between(prng, 1, 9), between(prng, 10, 30)];
  const x = operand(type, [1, size, size + 3, run * groups], false);
  const weights = operand(weightType, [outputs, kernel, kernel, run], true);
  const window = windowOf({
    padTop: prng.below(kernel),
    padRight: prng.below(kernel),
    strideWidth: between(prng, 1, 2),
  });
  const rest = { dilationHeight: 1, dilationWidth: 1, groups, zeroX: zeros[0], zeroWeights: zeros[1] };
  const y = graph.node('conv2d', { x, weights, scale }, { ...window, ...rest, ...stage });
  return { ...graph.finish([y]), inputs };
}
