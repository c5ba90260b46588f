import { HASH_LENGTH } from '../crypto/hash.js';
import { checkNodeForm } from './encode-node.js';
import { encodeGraph, programHash } from './encode.js';
import { refuseFaults, type GraphFault, type GraphFaultCode } from './faults.js';
import { constantIndex, firstNodeId, GRAPH_VERSION, type Graph } from './graph.js';
import {
  MAX_GRAPH_BYTES,
  MAX_GRAPH_CONSTANTS,
  MAX_GRAPH_INPUTS,
  MAX_GRAPH_NODES,
  MAX_GRAPH_OUTPUTS,
  MAX_OPERANDS,
  MAX_PROGRAM_BYTES,
  MAX_SEGMENT_WORK,
  MAX_WEIGHT_BYTES,
} from './limits.js';
import { segmentWork, type TensorTypes, type Work } from './meter.js';
import { presentOperands, resolveOperands, type GraphNode, type TensorId } from './operators.js';
import { inferTensor } from './shapes/infer.js';
import { contains, sameShape, tensorFault, TYPE_RANGES, type Range, type TensorType } from './tensors.js';

/** A graph that passed every check that needs no weights. Whether its sums overflow is for `proveRanges` to say. */
export interface Program {
  readonly graph: Graph;
  readonly hash: Uint8Array;
  /** By tensor id: inputs, constants, nodes. */
  readonly tensors: TensorTypes;
  /** Of one segment. */
  readonly work: Work;
}

/** @throws GraphError with all that is wrong with the graph */
export function openProgram(graph: Graph): Program {
  const { faults, tensors } = checkGraph(graph);
  refuseFaults(faults);
  return { graph, hash: programHash(graph), tensors, work: segmentWork(graph, tensors) };
}

/** All that is wrong with a graph, and the type of each tensor when nothing is. */
export function checkGraph(graph: Graph): { faults: readonly GraphFault[]; tensors: TensorTypes } {
  const faults: GraphFault[] = [];
  checkCounts(graph, faults);
  if (faults.length > 0) return { faults, tensors: [] };
  checkDeclarations(graph, faults);
  const tensors: (TensorType | undefined)[] = [...graph.inputs, ...graph.constants];
  for (const [index, node] of graph.nodes.entries())
    tensors.push(checkNode(graph, node, index, tensors, faults));
  checkOutputs(graph, tensors, faults);
  checkUses(graph, faults);
  const known = tensors.filter((tensor) => tensor !== undefined);
  if (faults.length === 0) checkBounds(graph, known, faults);
  return { faults, tensors: known };
}

function checkCounts(graph: Graph, faults: GraphFault[]): void {
  const { version, inputs, constants, nodes, outputs } = graph;
  const refuse = (code: GraphFaultCode, message: string): void => {
    faults.push({ path: '$', code, message });
  };
  if (version !== GRAPH_VERSION) refuse('VERSION_UNKNOWN', `version ${version} is not ${GRAPH_VERSION}`);
  if (inputs.length === 0) refuse('NO_INPUT', 'a graph has an input');
  if (outputs.length === 0) refuse('NO_OUTPUT', 'a graph has an output');
  const counts: [string, number, number][] = [
    ['inputs', inputs.length, MAX_GRAPH_INPUTS],
    ['constants', constants.length, MAX_GRAPH_CONSTANTS],
    ['nodes', nodes.length, MAX_GRAPH_NODES],
    ['outputs', outputs.length, MAX_GRAPH_OUTPUTS],
  ];
  for (const [name, count, limit] of counts)
    if (count > limit) refuse('LIMIT_EXCEEDED', `${count} ${name} exceed ${limit}`);
}

function checkDeclarations({ inputs, constants, weightsHash }: Graph, faults: GraphFault[]): void {
  if (weightsHash.length !== HASH_LENGTH)
    faults.push({ path: 'weights', code: 'WEIGHTS_HASH', message: `a hash has ${HASH_LENGTH} bytes` });
  const check = (path: string, tensor: TensorType & Range): void => {
    const fault = tensorFault(tensor);
    if (fault !== undefined) faults.push({ path, code: 'SHAPE_INVALID', message: fault });
    const { type, min, max } = tensor;
    if (!Number.isInteger(min) || !Number.isInteger(max) || min > max || !contains(TYPE_RANGES[type], tensor))
      faults.push({ path, code: 'RANGE_INVALID', message: `${min} to ${max} is not a range of ${type}` });
  };
  for (const [index, input] of inputs.entries()) check(`inputs[${index}]`, input);
  for (const [index, constant] of constants.entries()) check(`constants[${index}]`, constant);
}

