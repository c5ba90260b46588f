/** A model as it was trained, before it becomes integers: what every importer reads into and every later step works on. */
export interface Model {
  readonly source: 'onnx' | 'tfjs';
  /** Version of ONNX's operators whose meaning the nodes have. */
  readonly opset: number;
  /** Where channels are in the activations of convolutions, pools, resizes and the like. Weights are as ONNX has them, always. */
  readonly layout: 'channels-first' | 'channels-last';
  readonly inputs: readonly ModelValue[];
  readonly outputs: readonly ModelValue[];
  /** In an order in which everything is made before it is used. Names of operators and attributes are ONNX's. */
  readonly nodes: readonly ModelNode[];
  readonly constants: ReadonlyMap<string, ModelTensor>;
}

export interface ModelValue {
  readonly name: string;
  readonly dtype: ModelType;
  /** `null`: the size is not fixed by the model. */
  readonly shape: readonly (number | null)[];
}

export interface ModelNode {
  /** For messages: the model's own name, or the operator and its place. */
  readonly name: string;
  readonly operator: string;
  /** Names of values; empty where an optional one is left out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, Attribute>;
}

export type Attribute = number | string | readonly number[] | readonly string[] | ModelTensor;

export interface ModelTensor {
  readonly dtype: ModelType;
  readonly shape: readonly number[];
  readonly data: ModelData;
}

/**
 * Types of elements. Halves and doubles are read as `float32`. `int64` lies in doubles, and what is beyond ±2⁵³ becomes that: such numbers mean
 * "to the end".
 */
export type ModelType = keyof typeof MODEL_ARRAYS;

export const MODEL_ARRAYS = {
  float32: Float32Array,
  uint8: Uint8Array,
  int8: Int8Array,
  uint16: Uint16Array,
  int16: Int16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: Float64Array,
  bool: Uint8Array,
} as const;

export type ModelData = InstanceType<(typeof MODEL_ARRAYS)[ModelType]>;

export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}
