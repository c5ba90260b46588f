import { invariant } from '../../protocol/invariant.js';
import { firstNodeId } from '../../protocol/graph/graph.js';
import { nodeWork, workUnits } from '../../protocol/graph/meter.js';
import { resolveOperands } from '../../protocol/graph/operators.js';
import type { ProvenProgram } from '../../protocol/graph/prove.js';
import type { TensorData } from '../../protocol/graph/tensor-data.js';
import type { TensorType } from '../../protocol/graph/tensors.js';
import { wordsOf, type DeviceTensor, type Lowering, type Pass, type Storage } from './kernels/kernel.js';
import { lowerNode } from './kernels/lower.js';

/** A pass, or a part of it: its workgroups from `first` to `end`. */
export interface Dispatch {
  readonly pass: Pass;
  readonly first: number;
  readonly end: number;
  readonly units: number;
}

/** All that a program asks of a device, told before one is asked. */
export interface Plan {
  readonly program: ProvenProgram;
  readonly inputs: readonly DeviceTensor[];
  readonly outputs: readonly DeviceTensor[];
  /** Weights and tables that are read. */
  readonly constants: readonly Storage[];
  /** Run once: what they read is constant, and so is what they make. */
  readonly preparation: readonly Dispatch[];
  readonly prepared: readonly Storage[];
  /** Run for each segment. */
  readonly dispatches: readonly Dispatch[];
  /** Which slot of a segment's working memory each tensor lies in while it is needed; others lie there before and after. */
  readonly slotOf: ReadonlyMap<Storage, number>;
  readonly slotBytes: readonly number[];
}

interface PlannedPass {
  readonly pass: Pass;
  /** Of the node it is for. */
  readonly units: number;
}

/** @param unitLimit of one dispatch, in units of the meter */
export function planProgram(program: ProvenProgram, hasDot: boolean, unitLimit: number): Plan {
  const { tensors, passes } = lowerProgram(program, hasDot);
  const { graph } = program;
  const inputs = tensors.slice(0, graph.inputs.length);
  const outputs = graph.outputs.map((id) => known(tensors[id]));
  const { constant, running } = foldConstants(passes);
  const dispatches = running.flatMap((planned) => split(planned, unitLimit));
  const made = new Set(constant.map(({ pass }) => pass.y.storage));
  const read = [...passes.flatMap(({ pass }) => pass.reads), ...outputs].map(({ storage }) => storage);
  return {
    program,
    inputs,
    outputs,
    constants: [...new Set(read.filter(({ data }) => data !== undefined))],
    preparation: constant.flatMap((planned) => split(planned, unitLimit)),
    prepared: [...made],
    dispatches,
    ...assignSlots(
      inputs,
      outputs.filter(({ storage }) => storage.data === undefined && !made.has(storage)),
      dispatches,
    ),
  };
}

/** Every tensor of a program, and the passes that make them, in order. */
function lowerProgram(
  { graph, tensors: types, constants }: ProvenProgram,
  hasDot: boolean,
): { tensors: DeviceTensor[]; passes: PlannedPass[] } {
  const tables = new Map<Int32Array, DeviceTensor>();
  const passes: PlannedPass[] = [];
  const first = firstNodeId(graph);
  const tensors = [...graph.inputs, ...graph.constants].map((type, id) =>
    place(type, id < graph.inputs.length ? undefined : constants[id - graph.inputs.length]),
  );
  for (const [index, node] of graph.nodes.entries()) {
    const operands = resolveOperands(node, (id) => tensors[id]);
    const type = types[first + index];
    invariant(operands !== undefined && type !== undefined, 'a checked node has its operands');
    if (node.op === 'reshape') {
      tensors.push({ ...type, storage: known(tensors[node.operands.x]).storage });
      continue;
    }
    const y = place(type);
    const units = workUnits(nodeWork(node, first + index, types));
    const make: Lowering = {
      hasDot,
      scratch: place,
      table: (data) => {
        const table = tables.get(data) ?? place({ type: 'int32', shape: [data.length] }, data);
        tables.set(data, table);
        return table;
      },
      add: (pass) => passes.push({ pass, units }),
    };
    lowerNode(node, operands, y, make);
    tensors.push(y);
  }
  return { tensors, passes };
}

