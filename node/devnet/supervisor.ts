import { spawn, type ChildProcess } from 'node:child_process';
import { openSync, closeSync } from 'node:fs';
import { MAIN_FILE } from '../main-file.js';
import { configFile, logFile, type Devnet, type DevnetNode } from './layout.js';

/** A node that dies is started again: at once the first time, then ever later, until it has run for a while. */
const MIN_RESTART_MS = 250;
const MAX_RESTART_MS = 10_000;
const HEALTHY_AFTER_MS = 30_000;

/** How long a node may take to end in order before it is killed. */
const STOP_TIMEOUT_MS = 20_000;

/** A process of the operating system that is a node. */
interface Watched {
  readonly node: DevnetNode;
  process: ChildProcess | undefined;
  startedMs: number;
  restartMs: number;
  restarts: number;
  timer: NodeJS.Timeout | undefined;
}

export interface NodeProcess {
  readonly node: DevnetNode;
  readonly pid: number | undefined;
  readonly restarts: number;
}

/** Runs the nodes of a devnet as processes of their own, and starts again what dies. */
export class Supervisor {
  readonly #watched: readonly Watched[];
  #isStopping = false;

  constructor({ nodes }: Devnet) {
    this.#watched = nodes.map((node) => ({
      ...{ node, process: undefined, startedMs: 0, restartMs: MIN_RESTART_MS, restarts: 0, timer: undefined },
    }));
  }

  get processes(): readonly NodeProcess[] {
    return this.#watched.map(({ node, process, restarts }) => ({ node, pid: process?.pid, restarts }));
  }

  start(): void {
    for (const watched of this.#watched) this.#spawn(watched);
  }

  /** Ends all nodes in order, those that do not end by force. Nothing runs any more when this resolves. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await Promise.all(this.#watched.map((watched) => endProcess(watched)));
  }

  #spawn(watched: Watched): void {
    if (this.#isStopping) return;
    const { node } = watched;
    const log = openSync(logFile(node), 'a', 0o600);
    // The channel tells a node when its supervisor is gone, however it went.
    const child = spawn(process.execPath, [MAIN_FILE, 'start', '--config', configFile(node)], {
      stdio: ['ignore', log, log, 'ipc'],
    });
    closeSync(log);
    watched.process = child;
    watched.startedMs = performance.now();
    child.once('exit', () => {
      watched.process = undefined;
      if (!this.#isStopping) this.#restart(watched);
    });
    child.once('error', () => undefined);
  }

  #restart(watched: Watched): void {
    const wasHealthy = performance.now() - watched.startedMs > HEALTHY_AFTER_MS;
    const delayMs = wasHealthy ? MIN_RESTART_MS : watched.restartMs;
    watched.restartMs = Math.min(2 * delayMs, MAX_RESTART_MS);
    watched.restarts++;
    watched.timer = setTimeout(() => {
      this.#spawn(watched);
    }, delayMs);
  }
}

async function endProcess(watched: Watched): Promise<void> {
  clearTimeout(watched.timer);
  const { process: child } = watched;
  if (child === undefined) return;
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => {
      resolve();
    });
  });
  child.kill('SIGTERM');
  const force = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
  await ended;
  clearTimeout(force);
}
