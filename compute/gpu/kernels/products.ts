import type { Attributes, OutputStage } from '../../../protocol/graph/operators.js';
import { lastTwo } from '../../../protocol/graph/shapes/linear.js';
import { sizeAt, stridesOf, type DataType } from '../../../protocol/graph/tensors.js';
import { elementPass, loadCode } from './elements.js';
import { countOf, GROUP_SIZE, lanesOf, makePass, type DeviceTensor, type Lowering } from './kernel.js';
import { copyView } from './layout.js';
import type { Lower } from './lower.js';
import { stageCode } from './output-stage.js';
import { ANYWHERE } from './windows.js';

/**
 * Sums of products as one multiplication of matrices: rows of x (pixels, or rows of a) by rows of weights (one for each output channel), whose
 * terms lie behind each other in runs. Terms are taken a word at a time: four of 8 bits by `dot4I8Packed`, or two of 16.
 *
 * Words hold elements as signed numbers: uint8 less 128, as its zero point is then. With zero points z of x and u of weights, over n terms:
 * Σ(x−z)(w−u) = Σxw − uΣx − z(Σw − nu). The last part, and the bias, are the same for every row: its `offsets`, made once where weights
 * are constant. A tap beyond the edge is a z.
 */
interface Product {
  readonly x: DeviceTensor;
  readonly weights: DeviceTensor;
  readonly bias: DeviceTensor | undefined;
  readonly scale: DeviceTensor | undefined;
  readonly y: DeviceTensor;
  readonly stage: OutputStage;
  readonly zeroX: number;
  readonly zeroWeights: number;
  /** Rows of y: all its dimensions but the last. */
  readonly rows: number;
  readonly outputs: number;
  /** Output channels that see the same part of x. */
  readonly groupOutputs: number;
  /** Terms that lie behind each other in x. */
  readonly run: number;
  readonly runs: number;
  /** Rows of y that share a matrix of weights: all, but for a batch of matrices. */
  readonly rowsOfMatrix: number;
  /** Body of `fn corner_of(row: u32) -> vec3<i32>`: what of a row's place is the same for all its runs. */
  readonly corner: string;
  /** Body of `fn reach(corner: vec3<i32>, tap: u32, channel: u32) -> vec2<u32>`: where in x run `tap` begins, and 1 unless it is beyond the edge. */
  readonly reach: string;
}

export const conv2d: Lower<'conv2d'> = ({ x, weights, bias, scale }, attributes, y, make) => {
  const [outputs, kernelHeight, kernelWidth, run] = weights.shape as [number, number, number, number];
  const { groups, zeroX, zeroWeights } = attributes;
  const rows = Math.floor(countOf(y) / outputs);
  multiply(
    {
      ...{ x, weights, bias, scale, y, stage: attributes, zeroX, zeroWeights, rows, outputs, run },
      groupOutputs: outputs / groups,
      runs: kernelHeight * kernelWidth,
      rowsOfMatrix: rows,
      ...reachTaps(x, y, kernelWidth, run, outputs / groups, attributes),
    },
    make,
  );
};

function reachTaps(
  { shape }: DeviceTensor,
  y: DeviceTensor,
  kernelWidth: number,
  run: number,
  groupOutputs: number,
  window: Attributes<'conv2d'>,
): Pick<Product, 'corner' | 'reach'> {
  const [, height = 1, width = 1, channels = 1] = shape;
  const [, rows = 1, columns = 1] = y.shape;
  const { strideHeight, strideWidth, dilationHeight, dilationWidth, padTop, padBottom, padLeft, padRight } =
    window;
  const isPadded = padTop + padBottom + padLeft + padRight > 0;
  const group = channels === run ? '' : ` + channel / ${groupOutputs}u * ${run}u`;
  return {
    corner: `let top = i32(row / ${columns}u % ${rows}u) * ${strideHeight} - ${padTop};
  let left = i32(row % ${columns}u) * ${strideWidth} - ${padLeft};
  return vec3<i32>(i32(row / ${rows * columns}u) * ${height}, top, left);`,
    reach: `let tap_row = corner.y + i32(tap / ${kernelWidth}u) * ${dilationHeight};
  let tap_column = corner.z + i32(tap % ${kernelWidth}u) * ${dilationWidth};
  ${
    isPadded
      ? `let row = clamp(tap_row, 0, ${height - 1});
  let column = clamp(tap_column, 0, ${width - 1});
  let is_inside = select(0u, 1u, row == tap_row && column == tap_column);`
      : 'let row = tap_row;\n  let column = tap_column;\n  let is_inside = 1u;'
  }
  return vec2<u32>(u32((corner.x + row) * ${width} + column) * ${channels}u${group}, is_inside);`,
  };
}

