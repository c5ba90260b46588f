import { z } from 'zod';
import { MAX_NODES } from '../limits.js';
import { malformed, ModelError, tooLarge, unsupported } from '../model-error.js';
import type { Model, ModelNode, ModelTensor, ModelValue } from '../model.js';
import { checkOrder } from '../order.js';
import { LAYERS, type LayerContext } from './layers.js';
import { manifestSchema, readWeights, type Manifest } from './weights.js';

const name = z.string().min(1).max(512);
const reference = z.tuple([name, z.int().min(0), z.int().min(0)]).rest(z.unknown());
const layerSchema = z.object({
  class_name: z.string().max(128),
  name: name.optional(),
  config: z.record(z.string(), z.unknown()),
  inbound_nodes: z.array(z.array(reference).max(1024)).max(1).optional(),
});
const topologySchema = z.object({
  class_name: z.enum(['Functional', 'Model', 'Sequential']),
  config: z.object({
    layers: z.array(layerSchema).max(MAX_NODES),
    input_layers: z.array(reference).max(64).optional(),
    output_layers: z.array(reference).max(64).optional(),
  }),
});
const fileSchema = z.object({
  format: z.literal('layers-model').optional(),
  modelTopology: z.union([
    z.object({ model_config: topologySchema }).transform((t) => t.model_config),
    topologySchema,
  ]),
  weightsManifest: manifestSchema,
});

type File = z.infer<typeof fileSchema>;
type KerasLayer = z.infer<typeof layerSchema>;

/** Bytes of `model.json`: the weights are not in it. */
export const MAX_TOPOLOGY_BYTES = 16 * 1024 * 1024;

/** Files of weights that a `model.json` names, all in its own folder. @throws ModelError */
export function shardNames(json: Uint8Array): readonly string[] {
  return readFile(json).weightsManifest.flatMap(({ paths }: Manifest[number]) => paths);
}

/**
 * A layers model of TensorFlow.js, from its `model.json` and the files of weights that names.
 *
 * @throws ModelError naming the layer or weight, or all layers that are not imported; nothing else, whatever the bytes are
 */
export function parseTfjs(json: Uint8Array, shards: ReadonlyMap<string, Uint8Array>): Model {
  const { modelTopology, weightsManifest } = readFile(json);
  const layers = modelTopology.config.layers.map((layer, index) => ({
    ...layer,
    name: nameOf(layer, index),
  }));
  refuseUnknown(layers);
  const weights = readWeights(weightsManifest, shards);
  const build = new Builder(weights);
  let previous: string | undefined;
  for (const layer of layers) {
    const inputs =
      layer.inbound_nodes?.[0]?.map(([from]) => from) ?? (previous === undefined ? [] : [previous]);
    build.addLayer(layer, inputs);
    previous = layer.name;
  }
  const outputs =
    modelTopology.config.output_layers?.map(([from]) => from) ?? (previous === undefined ? [] : [previous]);
  return build.model(outputs);
}

function readFile(json: Uint8Array): File {
  if (json.length > MAX_TOPOLOGY_BYTES) throw tooLarge('model.json', 'bytes', MAX_TOPOLOGY_BYTES);
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(json));
  } catch {
    throw malformed('model.json', 'not JSON');
  }
  const result = fileSchema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw malformed(
    `model.json ${issue?.path.join('.').slice(0, 200) ?? ''}`,
    issue?.message ?? 'no layers model',
  );
}

function nameOf(layer: KerasLayer, index: number): string {
  const { name: configured } = layer.config;
  return (
    layer.name ??
    (typeof configured === 'string' && configured !== '' ? configured.slice(0, 512) : `layer ${index}`)
  );
}

/** All of them at once, so that nobody meets the second after having mended the first. */
function refuseUnknown(layers: readonly (KerasLayer & { readonly name: string })[]): void {
  const unknown = layers.filter(
    ({ class_name: kind }) => kind !== 'InputLayer' && !Object.hasOwn(LAYERS, kind),
  );
  const [first] = unknown;
  if (first === undefined) return;
  if (unknown.length === 1) throw unsupported(first.name, `the layer ${first.class_name}`);
  const what = unknown.slice(0, 64).map(({ name: n, class_name: kind }) => `${kind} (${n})`);
  throw new ModelError('MODEL_UNSUPPORTED', `these layers are not imported: ${what.join(', ')}`, {
    where: first.name,
    what,
  });
}

class Builder {
  private readonly nodes: ModelNode[] = [];
  private readonly inputs: ModelValue[] = [];
  private readonly constants = new Map<string, ModelTensor>();
  /** The value that each layer hands on. */
  private readonly results = new Map<string, string>();
  private readonly weights: ReadonlyMap<string, ModelTensor>;

  constructor(weights: ReadonlyMap<string, ModelTensor>) {
    this.weights = weights;
  }

  addLayer(layer: KerasLayer & { readonly name: string }, from: readonly string[]): void {
    if (this.results.has(layer.name)) throw malformed(layer.name, 'two layers of one name');
    if (layer.class_name === 'InputLayer' || this.inputs.length === 0) this.addInput(layer);
    if (layer.class_name === 'InputLayer') return;
    const given = from.length === 0 ? [INPUT_OF(layer.name)] : from;
    const inputs = given.map((source) => {
      const value = this.results.get(source);
      if (value === undefined) throw malformed(layer.name, `nothing before it is called ${source}`);
      return value;
    });
    const build = LAYERS[layer.class_name];
    if (build === undefined) throw unsupported(layer.name, `the layer ${layer.class_name}`);
    this.results.set(layer.name, build(this.context(layer, inputs)));
  }

  model(outputs: readonly string[]): Model {
    const values = outputs.map((layer): ModelValue => {
      const value = this.results.get(layer);
      if (value === undefined) throw malformed(layer, 'an output that no layer makes');
      return { name: value, dtype: 'float32', shape: [] };
    });
    if (values.length === 0) throw malformed('model.json', 'no output');
    const { inputs, nodes, constants } = this;
    return checkOrder({
      source: 'tfjs',
      opset: 18,
      layout: 'channels-last',
      inputs,
      outputs: values,
      nodes,
      constants,
    });
  }

  /** A sequence may begin with a layer that says itself what comes in. */
  private addInput({ name: layer, class_name: kind, config }: KerasLayer & { readonly name: string }): void {
    const shape = z.array(z.int().min(1).nullable()).min(1).max(8).safeParse(config['batch_input_shape']);
    if (!shape.success) throw malformed(layer, 'an input of no shape');
    const value = kind === 'InputLayer' ? layer : INPUT_OF(layer);
    this.results.set(value, value);
    this.inputs.push({ name: value, dtype: 'float32', shape: shape.data });
  }

  private context(layer: KerasLayer & { readonly name: string }, inputs: readonly string[]): LayerContext {
    return {
      name: layer.name,
      config: layer.config,
      inputs,
      weight: (suffix) => {
        const tensor = this.weights.get(`${layer.name}/${suffix}`);
        if (tensor === undefined) throw malformed(layer.name, `no weight ${suffix}`);
        return tensor;
      },
      constant: (suffix, tensor) => {
        const value = `${layer.name}/${suffix}`;
        this.constants.set(value, tensor);
        return value;
      },
      add: (operator, from, attributes = {}) => {
        const output = `${layer.name}:${this.nodes.length}`;
        const where = `${layer.name} (${operator})`;
        const entries = new Map(Object.entries(attributes));
        this.nodes.push({ name: where, operator, inputs: from, outputs: [output], attributes: entries });
        return output;
      },
    };
  }
}

function INPUT_OF(layer: string): string {
  return `${layer}:input`;
}
