import { spawn } from 'node:child_process';
import { MAIN_FILE } from '../main-file.js';
import { DemoError } from './demo-error.js';

/** What a command may print. */
const MAX_OUTPUT_BYTES = 16 * 1024 * 1024;

/** Runs a command of `ogpu` as a user would, in a process of its own. @returns its report. @throws DemoError DEMO_COMMAND */
export function runCommand(args: readonly string[], signal: AbortSignal): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [MAIN_FILE, ...args, '--json'], {
      stdio: ['ignore', 'pipe', 'pipe'],
      signal,
    });
    const printed = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const)
      child[name].on('data', (part: Buffer) => {
        if (printed[name].length < MAX_OUTPUT_BYTES) printed[name] += part.toString();
      });
    const fail = (why: string, cause?: unknown): void => {
      const data = { command: `ogpu ${args.join(' ')}`, output: printed.stderr.trim() };
      reject(new DemoError('DEMO_COMMAND', `ogpu ${args.slice(0, 2).join(' ')} ${why}`, data, { cause }));
    };
    child.once('error', (error) => {
      fail('did not run', error);
    });
    child.once('close', (code) => {
      if (code !== 0) {
        fail(`ended with ${String(code)}: ${printed.stderr.trim().split('\n').at(-1) ?? ''}`);
        return;
      }
      try {
        resolve(JSON.parse(printed.stdout));
      } catch (error) {
        fail('printed no JSON', error);
      }
    });
  });
}
