import { invariant } from '../../protocol/invariant.js';
import type { OpenDevice } from './device.js';
import type { Pass } from './kernels/kernel.js';

/** Kernels compiled for a device, by their text. */
export interface Pipelines {
  /** @throws ProgramError DEVICE_LOST; GpuError GPU_COMMAND_REFUSED */
  readonly compile: (passes: readonly Pass[]) => Promise<void>;
  /** Of a pass that was compiled. */
  readonly pipelineOf: (pass: Pass) => GPUComputePipeline;
  /** The block of numbers, the tensors that are read, the one that is written. */
  readonly layoutOf: (pass: Pass) => GPUBindGroupLayout;
}

/** Pipelines of programs that are no longer there are let go beyond so many. */
const MAX_PIPELINES = 4096;

/** Compiled at once: a driver takes memory for each. */
const AT_ONCE = 4;

export function createPipelines({ device, guard }: OpenDevice): Pipelines {
  const layouts = new Map<number, GPUBindGroupLayout>();
  const pipelines = new Map<string, GPUComputePipeline>();
  const layoutOf = ({ reads }: Pass): GPUBindGroupLayout => {
    const layout = layouts.get(reads.length) ?? createLayout(device, reads.length);
    layouts.set(reads.length, layout);
    return layout;
  };
  const compileOne = async (pass: Pass): Promise<void> => {
    const layout = device.createPipelineLayout({ bindGroupLayouts: [layoutOf(pass)] });
    const module = device.createShaderModule({ code: pass.code });
    const compiled = device.createComputePipelineAsync({ layout, compute: { module, entryPoint: 'main' } });
    pipelines.set(pass.code, await guard(compiled));
  };
  return {
    layoutOf,
    async compile(passes) {
      const missing = new Map(
        passes.filter(({ code }) => !pipelines.has(code)).map((pass) => [pass.code, pass]),
      );
      const waiting = missing.values();
      await Promise.all(
        Array.from({ length: AT_ONCE }, async () => {
          for (const pass of waiting) await compileOne(pass);
        }),
      );
      const needed = new Set(passes.map(({ code }) => code));
      for (const code of pipelines.keys())
        if (pipelines.size > MAX_PIPELINES && !needed.has(code)) pipelines.delete(code);
    },
    pipelineOf({ code }) {
      const pipeline = pipelines.get(code);
      invariant(pipeline !== undefined, 'a pass is compiled before it runs');
      return pipeline;
    },
  };
}

function createLayout(device: GPUDevice, reads: number): GPUBindGroupLayout {
  const visibility = GPUShaderStage.COMPUTE;
  const entries: GPUBindGroupLayoutEntry[] = [
    { binding: 0, visibility, buffer: { type: 'uniform', hasDynamicOffset: true } },
  ];
  for (let binding = 1; binding <= reads; binding++)
    entries.push({ binding, visibility, buffer: { type: 'read-only-storage' } });
  entries.push({ binding: reads + 1, visibility, buffer: { type: 'storage' } });
  return device.createBindGroupLayout({ entries });
}