function place({ type, shape }: TensorType, data?: TensorData): DeviceTensor {
  return { type, shape, storage: { words: wordsOf({ type, shape }), data } };
}

/** Parts the passes that always make the same from those that depend on inputs. A tensor is constant where all that fill it are. */
function foldConstants(passes: readonly PlannedPass[]): { constant: PlannedPass[]; running: PlannedPass[] } {
  const made = new Set(passes.map(({ pass }) => pass.y.storage));
  const varying = new Set<Storage>();
  const isVarying = ({ storage }: DeviceTensor): boolean =>
    varying.has(storage) || (storage.data === undefined && !made.has(storage));
  for (const { pass } of passes) if (pass.reads.some(isVarying)) varying.add(pass.y.storage);
  const constant = passes.filter(({ pass }) => !varying.has(pass.y.storage));
  return { constant, running: passes.filter(({ pass }) => varying.has(pass.y.storage)) };
}

/** At least a workgroup in each part. */
function split({ pass, units }: PlannedPass, unitLimit: number): Dispatch[] {
  const groupUnits = units / pass.groups;
  const atOnce = Math.max(1, Math.floor(unitLimit / groupUnits));
  const parts: Dispatch[] = [];
  for (let first = 0; first < pass.groups; first += atOnce) {
    const end = Math.min(first + atOnce, pass.groups);
    parts.push({ pass, first, end, units: (end - first) * groupUnits });
  }
  return parts;
}

/** A tensor has a slot from its first pass to the last that reads it; inputs from the start, outputs to the end. */
function assignSlots(
  inputs: readonly DeviceTensor[],
  outputs: readonly DeviceTensor[],
  dispatches: readonly Dispatch[],
): Pick<Plan, 'slotOf' | 'slotBytes'> {
  const lastUse = new Map<Storage, number>();
  for (const [index, { pass }] of dispatches.entries())
    for (const { storage } of [...pass.reads, pass.y]) lastUse.set(storage, index);
  for (const { storage } of outputs) lastUse.set(storage, dispatches.length);
  const slotOf = new Map<Storage, number>();
  const slotBytes: number[] = [];
  const free = new Set<number>();
  const take = (storage: Storage): void => {
    if (slotOf.has(storage)) return;
    const bytes = slotSize(4 * storage.words);
    const fitting = [...free].filter((slot) => sizeOf(slot) >= bytes && sizeOf(slot) <= 2 * bytes);
    const slot = fitting.sort((a, b) => sizeOf(a) - sizeOf(b))[0] ?? slotBytes.push(bytes) - 1;
    free.delete(slot);
    slotOf.set(storage, slot);
  };
  const sizeOf = (slot: number): number => slotBytes[slot] ?? 0;
  for (const { storage } of inputs) take(storage);
  for (const [index, { pass }] of dispatches.entries()) {
    take(pass.y.storage);
    for (const { storage } of [...pass.reads, pass.y]) {
      const slot = slotOf.get(storage);
      if (slot !== undefined && lastUse.get(storage) === index) free.add(slot);
    }
  }
  return { slotOf, slotBytes };
}

/** Bytes of a slot: in steps of a quarter, so that few sizes serve all, and never more than a binding may have. */
export function slotSize(bytes: number): number {
  let step = 64;
  while (8 * step < bytes) step *= 2;
  return step * Math.ceil(bytes / step);
}

function known(tensor: DeviceTensor | undefined): DeviceTensor {
  invariant(tensor !== undefined, 'a checked graph names tensors that are there');
  return tensor;
}
