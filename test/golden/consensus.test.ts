import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { RULES } from '../../consensus/core/state-machine.js';
import { CoreScript } from '../support/core-script.js';
import { checkScript, readScripts } from '../support/script.js';
import { REPOSITORY_ROOT } from '../support/vectors.js';

const scripts = readScripts('consensus');
const fired = new Set<string>();

describe('scripts of the Tendermint core', () => {
  for (const script of scripts) {
    test(script.name, () => {
      const play = new CoreScript();
      checkScript('consensus', script, play.interpret);
      for (const rule of play.fired) fired.add(rule);
    });
  }

  test('every rule fires in some script', () => {
    assert.deepEqual(
      RULES.map(({ name }) => name).filter((name) => !fired.has(name)),
      [],
    );
  });

  test('every line of the paper that the code names is named by a script', () => {
    const source = ['state-machine.ts', 'driver.ts'].map((name) =>
      readFileSync(join(REPOSITORY_ROOT, 'consensus', 'core', name), 'utf8'),
    );
    const headers = scripts.flatMap(({ text }) => text.split('\n').filter((line) => line.startsWith('# L')));
    const named = linesIn(headers.join('\n'));
    // L1–L9 declare the variables.
    const missing = [...linesIn(source.join('\n'))].filter((line) => line > 9 && !named.has(line));
    assert.deepEqual(missing, []);
  });
});

/** `L22, L36–L38` → 22, 36, 37, 38. */
function linesIn(text: string): Set<number> {
  const lines = new Set<number>();
  for (const [, first = '', last = first] of text.matchAll(/\bL(\d+)(?:–L(\d+))?/g)) {
    for (let line = Number(first); line <= Number(last); line++) lines.add(line);
  }
  return lines;
}
