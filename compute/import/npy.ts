import { checkShape } from './limits.js';
import { malformed, unsupported } from './model-error.js';
import { elementCount } from './model.js';
import type { FloatTensor } from './network/network.js';

const MAGIC = '\u0093NUMPY';
const MAX_HEADER = 65_536;

const READERS: Readonly<
  Record<string, { readonly size: number; readonly read: (view: DataView, at: number) => number }>
> = {
  f4: { size: 4, read: (view, at) => view.getFloat32(at, true) },
  f8: { size: 8, read: (view, at) => view.getFloat64(at, true) },
  u1: { size: 1, read: (view, at) => view.getUint8(at) },
  i1: { size: 1, read: (view, at) => view.getInt8(at) },
  i2: { size: 2, read: (view, at) => view.getInt16(at, true) },
  i4: { size: 4, read: (view, at) => view.getInt32(at, true) },
  i8: { size: 8, read: (view, at) => Number(view.getBigInt64(at, true)) },
};

/** An array as NumPy saves it, little-endian and in rows. @throws ModelError for anything else */
export function readNpy(name: string, file: Uint8Array): FloatTensor {
  const text = new TextDecoder('latin1').decode(file.subarray(0, 12));
  if (!text.startsWith(MAGIC) || file.length < 12) throw malformed(name, 'no array of NumPy');
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  const isFirst = file[6] === 1;
  const length = isFirst ? view.getUint16(8, true) : view.getUint32(8, true);
  const begin = isFirst ? 10 : 12;
  if (length > MAX_HEADER || begin + length > file.length)
    throw malformed(name, 'a header that is not whole');
  const header = new TextDecoder('latin1').decode(file.subarray(begin, begin + length));
  const type = /'descr':\s*'[<|]([a-z]\d)'/.exec(header)?.[1] ?? '';
  const reader = Object.hasOwn(READERS, type) ? READERS[type] : undefined;
  if (reader === undefined || !/'fortran_order':\s*False/.test(header))
    throw unsupported(name, 'an array of this type or order');
  const sizes = /'shape':\s*\(([\d,\s]*)\)/.exec(header)?.[1];
  if (sizes === undefined) throw malformed(name, 'no shape');
  const shape = checkShape(
    name,
    sizes.split(',').flatMap((size) => (size.trim() === '' ? [] : [Number(size)])),
  );
  const count = elementCount(shape);
  if (file.length - begin - length !== count * reader.size)
    throw malformed(name, `not the bytes of ${count} elements`);
  const data = type === 'f4' ? new Float32Array(count) : new Float64Array(count);
  for (let i = 0; i < count; i++) data[i] = reader.read(view, begin + length + i * reader.size);
  return { shape, data };
}

/** An array of 64-bit fractions as NumPy reads it. */
export function writeNpy({ shape, data }: FloatTensor): Uint8Array {
  const sizes = shape.length === 1 ? `${shape[0] ?? 0},` : shape.join(', ');
  const text = `{'descr': '<f8', 'fortran_order': False, 'shape': (${sizes}), }`;
  const header = `${text.padEnd(64 * Math.ceil((11 + text.length) / 64) - 11)}\n`;
  const head = Buffer.alloc(10 + header.length);
  head.write(MAGIC, 'latin1');
  head[6] = 1;
  head.writeUInt16LE(header.length, 8);
  head.write(header, 10, 'latin1');
  return Buffer.concat([head, new Uint8Array(Float64Array.from(data).buffer)]);
}
