import { elementCount } from '../model.js';
import { malformed } from '../model-error.js';
import type { FloatTensor, Layer, LayerKind, Network, ValueId } from '../network/network.js';
import { add, clip, curve, dequantise, div, gather, mul, prelu, quantise, sub } from './elementwise.js';
import { concat, depthToSpace, pad, reshape, slice, spaceToDepth, transpose } from './layout.js';
import { conv, matmul } from './linear.js';
import { argmax, layerNorm, reduce, softmax } from './rows.js';
import { allocateFloat, type FloatKernel } from './tensor.js';
import { averagePool, maxPool, resize } from './windows.js';

const KERNELS: { readonly [Kind in LayerKind]: FloatKernel<Kind> } = {
  conv,
  matmul,
  add,
  sub,
  mul,
  div,
  clip,
  prelu,
  curve,
  softmax,
  layerNorm,
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
  reduce,
  argmax,
  gather,
  quantise,
  dequantise,
};

/** What one layer makes of its inputs. */
export function runLayer(
  { kind, attributes }: Pick<Layer, 'kind' | 'attributes'>,
  inputs: readonly FloatTensor[],
  shape: readonly number[],
): FloatTensor {
  const y = allocateFloat(shape, inputs);
  const kernel = KERNELS[kind] as FloatKernel<LayerKind>;
  kernel(inputs, attributes, y);
  return y;
}

/**
 * Runs a network in fractions: what its integer program is measured against.
 *
 * @param observe sees every value that is not a constant, as it is made
 * @throws ModelError where an input is not of the network's shape
 */
export function runNetwork(
  network: Network,
  inputs: readonly FloatTensor['data'][],
  observe: (value: ValueId, data: FloatTensor['data']) => void = () => undefined,
): FloatTensor[] {
  const live = new Map<ValueId, FloatTensor>();
  for (const [index, { name, value }] of network.inputs.entries()) {
    const { shape = [] } = network.values[value] ?? {};
    const data = inputs[index];
    if (data?.length !== elementCount(shape))
      throw malformed(name, `an input of ${data?.length ?? 0} elements for ${shape.join('×')}`);
    live.set(value, { shape, data });
    observe(value, data);
  }
  const lastUse = new Map(network.layers.flatMap(({ inputs: used }, at) => used.map((id) => [id, at])));
  for (const { value } of network.outputs) lastUse.set(value, Infinity);
  const find = (id: ValueId): FloatTensor => {
    const tensor = live.get(id) ?? network.values[id]?.constant;
    if (tensor === undefined) throw malformed(`value ${id}`, 'nothing makes it');
    return tensor;
  };
  for (const [at, layer] of network.layers.entries()) {
    const y = runLayer(layer, layer.inputs.map(find), network.values[layer.output]?.shape ?? []);
    live.set(layer.output, y);
    observe(layer.output, y.data);
    for (const id of layer.inputs) if ((lastUse.get(id) ?? 0) <= at) live.delete(id);
  }
  return network.outputs.map(({ value }) => find(value));
}
