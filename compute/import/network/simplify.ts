import { elementCount } from '../model.js';
import {
  countUses,
  type FloatTensor,
  type Layer,
  type Network,
  type NetworkValue,
  type ValueId,
} from './network.js';

/** The same function with less to do: scales and offsets of channels become part of the kernels before them, and what nothing needs goes. */
export function simplify(network: Network): Network {
  const values = [...network.values];
  let layers = pruned([...network.layers], network);
  for (;;) {
    const next = foldOne(layers, values, network);
    if (next === undefined) break;
    layers = next;
  }
  return { ...network, values, layers: pruned(layers, network) };
}

function pruned(layers: readonly Layer[], { outputs }: Network): Layer[] {
  const needed = new Set<ValueId>(outputs.map(({ value }) => value));
  const kept = layers.toReversed().filter(({ inputs, output }) => {
    if (!needed.has(output)) return false;
    for (const id of inputs) needed.add(id);
    return true;
  });
  return kept.reverse();
}

/** Layers after one step of folding; undefined where there is nothing to fold. */
function foldOne(layers: readonly Layer[], values: NetworkValue[], network: Network): Layer[] | undefined {
  const uses = countUses({ layers, outputs: network.outputs });
  const makers = new Map(layers.map((layer) => [layer.output, layer]));
  for (const layer of layers) {
    for (const [place, id] of layer.inputs.entries()) {
      const maker = makers.get(id);
      if (maker === undefined || uses.get(id) !== 1) continue;
      const other = values[layer.inputs[1 - place] ?? -1]?.constant;
      const joined =
        foldTransposed(maker, layer, place) ??
        (other === undefined ? undefined : foldAffine(maker, layer, place, other, values));
      if (joined !== undefined)
        return layers.flatMap((each) => (each === maker ? [] : each === layer ? [joined] : [each]));
    }
  }
  return undefined;
}

/** A product with a matrix whose rows and columns were just swapped reads it as it was. */
function foldTransposed(maker: Layer, layer: Layer, place: number): Layer | undefined {
  if (layer.kind !== 'matmul' || maker.kind !== 'transpose' || place !== 1) return undefined;
  const { permutation } = maker.attributes;
  const rank = permutation.length;
  const swapped = permutation.map((_, axis) =>
    axis === rank - 1 ? rank - 2 : axis === rank - 2 ? rank - 1 : axis,
  );
  if (rank < 2 || permutation.join() !== swapped.join()) return undefined;
  return {
    ...layer,
    inputs: layer.inputs.with(1, maker.inputs[0] ?? 0),
    attributes: { ...layer.attributes, transposeB: !layer.attributes.transposeB },
  };
}

function foldAffine(
  maker: Layer,
  layer: Layer,
  place: number,
  constant: FloatTensor,
  values: NetworkValue[],
): Layer | undefined {
  if (maker.kind !== 'conv' && maker.kind !== 'matmul') return undefined;
  if (maker.attributes.isExact) return undefined;
  const isSum = layer.kind === 'add' || (layer.kind === 'sub' && place === 0);
  if (!isSum && layer.kind !== 'mul') return undefined;
  const channels = values[maker.output]?.shape.at(-1) ?? 1;
  const vector = perChannel(constant, channels);
  const weights = values[maker.inputs[1] ?? -1]?.constant;
  const bias = maker.inputs[2] === undefined ? undefined : values[maker.inputs[2]]?.constant;
  if (vector === undefined || weights === undefined || (maker.inputs[2] !== undefined && bias === undefined))
    return undefined;
  const push = (shape: readonly number[], data: Float32Array): ValueId =>
    values.push({ shape, constant: { shape, data } }) - 1;
  const [x = 0, kernel = 0] = maker.inputs;
  const old = (channel: number): number => bias?.data[channel] ?? 0;
  const joined = { ...maker, output: layer.output, where: maker.where };
  if (isSum) {
    const sign = layer.kind === 'sub' ? -1 : 1;
    const sums = Float32Array.from({ length: channels }, (_, i) => old(i) + sign * (vector[i] ?? 0));
    return { ...joined, inputs: [x, kernel, push([channels], sums)] };
  }
  if (weights.quantised !== undefined) return undefined;
  const factors = scaled(maker, weights, vector);
  if (factors === undefined) return undefined;
  const moved = push(weights.shape, factors);
  if (bias === undefined) return { ...joined, inputs: [x, moved] };
  const offsets = Float32Array.from({ length: channels }, (_, i) => old(i) * (vector[i] ?? 0));
  return { ...joined, inputs: [x, moved, push([channels], offsets)] };
}

/** Weights times the factor of the channel each makes. */
function scaled(
  maker: Layer,
  { shape, data }: FloatTensor,
  vector: readonly number[],
): Float32Array | undefined {
  if (maker.kind === 'conv') {
    const terms = elementCount(shape.slice(1));
    return Float32Array.from(data, (weight, i) => weight * (vector[Math.floor(i / terms)] ?? 0));
  }
  const isTransposed = maker.kind === 'matmul' && maker.attributes.transposeB;
  if (shape.length !== 2) return undefined;
  const [, columns = 1] = shape;
  return Float32Array.from(
    data,
    (weight, i) => weight * (vector[isTransposed ? Math.floor(i / columns) : i % columns] ?? 0),
  );
}

/** A number for each channel, where a constant is one number or varies along the last dimension alone. */
function perChannel({ shape, data }: FloatTensor, channels: number): number[] | undefined {
  if (data.length === 1) return Array.from({ length: channels }, () => data[0] ?? 0);
  return data.length === channels && shape.at(-1) === channels ? Array.from(data) : undefined;
}
