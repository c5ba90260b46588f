import { DISPATCH_UNITS } from '../../protocol/graph/limits.js';
import type { ProvenProgram } from '../../protocol/graph/prove.js';
import { ProgramError } from '../sandbox/program.js';
import type { VramQuota } from '../sandbox/vram.js';
import { createBufferPool } from './buffer-pool.js';
import type { OpenDevice } from './device.js';
import { createPipelines } from './pipelines.js';
import { planProgram, type Plan } from './plan.js';
import { memoryOf, prepareProgram, type DeviceTools, type PreparedProgram } from './prepared.js';

/** Runs programs on one device, to the bit as `executeProgram` does. One segment runs at a time; others wait their turn. */
export interface GpuExecutor {
  /**
   * Uploads weights and compiles kernels, once for all segments.
   *
   * @throws ProgramError VRAM_QUOTA_EXCEEDED, before anything is taken, where its segments would need more device memory than there is beside
   * programs that were prepared before; DEVICE_LOST; GpuError GPU_COMMAND_REFUSED | GPU_OUT_OF_MEMORY
   */
  readonly prepare: (program: ProvenProgram) => Promise<PreparedProgram>;
}

export interface ExecutorOptions {
  /** All buffers are taken from it. */
  readonly vram: VramQuota;
  /** Of one dispatch, in units of the meter. */
  readonly unitLimit?: number;
  /** Working memory kept between segments; half the quota where not given. */
  readonly maxIdleBytes?: number;
}

export function openExecutor(open: OpenDevice, options: ExecutorOptions): GpuExecutor {
  const { vram, unitLimit = DISPATCH_UNITS, maxIdleBytes = Math.floor(vram.maxBytes / 2) } = options;
  const tools: DeviceTools = {
    ...open,
    vram,
    pool: createBufferPool(open.device, vram, maxIdleBytes),
    pipelines: createPipelines(open),
    inTurn: takeTurns(),
  };
  const plans = new Set<Plan>();
  return {
    async prepare(program) {
      const plan = planProgram(program, open.hasDot, unitLimit);
      checkMemory([...plans, plan], vram);
      plans.add(plan);
      try {
        return await tools.inTurn(() => prepareProgram(plan, tools, () => plans.delete(plan)));
      } catch (error) {
        plans.delete(plan);
        throw error;
      }
    },
  };
}

/** All weights, and the working memory of whichever program runs. */
function checkMemory(plans: readonly Plan[], vram: VramQuota): void {
  const memory = plans.map(memoryOf);
  const kept = memory.reduce((sum, { keptBytes }) => sum + keptBytes, 0);
  const bytes = kept + Math.max(...memory.map(({ workingBytes }) => workingBytes));
  if (bytes > vram.maxBytes)
    throw new ProgramError('VRAM_QUOTA_EXCEEDED', `${bytes} bytes of device memory are more than allowed`, {
      bytes,
      maxBytes: vram.maxBytes,
    });
}

/** One after the other, whether the one before failed or not. */
function takeTurns(): DeviceTools['inTurn'] {
  let turn: Promise<unknown> = Promise.resolve();
  return (work) => {
    const mine = turn.then(work, work);
    turn = mine.catch(() => undefined);
    return mine;
  };
}
