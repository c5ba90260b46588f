import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import { dirname, join, parse, relative, isAbsolute } from 'node:path';
import { fileURLToPath } from 'node:url';
import { OgpuError } from '../../protocol/errors.js';
import { CODE_ROOT, moduleUrl } from './code.js';
import { FRAMES_FD, framesOf, jsonFrame, MAX_FRAME_BYTES } from './frames.js';
import { detectIsolation, launchCommand } from './isolation.js';
import { watchMemory, type MemoryWatch } from './memory-watch.js';
import type { Ending, SandboxOutcome } from './outcome.js';
import { ResultReader, type ResultSink } from './results.js';

export interface SandboxJob extends ResultSink {
  /** The module that runs: one of this project's own, which exports `run`. */
  readonly program: URL;
  readonly inputs: readonly Uint8Array[];
  /** JSON, at most 1 MiB. */
  readonly settings?: unknown;
  readonly limits: SandboxLimits;
  /** All the environment the child has, e.g. what a graphics driver is told. */
  readonly environment?: Readonly<Record<string, string>> | undefined;
  /** Folders that must be empty for the job where the machine can do that: where keys and the chain lie. */
  readonly hidden?: readonly string[] | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface SandboxLimits {
  /** Memory for the job beside what an idle child needs. */
  readonly memoryBytes: number;
  /** From start to end, loading included. */
  readonly wallMs: number;
  /** All segments together. */
  readonly outputBytes: number;
  readonly vramBytes: number;
}

export type SandboxErrorCode =
  'SANDBOX_PROGRAM_FOREIGN' | 'SANDBOX_SETTINGS_TOO_LARGE' | 'SANDBOX_NOT_STARTED';

export class SandboxError extends OgpuError<SandboxErrorCode> {}

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

/** What Node with a graphics driver takes before it has done anything: heap reserve, stacks of threads, compiler of shaders. */
const IDLE_BYTES = 192 * 2 ** 20;

/** Of V8's heap: tensors are not in it. */
const MAX_HEAP_BYTES = 512 * 2 ** 20;

/** Results are there: how long the child may take to leave before it is ended. */
const LEAVE_MS = 1_000;

const MAX_LOG_BYTES = 1024 * 1024;
const LOG_TAIL_BYTES = 16 * 1024;

const ENTRY = fileURLToPath(moduleUrl('compute/sandbox/child.js'));

/**
 * Runs one job in a process of its own and says how it ended. Whatever the job does — hang, crash, flood, lie — this process goes on, the
 * child and all it started are gone when the promise settles, and segments that came before are the caller's.
 *
 * @throws SandboxError when the job cannot be started at all; errors of `onSegment` as they are, after the child has been ended
 */
export async function runInSandbox(job: SandboxJob): Promise<SandboxOutcome> {
  const program = programPath(job.program);
  const start = [...jsonFrame('start', startMessage(job, program))];
  if ((start[1]?.length ?? 0) > MAX_FRAME_BYTES)
    throw new SandboxError('SANDBOX_SETTINGS_TOO_LARGE', 'a job takes settings of 1 MiB', {
      maxBytes: MAX_FRAME_BYTES,
    });
  if (job.signal?.aborted === true) return { kind: 'cancelled', wallMs: 0, peakBytes: 0, log: '' };
  const child = await launch(job);
  return new Supervision(child, job).run(start);
}

function startMessage(job: SandboxJob, program: string): unknown {
  return {
    program,
    settings: job.settings ?? null,
    vramBytes: job.limits.vramBytes,
    inputBytes: job.inputs.map((input) => input.length),
  };
}

function programPath(program: URL): string {
  const path = fileURLToPath(program);
  const inside = relative(CODE_ROOT, path);
  if (inside.startsWith('..') || isAbsolute(inside))
    throw new SandboxError('SANDBOX_PROGRAM_FOREIGN', 'the sandbox runs modules of this project alone', {
      path,
    });
  return path;
}

async function launch(job: SandboxJob): Promise<Child> {
  const { memoryBytes } = job.limits;
  const [command, ...args] = launchCommand(
    detectIsolation(),
    {
      dataBytes: memoryBytes + IDLE_BYTES,
      heapBytes: Math.min(memoryBytes, MAX_HEAP_BYTES),
      readable: readableCode(),
      hidden: job.hidden ?? [],
    },
    ENTRY,
  ) as [string, ...string[]];
  const child = spawn(command, args, {
    stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
    env: { ...job.environment },
    cwd: parse(process.execPath).root,
    detached: process.platform !== 'win32',
    windowsHide: true,
  }) as Child;
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (cause) => {
      reject(new SandboxError('SANDBOX_NOT_STARTED', `${command} does not start`, { command }, { cause }));
    });
  });
  return child;
}

/** This project and what it depends on, wherever a package manager has put that. */
function readableCode(): readonly string[] {
  const readable = [CODE_ROOT];
  for (let folder = CODE_ROOT; folder !== dirname(folder); folder = dirname(folder))
    readable.push(
      ...[join(folder, 'node_modules'), join(folder, 'package.json')].filter((path) => existsSync(path)),
    );
  return readable;
}

/** Watches one child from its first frame to its end. */
class Supervision {
  private readonly startedMs = performance.now();
  private readonly child: Child;
  private readonly frames: Readable;
  private readonly job: SandboxJob;
  private readonly results: ResultReader;
  private readonly memory: MemoryWatch;
  private readonly log = new LogTail();
  /** Why the child was ended by us: the first reason stands. */
  private breach: Ending | undefined;
  private sinkError: Error | undefined;

