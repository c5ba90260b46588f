import type { AbiValue } from '../../protocol/abi/types.js';
import { asciiBytes, asciiText } from '../../protocol/names.js';
import { Revert } from '../modules/module.js';
import { ERRORS } from './abi.js';
import { MAX_GPU_KINDS, MAX_MODEL_BYTES, MAX_VENDOR_BYTES, type Gpu } from './provider.js';

/** GPUs of one kind, as somebody says it. */
export interface GpuTerms {
  readonly vendor: string;
  readonly model: string;
  readonly vramMiB: number;
  readonly count: number;
}

/** @throws Revert TooManyGpus | InvalidGpu */
export function parseGpus(gpus: readonly GpuTerms[]): Gpu[] {
  if (gpus.length > MAX_GPU_KINDS) {
    throw new Revert(ERRORS.TooManyGpus, [BigInt(MAX_GPU_KINDS), BigInt(gpus.length)]);
  }
  return gpus.map(({ vendor, model, vramMiB, count }, index) => {
    const isValid =
      isLabel(vendor, MAX_VENDOR_BYTES) && isLabel(model, MAX_MODEL_BYTES) && vramMiB > 0 && count > 0;
    if (!isValid) throw new Revert(ERRORS.InvalidGpu, [BigInt(index)]);
    return { vendor: asciiBytes(vendor), model: asciiBytes(model), vramMiB, count };
  });
}

/** The same in the other direction, as the ABI wants it. */
export function gpuValues(gpus: readonly Gpu[]): AbiValue {
  return gpus.map(({ vendor, model, vramMiB, count }) => [
    asciiText(vendor),
    asciiText(model),
    BigInt(vramMiB),
    BigInt(count),
  ]);
}

/** One spelling for each thing, so that filters find it. */
const LABEL = /^[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?$/;

function isLabel(text: string, maxBytes: number): boolean {
  return text.length <= maxBytes && LABEL.test(text);
}
