import type { Graph } from '../../../protocol/graph/graph.js';
import { TYPE_RANGES, type Range } from '../../../protocol/graph/tensors.js';
import type { Ranges } from '../calibrate.js';
import { unsupported } from '../model-error.js';
import type { LayerKind, LayerOf, Network, NetworkPort, ValueId } from '../network/network.js';
import {
  lowerClip,
  lowerCurve,
  lowerDequantise,
  lowerGather,
  lowerMul,
  lowerPrelu,
  lowerQuantise,
  lowerSum,
} from './elementwise.js';
import { gridOver, type Grid } from './grid.js';
import { lowerConcat, lowerKept } from './layout.js';
import { lowerConv, lowerMatmul } from './linear.js';
import { Lowering, MOVES, type Precision } from './lowering.js';
import { lowerArgmax, lowerLayerNorm, lowerReduce, lowerSoftmax } from './rows.js';

export interface LoweringOptions {
  readonly precision: Precision;
  /** What whole numbers of inputs and outputs stand for, by the model's names; of others it follows from what was seen. */
  readonly grids?: ReadonlyMap<string, Grid> | undefined;
}

/** An input or output of a program, and what its whole numbers stand for. */
export interface Port extends Grid {
  readonly name: string;
  readonly shape: readonly number[];
}

export interface LoweredNetwork {
  readonly graph: Graph;
  readonly weights: Uint8Array;
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
}

type Rule<Kind extends LayerKind> = (low: Lowering, layer: LayerOf<Kind>) => void;

const RULES: { readonly [Kind in LayerKind]: Rule<Kind> } = {
  conv: lowerConv,
  matmul: lowerMatmul,
  add: lowerSum,
  sub: lowerSum,
  mul: lowerMul,
  div: (_, { where }) => {
    throw unsupported(where, 'a quotient of two values that are not constants');
  },
  clip: lowerClip,
  prelu: lowerPrelu,
  curve: lowerCurve,
  softmax: lowerSoftmax,
  layerNorm: lowerLayerNorm,
  concat: lowerConcat,
  slice: lowerKept,
  pad: lowerKept,
  transpose: lowerKept,
  reshape: lowerKept,
  resize: lowerKept,
  depthToSpace: lowerKept,
  spaceToDepth: lowerKept,
  maxPool: lowerKept,
  averagePool: lowerKept,
  reduce: lowerReduce,
  argmax: lowerArgmax,
  gather: lowerGather,
  quantise: lowerQuantise,
  dequantise: lowerDequantise,
};

/**
 * The program of a network: whole numbers where it has fractions.
 *
 * @param ranges how far each value reaches, from calibration
 * @throws ModelError MODEL_UNSUPPORTED where a layer has no form in whole numbers
 */
export function lowerNetwork(network: Network, ranges: Ranges, options: LoweringOptions): LoweredNetwork {
  const { precision, grids } = options;
  const outputGrids = new Map<ValueId, Grid>();
  for (const { name, value } of network.outputs) {
    const grid = grids?.get(name);
    if (grid !== undefined) outputGrids.set(value, grid);
  }
  const low = new Lowering(network, ranges, precision, outputGrids);
  const inputs = network.inputs.map((port) => addInput(low, network, port, grids?.get(port.name)));
  for (const layer of network.layers) {
    if (low.isAbsorbed(layer)) continue;
    const rule = RULES[layer.kind] as Rule<LayerKind>;
    rule(low, layer);
  }
  const results = network.outputs.map(({ name, value }) => {
    const grid = outputGrids.get(value);
    const made = grid === undefined ? low.get(value) : low.onGrid(low.get(value), grid);
    return { made, port: { name, shape: made.shape, type: made.type, scale: made.scale, zero: made.zero } };
  });
  const { graph, weights } = low.graph.finish(results.map(({ made }) => made.ref));
  return { graph, weights, inputs, outputs: results.map(({ port }) => port) };
}

function addInput(low: Lowering, network: Network, port: NetworkPort, given: Grid | undefined): Port {
  const { name, value, integer } = port;
  const shape = low.shapeOf(value);
  const rows = integer === undefined ? undefined : indexedRows(network, value);
  const grid =
    integer === undefined
      ? (given ?? inputGrid(low, value))
      : ({ type: rows !== undefined && rows <= 32_768 ? 'int16' : integer, scale: 1, zero: 0 } as const);
  const range: Range = rows === undefined ? TYPE_RANGES[grid.type] : { min: 0, max: rows - 1 };
  const ref = low.graph.input({ type: grid.type, shape }, range);
  low.set(value, { ...grid, ref, shape, range });
  return { name, shape, type: grid.type, scale: grid.scale, zero: grid.zero };
}

function inputGrid(low: Lowering, value: ValueId): Grid {
  return low.precision === 'int8' ? gridOver(low.intervalOf(value), 'int8') : low.gridOf(value);
}

/** Rows of the tables that an input chooses from; undefined where it is no choice. */
function indexedRows({ layers, values }: Network, input: ValueId): number | undefined {
  const moved = new Set([input]);
  let rows: number | undefined;
  for (const layer of layers) {
    const [first = -1, indices = -1] = layer.inputs;
    if (MOVES.has(layer.kind) && moved.has(first)) moved.add(layer.output);
    if (layer.kind !== 'gather' || !moved.has(indices)) continue;
    const size = values[first]?.shape[0] ?? 1;
    rows = Math.min(rows ?? size, size);
  }
  return rows;
}
