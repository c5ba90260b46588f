import { OgpuError } from '../../protocol/errors.js';
import { createPrng, type Prng } from '../support/prng.js';

/** One decoder under attack. `attack` feeds it one hostile input and throws when a promise is broken. */
export interface FuzzTarget {
  readonly name: string;
  /** Makes ready what is attacked; the time it takes does not count. */
  readonly prepare?: () => Promise<unknown>;
  /** How long one input may take, where that is longer than usual. */
  readonly hangMs?: number;
  /** Makes one input from `prng`, runs the decoder on it and checks what came out. */
  readonly attack: (prng: Prng) => void | Promise<void>;
}

/** A broken promise, with all that is needed to see it again. */
export class FuzzFailure extends OgpuError<'FUZZ_FAILURE'> {}

/** A single input must be done with within this time: hangs are failures. */
const HANG_MS = 2_000;

/** Inputs have a few kilobytes; whoever allocates more than this for one believed a length it should have checked. */
const MAX_ALLOCATED_BYTES = 32 * 1024 * 1024;

/**
 * Runs one case. Inputs depend on (target, seed) alone.
 *
 * @throws FuzzFailure naming the command that replays the case
 */
export async function runCase(target: FuzzTarget, seed: number): Promise<void> {
  await target.prepare?.();
  const start = performance.now();
  const allocatedBefore = allocatedBytes();
  try {
    await target.attack(createPrng(seed));
  } catch (error) {
    throw failure(target, seed, error instanceof Error ? (error.stack ?? error.message) : String(error));
  }
  const elapsedMs = performance.now() - start;
  if (elapsedMs > (target.hangMs ?? HANG_MS)) throw failure(target, seed, `took ${elapsedMs.toFixed(0)} ms`);
  const allocated = allocatedBytes() - allocatedBefore;
  if (allocated > MAX_ALLOCATED_BYTES) throw failure(target, seed, `allocated ${allocated} bytes`);
}

/** Heap and buffers, garbage included: what was allocated since, unless a collection came in between. */
function allocatedBytes(): number {
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

function failure(target: FuzzTarget, seed: number, what: string): FuzzFailure {
  const replay = `npm run fuzz -- ${target.name} --seed ${seed} --cases 1`;
  return new FuzzFailure('FUZZ_FAILURE', `${target.name}, seed ${seed}: ${what}\nreplay: ${replay}`, {
    seed,
  });
}

/** A mutation of well-formed bytes: bit flips, truncation, padding, overwritten lengths, splices. */
export function mutate(prng: Prng, bytes: Uint8Array): Uint8Array {
  let mutated = Uint8Array.from(bytes);
  for (let step = 1 + prng.below(3); step > 0; step--)
    mutated = MUTATIONS[prng.below(MUTATIONS.length)]?.(prng, mutated) ?? mutated;
  return mutated;
}

type Mutation = (prng: Prng, bytes: Uint8Array) => Uint8Array<ArrayBuffer>;

const MUTATIONS: readonly Mutation[] = [
  (prng, bytes) => edit(bytes, (copy) => flipBit(prng, copy)),
  (prng, bytes) => edit(bytes, (copy) => flipBit(prng, copy)),
  (prng, bytes) => Uint8Array.from(bytes.subarray(0, prng.below(bytes.length + 1))),
  (prng, bytes) => Uint8Array.of(...bytes, ...prng.bytes(1 + prng.below(40))),
  (prng, bytes) =>
    edit(bytes, (copy) => {
      overwriteLength(prng, copy);
    }),
  (prng, bytes) =>
    edit(bytes, (copy) => copy.copyWithin(prng.below(copy.length + 1), prng.below(copy.length + 1))),
  (prng, bytes) => {
    const at = prng.below(bytes.length + 1);
    return Uint8Array.of(
      ...bytes.subarray(0, at),
      ...prng.bytes(prng.below(8)),
      ...bytes.subarray(at + prng.below(8)),
    );
  },
];

function edit(bytes: Uint8Array, change: (copy: Uint8Array) => unknown): Uint8Array<ArrayBuffer> {
  const copy = Uint8Array.from(bytes);
  change(copy);
  return copy;
}

function flipBit(prng: Prng, bytes: Uint8Array): void {
  const at = prng.below(bytes.length);
  bytes[at] = (bytes[at] ?? 0) ^ (1 << prng.below(8));
}

/** Writes a 32-bit number, often a hostile one, where a length or offset may stand. */
function overwriteLength(prng: Prng, bytes: Uint8Array): void {
  if (bytes.length < 4) return;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const value = prng.pick([0, 1, 4, 0xffff_ffff, 0x7fff_ffff, bytes.length, bytes.length + 1, prng.u32()]);
  view.setUint32(prng.below(bytes.length - 3), value, prng.chance(1, 2));
}
