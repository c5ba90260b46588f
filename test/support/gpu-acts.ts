/** A program for the sandbox: integer arithmetic on the device that its settings name. */
import type { AdapterChoice } from '../../compute/gpu/adapter-choice.js';
import { openDevice, type OpenDevice } from '../../compute/gpu/device.js';
import type { ProgramContext } from '../../compute/sandbox/program.js';

const MIX = `
@group(0) @binding(0) var<storage, read> input: array<u32>;
@group(0) @binding(1) var<storage, read_write> output: array<u32>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  if (id.x >= arrayLength(&output)) { return; }
  let x = input[id.x] * 1664525u + id.x;
  output[id.x] = u32(dot4I8Packed(x, input[id.x])) ^ (x >> 7u);
}`;

export async function run({ settings, inputs, emit }: ProgramContext): Promise<void> {
  const { choice, act } = settings as {
    readonly choice: AdapterChoice;
    readonly act: 'mix' | 'lose' | 'refuse';
  };
  const open = await openDevice(choice);
  if (act === 'lose') open.device.destroy();
  const code = act === 'refuse' ? 'this is no shader' : MIX;
  await emit(0, await compute(open, code, inputs[0] ?? new Uint8Array(4)));
}

async function compute({ device, guard }: OpenDevice, code: string, input: Uint8Array): Promise<Uint8Array> {
  const { STORAGE, COPY_SRC, COPY_DST, MAP_READ } = GPUBufferUsage;
  const size = input.length;
  const source = device.createBuffer({ size, usage: STORAGE | COPY_DST });
  const target = device.createBuffer({ size, usage: STORAGE | COPY_SRC });
  const read = device.createBuffer({ size, usage: COPY_DST | MAP_READ });
  device.queue.writeBuffer(source, 0, new Uint8Array(input));
  const compiled = device.createComputePipelineAsync({
    layout: 'auto',
    compute: { module: device.createShaderModule({ code }), entryPoint: 'main' },
  });
  const pipeline = await guard(compiled);
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  const entries = [source, target].map((buffer, binding) => ({ binding, resource: { buffer } }));
  pass.setBindGroup(0, device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }));
  pass.dispatchWorkgroups(Math.ceil(size / 4 / 64));
  pass.end();
  encoder.copyBufferToBuffer(target, 0, read, 0, size);
  device.queue.submit([encoder.finish()]);
  await guard(read.mapAsync(GPUMapMode.READ));
  return new Uint8Array(read.getMappedRange()).slice();
}
