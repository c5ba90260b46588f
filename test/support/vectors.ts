import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Repository root, from the compiled place of this file (`dist/test/support`). */
export const REPOSITORY_ROOT = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..');

/** Parsed JSON of `test/vectors/<name>`; the caller states its shape. */
export function readVector<Shape>(name: string): Shape {
  return JSON.parse(readFileSync(join(REPOSITORY_ROOT, 'test', 'vectors', name), 'utf8')) as Shape;
}

/** That `test/vectors/<name>` holds `current`, which `OGPU_UPDATE_FIXTURES=1` writes there first: an explicit act. */
export function assertVector(name: string, current: unknown): void {
  if (process.env['OGPU_UPDATE_FIXTURES'] === '1') {
    writeFileSync(join(REPOSITORY_ROOT, 'test', 'vectors', name), `${JSON.stringify(current, null, 2)}\n`);
  }
  assert.deepEqual(current, readVector(name));
}
