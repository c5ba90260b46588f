import { runLayer } from '../float/run.js';
import { checkCount, MAX_NODES } from '../limits.js';
import { malformed } from '../model-error.js';
import { elementCount } from '../model.js';
import type {
  FloatTensor,
  Layer,
  LayerAttributes,
  LayerKind,
  Network,
  NetworkPort,
  NetworkValue,
  QuantisedConstant,
  ValueId,
} from './network.js';
import { shapeOfLayer } from './shapes.js';

/** Elements of all values together: what a hostile file can make an import compute is bounded. */
const MAX_VALUE_ELEMENTS = 2 ** 32;

/** Writes a network from front to back; what has only constants to work on is computed at once. */
export class NetworkBuilder {
  private readonly values: NetworkValue[] = [];
  private readonly layers: Layer[] = [];
  private readonly inputs: NetworkPort[] = [];
  private elements = 0;

  input(port: Omit<NetworkPort, 'value'>, shape: readonly number[]): ValueId {
    const value = this.push(port.name, { shape, constant: undefined });
    this.inputs.push({ ...port, value });
    return value;
  }

  constant(tensor: FloatTensor, where = 'a constant'): ValueId {
    return this.push(where, { shape: tensor.shape, constant: tensor });
  }

  /** @throws ModelError where the inputs do not fit each other */
  add<Kind extends LayerKind>(
    kind: Kind,
    where: string,
    inputs: readonly ValueId[],
    attributes: LayerAttributes[Kind],
  ): ValueId {
    checkCount(where, 'layers', this.layers.length + 1, 4 * MAX_NODES);
    const operands = inputs.map((id) => this.value(id));
    const shape = shapeOfLayer(
      kind,
      operands.map((value) => value.shape),
      attributes,
      where,
    );
    const constants = operands.flatMap(({ constant }) => constant ?? []);
    const layer = { kind, where, inputs, output: this.values.length, attributes } as unknown as Layer;
    if (constants.length === operands.length) {
      const constant = runLayer(layer, constants, shape);
      return this.push(where, {
        shape,
        constant: { ...constant, quantised: keepQuantised(layer, constants[0], constant.shape) },
      });
    }
    this.layers.push(layer);
    return this.push(where, { shape, constant: undefined });
  }

  shapeOf(id: ValueId): readonly number[] {
    return this.value(id).shape;
  }

  constantOf(id: ValueId): FloatTensor | undefined {
    return this.value(id).constant;
  }

  finish(outputs: readonly NetworkPort[]): Network {
    return { inputs: this.inputs, outputs, values: this.values, layers: this.layers };
  }

  private value(id: ValueId): NetworkValue {
    const value = this.values[id];
    if (value === undefined) throw malformed(`value ${id}`, 'nothing makes it');
    return value;
  }

  private push(where: string, value: NetworkValue): ValueId {
    this.elements += elementCount(value.shape);
    if (this.elements > MAX_VALUE_ELEMENTS)
      throw malformed(where, `more than ${MAX_VALUE_ELEMENTS} elements in all`);
    return this.values.push(value) - 1;
  }
}

/** Whole numbers that a model gives stay these where a constant is only moved about. */
function keepQuantised(
  layer: Layer,
  from: FloatTensor | undefined,
  shape: readonly number[],
): QuantisedConstant | undefined {
  if (from === undefined) return undefined;
  if (layer.kind === 'dequantise') {
    const { zero, scale } = layer.attributes;
    return { data: Float64Array.from(from.data, (element) => element - zero), scales: [scale], axis: 0 };
  }
  const { quantised } = from;
  if (quantised === undefined) return undefined;
  const moved = (): Float64Array =>
    runLayer(layer, [{ shape: from.shape, data: quantised.data }], shape).data as Float64Array;
  const { scales, axis } = quantised;
  if (layer.kind === 'transpose')
    return { data: moved(), scales, axis: Math.max(layer.attributes.permutation.indexOf(axis), 0) };
  if (layer.kind === 'reshape' && scales.length === 1) return { ...quantised, data: moved() };
  if (layer.kind === 'reshape' && axis === 0 && shape[0] === from.shape[0])
    return { ...quantised, data: moved() };
  return undefined;
}