/** @returns undefined where the node, or one before it that it needs, is at fault */
function checkNode(
  graph: Graph,
  node: GraphNode,
  index: number,
  tensors: readonly (TensorType | undefined)[],
  faults: GraphFault[],
): TensorType | undefined {
  const before = faults.length;
  const report = (code: GraphFaultCode, message: string): void => {
    faults.push({ path: `nodes[${index}]`, code, message, node: index, operator: node.op });
  };
  checkNodeForm(node, index, faults);
  const operands = presentOperands(node);
  if (operands.length > MAX_OPERANDS)
    report('LIMIT_EXCEEDED', `${operands.length} operands exceed ${MAX_OPERANDS}`);
  for (const id of operands)
    if (!isTensorBefore(id, firstNodeId(graph) + index))
      report('OPERAND_UNKNOWN', `tensor ${id} is not made before this node`);
  checkConstantOperands(graph, node, report);
  if (faults.length > before) return undefined;
  const types = resolveOperands(node, (id) => tensors[id]);
  const tensor = types && inferTensor(node, types, report);
  return faults.length > before ? undefined : tensor;
}

/** Multipliers and tables are known before anything runs: what they can make is part of the proof. */
function checkConstantOperands(
  graph: Graph,
  node: GraphNode,
  report: (code: GraphFaultCode, message: string) => void,
): void {
  const operands: Readonly<Record<string, TensorId | readonly TensorId[] | undefined>> = node.operands;
  for (const name of ['scale', 'table']) {
    const id = operands[name];
    if (typeof id === 'number' && constantIndex(graph, id) === undefined)
      report('OPERAND_NOT_CONSTANT', `${name} is tensor ${id}, not a constant`);
  }
}

function checkOutputs(
  graph: Graph,
  tensors: readonly (TensorType | undefined)[],
  faults: GraphFault[],
): void {
  for (const [index, id] of graph.outputs.entries()) {
    if (!isTensorBefore(id, tensors.length))
      faults.push({
        path: `outputs[${index}]`,
        code: 'OPERAND_UNKNOWN',
        message: `tensor ${id} is not there`,
      });
  }
  const states = graph.inputs.filter(({ role }) => role === 'state');
  if (states.length === 0) return;
  if (states.length !== graph.outputs.length) {
    const message = `${graph.outputs.length} outputs do not renew ${states.length} states`;
    faults.push({ path: '$', code: 'STATE_MISMATCH', message });
  }
  for (const [index, state] of states.entries()) {
    const output = tensors[graph.outputs[index] ?? -1];
    if (output === undefined || (output.type === state.type && sameShape(output.shape, state.shape)))
      continue;
    const message = `${output.shape.join('×')} ${output.type} does not renew a state of ${state.shape.join('×')} ${state.type}`;
    faults.push({ path: `outputs[${index}]`, code: 'STATE_MISMATCH', message });
  }
}

/** Nothing is in a graph that its outputs do not need. */
function checkUses(graph: Graph, faults: GraphFault[]): void {
  const first = firstNodeId(graph);
  const used = new Set(graph.outputs);
  for (const [back, node] of graph.nodes.toReversed().entries()) {
    const index = graph.nodes.length - 1 - back;
    if (used.has(first + index)) for (const id of presentOperands(node)) used.add(id);
    else
      faults.push({
        path: `nodes[${index}]`,
        code: 'UNUSED',
        message: 'no output needs it',
        node: index,
        operator: node.op,
      });
  }
  const declared = [
    ...graph.inputs.map((_, index) => `inputs[${index}]`),
    ...graph.constants.map((_, index) => `constants[${index}]`),
  ];
  for (const [id, path] of declared.entries())
    if (!used.has(id)) faults.push({ path, code: 'UNUSED', message: 'no output needs it' });
}

function checkBounds(graph: Graph, tensors: TensorTypes, faults: GraphFault[]): void {
  const work = segmentWork(graph, tensors);
  const bounds: [string, number, number][] = [
    ['bytes of the encoded graph', encodeGraph(graph).length, MAX_GRAPH_BYTES],
    ['bytes of weights', work.weightBytes, MAX_WEIGHT_BYTES],
    ['bytes in use at once', work.memoryBytes, MAX_PROGRAM_BYTES],
    ['multiply-accumulates of a segment', work.macs, MAX_SEGMENT_WORK],
    ['steps of a segment', work.steps, MAX_SEGMENT_WORK],
  ];
  for (const [what, value, limit] of bounds)
    if (value > limit)
      faults.push({ path: '$', code: 'LIMIT_EXCEEDED', message: `${value} ${what} exceed ${limit}` });
}

function isTensorBefore(id: TensorId, end: number): boolean {
  return Number.isInteger(id) && id >= 0 && id < end;
}
