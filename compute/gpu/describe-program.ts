/** Program for the sandbox: opens the device that its settings name and hands out what it says of itself. */
import type { ProgramContext } from '../sandbox/program.js';
import type { AdapterChoice } from './adapter-choice.js';
import { openDevice } from './device.js';

export async function run({ settings, emit }: ProgramContext): Promise<void> {
  const { description } = await openDevice(settings as AdapterChoice);
  await emit(0, new TextEncoder().encode(JSON.stringify(description)));
}
