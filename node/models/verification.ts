import { randomBytes } from 'node:crypto';
import { runSegments, type Executor, type SegmentsResult } from '../../compute/run-segments.js';
import type { StoredModel } from '../../compute/import/model-folder.js';
import { toHex } from '../../protocol/bytes.js';
import { sha256 } from '../../protocol/crypto/hash.js';
import { tensorFromBytes, tensorToBytes, type TensorData } from '../../protocol/graph/tensor-data.js';
import { elementCount, tensorBytes } from '../../protocol/graph/tensors.js';
import type { GraphInput } from '../../protocol/graph/graph.js';
import { checkCompleted } from './executor.js';

export interface Comparison {
  readonly inputs: number;
  /** Of them, those of which the device made something else. */
  readonly differing: readonly number[];
  readonly ranOn: SegmentsResult['ranOn'];
  /** SHA-256 of all outputs of the reference, one after the other. */
  readonly outputs: string;
}

/** Runs random inputs, within the ranges that the program declares, on a device and with the reference, and compares every byte. */
export async function compareExecutors(
  { program, weights }: StoredModel,
  executor: Executor,
  count: number,
  wallMs: number,
): Promise<Comparison> {
  const segments = Array.from({ length: count }, () => program.graph.inputs.map(randomItem));
  const outputsOf = async (on: Executor): Promise<{ result: SegmentsResult; hashes: string[] }> => {
    const hashes: string[] = [];
    const result = await runSegments({
      program,
      weights,
      segments,
      executor: on,
      wallMs,
      onOutputs: (_, outputs) => void hashes.push(toHex(sha256(Buffer.concat(outputs.map(tensorToBytes))))),
    });
    checkCompleted(result);
    return { result, hashes };
  };
  const reference = await outputsOf('reference');
  const device = await outputsOf(executor);
  const differing = reference.hashes.flatMap((hash, i) => (hash === device.hashes[i] ? [] : [i]));
  const outputs = toHex(sha256(Buffer.from(reference.hashes.join(''))));
  return { inputs: count, differing, ranOn: device.result.ranOn, outputs };
}

function randomItem(input: GraphInput): TensorData {
  const data = tensorFromBytes(input.type, new Uint8Array(randomBytes(tensorBytes(input))));
  const span = input.max - input.min + 1;
  for (let i = 0; i < elementCount(input.shape); i++) {
    const value = (data[i] ?? 0) - input.min;
    data[i] = input.min + (((value % span) + span) % span);
  }
  return data;
}
