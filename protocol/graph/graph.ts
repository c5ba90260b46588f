import type { GraphNode, TensorId } from './operators.js';
import type { Range, TensorType } from './tensors.js';

/** Version of the tensor machine that these rules describe. */
export const GRAPH_VERSION = 1;

/**
 * What an input is to a segment.
 *
 * - `item`: differs from segment to segment, a part of the job's input
 * - `state`: what the segment before left; the graph's outputs are the next state. A graph with any makes a chain of steps.
 */
export const INPUT_ROLES = ['item', 'state'] as const;

export type InputRole = (typeof INPUT_ROLES)[number];

export interface GraphInput extends TensorType, Range {
  readonly role: InputRole;
}

/** A tensor of the weights file, with the range its elements are promised to be in. */
export interface GraphConstant extends TensorType, Range {}

/** A program of the tensor machine. It is data: no loops, no branches, static shapes, one tensor for each node. */
export interface Graph {
  readonly version: number;
  /** Id of the blob that the weights file is (`protocol/blob.ts`): the constants in order, each from a multiple of 4 bytes on, zeros between. */
  readonly weightsHash: Uint8Array;
  readonly inputs: readonly GraphInput[];
  readonly constants: readonly GraphConstant[];
  /** Operands come before the node that uses them. */
  readonly nodes: readonly GraphNode[];
  readonly outputs: readonly TensorId[];
}

/** First tensor id that a node makes. */
export function firstNodeId({ inputs, constants }: Pick<Graph, 'inputs' | 'constants'>): TensorId {
  return inputs.length + constants.length;
}

/** The constant that a tensor id names, as its place in the list; undefined for other tensors. */
export function constantIndex(graph: Pick<Graph, 'inputs' | 'constants'>, id: TensorId): number | undefined {
  const index = id - graph.inputs.length;
  return index >= 0 && index < graph.constants.length ? index : undefined;
}

/** Whether segments of the program are a chain of steps rather than independent items. */
export function isStepGraph({ inputs }: Pick<Graph, 'inputs'>): boolean {
  return inputs.some(({ role }) => role === 'state');
}
