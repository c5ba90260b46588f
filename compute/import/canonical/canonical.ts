import type { DataType } from '../../../protocol/graph/tensors.js';
import { ModelError, malformed } from '../model-error.js';
import type { Model, ModelNode, ModelTensor, ModelValue } from '../model.js';
import { NetworkBuilder } from '../network/builder.js';
import type { Network, NetworkPort } from '../network/network.js';
import { NodeContext, type Rule } from './context.js';
import { lastValue, Logical, plainOf, plainValue } from './logical.js';
import { INSTEAD, RULES } from './rules.js';

/** Sizes of inputs that the model leaves open, in the model's own order of dimensions. */
export type InputShapes = ReadonlyMap<string, readonly number[]>;

/** One thing of a model that is not imported, and what could stand in its place. */
export interface UnsupportedNode {
  readonly where: string;
  readonly what: string;
  readonly instead: string | undefined;
}

const MAX_REPORTED = 64;

/**
 * A model in the one form that later steps take: see `Network`.
 *
 * @throws ModelError MODEL_UNSUPPORTED naming everything that is not imported, at once; MODEL_MALFORMED where shapes do not fit
 */
export function canonicalise(model: Model, shapes: InputShapes = new Map()): Network {
  const builder = new NetworkBuilder();
  const values = new Map<string, Logical>();
  for (const [name, tensor] of model.constants)
    values.set(name, plainValue(builder, builder.constant(fractions(tensor), name)));
  for (const input of model.inputs) values.set(input.name, addInput(model, builder, input, shapes));
  const refused: UnsupportedNode[] = [];
  for (const node of model.nodes) {
    const rule = Object.hasOwn(RULES, node.operator) ? RULES[node.operator] : undefined;
    if (rule === undefined) refused.push(unknown(node));
    // What hangs on a refused node cannot be told.
    else if (node.inputs.every((name) => name === '' || values.has(name)))
      refused.push(...addNode(model, node, rule, builder, values));
  }
  if (refused.length > 0) throw refusal(refused);
  return builder.finish(model.outputs.map(({ name }) => outputOf(builder, name, values.get(name))));
}

/** Adds what a node becomes to `values`; what of it is not imported is the answer. */
function addNode(
  model: Model,
  node: ModelNode,
  rule: Rule,
  builder: NetworkBuilder,
  values: Map<string, Logical>,
): readonly UnsupportedNode[] {
  try {
    const result = rule(new NodeContext(model, node, builder, values));
    const made: readonly Logical[] = result instanceof Logical ? [result] : result;
    for (const [place, name] of node.outputs.entries()) {
      const value = made[place];
      if (value !== undefined) values.set(name, value);
      else if (isNeeded(model, name))
        return [{ where: node.name, what: `output ${place} of ${node.operator}`, instead: undefined }];
    }
    return [];
  } catch (error) {
    if (!(error instanceof ModelError) || error.code !== 'MODEL_UNSUPPORTED') throw error;
    return [{ where: node.name, what: String(error.data['what']), instead: undefined }];
  }
}

function isNeeded({ nodes, outputs }: Model, name: string): boolean {
  return (
    name !== '' &&
    (outputs.some((each) => each.name === name) || nodes.some(({ inputs }) => inputs.includes(name)))
  );
}

function unknown({ name, operator }: ModelNode): UnsupportedNode {
  const bare = operator.replace('com.microsoft.', '');
  return { where: name, what: operator, instead: Object.hasOwn(INSTEAD, bare) ? INSTEAD[bare] : undefined };
}

function outputOf(builder: NetworkBuilder, name: string, value: Logical | undefined): NetworkPort {
  if (value === undefined) throw malformed(name, 'nothing makes this output');
  const isImage = value.last !== undefined && value.rank === 4;
  const id = isImage ? (value.last ?? 0) : plainOf(builder, name, value);
  if (builder.constantOf(id) !== undefined) throw malformed(name, 'an output that no input changes');
  return { name, value: id, integer: undefined, isTurned: isImage };
}

