import { encodeGraph } from '../protocol/graph/encode.js';
import type { Program } from '../protocol/graph/check.js';
import { tensorFromBytes, tensorToBytes, type TensorData } from '../protocol/graph/tensor-data.js';
import { tensorBytes } from '../protocol/graph/tensors.js';
import { concatBytes } from '../protocol/bytes.js';
import { invariant } from '../protocol/invariant.js';
import type { AdapterChoice } from './gpu/adapter-choice.js';
import type { DeviceDescription } from './gpu/device.js';
import { moduleUrl } from './sandbox/code.js';
import type { SandboxOutcome } from './sandbox/outcome.js';
import { runInSandbox, type SandboxLimits } from './sandbox/sandbox.js';

/** What computes: the reference on the processor, or the device that an adapter choice leads to. Their results are equal to the last bit. */
export type Executor = 'reference' | AdapterChoice;

export interface SegmentsJob {
  readonly program: Program;
  /** The weights file that the graph names. */
  readonly weights: Uint8Array;
  /** Of each segment its inputs, as `executeProgram` takes them; of a chain its items alone, in the order of the graph's inputs. */
  readonly segments: readonly (readonly TensorData[])[];
  /** Of a chain: the state before the first segment, in bytes. Every further segment runs on the state that the one before it left. */
  readonly state?: Uint8Array | undefined;
  readonly executor: Executor;
  /** From start to end, loading included. */
  readonly wallMs: number;
  /** Other bounds than those that follow from the program. */
  readonly limits?: Partial<Omit<SandboxLimits, 'wallMs'>> | undefined;
  /** Takes the outputs of a segment, in the order of segments. While the promise it returns is open, little more is computed. */
  readonly onOutputs: (index: number, outputs: readonly TensorData[]) => void | Promise<void>;
  /** Segments done, of all. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
  /** Folders that must be empty for the job: where keys and the chain lie. */
  readonly hidden?: readonly string[] | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface SegmentsResult {
  /** Whoever judges others by the outputs must see `completed`: anything else says nothing of the program's result. */
  readonly outcome: SandboxOutcome;
  /** What has computed; undefined where the job ended before that was known. */
  readonly ranOn: 'reference' | DeviceDescription | undefined;
}

/** What the program for the sandbox is told beside its inputs: graph, weights, the state of a chain, then each segment. */
export interface SegmentsSettings {
  readonly executor: Executor;
  readonly isChain: boolean;
}

const PROGRAM = moduleUrl('compute/segments-program.js');
const MIB = 2 ** 20;

/**
 * Runs segments of a program as `executeProgram` would, in a process of its own, on a GPU or with the reference, and hands out the outputs
 * of each as soon as they are there. Which one computed makes no difference to them. There is no silent fall from a GPU to the
 * reference: where a device does not open, is lost or has too little memory, the outcome says so, and the caller may run again with
 * the reference.
 *
 * Inputs or weights that are not the program's end as `failed` with the code of the error: `INPUT_COUNT`, `INPUT_LENGTH`, `INPUT_TYPE`,
 * `INPUT_OUT_OF_RANGE`, or `GRAPH_REFUSED` where the weights are not the graph's or the proof fails. A device ends as `failed` with a
 * `GPU_…` code, as `device-lost`, or as `out-of-memory` with the limit `vram`.
 *
 * With `planJob`: give `segmentInputs(plan, segmentItems(plan, input, i))` of each segment, of a chain `segmentItems` of each and
 * `firstState`; `segmentPart(plan, outputs, i)` is what a leaf commits to.
 *
 * @throws SandboxError where no process can be started; errors of `onOutputs` as they are
 */
export async function runSegments(job: SegmentsJob): Promise<SegmentsResult> {
  const { program, executor, segments, state } = job;
  const settings: SegmentsSettings = { executor, isChain: state !== undefined };
  const inputs = [
    encodeGraph(program.graph),
    job.weights,
    ...(state === undefined ? [] : [state]),
    ...segments.map((tensors) => concatBytes(...tensors.map(tensorToBytes))),
  ];
  let ranOn: SegmentsResult['ranOn'];
  const outcome = await runInSandbox({
    program: PROGRAM,
    inputs,
    settings,
    environment: executor === 'reference' ? {} : executor.environment,
    limits: { ...boundsOf(job, inputs), ...job.limits, wallMs: job.wallMs },
    hidden: job.hidden,
    signal: job.signal,
    onSegment: (index, bytes) => {
      if (index > 0) return job.onOutputs(index - 1, splitOutputs(program, bytes));
      ranOn = JSON.parse(new TextDecoder().decode(bytes)) as SegmentsResult['ranOn'];
    },
    onProgress: job.onProgress,
  });
  return { outcome, ranOn };
}

/** Enough for what the program needs, and no more than twice that or so. */
function boundsOf(
  { program, segments, executor }: SegmentsJob,
  inputs: readonly Uint8Array[],
): Omit<SandboxLimits, 'wallMs'> {
  const { work } = program;
  const given = inputs.reduce((sum, { length }) => sum + length, 0);
  const vramBytes = executor === 'reference' ? 0 : 64 * MIB + 4 * work.memoryBytes;
  // The reference widens operands and sums of a node to 32 bits; a device of software keeps its memory in the process.
  const working = executor === 'reference' ? 8 * work.memoryBytes : 2 * work.memoryBytes + vramBytes;
  return {
    memoryBytes: 256 * MIB + 2 * given + working,
    vramBytes,
    outputBytes: MIB + segments.length * work.outputBytes,
  };
}

/** Outputs of a segment from their bytes, one after the other. */
function splitOutputs({ graph, tensors }: Program, bytes: Uint8Array): TensorData[] {
  let offset = 0;
  return graph.outputs.map((id) => {
    const tensor = tensors[id];
    invariant(tensor !== undefined, 'a checked graph knows its outputs');
    const end = offset + tensorBytes(tensor);
    invariant(end <= bytes.length, 'outputs come whole');
    const data = tensorFromBytes(tensor.type, bytes.subarray(offset, end));
    offset = end;
    return data;
  });
}
