import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/**
 * A way to a device: the part of Dawn that is asked, and what its driver is told through the environment of the process. One process asks
 * in one way only, for drivers read the environment once.
 */
export interface AdapterChoice {
  readonly backend: GpuBackend;
  /** Part of the device's name, where a machine has several. */
  readonly device?: string;
  readonly environment: Readonly<Record<string, string>>;
}

/** Back ends of Dawn that compute. Its `null` does not: it answers whatever memory held. */
export const GPU_BACKENDS = ['vulkan', 'metal', 'd3d12', 'opengles'] as const;
export type GpuBackend = (typeof GPU_BACKENDS)[number];

/** Nothing is written outside the process: a cache of shaders would be. */
const NO_CACHE = { MESA_SHADER_CACHE_DISABLE: 'true' };

/** Folders in which SwiftShader lies together with a Vulkan loader: Chromium brings both. */
const SWIFTSHADER_FOLDERS = ['/usr/lib/chromium', '/usr/lib64/chromium-browser', '/opt/google/chrome'];

/** The GPU of this machine, by the back end of its system. With several, the discrete one comes first. */
export function hardwareChoice(device?: string): AdapterChoice {
  const backend = ({ darwin: 'metal', win32: 'd3d12' } as const)[process.platform as 'darwin' | 'win32'] as
    GpuBackend | undefined;
  return { backend: backend ?? 'vulkan', environment: NO_CACHE, ...(device !== undefined && { device }) };
}

/** Mesa's OpenGL ES without a screen; on a machine without a GPU it computes on the processor. */
export function openGlesChoice(): AdapterChoice {
  return { backend: 'opengles', environment: { ...NO_CACHE, EGL_PLATFORM: 'surfaceless' } };
}

/** SwiftShader, where Chromium is installed or `folder` has it; undefined elsewhere. */
export function swiftShaderChoice(folder?: string): AdapterChoice | undefined {
  const found = (folder === undefined ? SWIFTSHADER_FOLDERS : [folder]).find(
    (path) => existsSync(join(path, 'vk_swiftshader_icd.json')) && existsSync(join(path, 'libvulkan.so.1')),
  );
  if (found === undefined || process.platform !== 'linux') return undefined;
  const manifest = join(found, 'vk_swiftshader_icd.json');
  return {
    backend: 'vulkan',
    environment: {
      ...NO_CACHE,
      LD_LIBRARY_PATH: [found].join(delimiter),
      VK_ICD_FILENAMES: manifest,
      VK_DRIVER_FILES: manifest,
    },
  };
}

/** All ways this machine may have, the fastest kind first. */
export function adapterChoices(): readonly AdapterChoice[] {
  const swiftShader = swiftShaderChoice();
  return [
    hardwareChoice(),
    ...(process.platform === 'linux' ? [openGlesChoice()] : []),
    ...(swiftShader === undefined ? [] : [swiftShader]),
  ];
}