/** Both operands are first laid out with their terms innermost. */
export const matmul: Lower<'matmul'> = ({ a, b, bias, scale }, attributes, y, make) => {
  const { transposeA, transposeB, zeroA, zeroB } = attributes;
  const [, terms] = lastTwo(a.shape, transposeA);
  const x = transposeA ? swapped(a, make) : a;
  const weights = transposeB ? b : swapped(b, make);
  const [matrixRows, outputs] = y.shape.slice(-2) as [number, number];
  const rows = Math.floor(countOf(y) / outputs);
  multiply(
    {
      ...{ x, weights, bias, scale, y, stage: attributes, zeroX: zeroA, zeroWeights: zeroB, rows, outputs },
      groupOutputs: outputs,
      run: terms,
      runs: 1,
      rowsOfMatrix: b.shape.length > 2 ? matrixRows : rows,
      corner: 'return vec3<i32>(i32(row), 0, 0);',
      reach: `return vec2<u32>(u32(corner.x) * ${terms}u, 1u);`,
    },
    make,
  );
};

/** The last two dimensions in turn. */
function swapped(tensor: DeviceTensor, { scratch, add }: Lowering): DeviceTensor {
  const { shape, type } = tensor;
  const axes = [...shape.keys()];
  const order = [...axes.slice(0, -2), axes.length - 1, axes.length - 2];
  const strides = stridesOf(shape);
  const sizes = order.map((axis) => sizeAt(shape, axis));
  const target = scratch({ type, shape: sizes });
  add(copyView(tensor, { sizes, strides: order.map((axis) => sizeAt(strides, axis)), offset: 0 }, target));
  return target;
}

function multiply(product: Product, make: Lowering): void {
  const { x, weights, groupOutputs } = product;
  const lanes = lanesOf(x) === 4 && lanesOf(weights) === 4 ? 4 : 2;
  const offsets = makeOffsets(product, lanes, make);
  if (groupOutputs % 4 === 0) tilePass(product, offsets, lanes, tileOf(product), make);
  else wordPass(product, offsets, lanes, make);
}

/** Zero points of elements as they stand in words. */
function zeroInWords(type: DataType, zero: number, lanes: number): number {
  return type === 'uint8' && lanes === 4 ? zero - 128 : zero;
}

/** What is added to all sums of a channel: bias − z(Σw − nu), modulo 2³². */
function makeOffsets(product: Product, lanes: number, { scratch, add }: Lowering): DeviceTensor {
  const { x, weights, bias, outputs, run, runs, zeroX, zeroWeights } = product;
  const matrices = Math.floor(countOf(weights) / (outputs * run * runs));
  const offsets = scratch({ type: 'int32', shape: [matrices * outputs] });
  const reads = { weights, ...(bias !== undefined && { bias }) };
  add(
    elementPass({
      reads,
      views: Object.fromEntries(Object.keys(reads).map((name) => [name, ANYWHERE])),
      y: offsets,
      numbers: { zeroX: zeroInWords(x.type, zeroX, lanes), zeroWeights },
      element: `var sum = 0;
  for (var term = 0u; term < ${run * runs}u; term++) { sum += load_weights(i * ${run * runs}u + term) - params.zeroWeights; }
  return ${bias === undefined ? '0' : `load_bias(i % ${outputs}u)`} - params.zeroX * sum;`,
    }),
  );
  return offsets;
}

/** What both kernels share: words of terms, and how they are multiplied. */
function termCode(
  product: Product,
  lanes: number,
  hasDot: boolean,
): {
  functions: string;
  numbers: Record<string, number>;
} {
  const { x, weights, run, zeroX, zeroWeights } = product;
  const outside = zeroInWords(x.type, zeroX, lanes);
  const splat = lanes === 4 ? (outside & 0xff) * 0x0101_0101 : (outside & 0xffff) * 0x0001_0001;
  const rest = run % lanes;
  const tail = rest === 0 ? '' : `& ${2 ** ((32 / lanes) * rest) - 1}u`;
  const ones = lanes === 4 ? '0x01010101u' : '0x00010001u';
  return {
    functions: `fn corner_of(row: u32) -> vec3<i32> { ${product.corner} }
fn reach(corner: vec3<i32>, tap: u32, channel: u32) -> vec2<u32> { ${product.reach} }
${wordsCode('x', x, lanes, run)}
${wordsCode('weights', weights, lanes, run)}
${dotCode(lanes, hasDot)}
fn terms_of(place: vec2<u32>, at: u32) -> u32 {
  let terms = select(u32(params.outside), x_terms(place.x + at * ${lanes}u), place.y == 1u);
  ${tail === '' ? 'return terms;' : `return select(terms, terms ${tail}, at == ${Math.floor(run / lanes)}u);`}
}
fn sum_of(terms: u32) -> i32 { return dot(terms, ${ones}); }`,
    numbers: { outside: splat | 0, zeroWeights: zeroInWords(weights.type, zeroWeights, lanes) },
  };
}

