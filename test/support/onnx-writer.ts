/** Writes ONNX files for tests: protobuf by hand, so that wrong ones can be written too. */
export function varint(value: number | bigint): number[] {
  let rest = BigInt.asUintN(64, BigInt(value));
  const bytes: number[] = [];
  do {
    bytes.push(Number(rest & 127n) | (rest > 127n ? 128 : 0));
    rest >>= 7n;
  } while (rest > 0n);
  return bytes;
}

export function whole(field: number, value: number | bigint): number[] {
  return [...varint(field * 8), ...varint(value)];
}

export function bytes(field: number, payload: ArrayLike<number>): number[] {
  return [...varint(field * 8 + 2), ...varint(payload.length), ...Array.from(payload)];
}

export function text(field: number, value: string): number[] {
  return bytes(field, new TextEncoder().encode(value));
}

export function float(field: number, value: number): number[] {
  return [...varint(field * 8 + 5), ...new Uint8Array(Float32Array.of(value).buffer)];
}

export interface OnnxTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly values: readonly number[];
  readonly type?: number;
}

/** A `TensorProto` with its elements as raw data: float32 (1), int8 (3) or int64 (7). */
export function tensor({ name, shape, values, type = 1 }: OnnxTensor): number[] {
  const raw = {
    1: () => Float32Array.from(values),
    3: () => Int8Array.from(values),
    7: () => BigInt64Array.from(values, BigInt),
  }[type as 1 | 3 | 7]();
  return [
    ...shape.flatMap((size) => whole(1, size)),
    ...whole(2, type),
    ...text(8, name),
    ...bytes(9, new Uint8Array(raw.buffer)),
  ];
}

export interface OnnxNode {
  readonly operator: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: Readonly<Record<string, number | string | readonly number[]>>;
}

export function node({ operator, inputs, outputs, attributes = {} }: OnnxNode): number[] {
  return [
    ...inputs.flatMap((name) => text(1, name)),
    ...outputs.flatMap((name) => text(2, name)),
    ...text(4, operator),
    ...Object.entries(attributes).flatMap(([name, value]) => bytes(5, attribute(name, value))),
  ];
}

function attribute(name: string, value: number | string | readonly number[]): number[] {
  if (typeof value === 'string') return [...text(1, name), ...text(4, value), ...whole(20, 3)];
  if (typeof value === 'number')
    return Number.isInteger(value)
      ? [...text(1, name), ...whole(3, value), ...whole(20, 2)]
      : [...text(1, name), ...float(2, value), ...whole(20, 1)];
  return [...text(1, name), ...bytes(8, value.flatMap(varint)), ...whole(20, 7)];
}

export function value(name: string, shape: readonly (number | string)[], type = 1): number[] {
  const dimensions = shape.flatMap((size) =>
    bytes(1, typeof size === 'number' ? whole(1, size) : text(2, size)),
  );
  return [...text(1, name), ...bytes(2, bytes(1, [...whole(1, type), ...bytes(2, dimensions)]))];
}

export interface OnnxGraph {
  readonly nodes: readonly OnnxNode[];
  readonly constants?: readonly OnnxTensor[];
  readonly inputs: readonly (readonly [string, readonly (number | string)[]])[];
  readonly outputs: readonly string[];
  readonly opset?: number;
}

export function onnxFile({ nodes, constants = [], inputs, outputs, opset = 17 }: OnnxGraph): Uint8Array {
  const graph = [
    ...nodes.flatMap((each) => bytes(1, node(each))),
    ...constants.flatMap((each) => bytes(5, tensor(each))),
    ...inputs.flatMap(([name, shape]) => bytes(11, value(name, shape))),
    ...outputs.flatMap((name) => bytes(12, value(name, []))),
  ];
  return Uint8Array.from([...whole(1, 8), ...bytes(8, whole(2, opset)), ...bytes(7, graph)]);
}
