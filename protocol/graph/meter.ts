import { constantIndex, firstNodeId, type Graph } from './graph.js';
import { DISPATCH_UNITS } from './limits.js';
import { presentOperands, type GraphNode, type TensorId } from './operators.js';
import { lastTwo } from './shapes/linear.js';
import { elementCount, sizeAt, tensorBytes, type TensorType } from './tensors.js';

/** What a node costs, told from the graph alone and equal on every machine. */
export interface NodeWork {
  /** Products added to a sum, padding included. */
  readonly macs: number;
  /** Visits of an element by anything else. */
  readonly steps: number;
  /** Of operands, each once, and of the result. */
  readonly bytes: number;
  /** Pieces of at most `DISPATCH_UNITS` units it is cut into. */
  readonly dispatches: number;
}

/** What one segment costs. */
export interface Work extends NodeWork {
  /** Constants, and the most that inputs, results and outputs take at once. */
  readonly memoryBytes: number;
  readonly weightBytes: number;
  /** Of all inputs, state included. */
  readonly inputBytes: number;
  readonly outputBytes: number;
}

const NOTHING: NodeWork = { macs: 0, steps: 0, bytes: 0, dispatches: 0 };

/** Types of a graph's tensors by id: inputs, constants, nodes. */
export type TensorTypes = readonly TensorType[];

/** Sum over all nodes, in exact whole numbers as long as it is within `MAX_SEGMENT_WORK`. */
export function segmentWork(graph: Graph, tensors: TensorTypes): Work {
  const first = firstNodeId(graph);
  const nodes = graph.nodes.map((node, index) => nodeWork(node, first + index, tensors)).reduce(sum, NOTHING);
  const weightBytes = weightsFileBytes(graph);
  return {
    ...nodes,
    memoryBytes: weightBytes + peakBytes(graph, tensors),
    weightBytes,
    inputBytes: graph.inputs.reduce((total, input) => total + tensorBytes(input), 0),
    outputBytes: graph.outputs.reduce((total, id) => total + bytesOf(id, tensors), 0),
  };
}

/** Cost of the node that makes tensor `id`. */
export function nodeWork(node: GraphNode, id: TensorId, tensors: TensorTypes): NodeWork {
  const operands = presentOperands(node);
  const { macs, steps } = countOf(
    node,
    typeOf(id, tensors),
    operands.map((operand) => typeOf(operand, tensors)),
  );
  if (macs + steps === 0) return NOTHING;
  return {
    macs,
    steps,
    bytes: operands.reduce((total, operand) => total + bytesOf(operand, tensors), bytesOf(id, tensors)),
    dispatches: Math.max(Math.ceil(workUnits({ macs, steps }) / DISPATCH_UNITS), piecesOf(node)),
  };
}

/** A step waits for memory, about as long as these many products take. */
const STEP_UNITS = 4;

/** What work is to a device, in the units that bound a dispatch. */
export function workUnits({ macs, steps }: Pick<NodeWork, 'macs' | 'steps'>): number {
  return macs + STEP_UNITS * steps;
}

/** Bytes of the file that holds all constants, each from a multiple of four bytes on. */
export function weightsFileBytes({ constants }: Pick<Graph, 'constants'>): number {
  return constants.reduce((total, constant) => total + alignedBytes(constant), 0);
}

export function alignedBytes(tensor: TensorType): number {
  return 4 * Math.ceil(tensorBytes(tensor) / 4);
}

function countOf(
  node: GraphNode,
  y: TensorType,
  [x = y, second = y]: readonly TensorType[],
): { macs: number; steps: number } {
  const made = elementCount(y.shape);
  switch (node.op) {
    case 'conv2d':
      return { macs: made * elementCount(second.shape.slice(1)), steps: made };
    case 'depthwiseConv2d':
      return { macs: made * elementCount(second.shape.slice(0, 2)), steps: made };
    case 'matmul':
      return { macs: made * sizeAt(lastTwo(x.shape, node.attributes.transposeA), 1), steps: made };
    case 'maxPool':
    case 'averagePool':
      return { macs: 0, steps: made * node.attributes.kernelHeight * node.attributes.kernelWidth };
    case 'reduceSum':
    case 'reduceMax':
    case 'argmax':
      return { macs: 0, steps: elementCount(x.shape) };
    case 'softmax':
    case 'layerNorm':
      return { macs: 0, steps: 4 * made };
    case 'resize':
      return { macs: 0, steps: (node.attributes.mode === 'bilinear' ? 4 : 1) * made };
    case 'reshape':
      return { macs: 0, steps: 0 };
    default:
      return { macs: 0, steps: made };
  }
}

function piecesOf(node: GraphNode): number {
  return node.op === 'concat' ? node.operands.parts.length : 1;
}

/** The most bytes alive at once when nodes run in order and a tensor is let go after its last use; outputs stay. */
function peakBytes(graph: Graph, tensors: TensorTypes): number {
  const first = firstNodeId(graph);
  const lastUse = lastUses(graph);
  let alive = graph.inputs.reduce((total, input) => total + tensorBytes(input), 0);
  let peak = alive;
  for (const [index, node] of graph.nodes.entries()) {
    alive += bytesOf(first + index, tensors);
    peak = Math.max(peak, alive);
    for (const operand of new Set(presentOperands(node))) {
      if (constantIndex(graph, operand) === undefined && lastUse.get(operand) === index)
        alive -= bytesOf(operand, tensors);
    }
  }
  return peak;
}

/** For each tensor the index of the last node that reads it; for outputs, one past the last node. */
export function lastUses(graph: Graph): Map<TensorId, number> {
  const last = new Map<TensorId, number>();
  for (const [index, node] of graph.nodes.entries())
    for (const operand of presentOperands(node)) last.set(operand, index);
  for (const output of graph.outputs) last.set(output, graph.nodes.length);
  return last;
}

function sum(a: NodeWork, b: NodeWork): NodeWork {
  return {
    macs: a.macs + b.macs,
    steps: a.steps + b.steps,
    bytes: a.bytes + b.bytes,
    dispatches: a.dispatches + b.dispatches,
  };
}

const UNKNOWN: TensorType = { type: 'int8', shape: [0] };

function typeOf(id: TensorId, tensors: TensorTypes): TensorType {
  return tensors[id] ?? UNKNOWN;
}

function bytesOf(id: TensorId, tensors: TensorTypes): number {
  return tensorBytes(typeOf(id, tensors));
}
