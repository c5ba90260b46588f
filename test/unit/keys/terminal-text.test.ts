import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { printable, toJson } from '../../../node/terminal-text.js';

/** Each with what stands for it: UTF-16 code units, as JSON writes them. */
const ESCAPED: readonly (readonly [kind: string, text: string, shown: string])[] = [
  ['C0', '\u0000\u001b\u001f\n\r\t', String.raw`\u0000\u001b\u001f\u000a\u000d\u0009`],
  ['Delete and C1', '\u007f\u0080\u009b\u009f', String.raw`\u007f\u0080\u009b\u009f`],
  ['bidi embeddings', '\u202a\u202b\u202c\u202d\u202e', String.raw`\u202a\u202b\u202c\u202d\u202e`],
  ['bidi isolates', '\u2066\u2067\u2068\u2069', String.raw`\u2066\u2067\u2068\u2069`],
  ['bidi marks', '\u200e\u200f\u061c', String.raw`\u200e\u200f\u061c`],
  ['lone surrogates', 'a\ud800b\udfff', String.raw`a\ud800b\udfff`],
  ['line and paragraph separators', '\u2028\u2029', String.raw`\u2028\u2029`],
  ['the invisible, above the BMP too', '\u200b\ufeff\u{e0041}', String.raw`\u200b\ufeff\udb40\udc41`],
];
const PRINTABLE = 'plain "text" \\ äöü — 日本語 עברית 🔑 \u00a0 12381/60';

describe('printable', () => {
  for (const [kind, text, shown] of ESCAPED) {
    test(`escapes ${kind}`, () => {
      assert.equal(printable(`<${text}>`), `<${shown}>`);
    });
  }

  test('leaves what can be read as it is', () => {
    assert.equal(printable(PRINTABLE), PRINTABLE);
  });
});

describe('toJson', () => {
  test('parses to the same value, and escapes what JSON.stringify lets through', () => {
    const value = { [PRINTABLE]: ESCAPED.map(([, text]) => text), amount: 1 };
    const text = toJson(value);
    assert.deepEqual(JSON.parse(text), value);
    assert.doesNotMatch(text.replaceAll('\n', ''), /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
    assert.match(text, /\n$/);
  });
});
