import { buildGraph, type GraphBuilder, type TensorRef } from '../../../protocol/graph/builder.js';
import { openProgram } from '../../../protocol/graph/check.js';
import { MAX_GRAPH_INPUTS } from '../../../protocol/graph/limits.js';
import { proveProgram, type ProvenProgram } from '../../../protocol/graph/prove.js';
import { allocateTensor, type TensorData } from '../../../protocol/graph/tensor-data.js';
import { elementCount, TYPE_RANGES, type DataType, type Range } from '../../../protocol/graph/tensors.js';

/** A program and what it is run on. What must come out, every machine has to find by itself. */
export interface Question {
  readonly name: string;
  readonly program: ProvenProgram;
  readonly inputs: readonly TensorData[];
}

/** What questions are made of: operands full of numbers from a sequence that is the same everywhere. */
export interface Material {
  readonly graph: GraphBuilder;
  /** Ends, zero and their neighbours as often as anything between. */
  readonly input: (type: DataType, shape: readonly number[], range?: Range) => TensorRef;
  readonly constant: (type: DataType, shape: readonly number[], range?: Range) => TensorRef;
  readonly given: (shape: readonly number[], data: Int32Array) => TensorRef;
}

/** @param ask gives the outputs of a graph, at most 16 */
export function makeQuestion(name: string, seed: number, ask: (material: Material) => TensorRef[]): Question {
  const graph = buildGraph();
  const next = sequence(seed);
  const inputs: TensorData[] = [];
  const fill = (type: DataType, shape: readonly number[], range: Range): TensorData => {
    const data = allocateTensor(type, elementCount(shape));
    for (let i = 0; i < data.length; i++) data[i] = elementOf(next, range);
    return data;
  };
  const outputs = ask({
    graph,
    // What a graph has no place for as an input is a constant: a device computes with both alike.
    input: (type, shape, range = TYPE_RANGES[type]) => {
      const data = fill(type, shape, range);
      if (inputs.length === MAX_GRAPH_INPUTS) return graph.constant({ type, shape }, data, range);
      inputs.push(data);
      return graph.input({ type, shape }, range);
    },
    constant: (type, shape, range = TYPE_RANGES[type]) =>
      graph.constant({ type, shape }, fill(type, shape, range)),
    given: (shape, data) => graph.constant({ type: 'int32', shape }, data),
  });
  const { graph: made, weights } = graph.finish(outputs);
  return { name, program: proveProgram(openProgram(made), weights), inputs };
}

function elementOf(next: () => number, { min, max }: Range): number {
  const [choice, word] = [next() % 12, next()];
  const edges = [min, max, 0, min + 1, max - 1, 1];
  const edge = edges[choice];
  if (edge !== undefined && edge >= min && edge <= max) return edge;
  return min + (word % (max - min + 1));
}

/** Xorshift of 32 bits. */
function sequence(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}
