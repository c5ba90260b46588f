import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { toHex } from '../../protocol/bytes.js';
import { sha256 } from '../../protocol/crypto/hash.js';
import { openProgram, type Program } from '../../protocol/graph/check.js';
import { decodeGraph } from '../../protocol/graph/encode.js';
import { MAX_GRAPH_BYTES } from '../../protocol/graph/limits.js';
import { DATA_TYPES } from '../../protocol/graph/tensors.js';
import { PRECISIONS } from './integer/lowering.js';
import { MAX_MODEL_BYTES } from './limits.js';
import { malformed, tooLarge } from './model-error.js';

const port = z.object({
  name: z.string().max(512),
  shape: z.array(z.int().min(1)).max(6),
  type: z.enum(DATA_TYPES),
  scale: z.number(),
  zero: z.int(),
});

/** What a program is beside its bytes: nothing of it is needed to run, all of it to know what its numbers mean. */
export const manifestSchema = z.object({
  format: z.literal('ogpu-model'),
  version: z.literal(1),
  program: z.string(),
  weights: z.string(),
  inputs: z.array(port).max(16),
  outputs: z.array(port).max(16),
  precision: z.enum(PRECISIONS),
  /** Pixels beyond its own that a tile needs; null where the program is not for tiles. */
  margin: z.int().min(0).nullable(),
  /** Names and SHA-256 of the files it was made from. */
  source: z.record(z.string(), z.string()),
  samples: z.int().min(0),
});

export type ModelManifest = z.infer<typeof manifestSchema>;

/** A program in its folder: `program.bin`, `weights.bin` and `model.json`. */
export interface StoredModel {
  readonly program: Program;
  readonly weights: Uint8Array;
  readonly manifest: ModelManifest;
}

const MAX_MANIFEST_BYTES = 1024 * 1024;

export async function writeModelFolder(
  folder: string,
  parts: { readonly graph: Uint8Array; readonly weights: Uint8Array; readonly manifest: ModelManifest },
): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'program.bin'), parts.graph);
  await writeFile(join(folder, 'weights.bin'), parts.weights);
  await writeFile(join(folder, 'model.json'), `${JSON.stringify(parts.manifest, null, 2)}\n`);
}

/** @throws ModelError, GraphError where the files are not what they say; errors of the disk as they are */
export async function readModelFolder(folder: string): Promise<StoredModel> {
  const graph = await readBounded(join(folder, 'program.bin'), MAX_GRAPH_BYTES);
  const weights = await readBounded(join(folder, 'weights.bin'), MAX_MODEL_BYTES);
  const text = await readBounded(join(folder, 'model.json'), MAX_MANIFEST_BYTES);
  const program = openProgram(decodeGraph(graph));
  const manifest = readManifest(text);
  if (manifest.program !== toHex(program.hash))
    throw malformed('program.bin', 'another program than model.json names');
  if (toHex(sha256(weights)) !== toHex(program.graph.weightsHash))
    throw malformed('weights.bin', 'not the weights that the program names');
  return { program, weights, manifest };
}

function readManifest(bytes: Uint8Array): ModelManifest {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw malformed('model.json', 'not JSON');
  }
  const result = manifestSchema.safeParse(value);
  if (!result.success) throw malformed('model.json', result.error.issues[0]?.message ?? 'no manifest');
  return result.data;
}

/** A file of at most `maxBytes`; its size is looked at before it is read. */
export async function readBounded(path: string, maxBytes: number): Promise<Uint8Array> {
  const { size } = await stat(path);
  if (size > maxBytes) throw tooLarge(path, 'bytes', maxBytes);
  return readFile(path);
}
