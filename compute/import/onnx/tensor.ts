import { checkCount, checkShape, MAX_LIST } from '../limits.js';
import { malformed, unsupported } from '../model-error.js';
import { elementCount, MODEL_ARRAYS, type ModelData, type ModelTensor, type ModelType } from '../model.js';
import { halfToFloat } from '../half.js';
import { fields, numbersOf, textOf, type Field } from './wire.js';

interface OnnxType {
  readonly dtype: ModelType;
  /** Bytes of one element of `raw_data`. */
  readonly size: number;
  /** Reads one of them, little-endian. */
  readonly read: (view: DataView, at: number) => number;
  /** The field that carries elements one by one. */
  readonly field: number;
}

const SATURATED = 2n ** 53n;

/** ONNX's `TensorProto.DataType`. */
const TYPES: Readonly<Record<number, OnnxType>> = {
  1: { dtype: 'float32', size: 4, field: 4, read: (view, at) => view.getFloat32(at, true) },
  2: { dtype: 'uint8', size: 1, field: 5, read: (view, at) => view.getUint8(at) },
  3: { dtype: 'int8', size: 1, field: 5, read: (view, at) => view.getInt8(at) },
  4: { dtype: 'uint16', size: 2, field: 5, read: (view, at) => view.getUint16(at, true) },
  5: { dtype: 'int16', size: 2, field: 5, read: (view, at) => view.getInt16(at, true) },
  6: { dtype: 'int32', size: 4, field: 5, read: (view, at) => view.getInt32(at, true) },
  7: { dtype: 'int64', size: 8, field: 7, read: (view, at) => saturate(view.getBigInt64(at, true)) },
  9: { dtype: 'bool', size: 1, field: 5, read: (view, at) => (view.getUint8(at) === 0 ? 0 : 1) },
  10: { dtype: 'float32', size: 2, field: 5, read: (view, at) => halfToFloat(view.getUint16(at, true)) },
  11: { dtype: 'float32', size: 8, field: 10, read: (view, at) => view.getFloat64(at, true) },
  12: { dtype: 'uint32', size: 4, field: 11, read: (view, at) => view.getUint32(at, true) },
};

const FLOAT16 = 10;

export function typeOf(where: string, code: number): ModelType {
  const type = TYPES[code];
  if (type === undefined) throw unsupported(where, `the type of elements ${code}`);
  return type.dtype;
}

/** One `TensorProto`. @throws ModelError; data outside the file is never looked for */
export function readTensor(
  where: string,
  message: Uint8Array,
): { readonly name: string; readonly tensor: ModelTensor } {
  const shape: number[] = [];
  const listed: Field[] = [];
  let [name, code] = ['', 0];
  let raw: Uint8Array | undefined;
  for (const field of fields(where, message)) {
    if (field.number === 1) shape.push(...numbersOf(where, field, 'varint').slice(0, 64));
    else if (field.number === 2) code = field.value;
    else if (field.number === 8) name = textOf(where, field);
    else if (field.number === 9) raw = field.bytes;
    else if (field.number === 13 || (field.number === 14 && field.value !== 0))
      throw unsupported(name === '' ? where : name, 'data outside the file');
    else if ([3, 6].includes(field.number)) throw unsupported(where, 'a tensor in segments or of text');
    else if ([4, 5, 7, 10, 11].includes(field.number)) listed.push(field);
    checkCount(where, 'runs of values', listed.length, MAX_LIST);
    if (shape.length > 64) throw malformed(where, 'a shape of too many dimensions');
  }
  const place = name === '' ? where : `${where} ${name}`;
  const type = TYPES[code];
  if (type === undefined) throw unsupported(place, `the type of elements ${code}`);
  checkShape(place, shape);
  const data =
    raw === undefined ? fromList(place, type, code, shape, listed) : fromRaw(place, type, shape, raw);
  return { name, tensor: { dtype: type.dtype, shape, data } };
}

function fromRaw(where: string, type: OnnxType, shape: readonly number[], raw: Uint8Array): ModelData {
  const count = elementCount(shape);
  if (raw.length !== count * type.size) throw malformed(where, `${raw.length} bytes for ${count} elements`);
  const view = new DataView(raw.buffer, raw.byteOffset, raw.length);
  const data = new MODEL_ARRAYS[type.dtype](count);
  for (let i = 0; i < count; i++) data[i] = type.read(view, i * type.size);
  return data;
}

function fromList(
  where: string,
  type: OnnxType,
  code: number,
  shape: readonly number[],
  listed: readonly Field[],
): ModelData {
  const kind = type.field === 4 ? 'float' : type.field === 10 ? 'double' : 'varint';
  const count = elementCount(shape);
  // A listed element takes a byte of the file at least: nothing is allocated that the file does not pay for.
  if (listed.reduce((sum, { type: t, bytes }) => sum + (t === 'varint' ? 1 : bytes.length), 0) < count)
    throw malformed(where, `fewer values than its ${count} elements`);
  const data = new MODEL_ARRAYS[type.dtype](count);
  let filled = 0;
  for (const field of listed) {
    if (field.number !== type.field) throw malformed(where, 'elements of another type than its own');
    for (const value of numbersOf(where, field, kind)) {
      if (filled >= count) throw malformed(where, `more values than its ${count} elements`);
      data[filled++] = code === FLOAT16 ? halfToFloat(value & 0xffff) : value;
    }
  }
  if (filled !== count) throw malformed(where, `${filled} values for ${count} elements`);
  return data;
}

function saturate(value: bigint): number {
  return Number(value > SATURATED ? SATURATED : value < -SATURATED ? -SATURATED : value);
}
