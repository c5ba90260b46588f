import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { encodeFrame, FRAME_HEADER_BYTES, FrameDecoder } from '../../../p2p/frames.js';
import { P2pError } from '../../../p2p/errors.js';
import { joinBytes } from '../../../protocol/bytes.js';
import { codeOf } from '../../support/error-code.js';

const FIXED = { seed: 20_261, numRuns: 300 };

test('frames come out as they went in, however the stream is cut', () => {
  const payload = fc.uint8Array({ minLength: 1, maxLength: 200 });
  const cuts = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(fc.array(payload, { maxLength: 12 }), cuts, (payloads, lengths) => {
      const decoder = new FrameDecoder(200);
      const stream = joinBytes(payloads.map((part) => encodeFrame(part)));
      const found: Uint8Array[] = [];
      for (let offset = 0, i = 0; offset < stream.length; i++) {
        const length = lengths[i % lengths.length] ?? 1;
        for (const part of decoder.push(stream.subarray(offset, offset + length))) found.push(part.slice());
        offset += length;
      }
      assert.deepEqual(
        found,
        payloads.map((part) => part.slice()),
      );
      assert.equal(decoder.pendingBytes, 0);
    }),
    FIXED,
  );
});

test('any bytes give frames within the bound or a typed error, and hold bounded memory', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 64 }), { maxLength: 30 }), (chunks) => {
      const decoder = new FrameDecoder(100);
      try {
        for (const chunk of chunks) {
          for (const part of decoder.push(chunk)) assert.ok(part.length >= 1 && part.length <= 100);
          assert.ok(decoder.heldBytes <= 100 + FRAME_HEADER_BYTES);
        }
      } catch (error) {
        assert.ok(error instanceof P2pError);
      }
    }),
    FIXED,
  );
});

test('memory grows with what came, not with what was announced', () => {
  const decoder = new FrameDecoder(8_000_000);
  const announced = new Uint8Array(FRAME_HEADER_BYTES + 10);
  new DataView(announced.buffer).setUint32(0, 8_000_000);
  assert.deepEqual([...decoder.push(announced)], []);
  assert.ok(decoder.heldBytes < 100);
});

test('a length beyond the bound is refused as soon as it is read', () => {
  for (const [length, code] of [
    [100, 'none'],
    [101, 'FRAME_TOO_LONG'],
    [0xffff_ffff, 'FRAME_TOO_LONG'],
    [0, 'FRAME_MALFORMED'],
  ] as const) {
    const header = new Uint8Array(FRAME_HEADER_BYTES);
    new DataView(header.buffer).setUint32(0, length);
    const atOnce = codeOf(() => {
      for (const _ of new FrameDecoder(100).push(header));
    });
    const decoder = new FrameDecoder(100);
    const byByte = codeOf(() => {
      for (const byte of header) for (const _ of decoder.push(Uint8Array.of(byte)));
    });
    assert.deepEqual([atOnce, byByte], [code, code]);
  }
});
