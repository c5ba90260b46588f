import {
  buildGraph,
  outputStage,
  windowOf,
  type GraphBuilder,
  type TensorRef,
} from '../../../protocol/graph/builder.js';
import { openProgram } from '../../../protocol/graph/check.js';
import { proveProgram, type ProvenProgram } from '../../../protocol/graph/prove.js';
import { createPrng } from '../prng.js';

export interface BuiltProgram {
  readonly program: ProvenProgram;
  readonly weights: Uint8Array;
}

export function buildProgram(build: (graph: GraphBuilder) => TensorRef[]): BuiltProgram {
  const graph = buildGraph();
  const { graph: made, weights } = graph.finish(build(graph));
  return { program: proveProgram(openProgram(made), weights), weights };
}

/**
 * Enlarges an image twice as super-resolution networks do: a first convolution, dense blocks whose layers read all that came before them in
 * the block, a skip over each block, more pixels out of channels.
 */
export function enlargingNetwork(size: number, width: number, blocks: number, layers = 2): BuiltProgram {
  const prng = createPrng(width + blocks);
  return buildProgram((graph) => {
    const scale = graph.constant({ type: 'int32', shape: [1, 2] }, Int32Array.of(2 ** 30, 39));
    const convolve = (x: TensorRef, inputs: number, outputs: number, zeroX = 0): TensorRef => {
      const shape = [outputs, 3, 3, inputs];
      const data = Int8Array.from(prng.bytes(outputs * 9 * inputs));
      const weights = graph.constant({ type: 'int8', shape }, data);
      const bias = Int32Array.from({ length: outputs }, () => (prng.u32() | 0) >> 16);
      return graph.node(
        'conv2d',
        { x, weights, scale, bias: graph.constant({ type: 'int32', shape: [outputs] }, bias) },
        {
          ...windowOf({ padTop: 1, padBottom: 1, padLeft: 1, padRight: 1 }),
          ...{ dilationHeight: 1, dilationWidth: 1, groups: 1, zeroX, zeroWeights: 0 },
          ...outputStage('int8', { low: zeroX === 0 ? -128 : -100 }),
        },
      );
    };
    const sum = Int32Array.of(2 ** 30, 15, 2 ** 28, 15, 2 ** 30, 45);
    const sumScale = graph.constant({ type: 'int32', shape: [1, 6] }, sum);
    let x = convolve(graph.input({ type: 'uint8', shape: [1, size, size, 3] }), 3, width, 7);
    for (let block = 0; block < blocks; block++) {
      const parts = [x];
      for (let layer = 0; layer < layers; layer++) {
        const joined = layer === 0 ? x : graph.node('concat', { parts: [...parts] }, { axis: 3 });
        parts.push(convolve(joined, width * (layer + 1), width));
      }
      const last = parts.at(-1) ?? x;
      x = graph.node(
        'add',
        { a: x, b: last, scale: sumScale },
        { zeroA: 0, zeroB: 0, ...outputStage('int8') },
      );
    }
    const deep = convolve(x, width, 12);
    return [graph.node('depthToSpace', { x: deep }, { block: 2, order: 'channelFirst' })];
  });
}
