import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import jpeg from 'jpeg-js';
import { decodeImage, encodePng, MAX_PIXELS } from '../../../../compute/images/codec.js';
import { cropped, ImageError, withChannels, type Image } from '../../../../compute/images/image.js';
import { createPrng } from '../../../support/prng.js';
import { REPOSITORY_ROOT } from '../../../support/vectors.js';

const file = readFileSync(join(REPOSITORY_ROOT, 'docs', 'images', 'cat.png'));
const cat = decodeImage(file);

function refusal(bytes: Uint8Array): string {
  try {
    decodeImage(bytes);
  } catch (error) {
    if (error instanceof ImageError) return error.code;
    throw error;
  }
  return 'none';
}

describe('pictures', () => {
  test('PNG, written and read again', () => {
    assert.deepEqual([cat.width, cat.height, cat.channels], [160, 128, 3]);
    assert.deepEqual(decodeImage(encodePng(cat)), cat);
    const grey = withChannels(cat, 1);
    assert.deepEqual(withChannels(decodeImage(encodePng(grey)), 1), grey);
  });

  test('JPEG, near to what was written', () => {
    const rgba = new Uint8Array(cat.width * cat.height * 4).fill(255);
    for (let i = 0; i < cat.width * cat.height; i++) rgba.set(cat.data.subarray(3 * i, 3 * i + 3), 4 * i);
    const { data } = jpeg.encode({ width: cat.width, height: cat.height, data: rgba }, 95);
    const read: Image = decodeImage(data);
    const error = read.data.reduce((sum, byte, i) => sum + Math.abs(byte - (cat.data[i] ?? 0)), 0);
    assert.ok(error / read.data.length < 4, String(error / read.data.length));
  });

  test('a part lies on the whole', () => {
    assert.deepEqual(cropped(cat, 3, 2, 1, 1).data, cat.data.subarray((2 * 160 + 3) * 3, (2 * 160 + 4) * 3));
    assert.throws(() => cropped(cat, 150, 0, 20, 20), { code: 'IMAGE_UNFIT' });
  });
});

describe('refused', () => {
  test('what is no picture', () => {
    for (const bytes of [
      new Uint8Array(0),
      new Uint8Array(100),
      file.subarray(0, 20),
      file.subarray(0, 5000),
    ])
      assert.equal(refusal(bytes), 'IMAGE_MALFORMED');
    assert.equal(refusal(Uint8Array.of(0xff, 0xd8, 0xff, 0xd9)), 'IMAGE_MALFORMED');
  });

  test('a size too large, before anything is unpacked', () => {
    const large = Uint8Array.from(file);
    new DataView(large.buffer).setUint32(16, MAX_PIXELS);
    assert.equal(refusal(large), 'IMAGE_TOO_LARGE');
  });

  test('files changed at random are read or refused, and nothing else', () => {
    const random = createPrng(3);
    const small = encodePng(cropped(cat, 0, 0, 24, 24));
    const { data: written } = jpeg.encode({ width: 16, height: 16, data: new Uint8Array(1024).fill(90) }, 80);
    let refused = 0;
    for (let i = 0; i < 300; i++) {
      const changed = Uint8Array.from(i % 2 === 0 ? small : written);
      for (let change = random.below(4); change >= 0; change--)
        changed[random.below(changed.length)] = random.below(256);
      if (refusal(changed) !== 'none') refused++;
    }
    assert.ok(refused > 50, String(refused));
  });
});
