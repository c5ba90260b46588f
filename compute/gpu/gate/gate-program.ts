/** Program for the sandbox: answers the questions of the gate on the device that its settings name. */
import type { ProgramContext } from '../../sandbox/program.js';
import type { AdapterChoice } from '../adapter-choice.js';
import { openDevice } from '../device.js';
import { openExecutor } from '../executor.js';
import { answer } from './answers.js';
import type { DeviceAnswers } from './gate.js';
import { gateQuestions } from './questions.js';

export async function run({ settings, vram, emit }: ProgramContext): Promise<void> {
  const open = await openDevice(settings as AdapterChoice);
  const executor = openExecutor(open, { vram });
  const answers = await answer(gateQuestions(), async ({ program, inputs }) => {
    const prepared = await executor.prepare(program);
    const outputs = await prepared.run(inputs);
    prepared.release();
    return outputs;
  });
  const found: DeviceAnswers = { description: open.description, answers };
  await emit(0, new TextEncoder().encode(JSON.stringify(found)));
}
