import { invariant } from '../../protocol/invariant.js';
import { DISPATCH_UNITS } from '../../protocol/graph/limits.js';
import { allocateTensor, tensorToBytes, type TensorData } from '../../protocol/graph/tensor-data.js';
import { checkInputs } from '../reference/execute.js';
import type { VramQuota } from '../sandbox/vram.js';
import type { BufferPool } from './buffer-pool.js';
import { GpuError, type OpenDevice } from './device.js';
import { countOf, PLACE_NUMBERS, type Pass, type Storage } from './kernels/kernel.js';
import type { Pipelines } from './pipelines.js';
import type { Dispatch, Plan } from './plan.js';

/** What programs on one device share. */
export interface DeviceTools extends OpenDevice {
  readonly vram: VramQuota;
  readonly pool: BufferPool;
  readonly pipelines: Pipelines;
  /** Runs what it is given when all that was given before is done. */
  readonly inTurn: <T>(work: () => Promise<T>) => Promise<T>;
}

/** A program on a device: its weights are there, its kernels compiled. */
export interface PreparedProgram {
  /**
   * Outputs of one segment, as `executeProgram` gives them.
   *
   * @throws InputError; ProgramError DEVICE_LOST | VRAM_QUOTA_EXCEEDED; GpuError GPU_COMMAND_REFUSED | GPU_OUT_OF_MEMORY
   */
  readonly run: (inputs: readonly TensorData[]) => Promise<TensorData[]>;
  /** Gives back the memory of its weights. It does not run again. */
  readonly release: () => void;
}

/** Bytes between the blocks of two dispatches: where uniform buffers may begin. */
const BLOCK_BYTES = 256;

/** Workgroups along one dimension of a dispatch. */
const MAX_COLUMNS = 65_535;

/** What a program keeps on a device, and what a segment of it needs beside that. */
export function memoryOf(plan: Plan): { readonly keptBytes: number; readonly workingBytes: number } {
  const kept = [...plan.constants, ...plan.prepared, ...plan.outputs.map(({ storage }) => storage)];
  const blocks = plan.preparation.length + plan.dispatches.length;
  return {
    keptBytes: kept.reduce((sum, storage) => sum + bytesOf(storage), blocks * BLOCK_BYTES),
    workingBytes: plan.slotBytes.reduce((sum, bytes) => sum + bytes, 0),
  };
}

function bytesOf({ words }: Storage): number {
  return 4 * words;
}

export async function prepareProgram(
  plan: Plan,
  tools: DeviceTools,
  onRelease: () => void,
): Promise<PreparedProgram> {
  const all = [...plan.preparation, ...plan.dispatches];
  await tools.pipelines.compile(all.map(({ pass }) => pass));
  const kept: Kept = { byStorage: new Map(), staging: [], all: [] };
  const release = (): void => {
    for (const buffer of kept.all.splice(0)) {
      tools.vram.giveBack(buffer.size);
      buffer.destroy();
    }
    onRelease();
  };
  try {
    await checked(tools, () => {
      keepBuffers(plan, all, kept, tools);
      const preparation = new Launch(plan.preparation, 0, kept, tools);
      preparation.submit((storage) => keptBuffer(kept, storage));
    });
  } catch (error) {
    release();
    throw error;
  }
  const launch = new Launch(plan.dispatches, plan.preparation.length, kept, tools);
  return {
    release,
    run: async (inputs) => {
      checkInputs(plan.program.graph.inputs, inputs);
      return tools.inTurn(() => runSegment(plan, launch, kept, inputs, tools));
    },
  };
}

/** Buffers that a program has for as long as it is prepared. */
interface Kept {
  /** Constant tensors. */
  readonly byStorage: Map<Storage, GPUBuffer>;
  /** Where outputs are read, in order. */
  readonly staging: GPUBuffer[];
  /** All of them; the first is the one with a block for each dispatch. */
  readonly all: GPUBuffer[];
}

