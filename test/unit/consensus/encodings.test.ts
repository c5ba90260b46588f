import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { decodeRecord, encodeRecord, type LogRecord } from '../../../consensus/engine/record.js';
import { decodeMessage, encodeMessage, type Message } from '../../../consensus/messages.js';
import { toHex } from '../../../protocol/bytes.js';
import { sha256 } from '../../../protocol/crypto/hash.js';
import { SszError } from '../../../protocol/ssz/types.js';
import { MESSAGE_SAMPLES, RECORD_SAMPLES } from '../../support/consensus-samples.js';
import { codeOf } from '../../support/error-code.js';
import { createPrng } from '../../support/prng.js';
import { assertVector } from '../../support/vectors.js';

const FIXTURES = 'consensus-encodings.json';
const MESSAGES = Object.keys(MESSAGE_SAMPLES) as Message['kind'][];
const RECORDS = Object.keys(RECORD_SAMPLES) as LogRecord['kind'][];

function currentFixtures(): Record<string, { selector: number; bytes: number; sha256: string }> {
  const messages = MESSAGES.map((kind) => {
    const bytes = encodeMessage(MESSAGE_SAMPLES[kind](createPrng(1)));
    return [
      `message/${kind}`,
      { selector: bytes[0] ?? 0, bytes: bytes.length, sha256: toHex(sha256(bytes)) },
    ] as const;
  });
  const records = RECORDS.map((kind) => {
    const { kind: selector, payload } = encodeRecord(RECORD_SAMPLES[kind](createPrng(1)));
    return [`record/${kind}`, { selector, bytes: payload.length, sha256: toHex(sha256(payload)) }] as const;
  });
  return Object.fromEntries([...messages, ...records]);
}

test('messages and log records are what they were: changing a format is an explicit act', () => {
  assertVector(FIXTURES, currentFixtures());
});

describe('decode(encode(x)) = x', () => {
  for (const kind of MESSAGES) {
    test(`message ${kind}`, () => {
      for (let seed = 0; seed < 100; seed++) {
        const message = MESSAGE_SAMPLES[kind](createPrng(seed));
        assert.deepEqual(decodeMessage(encodeMessage(message)), message, `seed ${seed}`);
      }
    });
  }
  for (const kind of RECORDS) {
    test(`record ${kind}`, () => {
      for (let seed = 0; seed < 100; seed++) {
        const record = RECORD_SAMPLES[kind](createPrng(seed));
        assert.deepEqual(decodeRecord(encodeRecord(record)), record, `seed ${seed}`);
      }
    });
  }
});

test('records have one encoding: a validity or a signature of no kind is refused', () => {
  const prng = createPrng(3);
  const validated = encodeRecord(RECORD_SAMPLES.validated(prng));
  const wrong = Uint8Array.from(validated.payload);
  wrong[wrong.length - 1] = 2;
  assert.equal(
    codeOf(() => decodeRecord({ ...validated, payload: wrong })),
    'SSZ_MALFORMED',
  );
  const { kind } = encodeRecord(RECORD_SAMPLES['sign-precommit'](prng));
  const bare = encodeRecord({ kind: 'sign-precommit', result: null });
  const extended = encodeRecord({
    kind: 'sign-precommit',
    result: { signature: prng.bytes(96), extension: null },
  });
  assert.equal(bare.kind, kind);
  assert.notDeepEqual(bare.payload, extended.payload);
  assert.throws(() => decodeRecord({ kind: 200, payload: bare.payload }), SszError);
  assert.equal(
    codeOf(() => encodeRecord({ kind: 'timer', timer: { kind: 'resend', height: 1 } })),
    'SSZ_VALUE_RANGE',
  );
});
