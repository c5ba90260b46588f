import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { readNpy, writeNpy } from '../../../../compute/import/npy.js';
import { modelCommand } from '../../../../node/commands/model.js';
import { runCommand, type CommandRun } from '../../../support/commands.js';
import * as onnx from '../../../support/onnx-writer.js';
import { createPrng } from '../../../support/prng.js';

const GRAPH: onnx.OnnxGraph = {
  inputs: [['x', ['batch', 4]]],
  outputs: ['y'],
  constants: [{ name: 'w', shape: [4, 2], values: [1, 2, 3, 4, -1, -2, 0.5, 0.25] }],
  nodes: [
    { operator: 'MatMul', inputs: ['x', 'w'], outputs: ['m'] },
    { operator: 'Relu', inputs: ['m'], outputs: ['y'] },
  ],
};

describe('ogpu model', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ogpu-model-'));
  const at = (name: string): string => join(folder, name);
  const model = (...args: string[]): Promise<CommandRun> => runCommand(modelCommand, args);
  let imported: CommandRun;

  before(async () => {
    const random = createPrng(9);
    const data = Float64Array.from({ length: 40 }, () => random.below(2001) / 1000 - 1);
    writeFileSync(at('samples.npy'), writeNpy({ shape: [10, 1, 4], data }));
    writeFileSync(at('one.npy'), writeNpy({ shape: [1, 4], data: Float64Array.of(0.25, 0.125, -0.25, 0.5) }));
    writeFileSync(at('net.onnx'), onnx.onnxFile(GRAPH));
    imported = await model(
      'import',
      at('net.onnx'),
      '--samples',
      at('samples.npy'),
      '--out',
      at('net'),
      '--json',
    );
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  test('imports in a process of its own and says what it made', () => {
    assert.equal(imported.code, undefined, String(imported.error));
    const report = JSON.parse(imported.out) as {
      program: string;
      samples: number;
      accuracy: { cosine: number }[];
    };
    assert.match(report.program, /^0x[0-9a-f]{64}$/);
    assert.equal(report.samples, 10);
    assert.ok((report.accuracy[0]?.cosine ?? 0) > 0.999, imported.out);
  });

  test('inspects', async () => {
    const { out, code } = await model('inspect', at('net'), '--price', '1');
    assert.equal(code, undefined);
    assert.match(out, /work of a segment +16 units: 8 multiply-accumulates, 2 steps/);
    assert.match(out, /price of a segment +0\.000000000016 OGPU/);
  });

  test('runs on arrays', async () => {
    const { code, error } = await model('run', at('net'), at('one.npy'), '--out', at('y.npy'));
    assert.equal(code, undefined, String(error));
    const { shape, data } = readNpy('y.npy', readFileSync(at('y.npy')));
    assert.deepEqual(shape, [1, 2]);
    for (const [i, expected] of [1.125, 1.625].entries())
      assert.ok(Math.abs((data[i] ?? NaN) - expected) < 0.03, String(data[i]));
  });

  test('measures', async () => {
    const { out, code } = await model('accuracy', at('net'), at('net.onnx'), '--samples', at('samples.npy'));
    assert.equal(code, undefined);
    assert.match(out, /^10 samples\ny: PSNR [3-9]\d\.\d\d dB, cosine 0\.999\d+/);
  });

  test('compares an executor with the reference', async () => {
    const { out, code } = await model('verify', at('net'), '--executor', 'reference', '--inputs', '2');
    assert.equal(code, undefined);
    assert.match(out, /2 inputs: the reference and the reference agree on every byte/);
  });

  test('refuses, by code: bad files, wrong folders, samples that do not fit', async () => {
    writeFileSync(at('bad.onnx'), onnx.onnxFile(GRAPH).subarray(0, 60));
    const imports = (...args: string[]): Promise<CommandRun> => model('import', ...args, '--out', at('none'));
    assert.equal((await imports(at('bad.onnx'), '--samples', at('samples.npy'))).code, 'MODEL_MALFORMED');
    assert.equal((await imports(at('samples.npy'))).code, 'MODEL_UNSUPPORTED');
    assert.equal((await imports(at('net.onnx'))).code, 'MODEL_CALIBRATION');
    assert.equal(
      (await imports(at('net.onnx'), '--shape', 'x=1,5', '--samples', at('one.npy'))).code,
      'MODEL_MALFORMED',
    );
    writeFileSync(join(at('net'), 'weights.bin'), new Uint8Array(12));
    assert.equal((await model('inspect', at('net'))).code, 'MODEL_MALFORMED');
  });
});
