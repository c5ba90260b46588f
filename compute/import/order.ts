import { malformed } from './model-error.js';
import type { Model, ModelNode } from './model.js';

/** Whether every value is made once, before it is used, and every output is made at all. @throws ModelError naming the node */
export function checkOrder(model: Model): Model {
  const known = new Set<string>([...model.constants.keys(), ...model.inputs.map(({ name }) => name)]);
  for (const node of model.nodes) {
    for (const input of node.inputs)
      if (input !== '' && !known.has(input)) throw malformed(node.name, `nothing before it makes ${input}`);
    for (const output of node.outputs) {
      if (output === '') continue;
      if (known.has(output)) throw malformed(node.name, `${output} is made twice`);
      known.add(output);
    }
  }
  for (const { name } of model.outputs)
    if (!known.has(name)) throw malformed(name, 'nothing makes this output');
  return model;
}

/** Values that some node or the world uses, by how often. */
export function useCounts(model: Model): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  const use = (name: string): void => void counts.set(name, (counts.get(name) ?? 0) + 1);
  for (const { inputs } of model.nodes) inputs.forEach(use);
  for (const { name } of model.outputs) use(name);
  return counts;
}

/** The node that makes each value. */
export function makers(model: Model): ReadonlyMap<string, ModelNode> {
  return new Map(model.nodes.flatMap((node) => node.outputs.map((output) => [output, node] as const)));
}
