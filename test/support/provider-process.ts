import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { PROGRAM } from './program.js';

/** An entry of a provider's log. */
export interface ProviderEntry {
  readonly event?: string;
  readonly level: string;
  readonly msg?: string;
  readonly [field: string]: unknown;
}

/** `ogpu provider start` as a process, and what it has written. */
export class ProviderProcess {
  readonly entries: ProviderEntry[] = [];
  readonly #child: ChildProcess;
  readonly #ended: Promise<number | null>;
  readonly #waiting = new Set<() => void>();

  constructor(args: readonly string[]) {
    this.#child = spawn(process.execPath, [PROGRAM, 'provider', 'start', ...args, '--json'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    assert.ok(this.#child.stdout);
    createInterface({ input: this.#child.stdout }).on('line', (line) => {
      this.entries.push(JSON.parse(line) as ProviderEntry);
      for (const wake of this.#waiting) wake();
    });
    this.#ended = new Promise((resolve) => {
      this.#child.once('close', resolve);
    });
  }

  /** Resolves at the first entry of this event. */
  async event(name: string): Promise<ProviderEntry> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const found = this.entries.find(({ event }) => event === name);
        if (found === undefined) return;
        this.#waiting.delete(look);
        resolve(found);
      };
      this.#waiting.add(look);
      void this.#ended.then(() => {
        if (this.#waiting.has(look)) reject(new Error(`no ${name}: ${JSON.stringify(this.entries)}`));
      });
      look();
    });
  }

  signal(name: 'SIGTERM' | 'SIGKILL'): void {
    this.#child.kill(name);
  }

  /** @returns its exit code; null where a signal ended it */
  ended(): Promise<number | null> {
    return this.#ended;
  }

  async kill(): Promise<void> {
    this.signal('SIGKILL');
    await this.#ended;
  }
}
