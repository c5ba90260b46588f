import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { decodeImage } from '../../../../compute/images/codec.js';
import { cropped, type Image } from '../../../../compute/images/image.js';
import { runImage } from '../../../../compute/images/run-image.js';
import { measureAccuracy } from '../../../../compute/import/accuracy.js';
import { canonicalise } from '../../../../compute/import/canonical/canonical.js';
import { esrganFolder, importEsrgan } from '../../../../compute/import/esrgan.js';
import { runNetwork } from '../../../../compute/import/float/run.js';
import type { ImportedModel } from '../../../../compute/import/import-model.js';
import { readTfjsFolder } from '../../../../compute/import/tfjs/folder.js';
import { executeProgram } from '../../../../compute/reference/execute.js';
import { toHex } from '../../../../protocol/bytes.js';
import { sha256 } from '../../../../protocol/crypto/hash.js';
import { tensorToBytes } from '../../../../protocol/graph/tensor-data.js';
import { assertVector, REPOSITORY_ROOT } from '../../../support/vectors.js';

const TILE = 24;

function picture(path: string): Image {
  return decodeImage(readFileSync(path));
}

/** Another photograph than the one that calibrates. */
const cat = picture(join(REPOSITORY_ROOT, 'docs', 'images', 'cat.png'));

describe('ESRGAN-slim', () => {
  let imported: ImportedModel;
  before(async () => {
    imported = await importEsrgan(2, TILE);
  });

  test('in fractions makes the picture that TensorFlow.js made of it', async () => {
    const folder = esrganFolder();
    const { model } = await readTfjsFolder(join(folder, 'models', 'x2'));
    const [size, margin] = [40, 10];
    const network = canonicalise(model, new Map([['LR', [1, size, size, 3]]]));
    const [left, top] = [50, 44];
    const before = cropped(picture(join(folder, 'assets', 'fixture.png')), left, top, size, size);
    const whole = picture(join(folder, 'assets', 'samples', '2x', 'result.png'));
    const after = cropped(whole, 2 * left, 2 * top, 2 * size, 2 * size);
    const [made] = runNetwork(network, [Float32Array.from(before.data)]);
    let compared = 0;
    for (let row = 2 * margin; row < 2 * (size - margin); row++)
      for (let at = 6 * margin; at < 6 * (size - margin); at++) {
        const i = row * size * 6 + at;
        const held = Math.min(Math.max(made?.data[i] ?? NaN, 0), 255);
        assert.ok(Math.abs(held - (after.data[i] ?? 0)) <= 0.501, `${held} is not ${after.data[i] ?? 0}`);
        compared++;
      }
    assert.equal(compared, 40 * 40 * 3);
  });

  test('its program, and what it makes of a tile, are what they were', () => {
    const tile = cropped(cat, 40, 30, TILE, TILE);
    const [output] = executeProgram(imported.program, [tile.data]);
    assert.ok(output !== undefined);
    assertVector('models/esrgan-slim.json', {
      tile: TILE,
      program: toHex(imported.program.hash),
      weights: toHex(imported.program.graph.weightsHash),
      output: toHex(sha256(tensorToBytes(output))),
    });
  });

  test('in whole numbers is above 42 dB of that in fractions, on a photograph it was not calibrated on', () => {
    const tiles = [cropped(cat, 40, 30, TILE, TILE), cropped(cat, 90, 70, TILE, TILE)];
    const [accuracy] = measureAccuracy(
      imported,
      tiles.map(({ data }) => [Float32Array.from(data)]),
    );
    assert.ok(accuracy !== undefined && accuracy.psnrDb > 42, String(accuracy?.psnrDb));
    assert.ok(accuracy.cosine > 0.9999, String(accuracy.cosine));
  });

  test('a pixel depends on those within the margin and on no others', () => {
    const { margin = NaN, program } = imported;
    assert.equal(margin, 10);
    const tile = cropped(cat, 40, 30, TILE, TILE).data;
    const [base] = executeProgram(program, [tile]);
    const middle = (data: ArrayLike<number> | undefined): number[] =>
      Array.from({ length: 6 }, (_, i) => data?.[(TILE * 2 * TILE + TILE) * 3 + i] ?? NaN);
    const changed = (distance: number): number[] => {
      const other = Uint8Array.from(tile);
      for (let row = 0; row < TILE; row++) {
        const at = (row * TILE + TILE / 2 - distance) * 3;
        other.fill(255, at, at + 1).fill(0, at + 1, at + 3);
      }
      return middle(executeProgram(program, [other])[0]);
    };
    assert.deepEqual(changed(margin + 1), middle(base));
    assert.notDeepEqual(changed(margin - 6), middle(base));
  });

  test('enlarges a picture of any size in a process of its own', async () => {
    const image = cropped(cat, 10, 10, 7, 5);
    const { outcome, image: larger } = await runImage({
      ...imported,
      image,
      margin: 10,
      executor: 'reference',
      wallMs: 60_000,
    });
    assert.equal(outcome.kind, 'completed', outcome.log);
    assert.equal(larger?.data.length, 14 * 10 * 3);
    const mean = (data: Uint8Array): number => data.reduce((sum, byte) => sum + byte, 0) / data.length;
    assert.ok(Math.abs(mean(larger.data) - mean(image.data)) < 3);
  });
});
