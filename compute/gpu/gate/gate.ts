import { executeProgram } from '../../reference/execute.js';
import { moduleUrl } from '../../sandbox/code.js';
import type { SandboxOutcome } from '../../sandbox/outcome.js';
import { runInSandbox } from '../../sandbox/sandbox.js';
import type { AdapterChoice } from '../adapter-choice.js';
import type { DeviceDescription } from '../device.js';
import { answer, hashOfAnswers, type Answers } from './answers.js';
import { gateQuestions } from './questions.js';

/** What the reference answers. It changes with the questions and with the definition of the machine, and with nothing else. */
export const GATE_HASH = '0x04c30ae519ff5b502a659467e41ac8d806641a628e69d7721833cdec841c7d98';

/** What a device has shown of itself. */
export interface GateResult {
  /** Whether it computes what the reference does: one that does not neither provides nor verifies. */
  readonly ok: boolean;
  /** Of all its answers; undefined where it did not come to the end. */
  readonly hash: string | undefined;
  /** Families of operators whose answers are wrong. */
  readonly wrong: readonly string[];
  readonly description: DeviceDescription | undefined;
  readonly outcome: SandboxOutcome;
}

/** What comes out of the sandbox. */
export interface DeviceAnswers {
  readonly description: DeviceDescription;
  readonly answers: Answers;
}

const MIB = 2 ** 20;
const LIMITS = { memoryBytes: 768 * MIB, wallMs: 180_000, outputBytes: MIB, vramBytes: 64 * MIB };

/**
 * Asks a device, in a process of its own, questions whose answers are known: every operator, element type and kernel, at the edges of
 * integer arithmetic. Seconds on a device of software. For the start of a node and every epoch: drivers are updated, hardware ages.
 *
 * @throws SandboxError where no process can be started
 */
export async function gateDevice(
  choice: AdapterChoice,
  options: { readonly hidden?: readonly string[]; readonly signal?: AbortSignal } = {},
): Promise<GateResult> {
  let found: DeviceAnswers | undefined;
  const outcome = await runInSandbox({
    program: moduleUrl('compute/gpu/gate/gate-program.js'),
    inputs: [],
    settings: choice,
    environment: choice.environment,
    limits: LIMITS,
    onSegment: (_index, bytes) => {
      found = JSON.parse(new TextDecoder().decode(bytes)) as DeviceAnswers;
    },
    ...options,
  });
  if (outcome.kind !== 'completed' || found === undefined)
    return { ok: false, hash: undefined, wrong: [], description: found?.description, outcome };
  const { answers, description } = found;
  const hash = hashOfAnswers(answers);
  const wrong = hash === GATE_HASH ? [] : await wrongAnswers(answers);
  return { ok: hash === GATE_HASH, hash, wrong, description, outcome };
}

async function wrongAnswers(given: Answers): Promise<string[]> {
  const right = await referenceAnswers();
  return Object.keys(right).filter((name) => given[name] !== right[name]);
}

/** What `GATE_HASH` is the hash of. */
export function referenceAnswers(): Promise<Answers> {
  return answer(gateQuestions(), ({ program, inputs }) => executeProgram(program, inputs));
}