function keepBuffers(
  plan: Plan,
  dispatches: readonly Dispatch[],
  kept: Kept,
  { device, pool }: DeviceTools,
): void {
  const create = (size: number, usage: number): GPUBuffer => {
    pool.reserve(size);
    const buffer = device.createBuffer({ size, usage });
    kept.all.push(buffer);
    return buffer;
  };
  const { STORAGE, COPY_DST, COPY_SRC, MAP_READ, UNIFORM } = GPUBufferUsage;
  const blocks = create(Math.max(1, dispatches.length) * BLOCK_BYTES, UNIFORM | COPY_DST);
  device.queue.writeBuffer(blocks, 0, blocksOf(dispatches));
  for (const storage of [...plan.constants, ...plan.prepared]) {
    const buffer = create(bytesOf(storage), STORAGE | COPY_DST | COPY_SRC);
    if (storage.data !== undefined) upload(device, buffer, storage.data);
    kept.byStorage.set(storage, buffer);
  }
  for (const { storage } of plan.outputs) kept.staging.push(create(bytesOf(storage), MAP_READ | COPY_DST));
}

/** What each dispatch is told: which workgroups it is, and the numbers of its pass. */
function blocksOf(dispatches: readonly Dispatch[]): Int32Array<ArrayBuffer> {
  const stride = BLOCK_BYTES / 4;
  const blocks = new Int32Array(Math.max(1, dispatches.length) * stride);
  for (const [index, { pass, first, end }] of dispatches.entries()) {
    invariant(PLACE_NUMBERS + pass.numbers.length <= stride, 'the numbers of a pass fit their block');
    blocks.set([first, end, Math.min(end - first, MAX_COLUMNS), 0, ...pass.numbers], index * stride);
  }
  return blocks;
}

function upload({ queue }: GPUDevice, buffer: GPUBuffer, data: TensorData): void {
  const bytes = tensorToBytes(data) as Uint8Array<ArrayBuffer>;
  const whole = bytes.length - (bytes.length % 4);
  if (whole > 0) queue.writeBuffer(buffer, 0, bytes, 0, whole);
  if (whole === bytes.length) return;
  const rest = new Uint8Array(4);
  rest.set(bytes.subarray(whole));
  queue.writeBuffer(buffer, whole, rest);
}

function keptBuffer({ byStorage }: Kept, storage: Storage): GPUBuffer {
  const buffer = byStorage.get(storage);
  invariant(buffer !== undefined, 'what is constant is kept');
  return buffer;
}

/** Dispatches in order, with what binds them to buffers. */
class Launch {
  private readonly dispatches: readonly Dispatch[];
  private readonly firstBlock: number;
  private readonly kept: Kept;
  private readonly tools: DeviceTools;
  private groups: readonly GPUBindGroup[] = [];
  private boundTo: readonly GPUBuffer[] | undefined;

  constructor(dispatches: readonly Dispatch[], firstBlock: number, kept: Kept, tools: DeviceTools) {
    this.dispatches = dispatches;
    this.firstBlock = firstBlock;
    this.kept = kept;
    this.tools = tools;
  }

  /** Hands all dispatches to the device, in submissions that are as short as a dispatch may be long. `slots`: what `find` chooses from. */
  submit(find: (storage: Storage) => GPUBuffer, slots: readonly GPUBuffer[] = []): void {
    if (this.boundTo === undefined || !this.boundTo.every((buffer, slot) => buffer === slots[slot])) {
      this.groups = this.bind(find);
      this.boundTo = slots;
    }
    const { device, pipelines } = this.tools;
    for (let at = 0; at < this.dispatches.length;) {
      const encoder = device.createCommandEncoder();
      const compute = encoder.beginComputePass();
      let units = 0;
      for (; at < this.dispatches.length; at++) {
        const { pass, first, end, units: more } = this.dispatches[at] as Dispatch;
        if (units > 0 && units + more > DISPATCH_UNITS) break;
        units += more;
        const columns = Math.min(end - first, MAX_COLUMNS);
        compute.setPipeline(pipelines.pipelineOf(pass));
        compute.setBindGroup(0, this.groups[at] ?? null, [(this.firstBlock + at) * BLOCK_BYTES]);
        compute.dispatchWorkgroups(columns, Math.ceil((end - first) / columns));
      }
      compute.end();
      device.queue.submit([encoder.finish()]);
    }
  }

