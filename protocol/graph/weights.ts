import { blobIdOf } from '../blob.js';
import { bytesEqual } from '../bytes.js';
import { GraphError, refuseFaults, type GraphFault } from './faults.js';
import type { Graph } from './graph.js';
import { alignedBytes, weightsFileBytes } from './meter.js';
import { tensorFromBytes, tensorToBytes, type TensorData } from './tensor-data.js';
import { tensorBytes, type Range } from './tensors.js';

/** The weights file of constants: one after the other, each filled up with zeros to a multiple of four bytes. */
export function packWeights(constants: readonly TensorData[]): Uint8Array {
  const length = constants.reduce((total, { byteLength }) => total + 4 * Math.ceil(byteLength / 4), 0);
  const file = new Uint8Array(length);
  let offset = 0;
  for (const constant of constants) {
    file.set(tensorToBytes(constant), offset);
    offset += 4 * Math.ceil(constant.byteLength / 4);
  }
  return file;
}

/**
 * Constants of a valid graph from its weights file, in order; windows on `file` where its alignment allows.
 *
 * @throws GraphError WEIGHTS_LENGTH | WEIGHTS_HASH | WEIGHTS_PADDING | WEIGHTS_OUT_OF_RANGE
 */
export function openWeights(graph: Graph, file: Uint8Array): TensorData[] {
  const expected = weightsFileBytes(graph);
  if (file.length !== expected) refuse('WEIGHTS_LENGTH', `${file.length} bytes are not ${expected}`);
  if (!bytesEqual(blobIdOf(file), graph.weightsHash))
    refuse('WEIGHTS_HASH', 'the file is not the one that the graph names');
  const faults: GraphFault[] = [];
  let offset = 0;
  const constants = graph.constants.map((constant, index) => {
    const path = `constants[${index}]`;
    const end = offset + tensorBytes(constant);
    const data = tensorFromBytes(constant.type, file.subarray(offset, end));
    offset += alignedBytes(constant);
    if (file.subarray(end, offset).some((byte) => byte !== 0))
      faults.push({ path, code: 'WEIGHTS_PADDING', message: 'is not followed by zeros' });
    const { min, max } = rangeOfData(data);
    if (min < constant.min || max > constant.max) {
      const message = `holds ${min} to ${max}, beyond ${constant.min} to ${constant.max}`;
      faults.push({ path, code: 'WEIGHTS_OUT_OF_RANGE', message });
    }
    return data;
  });
  refuseFaults(faults);
  return constants;
}

/** Least and greatest of the elements from `begin` to `end`, at least one. */
export function rangeOfData(data: TensorData, begin = 0, end = data.length): Range {
  let min = data[begin] ?? 0;
  let max = min;
  for (let i = begin; i < end; i++) {
    const value = data[i] ?? 0;
    if (value < min) min = value;
    if (value > max) max = value;
  }
  return { min, max };
}

function refuse(code: GraphFault['code'], message: string): never {
  throw new GraphError([{ path: 'weights', code, message }]);
}