  constructor(child: Child, job: SandboxJob) {
    this.child = child;
    this.frames = child.stdio[FRAMES_FD] as Readable;
    this.job = job;
    this.results = new ResultReader(job, job.limits.outputBytes);
    this.memory = watchMemory(child.pid ?? 0, job.limits.memoryBytes + IDLE_BYTES, () => {
      this.end({ kind: 'out-of-memory', limit: 'resident' });
    });
  }

  async run(start: readonly Uint8Array[]): Promise<SandboxOutcome> {
    const { wallMs } = this.job.limits;
    const deadline = setTimeout(() => this.end({ kind: 'timed-out', limitMs: wallMs }), wallMs);
    const cancel = (): void => this.end({ kind: 'cancelled' });
    this.job.signal?.addEventListener('abort', cancel, { once: true });
    if (this.job.signal?.aborted === true) cancel();
    const exited = new Promise<ExitStatus>((resolve) => {
      this.child.once('close', (exitCode, signal) => resolve({ exitCode, signal }));
    });
    // What the child may have left behind in its group.
    this.child.once('exit', () => this.kill());
    this.readLog();
    const [status] = await Promise.all([exited, this.readResults(), this.sendInputs(start)]);
    clearTimeout(deadline);
    this.memory.stop();
    this.job.signal?.removeEventListener('abort', cancel);
    if (this.sinkError !== undefined) throw this.sinkError;
    return {
      ...this.judge(status),
      wallMs: Math.round(performance.now() - this.startedMs),
      peakBytes: this.memory.peak().inUseBytes,
      log: this.log.text(),
    };
  }

  private async readResults(): Promise<void> {
    let leave: NodeJS.Timeout | undefined;
    try {
      for await (const piece of this.frames) {
        const breach = this.breach === undefined ? await this.results.push(piece as Buffer) : undefined;
        if (breach !== undefined) this.end(breach);
        if (this.results.ending() !== undefined) leave ??= setTimeout(() => this.kill(), LEAVE_MS);
      }
    } catch (error) {
      this.sinkError = error instanceof Error ? error : new Error(String(error));
      this.kill();
    }
    clearTimeout(leave);
  }

  private readLog(): void {
    for (const stream of [this.child.stdout, this.child.stderr])
      stream.on('data', (piece: Buffer) => {
        if (this.log.push(piece) > MAX_LOG_BYTES)
          this.end({ kind: 'output-too-large', stream: 'log', maxBytes: MAX_LOG_BYTES });
      });
  }

  /** A child that dies while it is fed is no error here: how it died is told by its end. */
  private async sendInputs(start: readonly Uint8Array[]): Promise<void> {
    const { stdin } = this.child;
    const closed = new Promise<void>((resolve) => {
      stdin.on('error', () => resolve());
      stdin.once('close', resolve);
    });
    for (const bytes of inputFrames(start, this.job.inputs)) {
      if (stdin.destroyed) return;
      if (!stdin.write(bytes))
        await Promise.race([closed, new Promise((resolve) => stdin.once('drain', resolve))]);
    }
    stdin.end();
  }

  private end(reason: Ending): void {
    // After its last word only a lie counts against it; lateness does not.
    if (this.results.ending() === undefined || reason.kind === 'garbage') this.breach ??= reason;
    this.kill();
  }

  private kill(): void {
    const { pid } = this.child;
    if (pid === undefined) return;
    try {
      if (process.platform === 'win32') this.child.kill('SIGKILL');
      else process.kill(-pid, 'SIGKILL');
    } catch {
      // Gone already.
    }
  }

  private judge({ exitCode, signal }: ExitStatus): Ending {
    const said = this.breach ?? this.results.end() ?? this.results.ending();
    if (said !== undefined) return said;
    if (/heap out of memory/.test(this.log.text())) return { kind: 'out-of-memory', limit: 'heap' };
    const limit = this.job.limits.memoryBytes + IDLE_BYTES;
    const isNearLimit = this.memory.peak().dataBytes > limit - NEAR_LIMIT_BYTES;
    if (isNearLimit && isNativeCrash(exitCode, signal)) return { kind: 'out-of-memory', limit: 'near-limit' };
    return { kind: 'crashed', exitCode, signal };
  }
}

interface ExitStatus {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A native allocation that failed was larger than what was left; drivers allocate in blocks of this order. */
const NEAR_LIMIT_BYTES = 64 * 2 ** 20;

function isNativeCrash(exitCode: number | null, signal: string | null): boolean {
  return (
    signal === 'SIGSEGV' ||
    signal === 'SIGABRT' ||
    signal === 'SIGTRAP' ||
    signal === 'SIGILL' ||
    exitCode === 134
  );
}

function* inputFrames(start: readonly Uint8Array[], inputs: readonly Uint8Array[]): Generator<Uint8Array> {
  yield* start;
  for (const [index, input] of inputs.entries()) yield* framesOf(index, input);
}

/** Keeps the end of what was logged, and counts the rest. */
class LogTail {
  private tail: Buffer = Buffer.alloc(0);
  private total = 0;

  /** Bytes logged so far. */
  push(piece: Buffer): number {
    this.total += piece.length;
    this.tail = Buffer.concat([this.tail, piece]).subarray(-LOG_TAIL_BYTES);
    return this.total;
  }

  text(): string {
    return this.tail.toString('utf8');
  }
}
