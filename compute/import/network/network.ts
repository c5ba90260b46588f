import type { Attributes, WindowAttributes } from '../../../protocol/graph/operators.js';
import type { DataType } from '../../../protocol/graph/tensors.js';
import type { CurveName } from '../float/curves.js';

/**
 * A model in one form, whatever file it came from: shapes are fixed, channels are last, every attribute is written out, and what can be
 * computed from constants alone has been. Operators are those of the tensor machine, over fractions.
 */
export interface Network {
  readonly inputs: readonly NetworkPort[];
  readonly outputs: readonly NetworkPort[];
  /** By value id. */
  readonly values: readonly NetworkValue[];
  /** In an order in which everything is made before it is used. */
  readonly layers: readonly Layer[];
}

export type ValueId = number;

export interface NetworkPort {
  /** As the model calls it. */
  readonly name: string;
  readonly value: ValueId;
  /** Its elements are whole numbers of this type; undefined where they are fractions. */
  readonly integer: DataType | undefined;
  /** An image whose channels the model has second, and the network last. */
  readonly isTurned: boolean;
}

export interface NetworkValue {
  readonly shape: readonly number[];
  readonly constant: FloatTensor | undefined;
}

/** Whole numbers lie in doubles, fractions in floats. */
export interface FloatTensor {
  readonly shape: readonly number[];
  readonly data: FloatData;
  /** Of a constant that the model gives in whole numbers: these, and what each of them is worth. */
  readonly quantised?: QuantisedConstant | undefined;
}

export type FloatData = Float32Array | Float64Array;

export interface QuantisedConstant {
  /** Elements less their zero point. */
  readonly data: Float64Array;
  /** One for all, or one for each place along `axis`. */
  readonly scales: readonly number[];
  readonly axis: number;
}

type Windows = WindowAttributes;
type None = Readonly<Record<string, never>>;

/** Sums stay whole numbers of 32 bits: nothing rounds them. */
interface Exact {
  readonly isExact: boolean;
}

export interface LayerAttributes {
  /** x, weights [outputs, kernel height, kernel width, channels of a group], bias? */
  conv: Windows & {
    readonly dilationHeight: number;
    readonly dilationWidth: number;
    readonly groups: number;
  } & Exact;
  /** a, b, bias? */
  matmul: { readonly transposeB: boolean } & Exact;
  add: None;
  sub: None;
  mul: None;
  div: None;
  clip: { readonly low: number; readonly high: number };
  /** x, and slopes of negative elements that repeat to it */
  prelu: None;
  curve: { readonly curve: CurveName; readonly alpha: number; readonly beta: number };
  /** Over the last dimension. */
  softmax: None;
  /** x, gamma, beta: over the last dimension. */
  layerNorm: { readonly epsilon: number };
  concat: { readonly axis: number };
  slice: Attributes<'slice'>;
  pad: Attributes<'pad'>;
  transpose: Attributes<'transpose'>;
  reshape: Attributes<'reshape'>;
  resize: Attributes<'resize'>;
  depthToSpace: Attributes<'depthToSpace'>;
  spaceToDepth: Attributes<'spaceToDepth'>;
  maxPool: Attributes<'maxPool'>;
  averagePool: Omit<Attributes<'averagePool'>, 'zeroX'>;
  /** The dimension becomes 1. */
  reduce: { readonly kind: 'sum' | 'mean' | 'max'; readonly axis: number };
  argmax: { readonly axis: number };
  /** data, indices: rows of data. */
  gather: None;
  /** Whole numbers: x / scale + zero, to the nearest, halves to the even one, within the type. */
  quantise: { readonly scale: number; readonly zero: number; readonly type: DataType };
  /** (x − zero) · scale */
  dequantise: { readonly scale: number; readonly zero: number };
}

export type LayerKind = keyof LayerAttributes;

export interface LayerOf<Kind extends LayerKind> {
  readonly kind: Kind;
  /** The node of the model it came from, for messages. */
  readonly where: string;
  readonly inputs: readonly ValueId[];
  readonly output: ValueId;
  readonly attributes: LayerAttributes[Kind];
}

export type Layer = { readonly [Kind in LayerKind]: LayerOf<Kind> }[LayerKind];

/** How many layers, and outputs of the network, use each value. */
export function countUses({ layers, outputs }: Pick<Network, 'layers' | 'outputs'>): Map<ValueId, number> {
  const uses = new Map<ValueId, number>();
  const used = [...layers.flatMap(({ inputs }) => inputs), ...outputs.map(({ value }) => value)];
  for (const value of used) uses.set(value, (uses.get(value) ?? 0) + 1);
  return uses;
}
