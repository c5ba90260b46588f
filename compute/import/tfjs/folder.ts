import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { toHex } from '../../../protocol/bytes.js';
import { sha256 } from '../../../protocol/crypto/hash.js';
import { MAX_MODEL_BYTES } from '../limits.js';
import { tooLarge } from '../model-error.js';
import type { Model } from '../model.js';
import { MAX_TOPOLOGY_BYTES, parseTfjs, shardNames } from './parse.js';

/** SHA-256 of each file a model was read from, by name. */
export type FileHashes = ReadonlyMap<string, string>;

/** A layers model from the folder it lies in. @throws ModelError; errors of the disk as they are */
export async function readTfjsFolder(
  folder: string,
): Promise<{ readonly model: Model; readonly hashes: FileHashes }> {
  const json = await readBounded(folder, 'model.json', MAX_TOPOLOGY_BYTES);
  const shards = new Map<string, Uint8Array>();
  let left = MAX_MODEL_BYTES;
  for (const name of new Set(shardNames(json))) {
    const shard = await readBounded(folder, name, left);
    left -= shard.length;
    shards.set(name, shard);
  }
  const hashes = new Map(
    [['model.json', json] as const, ...shards].map(([name, bytes]) => [name, toHex(sha256(bytes))]),
  );
  return { model: parseTfjs(json, shards), hashes };
}

/** A whole file of at most `maxBytes`; its size is looked at before it is read. */
async function readBounded(folder: string, name: string, maxBytes: number): Promise<Uint8Array> {
  const file = await open(join(folder, name), 'r');
  try {
    const { size } = await file.stat();
    if (size > maxBytes) throw tooLarge(name, 'bytes', maxBytes);
    const bytes = new Uint8Array(size);
    let filled = 0;
    while (filled < size) {
      const { bytesRead } = await file.read(bytes, filled, size - filled, filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return bytes.subarray(0, filled);
  } finally {
    await file.close();
  }
}
