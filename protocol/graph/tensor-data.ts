import { invariant } from '../invariant.js';
import { TYPE_BYTES, type DataType } from './tensors.js';

/** Elements of a tensor in row-major order. */
export type TensorData = Int8Array | Uint8Array | Int16Array | Int32Array;

type Window = (buffer: ArrayBufferLike, offset: number, length: number) => TensorData;

const WINDOWS: Readonly<Record<DataType, Window>> = {
  int8: (buffer, offset, length) => new Int8Array(buffer, offset, length),
  uint8: (buffer, offset, length) => new Uint8Array(buffer, offset, length),
  int16: (buffer, offset, length) => new Int16Array(buffer, offset, length),
  int32: (buffer, offset, length) => new Int32Array(buffer, offset, length),
};

invariant(
  new Uint8Array(Uint16Array.of(1).buffer)[0] === 1,
  'tensors are little-endian, and so must the machine be',
);

export function allocateTensor(type: DataType, length: number): TensorData {
  return WINDOWS[type](new ArrayBuffer(length * TYPE_BYTES[type]), 0, length);
}

/** Elements from little-endian bytes, a whole number of them: a window on the same memory where its alignment allows. */
export function tensorFromBytes(type: DataType, bytes: Uint8Array): TensorData {
  const size = TYPE_BYTES[type];
  const aligned = bytes.byteOffset % size === 0 ? bytes : Uint8Array.from(bytes);
  return WINDOWS[type](aligned.buffer, aligned.byteOffset, Math.floor(bytes.length / size));
}

/** The same memory as little-endian bytes. */
export function tensorToBytes(data: TensorData): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
