import { z } from 'zod';
import { malformed, unsupported } from '../model-error.js';
import type { Attribute, ModelTensor } from '../model.js';

/** What a layer becomes is put together with this. */
export interface LayerContext {
  readonly name: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly inputs: readonly string[];
  /** A weight of this layer. @throws ModelError when the file has none */
  readonly weight: (suffix: string) => ModelTensor;
  readonly constant: (suffix: string, tensor: ModelTensor) => string;
  /** Adds a node; its result. */
  readonly add: (
    operator: string,
    inputs: readonly string[],
    attributes?: Readonly<Record<string, Attribute>>,
  ) => string;
}

type Layer = (context: LayerContext) => string;

const pair = z.union([
  z.tuple([z.int().min(1), z.int().min(1)]),
  z
    .int()
    .min(1)
    .transform((n): [number, number] => [n, n]),
]);
const padding = z.enum(['same', 'valid']).transform((text) => (text === 'same' ? 'SAME_UPPER' : 'VALID'));
const window = z.object({ pool_size: pair, strides: pair.nullish(), padding });
const convolution = z.object({
  kernel_size: pair,
  strides: pair,
  padding,
  dilation_rate: pair.default([1, 1]),
  groups: z.int().min(1).default(1),
  use_bias: z.boolean(),
  activation: z.string().nullish(),
});

/** Layers of Keras that are imported, by their class. */
export const LAYERS: Readonly<Record<string, Layer>> = {
  Conv2D: (context) => convolve(context, 'kernel'),
  DepthwiseConv2D: (context) => convolve(context, 'depthwise_kernel'),
  Dense: dense,
  Activation: (context) =>
    activate(context, one(context), parse(context, z.object({ activation: z.string() })).activation),
  ReLU: (context) => {
    const { max_value } = parse(context, z.object({ max_value: z.number().nullish() }));
    if (max_value === undefined || max_value === null) return context.add('Relu', [one(context)]);
    return context.add('Clip', [one(context), scalar(context, 'min', 0), scalar(context, 'max', max_value)]);
  },
  LeakyReLU: (context) => {
    const { alpha } = parse(context, z.object({ alpha: z.number().default(0.3) }));
    return context.add('LeakyRelu', [one(context)], { alpha });
  },
  PReLU: (context) =>
    context.add('PRelu', [one(context), context.constant('alpha', context.weight('alpha'))]),
  Softmax: (context) => context.add('Softmax', [one(context)], { axis: -1 }),
  Add: (context) => fold(context, 'Add'),
  Multiply: (context) => fold(context, 'Mul'),
  Concatenate: (context) =>
    context.add('Concat', context.inputs, parse(context, z.object({ axis: z.int().min(-8).max(7) }))),
  BatchNormalization: normalise,
  MaxPooling2D: (context) => pool(context, 'MaxPool'),
  AveragePooling2D: (context) => pool(context, 'AveragePool'),
  GlobalAveragePooling2D: (context) =>
    context.add('Flatten', [context.add('GlobalAveragePool', [one(context)])]),
  Flatten: (context) => context.add('Flatten', [one(context)], { axis: 1 }),
  Reshape: (context) => {
    const { target_shape } = parse(context, z.object({ target_shape: z.array(z.int().min(-1)).max(7) }));
    return context.add('Reshape', [one(context), list(context, 'shape', [0, ...target_shape])]);
  },
  Dropout: (context) => context.add('Identity', [one(context)]),
  UpSampling2D: (context) => {
    const { size, interpolation } = parse(
      context,
      z.object({ size: pair, interpolation: z.enum(['nearest', 'bilinear']).default('nearest') }),
    );
    const scales = context.constant('scales', {
      dtype: 'float32',
      shape: [4],
      data: Float32Array.of(1, ...size, 1),
    });
    return interpolation === 'nearest'
      ? context.add('Resize', [one(context), '', scales], {
          mode: 'nearest',
          coordinate_transformation_mode: 'asymmetric',
          nearest_mode: 'floor',
        })
      : context.add('Resize', [one(context), '', scales], {
          mode: 'linear',
          coordinate_transformation_mode: 'half_pixel',
        });
  },
  // Layers of the upscaler packages, which are code there: their meaning is written down here.
  MultiplyBeta: (context) => context.add('Mul', [one(context), scalar(context, 'beta', 0.2)]),
  ...Object.fromEntries(
    [2, 3, 4, 8].map((scale) => [
      `PixelShuffle${scale}x`,
      (context: LayerContext) =>
        context.add('DepthToSpace', [one(context)], { blocksize: scale, mode: 'DCR' }),
    ]),
  ),
};

const ACTIVATIONS: Readonly<Record<string, string>> = {
  relu: 'Relu',
  sigmoid: 'Sigmoid',
  tanh: 'Tanh',
  softmax: 'Softmax',
  elu: 'Elu',
  gelu: 'Gelu',
};

function activate(context: LayerContext, value: string, activation: string | null | undefined): string {
  if (activation === undefined || activation === null || activation === 'linear') return value;
  if (activation === 'relu6')
    return context.add('Clip', [value, scalar(context, 'min', 0), scalar(context, 'max', 6)]);
  const operator = Object.hasOwn(ACTIVATIONS, activation) ? ACTIVATIONS[activation] : undefined;
  if (operator === undefined) throw unsupported(context.name, `the activation ${activation.slice(0, 64)}`);
  return context.add(operator, [value]);
}

