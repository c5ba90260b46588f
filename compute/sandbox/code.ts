import { basename, dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const HERE = dirname(fileURLToPath(import.meta.url));

/** Everything this project is made of, built: `dist`. The command line runs from `dist/bundle`, all else from where it was compiled to. */
export const CODE_ROOT = basename(HERE) === 'bundle' ? dirname(HERE) : join(HERE, '..', '..');

/** A compiled module of this project by its path, e.g. `compute/sandbox/child.js`: where it is whoever asks. */
export function moduleUrl(path: string): URL {
  return pathToFileURL(join(CODE_ROOT, path));
}