  /** Parts of one pass share a group. */
  private bind(find: (storage: Storage) => GPUBuffer): GPUBindGroup[] {
    const groups: GPUBindGroup[] = [];
    for (const [at, { pass }] of this.dispatches.entries()) {
      const before = groups[at - 1];
      if (before !== undefined && this.dispatches[at - 1]?.pass === pass) groups.push(before);
      else groups.push(this.bindOne(pass, find));
    }
    return groups;
  }

  private bindOne(pass: Pass, find: (storage: Storage) => GPUBuffer): GPUBindGroup {
    const { device, pipelines } = this.tools;
    const tensors = [...pass.reads, pass.y].map(({ storage }, index) => ({
      binding: index + 1,
      resource: { buffer: find(storage), size: bytesOf(storage) },
    }));
    const size = 4 * 4 * Math.ceil((PLACE_NUMBERS + pass.numbers.length) / 4);
    return device.createBindGroup({
      layout: pipelines.layoutOf(pass),
      entries: [{ binding: 0, resource: { buffer: this.kept.all[0] as GPUBuffer, size } }, ...tensors],
    });
  }
}

async function runSegment(
  plan: Plan,
  launch: Launch,
  kept: Kept,
  inputs: readonly TensorData[],
  tools: DeviceTools,
): Promise<TensorData[]> {
  const { device, guard, pool } = tools;
  const slots: GPUBuffer[] = [];
  try {
    for (const bytes of plan.slotBytes) slots.push(pool.take(bytes));
    const find = (storage: Storage): GPUBuffer =>
      slots[plan.slotOf.get(storage) ?? -1] ?? keptBuffer(kept, storage);
    await checked(tools, () => {
      for (const [index, { storage }] of plan.inputs.entries())
        upload(device, find(storage), inputs[index] ?? new Int8Array());
      launch.submit(find, slots);
      const encoder = device.createCommandEncoder();
      for (const [index, { storage }] of plan.outputs.entries())
        encoder.copyBufferToBuffer(find(storage), 0, kept.staging[index] as GPUBuffer, 0, bytesOf(storage));
      device.queue.submit([encoder.finish()]);
    });
    const outputs: TensorData[] = [];
    for (const [index, output] of plan.outputs.entries()) {
      const staging = kept.staging[index] as GPUBuffer;
      await guard(staging.mapAsync(GPUMapMode.READ));
      const data = allocateTensor(output.type, countOf(output));
      const bytes = tensorToBytes(data);
      bytes.set(new Uint8Array(staging.getMappedRange(), 0, bytes.length));
      staging.unmap();
      outputs.push(data);
    }
    return outputs;
  } finally {
    for (const slot of slots.toReversed()) pool.giveBack(slot);
  }
}

/** Issues commands. What the device has to say against them is known before anybody reads what they made. */
async function checked({ device, guard }: DeviceTools, issue: () => void): Promise<void> {
  const filters = ['validation', 'out-of-memory', 'internal'] as const;
  for (const filter of filters) device.pushErrorScope(filter);
  const endScopes = (): Promise<(GPUError | null)[]> =>
    guard(Promise.all(filters.map(() => device.popErrorScope())));
  try {
    issue();
  } catch (error) {
    await endScopes();
    throw error;
  }
  const error = (await endScopes()).find((found) => found !== null) ?? null;
  if (error !== null) throw refusal(error);
}

function refusal(error: GPUError): GpuError {
  const code = error instanceof GPUOutOfMemoryError ? 'GPU_OUT_OF_MEMORY' : 'GPU_COMMAND_REFUSED';
  return new GpuError(code, error.message, { kind: error.constructor.name });
}
