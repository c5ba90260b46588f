import { openGlesChoice } from '../compute/gpu/adapter-choice.js';
import { openDevice, type DeviceDescription } from '../compute/gpu/device.js';
import { openExecutor, type GpuExecutor } from '../compute/gpu/executor.js';
import { executeProgram } from '../compute/reference/execute.js';
import { createVramQuota } from '../compute/sandbox/vram.js';
import { outputStage, windowOf, type GraphBuilder, type TensorRef } from '../protocol/graph/builder.js';
import type { ProvenProgram } from '../protocol/graph/prove.js';
import type { TensorData } from '../protocol/graph/tensor-data.js';
import { createPrng } from '../test/support/prng.js';
import { randomData } from '../test/support/tensor/cases.js';
import { buildProgram, enlargingNetwork } from '../test/support/tensor/programs.js';
import type { Measurement, Suite } from './harness.js';

/**
 * The executor on the faster of the two devices of software, Mesa's OpenGL ES, against the reference. Both compute on the processor: the
 * device on all cores, the reference on one. Compilation is not in the rates, and told apart.
 */
export const suite: Suite = {
  measurements: async () => {
    const choice = openGlesChoice();
    Object.assign(process.env, choice.environment);
    const open = await openDevice(choice);
    const executor = openExecutor(open, { vram: createVramQuota(2 ** 29) });
    const network = enlargingNetwork(48, 32, 2, 3).program;
    const compared = await compare('tensor-gpu/enlarging-network', network, executor, '≥ 5 × the reference');
    const operators: Measurement[] = [];
    for (const [name, program] of Object.entries(OPERATORS))
      operators.push(...(await compare(`tensor-gpu/${name}`, buildProgram(program).program, executor)));
    return [deviceLine(open.description), ...compared, ...operators];
  },
};

function deviceLine({ device, driver }: DeviceDescription): Measurement {
  return { name: 'tensor-gpu/device', value: `${device}, ${driver}` };
}

const SIZE = 48;
const CHANNELS = 64;

const OPERATORS: Readonly<Record<string, (graph: GraphBuilder) => TensorRef[]>> = {
  'conv2d/int8-3x3': (graph) => [convolution(graph, 'int8', 3)],
  'conv2d/int8-1x1': (graph) => [convolution(graph, 'int8', 1)],
  'conv2d/int16-3x3': (graph) => [convolution(graph, 'int16', 3)],
  'depthwiseConv2d/int8-3x3': (graph) => {
    const { attributes, x, scale } = convolutionParts(graph, 'int8', 3);
    const weights = filled(graph, [3, 3, CHANNELS]);
    return [graph.node('depthwiseConv2d', { x, weights, scale }, attributes)];
  },
  'matmul/int8-1024x512x256': (graph) => {
    const a = graph.input({ type: 'int8', shape: [1024, 512] });
    const operands = { a, b: filled(graph, [256, 512]), scale: scaleOf(graph) };
    const attributes = { transposeA: false, transposeB: true, zeroA: 3, zeroB: 0, ...outputStage('int8') };
    return [graph.node('matmul', operands, attributes)];
  },
  'add/int8': (graph) => {
    const [a, b] = [0, 1].map(() => graph.input({ type: 'int8', shape: [SIZE * SIZE, CHANNELS * 8] }));
    const scale = graph.constant(
      { type: 'int32', shape: [1, 6] },
      Int32Array.of(2 ** 30, 15, 2 ** 30, 15, 2 ** 30, 46),
    );
    const zeros = { zeroA: 3, zeroB: -4 };
    return a && b ? [graph.node('add', { a, b, scale }, { ...zeros, ...outputStage('int8') })] : [];
  },
};

function convolutionParts(
  graph: GraphBuilder,
  type: 'int8' | 'int16',
  kernel: number,
): { x: TensorRef; scale: TensorRef; attributes: Parameters<typeof graph.node<'depthwiseConv2d'>>[2] } {
  const range = type === 'int16' ? { min: -4000, max: 4000 } : undefined;
  const x = graph.input({ type, shape: [1, SIZE, SIZE, CHANNELS] }, range);
  const edge = (kernel - 1) / 2;
  const window = windowOf({ padTop: edge, padBottom: edge, padLeft: edge, padRight: edge });
  const attributes = {
    ...window,
    dilationHeight: 1,
    dilationWidth: 1,
    zeroX: 0,
    zeroWeights: 0,
    ...outputStage(type),
  };
  return { x, scale: scaleOf(graph), attributes };
}

function convolution(graph: GraphBuilder, type: 'int8' | 'int16', kernel: number): TensorRef {
  const { attributes, x, scale } = convolutionParts(graph, type, kernel);
  const weights = filled(graph, [CHANNELS, kernel, kernel, CHANNELS]);
  return graph.node('conv2d', { x, weights, scale }, { ...attributes, groups: 1 });
}

function scaleOf(graph: GraphBuilder): TensorRef {
  return graph.constant({ type: 'int32', shape: [1, 2] }, Int32Array.of(2 ** 30, 42));
}

function filled(graph: GraphBuilder, shape: readonly number[]): TensorRef {
  const tensor = { type: 'int8', shape } as const;
  const length = shape.reduce((product, size) => product * size, 1);
  return graph.constant(tensor, Int8Array.from(createPrng(length).bytes(length)));
}

interface Cost {
  readonly wallMs: number;
  readonly processorMs: number;
}

async function compare(
  name: string,
  program: ProvenProgram,
  executor: GpuExecutor,
  goal?: string,
): Promise<Measurement[]> {
  const prng = createPrng(7);
  const inputs: TensorData[] = program.graph.inputs.map((input) =>
    randomData(prng, input, { ...input, min: input.min + 1 }),
  );
  const firstMs = performance.now();
  const prepared = await executor.prepare(program);
  await prepared.run(inputs);
  const compileMs = performance.now() - firstMs;
  const device = await costOf(() => prepared.run(inputs));
  const reference = await costOf(() => executeProgram(program, inputs));
  prepared.release();
  const ratio = (of: keyof Cost): string => `${(reference[of] / device[of]).toFixed(1)} ×`;
  const work = program.work.macs > 0 ? program.work.macs : program.work.steps;
  const rate = `${(work / device.wallMs / 1e6).toFixed(2)} G${program.work.macs > 0 ? 'MAC' : 'elements'}/s`;
  const value = `${ratio('wallMs')} the reference, ${ratio('processorMs')} by processor time; ${rate}; first run ${Math.round(compileMs)} ms`;
  return [{ name, value, ...(goal !== undefined && { goal }) }];
}

/** The best of some runs by the clock, and the mean of their processor time. */
async function costOf(run: () => unknown): Promise<Cost> {
  await run();
  let wallMs = Infinity;
  const runs = 4;
  const before = process.cpuUsage();
  for (let i = 0; i < runs; i++) {
    const startMs = performance.now();
    await run();
    wallMs = Math.min(wallMs, performance.now() - startMs);
  }
  const { user, system } = process.cpuUsage(before);
  return { wallMs, processorMs: (user + system) / 1000 / runs };
}
