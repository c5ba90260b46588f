/** A program for the sandbox: random cases of operators on the device that its settings name, compared with the reference. */
import type { AdapterChoice } from '../../compute/gpu/adapter-choice.js';
import { openDevice } from '../../compute/gpu/device.js';
import { openExecutor, type GpuExecutor } from '../../compute/gpu/executor.js';
import { executeProgram } from '../../compute/reference/execute.js';
import type { ProgramContext } from '../../compute/sandbox/program.js';
import { openProgram } from '../../protocol/graph/check.js';
import { GraphError } from '../../protocol/graph/faults.js';
import type { OperatorName } from '../../protocol/graph/operators.js';
import { proveProgram, type ProvenProgram } from '../../protocol/graph/prove.js';
import { createPrng } from './prng.js';
import { randomCase, type TensorCase } from './tensor/cases.js';
import { largeProduct } from './tensor/large-products.js';

export interface CasesSettings {
  readonly choice: AdapterChoice;
  readonly cases: readonly { readonly op: OperatorName | 'largeProduct'; readonly seed: number }[];
  readonly unitLimit?: number;
  /** Without `dot4I8Packed`, though the device may have it. */
  readonly withoutDot?: boolean;
}

export interface CasesResult {
  readonly ran: number;
  /** What differed, in words. */
  readonly wrong: readonly string[];
}

export async function run({ settings, emit, vram }: ProgramContext): Promise<void> {
  const { choice, cases, unitLimit, withoutDot = false } = settings as CasesSettings;
  const opened = await openDevice(choice);
  const executor = openExecutor(
    { ...opened, hasDot: opened.hasDot && !withoutDot },
    { vram, ...(unitLimit !== undefined && { unitLimit }) },
  );
  let ran = 0;
  const wrong: string[] = [];
  for (const { op, seed } of cases) {
    const prng = createPrng(seed);
    const sample = op === 'largeProduct' ? largeProduct(prng) : randomCase(op, prng);
    const program = provenCase(sample);
    if (program === undefined) continue;
    ran++;
    const difference = await compareCase(executor, program, sample);
    if (difference !== undefined) wrong.push(`${op} ${seed}: ${difference}`);
  }
  const result: CasesResult = { ran, wrong };
  await emit(0, new TextEncoder().encode(JSON.stringify(result)));
}

/** Undefined where the bounds of its sums are not proved. */
export function provenCase(sample: TensorCase): ProvenProgram | undefined {
  try {
    return proveProgram(openProgram(sample.graph), sample.weights);
  } catch (error) {
    if (error instanceof GraphError) return undefined;
    throw error;
  }
}

/** What differs between a device and the reference, in words. */
export async function compareCase(
  executor: GpuExecutor,
  program: ProvenProgram,
  { inputs, graph }: TensorCase,
): Promise<string | undefined> {
  const [expected] = executeProgram(program, inputs);
  const prepared = await executor.prepare(program);
  const [made] = await prepared.run(inputs);
  prepared.release();
  if (expected === undefined || made === undefined || made.length !== expected.length) return 'no result';
  const at = expected.findIndex((value, index) => value !== made[index]);
  if (at < 0) return undefined;
  const { attributes } = graph.nodes[0] ?? {};
  return `element ${at} is ${made[at]}, not ${expected[at]}: ${JSON.stringify(attributes)} of ${JSON.stringify(program.tensors)}`;
}
