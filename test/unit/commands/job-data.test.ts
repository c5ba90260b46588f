import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { decodeImage, encodePng } from '../../../compute/images/codec.js';
import type { StoredModel } from '../../../compute/import/model-folder.js';
import { readModelFolder } from '../../../compute/import/model-folder.js';
import { readNpy, writeNpy } from '../../../compute/import/npy.js';
import { outputFile, readJobInput } from '../../../node/models/job-data.js';
import { planJob } from '../../../protocol/graph/segmentation.js';
import { outputOf, tinyModel, writeTinyModel } from '../../support/job-market.js';
import { createPrng } from '../../support/prng.js';

describe('files as inputs and outputs of jobs', () => {
  let folder: string;
  let stored: StoredModel;
  const model = tinyModel();
  const place = (name: string): string => join(folder, name);

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ogpu-job-data-'));
    await writeTinyModel(place('model'), model);
    stored = await readModelFolder(place('model'));
  });
  after(() => rm(folder, { recursive: true }));

  test('a picture becomes tiles, and its output a picture', async () => {
    const data = createPrng(1).bytes(13 * 9);
    await writeFile(place('in.png'), encodePng({ width: 13, height: 9, channels: 1, data }));
    const { segmentation, input } = await readJobInput(stored, [place('in.png')], undefined);
    assert.deepEqual(segmentation, { kind: 'tiles', height: 9, width: 13, margin: 1 });
    assert.deepEqual(input, data);
    const wider = await readJobInput(stored, [place('in.png')], 2);
    assert.deepEqual(wider.segmentation, { ...segmentation, margin: 2 });
    const plan = planJob(stored.program, segmentation);
    const output = outputOf(model, plan, input);
    const image = decodeImage(outputFile('out.png', plan, output, undefined));
    assert.deepEqual([image.width, image.height], [26, 18]);
    assert.equal(image.data[0], 255 - (data[0] ?? 0));
    assert.deepEqual(outputFile('out.bin', plan, output, undefined), output);
    assert.throws(() => outputFile('out.npy', plan, output, stored.manifest), { code: 'INPUT_UNFIT' });
  });

  test('arrays become rows on the grid of the model, and outputs arrays of fractions', async () => {
    const fractions = Float64Array.from({ length: 72 }, (_, index) => index / 2);
    await writeFile(place('in.npy'), writeNpy({ shape: [2, 6, 6, 1], data: fractions }));
    const { segmentation, input } = await readJobInput(stored, [place('in.npy')], undefined);
    assert.deepEqual(segmentation, { kind: 'rows', count: 2 });
    assert.deepEqual(
      [...input],
      Array.from({ length: 72 }, (_, index) => index),
    );
    const plan = planJob(stored.program, segmentation);
    const output = outputOf(model, plan, input);
    const made = readNpy('out', outputFile('out.npy', plan, output, stored.manifest));
    assert.deepEqual(made.shape, [2, 12, 12, 1]);
    assert.deepEqual([made.data[0], made.data[144]], [255 / 2, (255 - 36) / 2]);
    assert.throws(() => outputFile('out.npy', plan, output, undefined), { code: 'INPUT_UNFIT' });
    assert.throws(() => outputFile('out.png', plan, output, stored.manifest), { code: 'IMAGE_UNFIT' });
  });

  test('bytes are items as the machine has them', async () => {
    const bytes = createPrng(2).bytes(3 * 36);
    await writeFile(place('in.bin'), bytes);
    const { segmentation, input } = await readJobInput(stored, [place('in.bin')], undefined);
    assert.deepEqual([segmentation, Buffer.from(input)], [{ kind: 'rows', count: 3 }, Buffer.from(bytes)]);
  });

  test('what does not fit is refused', async () => {
    await writeFile(place('short.bin'), new Uint8Array(35));
    await writeFile(place('short.npy'), writeNpy({ shape: [35], data: new Float64Array(35) }));
    await writeFile(place('no.png'), 'no picture');
    const cases: [string[], string][] = [
      [['short.bin'], 'INPUT_UNFIT'],
      [['short.npy'], 'INPUT_UNFIT'],
      [['in.npy', 'in.npy'], 'INPUT_UNFIT'],
      [['in.bin', 'in.bin'], 'INPUT_UNFIT'],
      [['in.txt'], 'INPUT_UNFIT'],
      [['no.png'], 'IMAGE_MALFORMED'],
    ];
    for (const [names, code] of cases)
      await assert.rejects(readJobInput(stored, names.map(place), undefined), { code }, names.join(' '));
    const flat = { ...stored, manifest: { ...stored.manifest, margin: null } };
    await assert.rejects(readJobInput(flat, [place('in.png')], undefined), { code: 'INPUT_UNFIT' });
  });
});