/** `name_terms(e)`: the word of terms that begins with element e. Runs of whole words need one word of memory, others parts of two. */
function wordsCode(name: string, tensor: DeviceTensor, lanes: number, run: number): string {
  const { type, storage } = tensor;
  const flip = type === 'uint8' && lanes === 4 ? ' ^ 0x80808080u' : '';
  const memoryLanes = lanesOf(tensor);
  if (memoryLanes > lanes)
    return `${loadCode(name, tensor, `${name}_term`)}
fn ${name}_terms(e: u32) -> u32 {
  let next = min(e + 1u, ${countOf(tensor) - 1}u);
  return (u32(${name}_term(e)) & 0xffffu) | (u32(${name}_term(next)) << 16u);
}`;
  const shift = memoryLanes === 4 ? 2 : 1;
  if (run % memoryLanes === 0)
    return `fn ${name}_terms(e: u32) -> u32 { return ${name}[e >> ${shift}u]${flip}; }`;
  return `fn ${name}_terms(e: u32) -> u32 {
  let word = e >> ${shift}u;
  let bits = (e & ${memoryLanes - 1}u) * ${32 / memoryLanes}u;
  let next = ${name}[min(word + 1u, ${storage.words - 1}u)];
  return ((${name}[word] >> bits) | select(next << ((32u - bits) & 31u), 0u, bits == 0u))${flip};
}`;
}

function dotCode(lanes: number, hasDot: boolean): string {
  if (lanes === 4 && hasDot) return 'fn dot(a: u32, b: u32) -> i32 { return dot4I8Packed(a, b); }';
  const lane = (word: string, at: number): string => {
    const bits = 32 / lanes;
    const above = 32 - bits * (at + 1);
    return `(i32(${word}${above === 0 ? '' : ` << ${above}u`}) >> ${32 - bits}u)`;
  };
  const products = Array.from({ length: lanes }, (_, at) => `${lane('a', at)} * ${lane('b', at)}`);
  return `fn dot(a: u32, b: u32) -> i32 { return ${products.join(' + ')}; }`;
}

/** The largest tile of which not too much lies beyond the last row: memory is read once for all of a tile's products. */
function tileOf({ groupOutputs, rowsOfMatrix }: Product): Tile {
  const channels = groupOutputs % 8 === 0 ? 8 : 4;
  const rows = [8, 4, 2].find((count) => wasted(rowsOfMatrix, GROUP_SIZE * count) < 0.25) ?? 1;
  return { rows, channels };
}

function wasted(rows: number, block: number): number {
  return (block * Math.ceil(rows / block)) / rows - 1;
}

/** Rows and channels of y that one invocation makes. */
interface Tile {
  readonly rows: number;
  readonly channels: number;
}

