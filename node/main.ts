#!/usr/bin/env node
import './polyfills.js';
import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { describeError, OgpuError } from '../protocol/errors.js';
import { demoCommand } from './commands/demo.js';
import { genesisCommand } from './commands/genesis.js';
import { keysCommand } from './commands/keys.js';
import { slowPathWarnings } from './slow-paths.js';

/** Exit codes of every command. */
export const EXIT_DONE = 0;
export const EXIT_FAILED = 1;
export const EXIT_USAGE = 2;

const HELP = `
Exit codes: 0 done, 1 refused or failed, 2 wrong usage. Errors go to standard error with a stable code in brackets;
with --json they are one JSON object.
`;

function program(): Command {
  const ogpu = new Command('ogpu')
    .description('oGPU chain node: jobs on GPUs, paid only after bonded validators have re-executed a sample')
    .version(packageVersion())
    .addCommand(demoCommand())
    .addCommand(keysCommand())
    .addCommand(genesisCommand())
    .addHelpText('after', HELP);
  exitByThrowing(ogpu);
  return ogpu;
}

/** Runs one command line. Never throws. @returns the exit code */
async function main(argv: readonly string[]): Promise<number> {
  for (const warning of slowPathWarnings()) process.stderr.write(`warning: ${warning}\n`);
  try {
    await program().parseAsync(argv);
    return EXIT_DONE;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT_DONE : EXIT_USAGE;
    process.stderr.write(
      `${argv.includes('--json') ? jsonError(error) : `error: ${describeError(error)}`}\n`,
    );
    return EXIT_FAILED;
  }
}

/** Commander would exit by itself, before output is flushed and with a code of its own. */
function exitByThrowing(command: Command): void {
  command.exitOverride();
  command.commands.forEach(exitByThrowing);
}

function jsonError(error: unknown): string {
  const known: OgpuError | undefined = error instanceof OgpuError ? error : undefined;
  const message = error instanceof Error ? error.message : String(error);
  const body = {
    code: known?.code ?? 'INTERNAL',
    message,
    ...(known === undefined ? {} : { data: known.data }),
  };
  return JSON.stringify({ error: body }, (_key, value: unknown) =>
    typeof value === 'bigint' ? value.toString() : value,
  );
}

function packageVersion(): string {
  const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  return manifest.version;
}

process.exitCode = await main(process.argv);
