/** Program for the sandbox: runs segments of a program on what its settings name, and hands out first that, then the outputs of each. */
import { concatBytes } from '../protocol/bytes.js';
import { openProgram } from '../protocol/graph/check.js';
import { decodeGraph } from '../protocol/graph/encode.js';
import type { GraphInput } from '../protocol/graph/graph.js';
import { proveProgram, type ProvenProgram } from '../protocol/graph/prove.js';
import { tensorFromBytes, tensorToBytes, type TensorData } from '../protocol/graph/tensor-data.js';
import { tensorBytes } from '../protocol/graph/tensors.js';
import { executeProgram, InputError } from './reference/execute.js';
import { openDevice, type DeviceDescription } from './gpu/device.js';
import { openExecutor } from './gpu/executor.js';
import type { SegmentsSettings } from './run-segments.js';
import type { ProgramContext } from './sandbox/program.js';
import type { VramQuota } from './sandbox/vram.js';

interface Runner {
  readonly ranOn: 'reference' | DeviceDescription;
  readonly execute: (inputs: readonly TensorData[]) => Promise<readonly TensorData[]>;
}

export async function run(context: ProgramContext): Promise<void> {
  const { executor, isChain } = context.settings as SegmentsSettings;
  const [graph = new Uint8Array(), weights = new Uint8Array(), ...rest] = context.inputs;
  const program = proveProgram(openProgram(decodeGraph(graph)), weights);
  const runner = await openRunner(program, executor, context.vram);
  await context.emit(0, new TextEncoder().encode(JSON.stringify(runner.ranOn)));
  const segments = isChain ? rest.slice(1) : rest;
  let state = isChain ? rest[0] : undefined;
  for (const [index, segment] of segments.entries()) {
    const outputs = await runner.execute(inputsOf(program, segment, state));
    const bytes = concatBytes(...outputs.map(tensorToBytes));
    await context.emit(index + 1, bytes);
    if (isChain) state = bytes;
    context.progress(index + 1, segments.length);
  }
}

async function openRunner(
  program: ProvenProgram,
  executor: SegmentsSettings['executor'],
  vram: VramQuota,
): Promise<Runner> {
  if (executor === 'reference')
    return { ranOn: executor, execute: (inputs) => Promise.resolve(executeProgram(program, inputs)) };
  const open = await openDevice(executor);
  const prepared = await openExecutor(open, { vram }).prepare(program);
  return { ranOn: open.description, execute: prepared.run };
}

/** Tensors from the bytes of a segment and, of a chain, from those of the state. @throws InputError INPUT_LENGTH */
function inputsOf(
  { graph }: ProvenProgram,
  segment: Uint8Array,
  state: Uint8Array | undefined,
): TensorData[] {
  const sources = { item: { bytes: segment, offset: 0 }, state: { bytes: state ?? segment, offset: 0 } };
  const sourceOf = ({ role }: GraphInput): { bytes: Uint8Array; offset: number } =>
    state === undefined ? sources.item : sources[role];
  const inputs = graph.inputs.map((input) => {
    const source = sourceOf(input);
    const end = source.offset + tensorBytes(input);
    const data = tensorFromBytes(input.type, source.bytes.subarray(source.offset, end));
    source.offset = end;
    return data;
  });
  for (const { bytes, offset } of state === undefined ? [sources.item] : [sources.item, sources.state])
    if (bytes.length !== offset)
      throw new InputError('INPUT_LENGTH', `a segment or state of ${bytes.length} bytes is not ${offset}`, {
        expected: offset,
        received: bytes.length,
      });
  return inputs;
}
