import { malformed } from './model-error.js';
import type { Model } from './model.js';

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
