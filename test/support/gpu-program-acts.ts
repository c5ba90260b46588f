/** A program for the sandbox: what the executor does with programs, one after the other and at once, on the device that its settings name. */
import assert from 'node:assert/strict';
import type { AdapterChoice } from '../../compute/gpu/adapter-choice.js';
import { openDevice, type OpenDevice } from '../../compute/gpu/device.js';
import { openExecutor, type ExecutorOptions } from '../../compute/gpu/executor.js';
import { executeProgram } from '../../compute/reference/execute.js';
import type { ProgramContext } from '../../compute/sandbox/program.js';
import { createVramQuota, type VramQuota } from '../../compute/sandbox/vram.js';
import { bytesEqual } from '../../protocol/bytes.js';
import { OgpuError } from '../../protocol/errors.js';
import type { ProvenProgram } from '../../protocol/graph/prove.js';
import { tensorToBytes, type TensorData } from '../../protocol/graph/tensor-data.js';
import { elementCount } from '../../protocol/graph/tensors.js';
import { createPrng } from './prng.js';
import { buildProgram, enlargingNetwork } from './tensor/programs.js';
import { randomData } from './tensor/cases.js';

const MIB = 2 ** 20;

/** Each throws where a promise is broken. */
const ACTS: Readonly<Record<string, (open: OpenDevice) => Promise<void>>> = {
  /** Large tiles, a grid of two dimensions, and the same cut into many dispatches. */
  async splits(open) {
    const { program } = enlargingNetwork(26, 8, 1);
    const large = buildProgram((graph) => {
      const x = graph.input({ type: 'int8', shape: [65_536 * 64 * 4 + 5] });
      return [graph.node('clamp', { x }, { low: -100, high: 100 })];
    });
    for (const unitLimit of [2 ** 28, 20_000]) {
      const executor = openExecutor(open, { vram: createVramQuota(64 * MIB), unitLimit });
      const prepared = await executor.prepare(program);
      await expectSame(prepared.run, program, 1);
      prepared.release();
    }
    const executor = openExecutor(open, { vram: createVramQuota(64 * MIB) });
    await expectSame((await executor.prepare(large.program)).run, large.program, 2);
  },

  /** Two programs in turn and at once: what one worked with serves the other, and none takes more than it did at first. */
  async alternates(open) {
    const vram = createVramQuota(4 * MIB);
    const executor = openExecutor(open, { vram });
    const programs = [enlargingNetwork(9, 8, 1), enlargingNetwork(12, 4, 1)].map(({ program }) => program);
    const prepared = await Promise.all(programs.map((program) => executor.prepare(program)));
    const round = async (seed: number): Promise<void> => {
      for (const [index, program] of programs.entries())
        await expectSame((inputs) => runOf(prepared, index, inputs), program, seed);
    };
    await round(1);
    const used = vram.usedBytes();
    await round(2);
    await Promise.all([round(3), round(4)]);
    assert.equal(vram.usedBytes(), used);
    for (const one of prepared) one.release();
    assert.ok(vram.usedBytes() < used);
    await expectSame(
      (await executor.prepare(programs[0] as ProvenProgram)).run,
      programs[0] as ProvenProgram,
      5,
    );
  },

  /** A program too large for what is left is refused before anything is taken; the one that was there goes on. */
  async refuses(open) {
    const [small, large] = [enlargingNetwork(9, 8, 1).program, enlargingNetwork(120, 16, 1).program];
    const vram = createVramQuota(300_000);
    const executor = openExecutor(open, { vram });
    const prepared = await executor.prepare(small);
    const used = vram.usedBytes();
    assert.equal(await codeOfRun(executor.prepare(large)), 'VRAM_QUOTA_EXCEEDED');
    assert.equal(vram.usedBytes(), used);
    await expectSame(prepared.run, small, 1);
    assert.equal(await codeOfRun(prepared.run([new Uint8Array(3)])), 'INPUT_LENGTH');
    await expectSame(prepared.run, small, 2);
    assert.ok(vram.peakBytes() <= vram.maxBytes);
  },

  /** With no more working memory kept than one program needs, and none at all. */
  async forgets(open) {
    const { program } = enlargingNetwork(9, 8, 1);
    for (const maxIdleBytes of [0, 5000]) {
      const vram: VramQuota = createVramQuota(4 * MIB);
      const options: ExecutorOptions = { vram, maxIdleBytes };
      const prepared = await openExecutor(open, options).prepare(program);
      const kept = vram.usedBytes();
      for (const seed of [1, 2]) await expectSame(prepared.run, program, seed);
      assert.ok(vram.usedBytes() <= kept + maxIdleBytes);
    }
  },

  async loses(open) {
    const { program } = enlargingNetwork(9, 8, 1);
    const executor = openExecutor(open, { vram: createVramQuota(4 * MIB) });
    const prepared = await executor.prepare(program);
    await expectSame(prepared.run, program, 1);
    open.device.destroy();
    assert.equal(await codeOfRun(prepared.run(inputsOf(program, 1))), 'DEVICE_LOST');
    await executor.prepare(program);
  },
};

export async function run({ settings, emit }: ProgramContext): Promise<void> {
  const { choice, act } = settings as { readonly choice: AdapterChoice; readonly act: string };
  await ACTS[act]?.(await openDevice(choice));
  await emit(0, new TextEncoder().encode(act));
}

type Run = (inputs: readonly TensorData[]) => Promise<readonly TensorData[]>;

async function expectSame(execute: Run, program: ProvenProgram, seed: number): Promise<void> {
  const inputs = inputsOf(program, seed);
  const [made, expected] = [await execute(inputs), executeProgram(program, inputs)];
  assert.equal(made.length, expected.length);
  for (const [index, output] of expected.entries()) {
    const bytes = tensorToBytes(made[index] ?? new Int8Array());
    assert.ok(bytesEqual(bytes, tensorToBytes(output)), `output ${index} differs`);
  }
}

function runOf(
  prepared: readonly { readonly run: Run }[],
  index: number,
  inputs: readonly TensorData[],
): ReturnType<Run> {
  const one = prepared[index];
  assert.ok(one);
  return one.run(inputs);
}

function inputsOf({ graph }: ProvenProgram, seed: number): TensorData[] {
  const prng = createPrng(seed);
  return graph.inputs.map((input) =>
    elementCount(input.shape) > MIB
      ? Int8Array.from({ length: elementCount(input.shape) }, (_, i) => (i * seed * 37) >> 3)
      : randomData(prng, input, input),
  );
}

async function codeOfRun(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'none';
  } catch (error) {
    if (error instanceof OgpuError) return String(error.code);
    throw error;
  }
}
