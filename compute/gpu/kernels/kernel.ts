import { elementCount, tensorBytes, type TensorType } from '../../../protocol/graph/tensors.js';
import type { TensorData } from '../../../protocol/graph/tensor-data.js';

/** Memory of a device that holds a tensor, dense and little-endian as the specification has it. Reshaped tensors share one. */
export interface Storage {
  /** The words that passes may touch. */
  readonly words: number;
  /** What it holds from the start on: of constants and tables. */
  readonly data: TensorData | undefined;
}

export interface DeviceTensor extends TensorType {
  readonly storage: Storage;
}

/** One kernel on one set of tensors: workgroups that may run in any order, each invocation writing words that no other writes. */
export interface Pass {
  /** WGSL. Equal text is an equal pipeline. */
  readonly code: string;
  readonly reads: readonly DeviceTensor[];
  readonly y: DeviceTensor;
  /** What differs between nodes of one pipeline. */
  readonly numbers: readonly number[];
  readonly groups: number;
}

/** Where kernels are collected. */
export interface Lowering {
  /** Whether the device's WGSL has `dot4I8Packed`. */
  readonly hasDot: boolean;
  /** A tensor that passes fill. */
  readonly scratch: (tensor: TensorType) => DeviceTensor;
  /** A tensor that is known now. */
  readonly table: (data: Int32Array) => DeviceTensor;
  readonly add: (pass: Pass) => void;
}

export interface KernelParts {
  /** By the names they have in the text. At most 7: with y that is all that WebGPU's default limits allow. */
  readonly reads: Readonly<Record<string, DeviceTensor>>;
  readonly y: DeviceTensor;
  /** Signed 32-bit numbers, `params.name` in the text. */
  readonly numbers?: Readonly<Record<string, number>>;
  readonly functions?: string;
  /** Statements of an invocation: its workgroup is `group`, its place there `lane`. */
  readonly main: string;
  readonly groups: number;
}

/** Invocations of a workgroup: what every device has. */
export const GROUP_SIZE = 64;

/** Names of a pass's own in the uniform block, ahead of those of its kernel. */
export const PLACE_NUMBERS = 4;

export function makePass({ reads, y, numbers = {}, functions = '', main, groups }: KernelParts): Pass {
  const tensors = Object.entries(reads);
  const bindings = [
    ...tensors.map(([name, tensor]) => `var<storage, read> ${name}: array<u32, ${tensor.storage.words}>;`),
    `var<storage, read_write> y: array<u32, ${y.storage.words}>;`,
  ];
  const code = `struct Params { first: u32, end: u32, columns: u32, unused: u32${Object.keys(numbers)
    .map((name) => `, ${name}: i32`)
    .join('')} }
@group(0) @binding(0) var<uniform> params: Params;
${bindings.map((binding, index) => `@group(0) @binding(${index + 1}) ${binding}`).join('\n')}
${functions}
@compute @workgroup_size(${GROUP_SIZE})
fn main(@builtin(workgroup_id) place: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let group = params.first + place.y * params.columns + place.x;
  if (group >= params.end) { return; }
  ${main}
}
`;
  return { code, reads: tensors.map(([, tensor]) => tensor), y, numbers: Object.values(numbers), groups };
}

/** Elements in a 32-bit word. */
export function lanesOf({ type }: TensorType): number {
  return { int8: 4, uint8: 4, int16: 2, int32: 1 }[type];
}

export function wordsOf(tensor: TensorType): number {
  return Math.ceil(tensorBytes(tensor) / 4);
}

export function countOf({ shape }: TensorType): number {
  return elementCount(shape);
}
