import { statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { MAIN_FILE } from '../../node/main-file.js';

/** The program `ogpu` as users run it: bundled, or as it was compiled where that is newer. */
export const PROGRAM = isNewer('bundle/.bundled', '.tsbuildinfo') ? inDist('bundle/main.js') : MAIN_FILE;

function isNewer(file: string, than: string): boolean {
  const madeMs = statSync(inDist(file), { throwIfNoEntry: false })?.mtimeMs ?? -Infinity;
  return madeMs > (statSync(inDist(than), { throwIfNoEntry: false })?.mtimeMs ?? Infinity);
}

function inDist(path: string): string {
  return fileURLToPath(new URL(`../../${path}`, import.meta.url));
}
