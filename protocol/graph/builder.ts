import { blobIdOf } from '../blob.js';
import { GRAPH_VERSION, type Graph, type GraphConstant, type GraphInput, type InputRole } from './graph.js';
import type {
  Attributes,
  GraphNode,
  OperandsAs,
  OperatorName,
  OutputStage,
  TensorId,
  WindowAttributes,
} from './operators.js';
import type { TensorData } from './tensor-data.js';
import { TYPE_RANGES, type DataType, type Range, type TensorType } from './tensors.js';
import { packWeights, rangeOfData } from './weights.js';

/** A tensor of a graph under construction; its id is known when the graph is finished. */
export interface TensorRef {
  readonly kind: 'input' | 'constant' | 'node';
  readonly index: number;
}

/** Writes a graph from front to back. It checks nothing: that is for `openProgram` to do. */
export interface GraphBuilder {
  /** @param range of its elements; all that the type holds where not given */
  input(tensor: TensorType, range?: Range, role?: InputRole): TensorRef;
  /** @param range promised of its elements; what they are where not given */
  constant(tensor: TensorType, data: TensorData, range?: Range): TensorRef;
  node<Op extends OperatorName>(
    op: Op,
    operands: OperandsAs<Op, TensorRef>,
    attributes: Attributes<Op>,
  ): TensorRef;
  finish(outputs: readonly TensorRef[]): { graph: Graph; weights: Uint8Array; constants: TensorData[] };
}

export function buildGraph(): GraphBuilder {
  const inputs: GraphInput[] = [];
  const constants: GraphConstant[] = [];
  const data: TensorData[] = [];
  const nodes: { op: OperatorName; operands: object; attributes: object }[] = [];
  const idOf = ({ kind, index }: TensorRef): TensorId => {
    if (kind === 'input') return index;
    return inputs.length + index + (kind === 'node' ? constants.length : 0);
  };
  const operandId = (operand: TensorRef | readonly TensorRef[]): TensorId | TensorId[] =>
    'kind' in operand ? idOf(operand) : operand.map(idOf);
  return {
    input: ({ type, shape }, range = TYPE_RANGES[type], role = 'item') => {
      inputs.push({ role, type, shape, min: range.min, max: range.max });
      return { kind: 'input', index: inputs.length - 1 };
    },
    constant: ({ type, shape }, elements, range = rangeOfData(elements)) => {
      constants.push({ type, shape, min: range.min, max: range.max });
      data.push(elements);
      return { kind: 'constant', index: constants.length - 1 };
    },
    node: (op, operands, attributes) => {
      nodes.push({ op, operands, attributes });
      return { kind: 'node', index: nodes.length - 1 };
    },
    finish: (outputs) => {
      const weights = packWeights(data);
      const finished = nodes.map(({ op, operands, attributes }) => {
        const refs = Object.entries(operands as Readonly<Record<string, TensorRef | undefined>>);
        const ids = refs.flatMap(([name, ref]) =>
          ref === undefined ? [] : [[name, operandId(ref)] as const],
        );
        return { op, operands: Object.fromEntries(ids), attributes } as unknown as GraphNode;
      });
      const graph: Graph = {
        version: GRAPH_VERSION,
        weightsHash: blobIdOf(weights),
        inputs: [...inputs],
        constants: [...constants],
        nodes: finished,
        outputs: outputs.map(idOf),
      };
      return { graph, weights, constants: [...data] };
    },
  };
}

/** The output stage that clamps to a type and does nothing else, with what differs from it. */
export function outputStage(outType: DataType, changes: Partial<OutputStage> = {}): OutputStage {
  const { min, max } = TYPE_RANGES[outType];
  return { outType, zeroY: 0, low: min, high: max, ...changes };
}

/** Windows side by side without padding, with what differs from it. */
export function windowOf(changes: Partial<WindowAttributes> = {}): WindowAttributes {
  return {
    strideHeight: 1,
    strideWidth: 1,
    padTop: 0,
    padBottom: 0,
    padLeft: 0,
    padRight: 0,
    ...changes,
  };
}