function fractions({ dtype, shape, data }: ModelTensor): {
  shape: readonly number[];
  data: Float32Array | Float64Array;
} {
  return {
    shape,
    data:
      data instanceof Float32Array
        ? data
        : dtype === 'float32'
          ? Float32Array.from(data)
          : Float64Array.from(data),
  };
}

const INTEGER_TYPES: Readonly<Partial<Record<string, DataType>>> = {
  int8: 'int8',
  uint8: 'uint8',
  int16: 'int16',
  int32: 'int32',
  int64: 'int32',
  bool: 'uint8',
};

function addInput(model: Model, builder: NetworkBuilder, input: ModelValue, shapes: InputShapes): Logical {
  const { name, dtype } = input;
  const shape = shapeOf(input, shapes.get(name));
  const integer = INTEGER_TYPES[dtype];
  if (dtype !== 'float32' && integer === undefined) throw malformed(name, `an input of ${dtype}`);
  if (model.layout === 'channels-first' && shape.length === 4 && isImage(model, name)) {
    const [batch = 1, channels = 1, height = 1, width = 1] = shape;
    return lastValue(
      builder,
      builder.input({ name, integer, isTurned: true }, [batch, height, width, channels]),
      4,
    );
  }
  return plainValue(builder, builder.input({ name, integer, isTurned: false }, shape));
}

/** The model's sizes; open ones as given, the first of a batch 1. */
function shapeOf({ name, shape }: ModelValue, given: readonly number[] | undefined): readonly number[] {
  if (
    given !== undefined &&
    (given.length !== shape.length || shape.some((size, axis) => size !== null && size !== given[axis]))
  )
    throw malformed(name, `${given.join('×')} is not ${shape.map((size) => size ?? '?').join('×')}`);
  const filled = shape.map((size, axis) => given?.[axis] ?? size ?? (axis === 0 ? 1 : 0));
  if (filled.some((size) => size < 1))
    throw new ModelError(
      'MODEL_SHAPE_OPEN',
      `${name}: the model leaves sizes open: ${shape.map((size) => size ?? '?').join('×')}`,
      {
        where: name,
        shape,
        cure: 'say the sizes of this input',
      },
    );
  return filled;
}

const SPATIAL = new Set(
  'Conv QLinearConv ConvInteger MaxPool AveragePool GlobalAveragePool GlobalMaxPool Resize Upsample DepthToSpace SpaceToDepth BatchNormalization ConvTranspose'.split(
    ' ',
  ),
);
const FOLLOWED = new Set(
  'QuantizeLinear DequantizeLinear Cast Identity Add Sub Mul Div Clip Relu Sigmoid Tanh Pad Concat PRelu LeakyRelu Slice'.split(
    ' ',
  ),
);

/** Whether an input is looked at through windows before anything asks for its dimensions in the model's order. */
function isImage({ nodes }: Model, input: string): boolean {
  const reached = new Set([input]);
  for (const { operator, inputs, outputs } of nodes) {
    if (!inputs.some((name) => reached.has(name))) continue;
    if (SPATIAL.has(operator)) return true;
    if (FOLLOWED.has(operator)) outputs.forEach((name) => reached.add(name));
  }
  return false;
}

function refusal(refused: readonly UnsupportedNode[]): ModelError {
  const shown = refused.slice(0, MAX_REPORTED);
  const lines = shown.map(({ where, what, instead }) => {
    const help = instead === undefined ? '' : ` (nearest form: ${instead})`;
    return `${where}: ${what} is not imported${help}`;
  });
  const more = refused.length > shown.length ? `; and ${refused.length - shown.length} more` : '';
  return new ModelError('MODEL_UNSUPPORTED', lines.join('; ') + more, {
    where: shown[0]?.where,
    what: shown,
    count: refused.length,
  });
}
