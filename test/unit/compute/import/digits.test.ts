import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { decodeImage } from '../../../../compute/images/codec.js';
import { cropped, withChannels } from '../../../../compute/images/image.js';
import { toElements } from '../../../../compute/import/accuracy.js';
import { runNetwork } from '../../../../compute/import/float/run.js';
import { importModel, type ImportedModel } from '../../../../compute/import/import-model.js';
import { readTfjsFolder } from '../../../../compute/import/tfjs/folder.js';
import { executeProgram } from '../../../../compute/reference/execute.js';
import { toHex } from '../../../../protocol/bytes.js';
import { sha256 } from '../../../../protocol/crypto/hash.js';
import { tensorToBytes } from '../../../../protocol/graph/tensor-data.js';
import { assertVector, REPOSITORY_ROOT } from '../../../support/vectors.js';

/** Trained, and its digits cut, by scripts/models/train-digits.mjs: none of these was trained on. */
const FOLDER = join(REPOSITORY_ROOT, 'test', 'vectors', 'models', 'digits');

const KINDS = 10;
const SIDE = 28;

function readDigits(): { readonly digit: number; readonly pixels: Uint8Array }[] {
  const sheet = withChannels(decodeImage(readFileSync(join(FOLDER, 'digits.png'))), 1);
  const count = sheet.height / SIDE;
  return Array.from({ length: count }, (_, i) => ({
    digit: Math.floor((i * KINDS) / count),
    pixels: cropped(sheet, 0, i * SIDE, SIDE, SIDE).data,
  }));
}

function greatest(list: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < list.length; i++) if ((list[i] ?? 0) > (list[best] ?? 0)) best = i;
  return best;
}

describe('a classifier of digits', () => {
  const digits = readDigits();
  const fractions = digits.map(({ pixels }) => [Float32Array.from(pixels, (byte) => byte / 255)]);
  let imported: ImportedModel;

  before(async () => {
    const { model } = await readTfjsFolder(FOLDER);
    const samples = fractions.filter((_, i) => i % 10 === 0);
    const bytes = { type: 'uint8', scale: 1 / 255, zero: 0 } as const;
    imported = importModel(model, { samples: () => samples, grids: new Map([['image', bytes]]) });
  });

  test('is right as often in whole numbers as in fractions, within one in a hundred', () => {
    const { network, program } = imported;
    let [right, rightInFractions] = [0, 0];
    for (const [i, { digit, pixels }] of digits.entries()) {
      const [shares] = executeProgram(program, [pixels]);
      const [expected] = runNetwork(network, fractions[i] ?? []);
      if (greatest(shares ?? []) === digit) right++;
      if (greatest(expected?.data ?? []) === digit) rightInFractions++;
    }
    assert.ok(rightInFractions >= 0.93 * digits.length, `${rightInFractions} of ${digits.length}`);
    assert.ok(right >= rightInFractions - 0.01 * digits.length, `${right}, in fractions ${rightInFractions}`);
  });

  test('a picture’s bytes are its input', () => {
    const { pixels } = digits[0] ?? { pixels: new Uint8Array() };
    const [port] = imported.inputs;
    assert.ok(port !== undefined);
    assert.deepEqual(toElements(port, fractions[0]?.[0] ?? new Float32Array()), pixels);
  });

  test('its program, and what it says of ten digits, are what they were', () => {
    const outputs = digits
      .filter((_, i) => i % 30 === 0)
      .flatMap(({ pixels }) => executeProgram(imported.program, [pixels]).map(tensorToBytes));
    assertVector('models/digits.json', {
      program: toHex(imported.program.hash),
      weights: toHex(imported.program.graph.weightsHash),
      outputs: toHex(sha256(Buffer.concat(outputs))),
    });
  });
});
