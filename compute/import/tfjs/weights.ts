import { z } from 'zod';
import { halfToFloat } from '../half.js';
import { checkShape } from '../limits.js';
import { malformed, unsupported } from '../model-error.js';
import { elementCount, type ModelTensor } from '../model.js';

const quantization = z.object({
  dtype: z.enum(['uint8', 'uint16', 'float16']),
  scale: z.number().optional(),
  min: z.number().optional(),
});

export const manifestSchema = z
  .array(
    z.object({
      // A name in the folder of the model: no way out of it.
      paths: z.array(z.string().regex(/^[\w][\w.-]{0,200}$/)).max(4096),
      weights: z
        .array(
          z.object({
            name: z.string().min(1).max(512),
            shape: z.array(z.int().min(0)).max(8),
            dtype: z.string().max(32),
            quantization: quantization.optional(),
          }),
        )
        .max(65_536),
    }),
  )
  .max(1024);

export type Manifest = z.infer<typeof manifestSchema>;
type WeightEntry = Manifest[number]['weights'][number];

/** Every weight of a manifest, out of its shards, as 32-bit fractions. @throws ModelError naming the weight */
export function readWeights(
  manifest: Manifest,
  shards: ReadonlyMap<string, Uint8Array>,
): ReadonlyMap<string, ModelTensor> {
  const found = new Map<string, ModelTensor>();
  for (const { paths, weights } of manifest) {
    const bytes = joinShards(paths, shards);
    let at = 0;
    for (const entry of weights) {
      if (found.has(entry.name)) throw malformed(entry.name, 'two weights of one name');
      checkShape(entry.name, entry.shape);
      const size = elementCount(entry.shape) * bytesPerElement(entry);
      if (at + size > bytes.length)
        throw malformed(entry.name, `${size} bytes where ${bytes.length - at} are left`);
      found.set(entry.name, readWeight(entry, bytes.subarray(at, at + size)));
      at += size;
    }
    if (at !== bytes.length)
      throw malformed(paths.join(', '), `${bytes.length - at} bytes more than its weights`);
  }
  return found;
}

function joinShards(paths: readonly string[], shards: ReadonlyMap<string, Uint8Array>): Uint8Array {
  const parts = paths.map((path) => {
    const shard = shards.get(path);
    if (shard === undefined) throw malformed(path, 'this file of weights is missing');
    return shard;
  });
  return parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts);
}

function bytesPerElement({ name, dtype, quantization: q }: WeightEntry): number {
  if (dtype !== 'float32') throw unsupported(name, `a weight of ${dtype}`);
  return q === undefined ? 4 : q.dtype === 'uint8' ? 1 : 2;
}

function readWeight({ shape, quantization: q }: WeightEntry, bytes: Uint8Array): ModelTensor {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const data = new Float32Array(elementCount(shape));
  const [scale, min] = [q?.scale ?? 1, q?.min ?? 0];
  for (let i = 0; i < data.length; i++) {
    if (q === undefined) data[i] = view.getFloat32(4 * i, true);
    else if (q.dtype === 'float16') data[i] = halfToFloat(view.getUint16(2 * i, true));
    else data[i] = scale * (q.dtype === 'uint8' ? view.getUint8(i) : view.getUint16(2 * i, true)) + min;
  }
  return { dtype: 'float32', shape, data };
}
