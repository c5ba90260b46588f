import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { toHex } from '../../../protocol/bytes.js';
import { SAMPLE_MODULE } from '../../support/sample-module.js';
import { cast, CAST_UNAVAILABLE } from '../../support/cast.js';
import { REPOSITORY_ROOT } from '../../support/vectors.js';

const text = readFileSync(join(REPOSITORY_ROOT, 'docs', 'modules.md'), 'utf8');
const examples = readFileSync(
  join(REPOSITORY_ROOT, 'test', 'conformance', 'modules', 'examples.test.ts'),
  'utf8',
);

/** Code without its layout. */
function bare(code: string): string {
  return code.replace(/\s/g, '');
}

function blocks(language: string): string[] {
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\n([^]*?)^\`\`\`$`, 'gm'))].map(
    ([, code = '']) => code,
  );
}

describe('docs/modules.md', () => {
  for (const code of blocks('ts')) {
    test(`the tests run: ${code.split('\n', 1)[0] ?? ''}`, () => {
      assert.ok(bare(examples).includes(bare(code)), code);
    });
  }

  const commands = blocks('console').flatMap((block) => block.split(/^\$ cast /m).slice(1));
  for (const command of commands) {
    const [line = '', ...output] = command.trim().split('\n');
    test(`cast ${line.slice(0, 60)}`, { skip: CAST_UNAVAILABLE ?? false }, () => {
      const args = [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? '');
      assert.equal(cast(args), output.join('\n'));
    });
  }

  test('has examples of both kinds', () => {
    assert.ok(blocks('ts').length >= 5 && commands.length >= 4);
  });

  test('lists the errors of every module with their selectors', () => {
    const rows = [...text.matchAll(/^\| `(\w+)\(.*?\)` \| `(0x[0-9a-f]{8})` \|/gm)];
    const common = SAMPLE_MODULE.errors.slice(-3);
    assert.deepEqual(
      rows.map(([, name, selector]) => [name, selector]),
      common.map(({ item, selector }) => [item.name, toHex(selector)]),
    );
  });
});
