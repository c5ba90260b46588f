import assert from 'node:assert/strict';
import { openGlesChoice } from '../../compute/gpu/adapter-choice.js';
import { openDevice } from '../../compute/gpu/device.js';
import { openExecutor, type GpuExecutor } from '../../compute/gpu/executor.js';
import { createVramQuota } from '../../compute/sandbox/vram.js';
import { OPERATOR_NAMES } from '../../protocol/graph/operators.js';
import { compareCase, provenCase } from '../support/gpu-tensor-acts.js';
import { randomCase } from '../support/tensor/cases.js';
import { largeProduct } from '../support/tensor/large-products.js';
import type { FuzzTarget } from './target.js';

let executor: Promise<GpuExecutor> | undefined;

/** In this process: a driver that crashes ends the run, as it may here. */
async function open(): Promise<GpuExecutor> {
  const choice = openGlesChoice();
  Object.assign(process.env, choice.environment);
  return openExecutor(await openDevice(choice), { vram: createVramQuota(2 ** 28) });
}

/**
 * Operators on a device against the reference: every case is compiled, so these run when they are named alone. The device is Mesa's
 * OpenGL ES: `npm run fuzz -- tensor-gpu`.
 */
export const deviceTargets: readonly FuzzTarget[] = [
  {
    name: 'tensor-gpu/operators',
    hangMs: 30_000,
    prepare: () => (executor ??= open()),
    attack: async (prng) => {
      const sample = prng.chance(1, 12) ? largeProduct(prng) : randomCase(prng.pick(OPERATOR_NAMES), prng);
      const program = provenCase(sample);
      executor ??= open();
      if (program !== undefined) assert.equal(await compareCase(await executor, program, sample), undefined);
    },
  },
];
