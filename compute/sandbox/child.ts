/** What runs as the child: takes one job from its standard input, writes frames to a pipe of their own, then leaves. */
import { closeSync, readdirSync, readFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { pathToFileURL } from 'node:url';
import {
  FRAMES_FD,
  FrameError,
  FrameReader,
  framesOf,
  jsonFrame,
  readEnd,
  readJson,
  type Frame,
} from './frames.js';
import { ProgramError, type ProgramContext, type SandboxProgram } from './program.js';
import { createVramQuota } from './vram.js';

interface Start {
  readonly program: string;
  readonly settings: unknown;
  readonly vramBytes: number;
  readonly inputBytes: readonly number[];
}

const O_CLOEXEC = 0o2000000;

/** Between two reports of progress. */
const PROGRESS_MS = 100;

await main();

async function main(): Promise<void> {
  closeInherited();
  const write = openFrames();
  try {
    const { start, inputs } = await readJob();
    const program = (await import(pathToFileURL(start.program).href)) as SandboxProgram;
    await program.run(contextOf(start, inputs, write));
    await write(jsonFrame('done', {}));
  } catch (error) {
    await write(jsonFrame('failed', failureOf(error)));
  }
  // A driver's threads may not want to: results are out, and nothing else counts.
  process.exit(0);
}

/** What is open and was not marked to close at exec came from the parent, by an oversight of some library: a database, a socket. */
function closeInherited(): void {
  if (process.platform !== 'linux') return;
  for (const name of readdirSync('/proc/self/fdinfo')) {
    const fd = Number(name);
    if (fd <= FRAMES_FD) continue;
    try {
      const flags = /^flags:\s*([0-7]+)/m.exec(readFileSync(`/proc/self/fdinfo/${name}`, 'latin1'))?.[1];
      if (flags !== undefined && (parseInt(flags, 8) & O_CLOEXEC) === 0) closeSync(fd);
    } catch {
      // The one that listed the folder is gone by now.
    }
  }
}

type Write = (parts: Iterable<Uint8Array>) => Promise<void>;

/** One writer after the other: what belongs together stays so. */
function openFrames(): Write {
  const pipe = new Socket({ fd: FRAMES_FD, readable: false, writable: true });
  let turn: Promise<void> = Promise.resolve();
  return (parts) => {
    turn = turn.then(async () => {
      for (const bytes of parts)
        await new Promise<void>((resolve, reject) => {
          pipe.write(bytes, (error) => (error ? reject(error) : resolve()));
        });
    });
    return turn;
  };
}

async function readJob(): Promise<{ readonly start: Start; readonly inputs: readonly Uint8Array[] }> {
  const frames = inputFrames();
  const start = readStart(await nextFrame(frames));
  const inputs: Uint8Array[] = [];
  for (const byteLength of start.inputBytes) inputs.push(await readInput(frames, inputs.length, byteLength));
  return { start, inputs };
}

async function* inputFrames(): AsyncGenerator<Frame, undefined> {
  const reader = new FrameReader();
  for await (const piece of process.stdin) yield* reader.push(piece as Uint8Array);
}

async function nextFrame(frames: AsyncGenerator<Frame, undefined>): Promise<Frame> {
  const next = await frames.next();
  if (next.done === true) throw new FrameError('a job that ends before it is whole');
  return next.value;
}

/** From our own parent; a fault here is one of ours, told like any other. */
function readStart({ kind, payload }: Frame): Start {
  if (kind !== 'start') throw new FrameError(`a job that begins with ${kind}`);
  return readJson(payload) as unknown as Start;
}

async function readInput(
  frames: AsyncGenerator<Frame, undefined>,
  index: number,
  byteLength: number,
): Promise<Uint8Array> {
  const input = new Uint8Array(byteLength);
  let filled = 0;
  for (;;) {
    const { kind, payload } = await nextFrame(frames);
    if (kind === 'chunk') {
      input.set(payload, filled);
      filled += payload.length;
      continue;
    }
    const end = readEnd(payload);
    if (kind !== 'end' || end.index !== index || filled !== byteLength)
      throw new FrameError(`input ${index} is not whole`);
    return input;
  }
}

function contextOf(start: Start, inputs: readonly Uint8Array[], write: Write): ProgramContext {
  let reportedMs = 0;
  return {
    inputs,
    settings: start.settings,
    vram: createVramQuota(start.vramBytes),
    emit: (index, bytes) => write(framesOf(index, bytes)),
    progress(done, total) {
      const nowMs = performance.now();
      if (nowMs - reportedMs < PROGRESS_MS && done < total) return;
      reportedMs = nowMs;
      void write(jsonFrame('progress', { done, total }));
    },
  };
}

/** How the parent is told of an error: V8 refuses an allocation with a RangeError that has no code of its own. */
function failureOf(error: unknown): {
  readonly how: string;
  readonly code: string;
  readonly message: string;
} {
  const message = (error instanceof Error ? error.message : String(error)).slice(0, 1000);
  const given = (error as { readonly code?: unknown } | null)?.code;
  const code = typeof given === 'string' ? given : 'PROGRAM_FAILED';
  if (error instanceof ProgramError)
    return { how: error.code === 'DEVICE_LOST' ? 'device-lost' : 'vram', code, message };
  const isRefused =
    error instanceof RangeError &&
    /allocation failed|could not allocate|Invalid array buffer length/i.test(message);
  return { how: isRefused ? 'allocation' : 'failed', code, message };
}
