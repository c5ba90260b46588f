import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import ts from 'typescript';
import { REPOSITORY_ROOT } from '../../../support/vectors.js';

const DIST = join(REPOSITORY_ROOT, 'dist');
const LIGHT = join(DIST, 'consensus', 'light');

/** What the compiled files that a light client loads import, whether at once or later: files of ours, and packages. */
function reached(): { files: Set<string>; packages: Set<string> } {
  const files = new Set<string>();
  const packages = new Set<string>();
  const pending = readdirSync(LIGHT)
    .filter((name) => name.endsWith('.js'))
    .map((name) => join(LIGHT, name));
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    if (files.has(path)) continue;
    files.add(path);
    for (const specifier of importsOf(path)) {
      if (specifier.startsWith('.')) pending.push(join(dirname(path), specifier));
      else packages.add(specifier);
    }
  }
  return { files, packages };
}

function importsOf(path: string): string[] {
  const { importedFiles } = ts.preProcessFile(readFileSync(path, 'utf8'), true, true);
  return importedFiles.map(({ fileName }) => fileName);
}

test('a light client reaches the vocabulary, the rules of agreement and portable packages, nothing else', () => {
  const { files, packages } = reached();
  const rooms = new Set([...files].map((path) => relative(DIST, path).split('/')[0]));
  assert.deepEqual([...rooms].sort(), ['consensus', 'protocol']);
  for (const name of packages) {
    assert.match(name, /^(@noble\/(curves|hashes)|@chainsafe\/(ssz|persistent-merkle-tree))(\/|$)/);
  }
  assert.ok(packages.size > 3 && files.size > 20);
});

/** `Buffer` stays: the SSZ library asks for it, and bundlers for browsers bring one along. */
test('it loads and verifies where there is no Node.js', { timeout: 120_000 }, async () => {
  const at = (path: string): string => JSON.stringify(pathToFileURL(join(DIST, path)).href);
  const script = `
    const report = process.stdout.write.bind(process.stdout);
    for (const name of ['process', 'setImmediate']) delete globalThis[name];
    const { bls } = await import(${at('protocol/crypto/bls.js')});
    const { sszHasher } = await import(${at('protocol/ssz/hasher.js')});
    const { verifyHeader } = await import(${at('consensus/light/verify.js')});
    const { trustGenesis } = await import(${at('consensus/light/trust.js')});
    const { LightChain, LIGHT_START_MS, possessionOf } = await import(${at('test/support/light-chain.js')});
    const { TEST_CHAIN, TestMember } = await import(${at('test/support/committee.js')});
    const member = new TestMember(1);
    const block = new LightChain(() => [member]).block(1);
    const trusted = trustGenesis(LIGHT_START_MS, block.validators, [possessionOf(member)]);
    const options = { chainAt: () => TEST_CHAIN, trustingPeriodMs: 1e9, maxClockDriftMs: 0 };
    const { height } = verifyHeader(trusted, block, LIGHT_START_MS + 1e6, options);
    report([height, bls.name, sszHasher.name].join(' '));
  `;
  const run = promisify(execFile);
  const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', script], {
    cwd: REPOSITORY_ROOT,
  });
  assert.match(stdout, /^1 @noble\/curves (as-sha256|@noble)/);
});
