import { moduleUrl } from '../sandbox/code.js';
import type { SandboxOutcome } from '../sandbox/outcome.js';
import { runInSandbox } from '../sandbox/sandbox.js';
import { adapterChoices, type AdapterChoice } from './adapter-choice.js';
import type { DeviceDescription } from './device.js';

/** A device that opened, or why a way to one led nowhere. */
export type FoundAdapter =
  | { readonly choice: AdapterChoice; readonly description: DeviceDescription }
  | { readonly choice: AdapterChoice; readonly outcome: SandboxOutcome };

const DESCRIBE = moduleUrl('compute/gpu/describe-program.js');

/** A driver that takes longer to open a device is not one to rely on. */
const LIMITS = { memoryBytes: 512 * 2 ** 20, wallMs: 30_000, outputBytes: 64 * 1024, vramBytes: 0 };

/** Tries each way in a process of its own: a driver that crashes or hangs takes nothing with it. */
export async function findAdapters(choices = adapterChoices()): Promise<readonly FoundAdapter[]> {
  const found: FoundAdapter[] = [];
  for (const choice of choices) found.push(await tryAdapter(choice));
  return found;
}

async function tryAdapter(choice: AdapterChoice): Promise<FoundAdapter> {
  let description: DeviceDescription | undefined;
  const outcome = await runInSandbox({
    program: DESCRIBE,
    inputs: [],
    settings: choice,
    environment: choice.environment,
    limits: LIMITS,
    onSegment: (_index, bytes) => {
      description = JSON.parse(new TextDecoder().decode(bytes)) as DeviceDescription;
    },
  });
  return outcome.kind === 'completed' && description !== undefined
    ? { choice, description }
    : { choice, outcome };
}

/** The device to compute on: a GPU before software, in the order they were found. Undefined: the reference computes. */
export function chooseAdapter(
  found: readonly FoundAdapter[],
): { readonly choice: AdapterChoice; readonly description: DeviceDescription } | undefined {
  const opened = found.filter((adapter) => 'description' in adapter);
  return opened.find(({ description }) => !description.isSoftware) ?? opened[0];
}
