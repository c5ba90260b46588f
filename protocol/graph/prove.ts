import { invariant } from '../invariant.js';
import type { Program } from './check.js';
import { refuseFaults, type GraphFault } from './faults.js';
import { firstNodeId } from './graph.js';
import { resolveOperands } from './operators.js';
import { inferRange } from './ranges/infer.js';
import type { Known } from './ranges/rules.js';
import type { TensorData } from './tensor-data.js';
import { contains, type Range } from './tensors.js';
import { openWeights, rangeOfData } from './weights.js';

/** A program with its weights, of which it is proved that nothing overflows whatever its inputs are. Only such programs run. */
export interface ProvenProgram extends Program {
  readonly constants: readonly TensorData[];
  /** Of every tensor, by id. */
  readonly ranges: readonly Range[];
}

/** @throws GraphError where the weights are not the graph's, or a sum may overflow, an index miss, a state leave its range */
export function proveProgram(program: Program, weightsFile: Uint8Array): ProvenProgram {
  const constants = openWeights(program.graph, weightsFile);
  const { ranges, faults } = proveRanges(program, constants);
  refuseFaults(faults);
  return { ...program, constants, ranges };
}

/**
 * Ranges of all tensors by interval arithmetic, and what they forbid.
 *
 * Without `constants` their declared ranges stand for them. That is a weaker proof: a fault then means "not proved without weights", while
 * no fault holds for any weights that keep the declared ranges and whose multipliers are ones.
 */
export function proveRanges(
  { graph, tensors }: Program,
  constants?: readonly TensorData[],
): { ranges: readonly Range[]; faults: readonly GraphFault[] } {
  const faults: GraphFault[] = [];
  const known: Known[] = [
    ...graph.inputs.map((input) => ({ tensor: input, range: input, data: undefined })),
    ...graph.constants.map((constant, index) => {
      const data = constants?.[index];
      return { tensor: constant, range: data === undefined ? constant : rangeOfData(data), data };
    }),
  ];
  for (const [index, node] of graph.nodes.entries()) {
    const operands = resolveOperands(node, (id) => known[id]);
    const tensor = tensors[firstNodeId(graph) + index];
    invariant(operands !== undefined && tensor !== undefined, 'a checked node has its operands');
    const range = inferRange(node, operands, (code, message) => {
      faults.push({ path: `nodes[${index}]`, code, message, node: index, operator: node.op });
    });
    known.push({ tensor, range, data: undefined });
  }
  const states = graph.inputs.filter(({ role }) => role === 'state');
  for (const [index, state] of states.entries()) {
    const range = known[graph.outputs[index] ?? -1]?.range ?? state;
    if (contains(state, range)) continue;
    const message = `renews a state of ${state.min} to ${state.max} with ${range.min} to ${range.max}`;
    faults.push({ path: `outputs[${index}]`, code: 'STATE_RANGE', message });
  }
  return { ranges: known.map(({ range: { min, max } }) => ({ min, max })), faults };
}
