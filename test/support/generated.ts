import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { REPOSITORY_ROOT } from './vectors.js';

/**
 * That a document holds `text` between `<!-- <name> -->` and `<!-- /<name> -->`, which `OGPU_UPDATE_FIXTURES=1` puts there first.
 *
 * @param path of the document, from the root of the repository
 */
export function assertGenerated(path: string, name: string, text: string): void {
  const file = join(REPOSITORY_ROOT, path);
  const [open, close] = [`<!-- ${name} -->\n`, `<!-- /${name} -->\n`];
  const parts = (): [string, string, string] => {
    const document = readFileSync(file, 'utf8');
    const [from, to] = [document.indexOf(open), document.indexOf(close)];
    assert(from >= 0 && to > from, `${path} has no place for ${name}`);
    const start = from + open.length;
    return [document.slice(0, start), document.slice(start, to), document.slice(to)];
  };
  const wanted = `\n${text.trim()}\n\n`;
  if (process.env['OGPU_UPDATE_FIXTURES'] === '1') {
    const [before, , after] = parts();
    writeFileSync(file, `${before}${wanted}${after}`);
  }
  assert.equal(parts()[1], wanted, `${path} is out of date: OGPU_UPDATE_FIXTURES=1 writes it anew`);
}
