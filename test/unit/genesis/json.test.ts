import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FaultLog } from '../../../genesis/faults.js';
import { parseJson } from '../../../genesis/json.js';

function faults(text: string): string[] {
  const log = new FaultLog();
  parseJson(text, log);
  return log.faults.map(({ path, code }) => `${path} ${code}`);
}

describe('JSON without duplicate keys', () => {
  for (const text of [
    '{"a":1,"b":{"a":2}}',
    '[{"a":1},{"a":2}]',
    '{"a":"a","b":"a"}',
    '{"a":["a","a"],"b":"{\\"a\\""}',
    '7',
    '"a"',
    '[]',
    '{}',
  ]) {
    test(`accepts ${text}`, () => {
      const log = new FaultLog();
      assert.deepEqual(parseJson(text, log), JSON.parse(text));
      assert.equal(log.count, 0);
    });
  }

  for (const [text, expected] of [
    ['{"a":1,"a":1}', ['a JSON_DUPLICATE_KEY']],
    ['{"a":1,"\\u0061":2}', ['a JSON_DUPLICATE_KEY']],
    ['{"a":[{"x":1},{"b":"]},{","b":2}]}', ['a[1].b JSON_DUPLICATE_KEY']],
    ['{"a":1,"b":{"c":{"d":1,"d":2}},"a":3}', ['b.c.d JSON_DUPLICATE_KEY', 'a JSON_DUPLICATE_KEY']],
    ['[[1],[{"k":"\\\\","k":"\\""}]]', ['$[1][0].k JSON_DUPLICATE_KEY']],
    ['{"a":1,}', ['$ JSON_SYNTAX']],
    ['', ['$ JSON_SYNTAX']],
    [`${'['.repeat(1000)}${']'.repeat(1000)}`, [`$${'[0]'.repeat(64)} JSON_TOO_DEEP`]],
  ] as const) {
    test(`refuses ${text.slice(0, 60)}`, () => {
      assert.deepEqual(faults(text), expected);
    });
  }

  test('cuts long keys in faults', () => {
    const log = new FaultLog();
    parseJson(`{"${'k'.repeat(16_000_000)}":{${'"a":1,'.repeat(200)}"${'b'.repeat(1000)}":1}}`, log);
    assert.equal(log.count, 199);
    assert.equal(log.faults[0]?.path, `${'k'.repeat(79)}….a`);
  });

  test('cuts the path and message of any fault', () => {
    const log = new FaultLog();
    log.add('p'.repeat(1_000_000), 'CODE', 'm'.repeat(1_000_000));
    const [fault] = log.faults;
    assert.deepEqual([fault?.path.length, fault?.message.length], [1000, 1000]);
  });

  for (const [what, text] of [
    ['a string of 20 MB', `"${'x'.repeat(20_000_000)}"`],
    ['ten million escapes', `"${'\\n'.repeat(10_000_000)}"`],
    ['ten million escaped quotes', `"${'\\"'.repeat(10_000_000)}"`],
  ] as const) {
    test(`reads ${what} without exhausting the stack`, () => {
      assert.deepEqual(faults(text), []);
      assert.deepEqual(faults(`{"a":${text},"a":1}`), ['a JSON_DUPLICATE_KEY']);
    });
  }
});