/** Each invocation makes a tile of y: it reads a word of each of its rows of x and of weights, and multiplies each with each. */
function tilePass(product: Product, offsets: DeviceTensor, lanes: number, tile: Tile, make: Lowering): void {
  const { x, weights, y, rows, outputs, run, runs, rowsOfMatrix } = product;
  const stage = stageCode(product.stage, product.scale);
  const terms = termCode(product, lanes, make.hasDot);
  const yLanes = lanesOf(y);
  const tiles = outputs / tile.channels;
  const blocks = Math.ceil(rowsOfMatrix / (GROUP_SIZE * tile.rows));
  const matrices = rows / rowsOfMatrix;
  const isCentred = terms.numbers['zeroWeights'] === 0;
  const rowsText = (text: (row: number) => string): string => lines(tile.rows, text);
  const sums = Array.from({ length: tile.rows * tile.channels }, (_, at) => `sum${at}`);
  const centres = Array.from({ length: tile.rows }, (_, at) => (isCentred ? '0' : `centre${at}`));
  make.add(
    makePass({
      reads: { x, weights, offsets, ...stage.reads },
      y,
      numbers: { ...terms.numbers, ...stage.numbers },
      functions: `${terms.functions}\n${stage.functions}`,
      main: `let channel = group % ${tiles}u * ${tile.channels}u;
  let matrix = group / ${tiles * blocks}u;
  let first_row = (group / ${tiles}u % ${blocks}u * ${GROUP_SIZE}u + lane) * ${tile.rows}u;
  if (first_row >= ${rowsOfMatrix}u) { return; }
  ${rowsText((row) => `let corner${row} = corner_of(matrix * ${rowsOfMatrix}u + min(first_row + ${row}u, ${rowsOfMatrix - 1}u));`)}
  ${sums.map((sum) => `var ${sum} = 0;`).join('\n  ')}
  ${isCentred ? '' : rowsText((row) => `var centre${row} = 0;`)}
  let offset = matrix * ${outputs}u + channel;
  for (var tap = 0u; tap < ${runs}u; tap++) {
    ${rowsText((row) => `let place${row} = reach(corner${row}, tap, channel);`)}
    for (var at = 0u; at < ${Math.ceil(run / lanes)}u; at++) {
      let weight = (offset * ${runs}u + tap) * ${run}u + at * ${lanes}u;
      ${rowsText((row) => `let terms${row} = terms_of(place${row}, at);`)}
      ${lines(tile.channels, (at) => `let weight${at} = weights_terms(weight + ${at * run * runs}u);`)}
      ${sums.map((sum, at) => `${sum} += dot(terms${Math.floor(at / tile.channels)}, weight${at % tile.channels});`).join('\n      ')}
      ${isCentred ? '' : rowsText((row) => `centre${row} += sum_of(terms${row});`)}
    }
  }
  let sums = array(${sums.join(', ')});
  let centres = array(${centres.join(', ')});
  for (var row = 0u; row < min(${tile.rows}u, ${rowsOfMatrix}u - first_row); row++) {
    let first = ((matrix * ${rowsOfMatrix}u + first_row + row) * ${outputs}u + channel) / ${yLanes}u;
    for (var word = 0u; word < ${tile.channels / yLanes}u; word++) {
      var made = 0u;
      for (var part = 0u; part < ${yLanes}u; part++) {
        let at = word * ${yLanes}u + part;
        let sum = sums[row * ${tile.channels}u + at] - params.zeroWeights * centres[row] + i32(offsets[offset + at]);
        let element = u32(stage(sum, channel + at));
        made |= ${yLanes === 1 ? 'element' : `(element & ${2 ** (32 / yLanes) - 1}u) << (part * ${32 / yLanes}u)`};
      }
      y[first + word] = made;
    }
  }`,
      groups: tiles * blocks * matrices,
    }),
  );
}

function lines(count: number, text: (at: number) => string): string {
  return Array.from({ length: count }, (_, at) => text(at)).join('\n  ');
}

/** Each invocation makes one word of y, whichever rows and channels its elements belong to. */
function wordPass(product: Product, offsets: DeviceTensor, lanes: number, make: Lowering): void {
  const { x, weights, y, outputs, run, runs, rowsOfMatrix, rows } = product;
  const stage = stageCode(product.stage, product.scale);
  const terms = termCode(product, lanes, make.hasDot);
  const reads = { x, weights, offsets, ...stage.reads };
  const matrix = rowsOfMatrix < rows ? `row / ${rowsOfMatrix}u * ${outputs}u + channel` : 'channel';
  make.add(
    elementPass({
      reads,
      views: Object.fromEntries(Object.keys(reads).map((name) => [name, ANYWHERE])),
      y,
      numbers: { ...terms.numbers, ...stage.numbers },
      functions: `${terms.functions}\n${stage.functions}`,
      element: `let channel = i % ${outputs}u;
  let row = i / ${outputs}u;
  let weights_row = ${matrix};
  var sum = i32(offsets[weights_row]);
  let corner = corner_of(row);
  for (var tap = 0u; tap < ${runs}u; tap++) {
    let place = reach(corner, tap, channel);
    let weights_start = (weights_row * ${runs}u + tap) * ${run}u;
    for (var at = 0u; at < ${Math.ceil(run / lanes)}u; at++) {
      let terms = terms_of(place, at);
      sum += dot(terms, weights_terms(weights_start + at * ${lanes}u)) - params.zeroWeights * sum_of(terms);
    }
  }
  return stage(sum, channel);`,
    }),
  );
}
