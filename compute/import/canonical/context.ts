import { unsupported, malformed } from '../model-error.js';
import type { Attribute, Model, ModelNode, ModelTensor, ModelType } from '../model.js';
import type { NetworkBuilder } from '../network/builder.js';
import type { FloatTensor, LayerAttributes, LayerKind, ValueId } from '../network/network.js';
import { lastOf, lastValue, plainOf, plainValue, type Logical } from './logical.js';

/** What the node of a model becomes: one value, or one for each of its outputs. */
export type Rule = (node: NodeContext) => Logical | readonly Logical[];

/** One node of a model, with what its rule needs to read of it and to write for it. */
export class NodeContext {
  readonly where: string;
  readonly model: Model;
  readonly builder: NetworkBuilder;
  private readonly node: ModelNode;
  private readonly values: ReadonlyMap<string, Logical>;

  constructor(model: Model, node: ModelNode, builder: NetworkBuilder, values: ReadonlyMap<string, Logical>) {
    this.where = node.name;
    this.model = model;
    this.node = node;
    this.builder = builder;
    this.values = values;
  }

  get isChannelsFirst(): boolean {
    return this.model.layout === 'channels-first';
  }

  get inputCount(): number {
    return this.node.inputs.length;
  }

  get outputCount(): number {
    return this.node.outputs.filter((name) => name !== '').length;
  }

  input(place: number): Logical {
    const value = this.optional(place);
    if (value === undefined) throw malformed(this.where, `no input ${place}`);
    return value;
  }

  optional(place: number): Logical | undefined {
    const name = this.node.inputs[place] ?? '';
    return name === '' ? undefined : this.values.get(name);
  }

  /** The type of a constant as the file has it. */
  typeOf(place: number): ModelType | undefined {
    return this.model.constants.get(this.node.inputs[place] ?? '')?.dtype;
  }

  /** In the model's own order. */
  plain(value: Logical): ValueId {
    return plainOf(this.builder, this.where, value);
  }

  /** An image with its channels last. */
  spatial(value: Logical): ValueId {
    if (value.rank !== 4 && !(value.rank === 3 && this.isChannelsFirst))
      throw unsupported(this.where, `an operand of ${value.rank} dimensions where an image is needed`);
    return this.isChannelsFirst ? lastOf(this.builder, this.where, value) : this.plain(value);
  }

  /** The value that an image with channels last is. */
  fromSpatial(id: ValueId, rank = 4): Logical {
    return this.isChannelsFirst ? lastValue(this.builder, id, rank) : plainValue(this.builder, id);
  }

  fromPlain(id: ValueId): Logical {
    return plainValue(this.builder, id);
  }

  /** Elements of a constant; undefined of anything else. */
  constant(value: Logical | undefined): FloatTensor | undefined {
    if (value === undefined) return undefined;
    const id = value.plain ?? value.last;
    return id === undefined || this.builder.constantOf(id) === undefined
      ? undefined
      : this.builder.constantOf(this.plain(value));
  }

  /** A constant operand that decides what the node is. @throws ModelError where it is not one */
  numbers(place: number, what: string): readonly number[] {
    const tensor = this.constant(this.input(place));
    if (tensor === undefined) throw unsupported(this.where, `${what} that is not a constant`);
    return Array.from(tensor.data);
  }

  optionalNumbers(place: number, what: string): readonly number[] | undefined {
    return this.optional(place) === undefined ? undefined : this.numbers(place, what);
  }

  add<Kind extends LayerKind>(
    kind: Kind,
    inputs: readonly ValueId[],
    attributes: LayerAttributes[Kind],
  ): ValueId {
    return this.builder.add(kind, this.where, inputs, attributes);
  }

  scalar(value: number): ValueId {
    return this.builder.constant({ shape: [], data: Float32Array.of(value) });
  }

  number(name: string, otherwise: number): number {
    const value = this.node.attributes.get(name) ?? otherwise;
    if (typeof value !== 'number') throw malformed(this.where, `${name} is not a number`);
    return value;
  }

  text(name: string, otherwise: string): string {
    const value = this.node.attributes.get(name) ?? otherwise;
    if (typeof value !== 'string') throw malformed(this.where, `${name} is not a word`);
    return value;
  }

  list(name: string): readonly number[] | undefined {
    const value = this.node.attributes.get(name);
    if (value === undefined) return undefined;
    if (!isNumbers(value)) throw malformed(this.where, `${name} is not a list of numbers`);
    return value;
  }

  tensor(name: string): ModelTensor | undefined {
    const value = this.node.attributes.get(name);
    return typeof value === 'object' && 'dtype' in value ? value : undefined;
  }

  /** A dimension counted from either end. */
  axis(axis: number, rank: number): number {
    const counted = axis < 0 ? axis + rank : axis;
    if (counted < 0 || counted >= Math.max(rank, 1))
      throw malformed(this.where, `dimension ${axis} of ${rank}`);
    return counted;
  }
}

function isNumbers(value: Attribute): value is readonly number[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'number');
}
