import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { MAIN_FILE } from '../main-file.js';

/** How long a provider may take to end in order before it is killed. */
const STOP_TIMEOUT_MS = 10_000;

/** A provider's agent as a process of its own. */
export class ProviderProcess {
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;

  /** @param args of `ogpu provider start` */
  constructor(args: readonly string[], logFile: string) {
    const log = openSync(logFile, 'a', 0o600);
    this.#child = spawn(process.execPath, [MAIN_FILE, 'provider', 'start', ...args], {
      stdio: ['ignore', log, log, 'ipc'],
    });
    closeSync(log);
    this.#ended = new Promise((resolve) => {
      this.#child.once('exit', () => {
        resolve();
      });
      this.#child.once('error', () => {
        resolve();
      });
    });
  }

  /** Resolves when it is gone. */
  async close(): Promise<void> {
    this.#child.kill('SIGTERM');
    const force = setTimeout(() => this.#child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    await this.#ended;
    clearTimeout(force);
  }
}
