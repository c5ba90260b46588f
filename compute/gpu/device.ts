/** Opens a device through Dawn. For a process of its own: see the sandbox. */
import { OgpuError } from '../../protocol/errors.js';
import { deviceLost } from '../sandbox/program.js';
import { GPU_BACKENDS, type AdapterChoice, type GpuBackend } from './adapter-choice.js';

/** What a device says of itself, for logs, statistics and the attributes a provider announces. */
export interface DeviceDescription {
  readonly vendor: string;
  readonly architecture: string;
  readonly device: string;
  readonly driver: string;
  readonly backend: GpuBackend;
  /** Computes on the processor: no faster than that, and no GPU to sell. */
  readonly isSoftware: boolean;
}

export interface OpenDevice {
  readonly device: GPUDevice;
  readonly description: DeviceDescription;
  /** Whether its WGSL has `dot4I8Packed`. */
  readonly hasDot: boolean;
  /** What `work` comes to. @throws ProgramError DEVICE_LOST when the device goes first; GpuError when it refused a command */
  readonly guard: <T>(work: Promise<T>) => Promise<T>;
}

export type GpuErrorCode =
  | 'GPU_UNSUPPORTED'
  | 'GPU_BACKEND_REFUSED'
  | 'GPU_NO_ADAPTER'
  | 'GPU_NO_DEVICE'
  | 'GPU_COMMAND_REFUSED'
  | 'GPU_OUT_OF_MEMORY';

export class GpuError extends OgpuError<GpuErrorCode> {}

const SOFTWARE = /llvmpipe|lavapipe|softpipe|swiftshader|basic render|warp/i;

/** Dawn crashes when what `create` returned is collected while its devices live. */
const retained: GPU[] = [];

/**
 * A device with WebGPU's default limits: what fits one fits all.
 *
 * @throws GpuError GPU_UNSUPPORTED (no build of Dawn for this system), GPU_BACKEND_REFUSED, GPU_NO_ADAPTER, GPU_NO_DEVICE
 */
export async function openDevice(choice: AdapterChoice): Promise<OpenDevice> {
  // Settings come from another process: the type is no check.
  if (!GPU_BACKENDS.includes(choice.backend))
    throw new GpuError('GPU_BACKEND_REFUSED', `the back end ${choice.backend} does not compute`, {
      ...choice,
    });
  const gpu = await createInstance(choice);
  const adapter = await gpu.requestAdapter({
    powerPreference: 'high-performance',
    featureLevel: choice.backend === 'opengles' ? 'compatibility' : 'core',
  });
  if (adapter === null)
    throw new GpuError('GPU_NO_ADAPTER', `no device by ${choice.backend} on this machine`, {
      backend: choice.backend,
    });
  const description = describe(adapter.info, choice.backend);
  if (/null/i.test(description.device))
    throw new GpuError('GPU_BACKEND_REFUSED', 'the null back end does not compute', { ...description });
  const device = await adapter.requestDevice().catch((cause: unknown) => {
    throw new GpuError('GPU_NO_DEVICE', 'the adapter gives no device', { ...description }, { cause });
  });
  const hasDot = gpu.wgslLanguageFeatures.has('packed_4x8_integer_dot_product');
  return { device, description, hasDot, guard: guardOf(device) };
}

async function createInstance({ backend, device }: AdapterChoice): Promise<GPU> {
  const dawn = await import('webgpu').catch((cause: unknown) => {
    throw new GpuError('GPU_UNSUPPORTED', 'Dawn does not load on this system', systemOf(), { cause });
  });
  Object.assign(globalThis, dawn.globals);
  const gpu = dawn.create([`backend=${backend}`, ...(device === undefined ? [] : [`adapter=${device}`])]);
  retained.push(gpu);
  return gpu;
}

function systemOf(): { readonly platform: string; readonly architecture: string } {
  return { platform: process.platform, architecture: process.arch };
}

function describe(info: GPUAdapterInfo, backend: GpuBackend): DeviceDescription {
  const { vendor, architecture, device, description, isFallbackAdapter } = info;
  return {
    vendor,
    architecture,
    device,
    driver: description,
    backend,
    isSoftware: isFallbackAdapter || SOFTWARE.test(`${architecture} ${device} ${description}`),
  };
}

function guardOf(device: GPUDevice): OpenDevice['guard'] {
  const lost = device.lost.then(({ reason, message }) => {
    throw deviceLost(`${reason}: ${message}`);
  });
  const refused = new Promise<never>((_resolve, reject) => {
    device.addEventListener('uncapturederror', ({ error }) => {
      reject(new GpuError('GPU_COMMAND_REFUSED', error.message, { kind: error.constructor.name }));
    });
  });
  // Whoever guards next is told.
  for (const end of [lost, refused]) end.catch(() => undefined);
  return (work) => Promise.race([lost, refused, work]);
}
