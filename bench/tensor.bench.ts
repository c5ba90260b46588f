import { multiplyRows } from '../compute/reference/products.js';
import { executeProgram } from '../compute/reference/execute.js';
import { buildGraph, outputStage, windowOf } from '../protocol/graph/builder.js';
import { checkGraph, openProgram } from '../protocol/graph/check.js';
import { leavesOf, stateIdOf } from '../protocol/audit/commitment.js';
import { treeRoot } from '../protocol/audit/tree.js';
import { decodeGraph, encodeGraph } from '../protocol/graph/encode.js';
import type { Graph } from '../protocol/graph/graph.js';
import { proveProgram, type ProvenProgram } from '../protocol/graph/prove.js';
import { tensorToBytes, type TensorData } from '../protocol/graph/tensor-data.js';
import { createPrng } from '../test/support/prng.js';
import type { Measurement, Scenario, Suite } from './harness.js';

const ROWS = 256;
const TERMS = 1152;
const COLUMNS = 256;

/** The reference executor: rates are of multiply-accumulates, of one core. */
export const suite: Suite = {
  scenarios: (): readonly Scenario[] => {
    const prng = createPrng(1);
    const a = Int8Array.from(prng.bytes(ROWS * TERMS));
    const b = Int8Array.from(prng.bytes(COLUMNS * TERMS));
    const [left, right] = [Int32Array.from(a), Int32Array.from(b)];
    const sums = new Int32Array(ROWS * COLUMNS);
    const matmul = denseLayer(b);
    const convolution = convolutionLayer();
    const pixels = Int8Array.from(prng.bytes(48 * 48 * 32));
    return [
      {
        name: `tensor/matmul/int8-${ROWS}x${TERMS}x${COLUMNS}`,
        operations: ROWS * TERMS * COLUMNS,
        goal: '≥ 0.35 G multiply-accumulates per second of one core',
        ours: { name: 'a program of one node', run: () => executeProgram(matmul, [a]) },
        peers: [
          { name: 'its products alone', run: () => multiplyRows(left, ROWS, right, COLUMNS, TERMS, sums) },
          { name: 'three loops of Math.imul over int8', run: () => threeLoops(a, b, sums) },
        ],
      },
      {
        name: 'tensor/conv2d/int8-48x48x32-3x3-32',
        operations: convolution.work.macs,
        ours: { name: 'a program of one node', run: () => executeProgram(convolution, [pixels]) },
      },
      {
        name: 'tensor/graph/decode-and-check/200-nodes',
        ours: { name: 'graph', run: decodeAndCheck(longGraph(200)) },
      },
    ];
  },
  measurements: () => Promise.resolve([...processorRates(), commitmentShare()]),
};

function threeLoops(a: Int8Array, b: Int8Array, sums: Int32Array): void {
  for (let i = 0; i < ROWS; i++)
    for (let j = 0; j < COLUMNS; j++) {
      let sum = 0;
      for (let t = 0; t < TERMS; t++)
        sum = (sum + Math.imul(a[i * TERMS + t] ?? 0, b[j * TERMS + t] ?? 0)) | 0;
      sums[i * COLUMNS + j] = sum;
    }
}

function denseLayer(weights: Int8Array): ProvenProgram {
  const graph = buildGraph();
  const a = graph.input({ type: 'int8', shape: [ROWS, TERMS] });
  const b = graph.constant({ type: 'int8', shape: [COLUMNS, TERMS] }, weights);
  const scale = graph.constant({ type: 'int32', shape: [1, 2] }, Int32Array.of(2 ** 30, 42));
  const product = { transposeA: false, transposeB: true, zeroA: 3, zeroB: 0, ...outputStage('int8') };
  const { graph: made, weights: file } = graph.finish([graph.node('matmul', { a, b, scale }, product)]);
  return proveProgram(openProgram(made), file);
}

function convolutionLayer(): ProvenProgram {
  const graph = buildGraph();
  const x = graph.input({ type: 'int8', shape: [1, 48, 48, 32] });
  const shape = [32, 3, 3, 32];
  const weights = graph.constant({ type: 'int8', shape }, Int8Array.from(createPrng(2).bytes(32 * 9 * 32)));
  const scale = graph.constant({ type: 'int32', shape: [1, 2] }, Int32Array.of(2 ** 30, 42));
  const window = windowOf({ padTop: 1, padBottom: 1, padLeft: 1, padRight: 1 });
  const kernel = { dilationHeight: 1, dilationWidth: 1, groups: 1, zeroX: 0, zeroWeights: 0 };
  const y = graph.node('conv2d', { x, weights, scale }, { ...window, ...kernel, ...outputStage('int8') });
  const { graph: made, weights: file } = graph.finish([y]);
  return proveProgram(openProgram(made), file);
}

function longGraph(length: number): Graph {
  const graph = buildGraph();
  let x = graph.input({ type: 'int8', shape: [1, 64, 64, 16] });
  for (let i = 0; i < length; i++) x = graph.node('clamp', { x }, { low: -i % 128, high: 100 });
  return graph.finish([x]).graph;
}

function decodeAndCheck(graph: Graph): () => unknown {
  const bytes = encodeGraph(graph);
  return () => checkGraph(decodeGraph(bytes));
}

/** Rates by processor time, which other programs on the machine do not disturb as much. */
function processorRates(): readonly Measurement[] {
  const prng = createPrng(1);
  const matmul = denseLayer(Int8Array.from(prng.bytes(COLUMNS * TERMS)));
  const a = Int8Array.from(prng.bytes(ROWS * TERMS));
  const pixels = Int8Array.from(prng.bytes(48 * 48 * 32));
  const convolution = convolutionLayer();
  return [
    {
      name: 'tensor/matmul/processor-time',
      value: rateOf(matmul, a),
      goal: '≥ 0.35 GMAC/s of one core',
    },
    { name: 'tensor/conv2d/processor-time', value: rateOf(convolution, pixels) },
  ];
}

function rateOf(program: ProvenProgram, input: Int8Array): string {
  for (let run = 0; run < 8; run++) executeProgram(program, [input]);
  const runs = 24;
  const seconds = processorSeconds(() => {
    for (let run = 0; run < runs; run++) executeProgram(program, [input]);
  });
  return `${((runs * program.work.macs) / seconds / 1e9).toFixed(2)} GMAC/s`;
}

/** What hashing and committing add to a job of 64 segments. */
function commitmentShare(): Measurement {
  const program = convolutionLayer();
  const pixels = Int8Array.from(createPrng(4).bytes(48 * 48 * 32));
  const key = new Uint8Array(32);
  const outputs: TensorData[] = [];
  const computing = processorSeconds(() => {
    for (let segment = 0; segment < 64; segment++) outputs.push(...executeProgram(program, [pixels]));
  });
  const committing = processorSeconds(() => {
    const states = outputs.map((output) => stateIdOf(tensorToBytes(output)));
    treeRoot(leavesOf({ chainId: 1, job: key, attempt: 0 }, key, states));
  });
  const share = ((100 * committing) / computing).toFixed(2);
  return { name: 'tensor/commitment/share-of-job', value: `${share} %`, goal: '< 2 %' };
}

function processorSeconds(work: () => void): number {
  const start = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1e6;
}
