import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { hardwareChoice, type AdapterChoice } from '../../compute/gpu/adapter-choice.js';
import { findAdapters } from '../../compute/gpu/adapters.js';
import type { DeviceDescription } from '../../compute/gpu/device.js';
import { gateDevice } from '../../compute/gpu/gate/gate.js';
import { fail, ok, warn, type Finding } from './finding.js';

const NAME = 'GPU';

/** Opens the device of this machine and asks it what every device must be able to answer. Without one the reference computes. */
export async function checkGpu(): Promise<Finding> {
  const choice = hardwareChoice();
  const [found] = await findAdapters([choice]);
  if (found !== undefined && 'description' in found && !found.description.isSoftware)
    return checkGate(choice, found.description);
  const files = await deviceFiles();
  if (files.length === 0)
    return ok(NAME, 'no adapter found: the reference executor, on the processor, computes instead');
  return warn(
    NAME,
    `${files.join(', ')}, but no device opens by ${choice.backend}`,
    'install the driver of the vendor with its Vulkan part, or Mesa, and let the user of the node use the device: docs/devices.md',
  );
}

async function checkGate(choice: AdapterChoice, { device, driver }: DeviceDescription): Promise<Finding> {
  const { ok: isRight, hash, wrong, outcome } = await gateDevice(choice);
  const detail = `${device}, ${driver}`;
  if (isRight) return ok(NAME, `${detail}: answers every question as the reference does (${hash ?? ''})`);
  const what =
    hash === undefined ? `does not finish (${outcome.kind})` : `is wrong about ${wrong.join(', ')}`;
  return fail(
    NAME,
    `${detail}: ${what}`,
    'change the driver: this one can neither provide nor verify: docs/devices.md',
  );
}

/** What Linux shows of GPUs whether they have a driver that computes or not. */
async function deviceFiles(): Promise<string[]> {
  const names = async (folder: string, pattern: RegExp): Promise<string[]> =>
    (await readdir(folder).catch(() => []))
      .filter((name) => pattern.test(name))
      .map((name) => join(folder, name));
  return [...(await names('/dev', /^(?:nvidia\d+|kfd|dxg)$/)), ...(await names('/dev/dri', /^renderD/))];
}