function convolve(context: LayerContext, kernelName: 'kernel' | 'depthwise_kernel'): string {
  const settings = parse(context, convolution);
  const kernel = context.weight(kernelName);
  const [height = 0, width = 0, channels = 0, last = 0] = kernel.shape;
  if (kernel.shape.length !== 4 || height !== settings.kernel_size[0] || width !== settings.kernel_size[1])
    throw malformed(context.name, 'a kernel of another shape than the layer says');
  const isDepthwise = kernelName === 'depthwise_kernel';
  const weights = isDepthwise ? depthwiseWeights(kernel, channels * last) : convolutionWeights(kernel);
  const inputs = [one(context), context.constant('kernel', weights)];
  if (settings.use_bias) inputs.push(context.constant('bias', context.weight('bias')));
  const value = context.add('Conv', inputs, {
    kernel_shape: settings.kernel_size,
    strides: settings.strides,
    dilations: settings.dilation_rate,
    auto_pad: settings.padding,
    group: isDepthwise ? channels : settings.groups,
  });
  return activate(context, value, settings.activation);
}

/** From height, width, in, out to out, in, height, width. */
function convolutionWeights({ shape, data, dtype }: ModelTensor): ModelTensor {
  const [height = 0, width = 0, channels = 0, filters = 0] = shape;
  const turned = new Float32Array(data.length);
  const area = height * width;
  for (let at = 0; at < area; at++)
    for (let channel = 0; channel < channels; channel++)
      for (let filter = 0; filter < filters; filter++)
        turned[(filter * channels + channel) * area + at] =
          data[(at * channels + channel) * filters + filter] ?? 0;
  return { dtype, shape: [filters, channels, height, width], data: turned };
}

/** From height, width, in, multiplier to in × multiplier, 1, height, width. */
function depthwiseWeights({ shape, data, dtype }: ModelTensor, filters: number): ModelTensor {
  const [height = 0, width = 0] = shape;
  const turned = new Float32Array(data.length);
  const area = height * width;
  for (let at = 0; at < area; at++)
    for (let filter = 0; filter < filters; filter++)
      turned[filter * area + at] = data[at * filters + filter] ?? 0;
  return { dtype, shape: [filters, 1, height, width], data: turned };
}

function dense(context: LayerContext): string {
  const { use_bias, activation } = parse(
    context,
    z.object({ use_bias: z.boolean(), activation: z.string().nullish() }),
  );
  const product = context.add('MatMul', [one(context), context.constant('kernel', context.weight('kernel'))]);
  const value = use_bias
    ? context.add('Add', [product, context.constant('bias', context.weight('bias'))])
    : product;
  return activate(context, value, activation);
}

function normalise(context: LayerContext): string {
  const { epsilon, scale, center } = parse(
    context,
    z.object({
      epsilon: z.number().positive(),
      scale: z.boolean().default(true),
      center: z.boolean().default(true),
    }),
  );
  const mean = context.weight('moving_mean');
  const filled = (value: number): ModelTensor => ({
    dtype: 'float32',
    shape: mean.shape,
    data: new Float32Array(mean.data.length).fill(value),
  });
  return context.add(
    'BatchNormalization',
    [
      one(context),
      context.constant('gamma', scale ? context.weight('gamma') : filled(1)),
      context.constant('beta', center ? context.weight('beta') : filled(0)),
      context.constant('mean', mean),
      context.constant('variance', context.weight('moving_variance')),
    ],
    { epsilon },
  );
}

function pool(context: LayerContext, operator: 'MaxPool' | 'AveragePool'): string {
  const settings = parse(context, window);
  return context.add(operator, [one(context)], {
    kernel_shape: settings.pool_size,
    strides: settings.strides ?? settings.pool_size,
    auto_pad: settings.padding,
  });
}

function fold(context: LayerContext, operator: string): string {
  const [first, ...rest] = context.inputs;
  if (first === undefined || rest.length === 0) throw malformed(context.name, 'fewer than two inputs');
  return rest.reduce((sum, input) => context.add(operator, [sum, input]), first);
}

function one({ inputs, name }: LayerContext): string {
  const [input] = inputs;
  if (input === undefined || inputs.length !== 1)
    throw malformed(name, `${inputs.length} inputs instead of one`);
  return input;
}

function scalar(context: LayerContext, suffix: string, value: number): string {
  return context.constant(suffix, { dtype: 'float32', shape: [], data: Float32Array.of(value) });
}

function list(context: LayerContext, suffix: string, values: readonly number[]): string {
  return context.constant(suffix, {
    dtype: 'int64',
    shape: [values.length],
    data: Float64Array.from(values),
  });
}

function parse<S extends z.ZodType>({ name, config }: LayerContext, schema: S): z.infer<S> {
  if (config['data_format'] === 'channels_first') throw unsupported(name, 'channels_first');
  const result = schema.safeParse(config);
  if (!result.success) throw malformed(name, result.error.issues[0]?.message ?? 'no configuration');
  return result.data;
}
