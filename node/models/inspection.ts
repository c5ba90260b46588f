import { nodeWork } from '../../protocol/graph/meter.js';
import { firstNodeId } from '../../protocol/graph/graph.js';
import type { Program } from '../../protocol/graph/check.js';
import { encodeGraph } from '../../protocol/graph/encode.js';
import { elementCount } from '../../protocol/graph/tensors.js';

/** What the meter counts of one operator, over all nodes of its kind. */
export interface OperatorCount {
  readonly operator: string;
  readonly nodes: number;
  readonly macs: number;
  readonly steps: number;
}

export interface Inspection {
  readonly operators: readonly OperatorCount[];
  readonly parameters: number;
  readonly graphBytes: number;
  readonly work: Program['work'];
  /** Of one segment: multiply-accumulates, and four for each step. What time and price follow from. */
  readonly units: number;
}

export function inspectProgram(program: Program): Inspection {
  const { graph, tensors, work } = program;
  const counts = new Map<string, OperatorCount>();
  for (const [index, node] of graph.nodes.entries()) {
    const { macs, steps } = nodeWork(node, firstNodeId(graph) + index, tensors);
    const before = counts.get(node.op) ?? { operator: node.op, nodes: 0, macs: 0, steps: 0 };
    counts.set(node.op, {
      operator: node.op,
      nodes: before.nodes + 1,
      macs: before.macs + macs,
      steps: before.steps + steps,
    });
  }
  return {
    operators: [...counts.values()].sort((a, b) => b.macs + 4 * b.steps - (a.macs + 4 * a.steps)),
    parameters: graph.constants.reduce((sum, { shape }) => sum + elementCount(shape), 0),
    graphBytes: encodeGraph(graph).length,
    work,
    units: work.macs + 4 * work.steps,
  };
}
