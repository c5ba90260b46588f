/** A program for the sandbox that misbehaves as its settings say. */
import { readFileSync, readdirSync, writeFileSync, writeSync } from 'node:fs';
import { connect } from 'node:net';
import { FRAMES_FD, frameHeader } from '../../compute/sandbox/frames.js';
import { deviceLost, type ProgramContext } from '../../compute/sandbox/program.js';

type Act = (context: ProgramContext, argument: unknown) => Promise<void> | void;

/** Node has it, and the types of this project do not. */
const wasm = (globalThis as unknown as { readonly WebAssembly: WebAssemblyLike }).WebAssembly;

interface WebAssemblyLike {
  readonly Memory: new (pages: { initial: number; maximum: number }) => { readonly buffer: ArrayBuffer };
}

const kept: unknown[] = [];

const ACTS: Readonly<Record<string, Act>> = {
  /** Each input comes back, reversed. */
  async reverse({ inputs, emit, progress }) {
    for (const [index, input] of inputs.entries()) {
      await emit(index, input.toReversed());
      progress(index + 1, inputs.length);
    }
  },
  hang() {
    for (;;);
  },
  idle: () => new Promise(() => setInterval(() => undefined, 1000)),
  exit: (_context, code) => process.exit(Number(code)),
  signal(_context, name) {
    process.kill(process.pid, String(name));
  },
  async exitAfterSegment({ emit }) {
    await emit(0, new Uint8Array([1]));
    process.exit(0);
  },
  heap() {
    for (;;) kept.push({ text: String(kept.length) });
  },
  typedArrays() {
    for (;;) kept.push(new Uint8Array(16 << 20).fill(1));
  },
  wasm() {
    for (;;) {
      const { buffer } = new wasm.Memory({ initial: 256, maximum: 256 });
      kept.push(new Uint8Array(buffer).fill(1));
    }
  },
  deviceLost() {
    throw deviceLost('the device was unplugged');
  },
  vram({ vram }) {
    vram.take(600);
    vram.take(600);
  },
  throws() {
    throw Object.assign(new Error('no such operator'), { code: 'OPERATOR_UNKNOWN' });
  },
  async results({ emit }) {
    for (let index = 0; ; index++) await emit(index, new Uint8Array(1 << 20));
  },
  log() {
    for (;;) force(2, 'x'.repeat(65536));
  },
  text() {
    for (;;) force(FRAMES_FD, 'Loading driver…\n');
  },
  async falling({ emit }) {
    await emit(1, new Uint8Array(1));
    await emit(0, new Uint8Array(1));
  },
  hugeFrame() {
    writeSync(FRAMES_FD, frameHeader('chunk', 2 ** 31));
  },
  halfSegment() {
    writeSync(FRAMES_FD, frameHeader('chunk', 1));
    writeSync(FRAMES_FD, new Uint8Array(1));
  },
  lyingProgress() {
    const said = new TextEncoder().encode('{"done":2,"total":1}');
    writeSync(FRAMES_FD, frameHeader('progress', said.length));
    writeSync(FRAMES_FD, said);
  },
  random(_context, seed) {
    let state = Number(seed) | 1;
    const bytes = new Uint8Array(4096).map(() => {
      state = Math.imul(state, 1_664_525) + 1_013_904_223;
      return state >>> 24;
    });
    writeSync(FRAMES_FD, bytes);
  },
  /** Done, and then it does not leave. */
  async lingers({ emit }) {
    await emit(0, new Uint8Array([7]));
    process.exit = (() => undefined) as unknown as typeof process.exit;
    setInterval(() => undefined, 1000);
  },
  async printsToo({ emit }) {
    writeSync(1, 'hello from a driver\n');
    await emit(0, new Uint8Array([9]));
  },
  async look({ emit }, paths) {
    const found = {
      environment: process.env,
      files: (paths as string[]).map((path) => attempt(() => readFileSync(path).length)),
      write: attempt(() => {
        writeFileSync('/tmp/ogpu-sandbox-escape', 'x');
      }),
      openFiles: readdirSync('/proc/self/fdinfo').filter((fd) => isInherited(fd)),
      process: await attemptAsync(async () => (await import('node:child_process')).execFileSync('/bin/true')),
      worker: await attemptAsync(async () => {
        const { Worker } = await import('node:worker_threads');
        await new Worker(new URL(import.meta.url)).terminate();
      }),
      code: attempt(() => (0, eval)('1 + 1') as unknown),
    };
    await emit(0, new TextEncoder().encode(JSON.stringify(found)));
  },
  async dial({ emit }, port) {
    const answer = await new Promise<string>((resolve) => {
      const socket = connect({ host: '127.0.0.1', port: Number(port) });
      socket.once('connect', () => resolve('connected'));
      socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'failed'));
    });
    await emit(0, new TextEncoder().encode(answer));
  },
};

export async function run(context: ProgramContext): Promise<void> {
  const { act, argument } = context.settings as { readonly act: string; readonly argument: unknown };
  await ACTS[act]?.(context, argument);
}

/** Writes though the pipe may be full. */
function force(fd: number, text: string): void {
  attempt(() => writeSync(fd, text));
}

function isInherited(fd: string): boolean {
  if (Number(fd) <= FRAMES_FD) return false;
  const info = attempt(() => readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1'));
  const flags = typeof info === 'string' ? /^flags:\s*([0-7]+)/m.exec(info)?.[1] : undefined;
  return flags !== undefined && (parseInt(flags, 8) & 0o2000000) === 0;
}

function attempt<T>(act: () => T): T | string {
  try {
    return act();
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  }
}

async function attemptAsync(act: () => Promise<unknown>): Promise<unknown> {
  try {
    await act();
    return 'done';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  }
}
