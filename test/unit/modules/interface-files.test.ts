import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { solidityName } from '../../../state/modules/interface.js';
import { MODULES } from '../../../state/modules/index.js';
import type { Module } from '../../../state/modules/module.js';
import { solidityInterface } from '../../../state/modules/solidity.js';
import { typedAbi } from '../../../state/modules/typed-abi.js';
import { SAMPLE_MODULE } from '../../support/sample-module.js';
import { REPOSITORY_ROOT } from '../../support/vectors.js';

/** What is published of the chain's modules, and of the one that only tests know. */
const FOLDERS: [string, readonly Module[]][] = [
  ['interfaces', MODULES],
  [join('test', 'support', 'interfaces'), [SAMPLE_MODULE]],
];

function generated(modules: readonly Module[]): Map<string, string> {
  return new Map(
    modules.flatMap((module) => [
      [`${solidityName(module.name)}.sol`, solidityInterface(module)] as const,
      [`${module.name}.ts`, typedAbi(module)] as const,
    ]),
  );
}

for (const [folder, modules] of FOLDERS) {
  describe(`${folder}: what clients are told is what the modules say; changing it is an explicit act`, () => {
    const path = join(REPOSITORY_ROOT, folder);
    for (const [file, text] of generated(modules)) {
      test(file, () => {
        if (process.env['OGPU_UPDATE_FIXTURES'] === '1') writeFileSync(join(path, file), text);
        const committed = existsSync(join(path, file)) ? readFileSync(join(path, file), 'utf8') : 'nothing';
        assert.equal(committed, text, 'OGPU_UPDATE_FIXTURES=1 writes the files anew');
      });
    }
    test('nothing else lies there', () => {
      const files = readdirSync(path).filter((name) => name !== 'README.md');
      assert.deepEqual(files.sort(), [...generated(modules).keys()].sort());
    });
  });
}
