import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { ModelError } from '../../../../compute/import/model-error.js';
import type { Model } from '../../../../compute/import/model.js';
import { readTfjsFolder } from '../../../../compute/import/tfjs/folder.js';
import { parseTfjs } from '../../../../compute/import/tfjs/parse.js';
import { createPrng } from '../../../support/prng.js';
import { REPOSITORY_ROOT } from '../../../support/vectors.js';

const ESRGAN = join(REPOSITORY_ROOT, 'node_modules/@upscalerjs/esrgan-slim/models/x2');

interface Layer {
  readonly class_name: string;
  readonly config: Readonly<Record<string, unknown>>;
}

const DENSE: Layer = {
  class_name: 'Dense',
  config: { name: 'd', units: 2, use_bias: true, activation: 'relu' },
};
const INPUT: Layer = { class_name: 'InputLayer', config: { name: 'in', batch_input_shape: [null, 2] } };
const WEIGHTS = [
  { name: 'd/kernel', shape: [2, 2], dtype: 'float32' },
  { name: 'd/bias', shape: [2], dtype: 'float32', quantization: { dtype: 'uint8', scale: 0.5, min: -1 } },
];
const SHARD = Buffer.concat([new Uint8Array(Float32Array.of(1, 2, 3, 4).buffer), Uint8Array.of(0, 6)]);

function file(
  layers: readonly Layer[],
  weights: readonly unknown[] = WEIGHTS,
  paths = ['w.bin'],
): Uint8Array {
  return new TextEncoder().encode(
    JSON.stringify({
      modelTopology: { model_config: { class_name: 'Sequential', config: { layers } } },
      weightsManifest: [{ paths, weights }],
    }),
  );
}

function parse(json: Uint8Array, shard: Uint8Array = SHARD): Model {
  return parseTfjs(json, new Map([['w.bin', shard]]));
}

function refusal(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (!(error instanceof ModelError)) throw error;
    return error.message;
  }
  return 'none';
}

describe('a layers model', () => {
  test('in sequence, with quantised weights', () => {
    const model = parse(file([INPUT, DENSE]));
    assert.deepEqual(
      model.nodes.map(({ operator }) => operator),
      ['MatMul', 'Add', 'Relu'],
    );
    assert.deepEqual(model.constants.get('d/kernel')?.data, Float32Array.of(1, 2, 3, 4));
    assert.deepEqual(model.constants.get('d/bias')?.data, Float32Array.of(-1, 2));
  });

  test('that says with its first layer what comes in', () => {
    const first = { ...DENSE, config: { ...DENSE.config, batch_input_shape: [null, 2] } };
    assert.deepEqual(parse(file([first])).inputs, [{ name: 'd:input', dtype: 'float32', shape: [null, 2] }]);
  });

  test('ESRGAN-slim, from its folder', async () => {
    const { model, hashes } = await readTfjsFolder(ESRGAN);
    const counts = new Map<string, number>();
    for (const { operator } of model.nodes) counts.set(operator, (counts.get(operator) ?? 0) + 1);
    assert.deepEqual(Object.fromEntries(counts), { Conv: 12, Relu: 4, Concat: 3, Add: 3, Resize: 1 });
    assert.deepEqual(model.inputs, [{ name: 'LR', dtype: 'float32', shape: [null, null, null, 3] }]);
    assert.deepEqual(model.constants.get('F_m1/kernel')?.shape, [64, 3, 3, 3]);
    const parameters = [...model.constants.values()].reduce((sum, { data }) => sum + data.length, 0);
    assert.equal(parameters, 888_300 / 4 + 4);
    assert.deepEqual([...hashes.keys()], ['model.json', 'group1-shard1of1.bin']);
  });
});

describe('refused, by name', () => {
  const with0 = (index: number, change: object): readonly unknown[] =>
    WEIGHTS.map((weight, i) => (i === index ? { ...weight, ...change } : weight));
  const cases: [string, () => unknown, RegExp][] = [
    ['not JSON', () => parse(new Uint8Array(3)), /not JSON/],
    ['a way out of the folder', () => parse(file([DENSE], WEIGHTS, ['../key.bin'])), /weightsManifest/],
    [
      'a missing file',
      () => parse(file([INPUT, DENSE], WEIGHTS, ['v.bin'])),
      /v.bin: this file of weights is missing/,
    ],
    [
      'bytes too few',
      () => parse(file([INPUT, DENSE]), SHARD.subarray(1)),
      /d\/bias: 2 bytes where 1 are left/,
    ],
    [
      'bytes too many',
      () => parse(file([INPUT, DENSE]), Buffer.concat([SHARD, SHARD])),
      /18 bytes more than its weights/,
    ],
    [
      'a huge weight',
      () => parse(file([INPUT, DENSE], with0(0, { shape: [2 ** 30, 2] }))),
      /d\/kernel: more than/,
    ],
    [
      'a weight of text',
      () => parse(file([INPUT, DENSE], with0(0, { dtype: 'string' }))),
      /d\/kernel: a weight of string/,
    ],
    [
      'a missing weight',
      () => parse(file([INPUT, DENSE], with0(1, { name: 'e/bias' }))),
      /d: no weight bias/,
    ],
    [
      'all unknown layers at once',
      () =>
        parse(
          file([
            INPUT,
            { class_name: 'LSTM', config: { name: 'a' } },
            { class_name: 'Lambda', config: { name: 'b' } },
          ]),
        ),
      /LSTM \(a\), Lambda \(b\)/,
    ],
    [
      'a layer named like a property',
      () => parse(file([INPUT, { class_name: 'constructor', config: {} }])),
      /layer 1: the layer constructor/,
    ],
  ];
  for (const [what, act, reason] of cases) test(what, () => assert.match(refusal(act), reason));
});

test('files changed at random are read or refused, and nothing else', () => {
  const random = createPrng(7);
  const json = readFileSync(join(ESRGAN, 'model.json'));
  const shards = new Map([['group1-shard1of1.bin', readFileSync(join(ESRGAN, 'group1-shard1of1.bin'))]]);
  const punctuation = new TextEncoder().encode('[]{}",:0123456789-e.null');
  let refused = 0;
  for (let i = 0; i < 200; i++) {
    const changed = new Uint8Array(json);
    for (let change = random.below(3); change >= 0; change--)
      changed[random.below(changed.length)] = punctuation[random.below(punctuation.length)] ?? 0;
    if (refusal(() => parseTfjs(changed, shards)) !== 'none') refused++;
  }
  assert.ok(refused > 50 && refused < 200, String(refused));
});
