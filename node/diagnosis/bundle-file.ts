import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { readTextFile } from '../../genesis/files.js';
import { toHex } from '../../protocol/bytes.js';
import { blockId } from '../../protocol/types/header.js';
import { codeOf } from '../database/errors.js';
import { createFile } from '../disk/atomic-file.js';
import { BundleError, formatBundle, MAX_BUNDLE_BYTES, parseBundle, type Bundle } from './bundle.js';

/** To be looked at by others. */
const FILE_MODE = 0o644;

/** Where the bundle of a block goes: a machine has at most one of each block. */
export function bundlePath(folder: string, { record }: Bundle): string {
  const { header } = record.block;
  return join(folder, `block-${header.height}-${toHex(blockId(header)).slice(2, 10)}.json`);
}

/**
 * Writes a bundle, whole or not at all, and never over another.
 *
 * @returns its path
 * @throws BundleError BUNDLE_EXISTS | BUNDLE_TOO_LARGE | BUNDLE_FILE
 */
export async function writeBundle(folder: string, bundle: Bundle): Promise<string> {
  const path = bundlePath(folder, bundle);
  const bytes = new TextEncoder().encode(formatBundle(bundle));
  // A file where the folder should be is no bundle that is there already.
  await mkdir(folder, { recursive: true }).catch((error: unknown) => {
    throw fileError('write', folder, error);
  });
  try {
    await createFile(path, bytes, FILE_MODE);
    return path;
  } catch (error) {
    if (codeOf(error) === 'EEXIST')
      throw new BundleError('BUNDLE_EXISTS', 'there is a bundle of this block', { path }, { cause: error });
    throw fileError('write', path, error);
  }
}

/** @throws BundleError BUNDLE_INVALID | BUNDLE_FILE */
export async function readBundle(path: string): Promise<Bundle> {
  const text = await readTextFile(path, MAX_BUNDLE_BYTES).catch((error: unknown) => {
    throw fileError('read', path, error);
  });
  return parseBundle(text);
}

function fileError(verb: 'read' | 'write', path: string, cause: unknown): BundleError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new BundleError('BUNDLE_FILE', `cannot ${verb} the bundle: ${reason}`, { path }, { cause });
}
