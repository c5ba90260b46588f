import { spawnSync } from 'node:child_process';
import { PROGRAM } from './program.js';

const TIMEOUT_MS = 120_000;

export interface CliResult {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `ogpu` as a user does: a process of its own, without a terminal. */
export function runCli(
  args: readonly string[],
  options: {
    readonly cwd?: string;
    readonly env?: NodeJS.ProcessEnv;
    /** In milliseconds. */
    readonly timeout?: number;
  } = {},
): CliResult {
  const { status, stdout, stderr } = spawnSync(process.execPath, [PROGRAM, ...args], {
    encoding: 'utf8',
    timeout: TIMEOUT_MS,
    ...options,
  });
  return { exitCode: status, stdout, stderr };
}
