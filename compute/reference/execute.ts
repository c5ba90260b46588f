import { OgpuError } from '../../protocol/errors.js';
import { firstNodeId, type GraphInput } from '../../protocol/graph/graph.js';
import { lastUses } from '../../protocol/graph/meter.js';
import {
  presentOperands,
  resolveOperands,
  type GraphNode,
  type OperandsAs,
  type OperatorName,
} from '../../protocol/graph/operators.js';
import type { ProvenProgram } from '../../protocol/graph/prove.js';
import { allocateTensor, type TensorData } from '../../protocol/graph/tensor-data.js';
import { contains, elementCount } from '../../protocol/graph/tensors.js';
import { rangeOfData } from '../../protocol/graph/weights.js';
import { invariant } from '../../protocol/invariant.js';
import { conv2d, depthwiseConv2d } from './convolution.js';
import { add, cast, clamp, compare, gather, lookup, mul, requantise, select, sub } from './elementwise.js';
import { concat, depthToSpace, pad, reshape, slice, spaceToDepth, transpose } from './layout.js';
import { matmul } from './matmul.js';
import { resize } from './resize.js';
import { argmax, layerNorm, reduceMax, reduceSum, softmax } from './rows.js';
import type { Kernel, Tensor } from './tensor.js';
import { averagePool, maxPool } from './windows.js';

/** An input of a segment is not what the program takes. */
export class InputError extends OgpuError<
  'INPUT_COUNT' | 'INPUT_LENGTH' | 'INPUT_TYPE' | 'INPUT_OUT_OF_RANGE'
> {}

const KERNELS: { readonly [Op in OperatorName]: Kernel<Op> } = {
  conv2d,
  depthwiseConv2d,
  matmul,
  add,
  sub,
  mul,
  requantise,
  clamp,
  lookup,
  cast,
  compare,
  select,
  gather,
  concat,
  slice,
  pad,
  transpose,
  reshape,
  resize,
  depthToSpace,
  spaceToDepth,
  maxPool,
  averagePool,
  reduceSum,
  reduceMax,
  argmax,
  softmax,
  layerNorm,
};

/**
 * Runs one segment: the definition of what a program computes.
 *
 * @param inputs one for each input of the graph, in order
 * @returns outputs in order; one that is an input or constant shares its memory
 * @throws InputError where an input has another type or length, or an element outside the range that the graph declares
 */
export function executeProgram(program: ProvenProgram, inputs: readonly TensorData[]): TensorData[] {
  const { graph, tensors, constants } = program;
  checkInputs(graph.inputs, inputs);
  const first = firstNodeId(graph);
  const lastUse = lastUses(graph);
  const live = new Map<number, Tensor>();
  for (const [id, data] of [...inputs, ...constants].entries()) {
    const tensor = tensors[id];
    if (tensor !== undefined) live.set(id, { ...tensor, data });
  }
  for (const [index, node] of graph.nodes.entries()) {
    const made = tensors[first + index];
    const operands = resolveOperands(node, (id) => live.get(id));
    invariant(made !== undefined && operands !== undefined, 'a checked node has its operands');
    const y = { ...made, data: allocateTensor(made.type, elementCount(made.shape)) };
    executeNode(node, operands, y);
    live.set(first + index, y);
    for (const id of presentOperands(node)) if (lastUse.get(id) === index) live.delete(id);
  }
  return graph.outputs.flatMap((id) => live.get(id)?.data ?? []);
}

/** Fills `y` with what a node makes of its operands. */
export function executeNode(
  { op, attributes }: GraphNode,
  operands: OperandsAs<OperatorName, Tensor>,
  y: Tensor,
): void {
  const kernel = KERNELS[op] as Kernel<OperatorName>;
  kernel(operands, attributes, y);
}

/** @throws InputError */
export function checkInputs(declared: readonly GraphInput[], inputs: readonly TensorData[]): void {
  if (inputs.length !== declared.length)
    throw new InputError('INPUT_COUNT', `${inputs.length} inputs are not ${declared.length}`, {
      expected: declared.length,
      received: inputs.length,
    });
  for (const [index, input] of declared.entries()) {
    const data = inputs[index];
    invariant(data !== undefined, 'inputs were counted');
    const like = allocateTensor(input.type, 0);
    if (data.constructor !== like.constructor)
      throw new InputError('INPUT_TYPE', `input ${index} is not ${input.type}`, { index, type: input.type });
    const expected = elementCount(input.shape);
    if (data.length !== expected)
      throw new InputError('INPUT_LENGTH', `input ${index} has ${data.length} elements, not ${expected}`, {
        index,
        expected,
        received: data.length,
      });
    const range = rangeOfData(data);
    if (!contains(input, range))
      throw new InputError(
        'INPUT_OUT_OF_RANGE',
        `input ${index} holds ${range.min} to ${range.max}, beyond ${input.min} to ${input.max}`,
        { index, ...range, allowed: { min: input.min, max: input.max } },
      );
  }
}
