#!/usr/bin/env node
import './polyfills.js';
import { Command, CommanderError } from 'commander';
import { describeError, OgpuError } from '../protocol/errors.js';
import { COMMANDS } from './command-table.js';
import { boundHeapGrowth } from './heap.js';
import { slowPathWarnings } from './slow-paths.js';
import { outputError, OutputError, printable, writeOutput } from './terminal-text.js';
import { packageVersion } from './version.js';

/** Exit codes of every command. */
export const EXIT_DONE = 0;
export const EXIT_FAILED = 1;
export const EXIT_USAGE = 2;
/** Whoever read standard output left: what a shell shows for a process ended by SIGPIPE, 128 + 13. */
export const EXIT_OUTPUT_CLOSED = 141;

/** A command line that means nothing; the message is commander's. */
export class UsageError extends OgpuError<'USAGE'> {}

const HELP = `
Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 141 the reader of the output left. Errors go to standard error
with a stable code in brackets; with --json they are one JSON object.
`;

/** Only the command that is asked for is loaded: most need neither the network nor the servers of a node. */
async function program(wanted: string | undefined): Promise<Command> {
  const ogpu = new Command('ogpu')
    .description('oGPU chain node: jobs on GPUs, paid only after bonded validators have re-executed a sample')
    .version(packageVersion())
    .addHelpText('after', HELP)
    .configureHelp({ subcommandTerm: (command) => command.name() });
  for (const [heading, commands] of Object.entries(COMMANDS)) {
    ogpu.commandsGroup(heading);
    for (const [name, { description, load }] of Object.entries(commands))
      ogpu.addCommand(name === wanted ? await load() : new Command(name).description(description));
  }
  leaveErrorsToMain(ogpu);
  return ogpu;
}

/** The first failed write to standard output, which its writer may not have waited for. */
let lostOutput: Error | undefined;

/** Runs one command line. Never throws. @returns the exit code */
async function main(argv: readonly string[]): Promise<number> {
  // Unheard, these events would end the process with a stack trace.
  process.stdout.on('error', (error: Error) => (lostOutput ??= error));
  process.stderr.on('error', () => undefined);
  const isJson = argv.includes('--json');
  // With --json, a script reads nothing but an error from standard error.
  const warnings = isJson ? [] : slowPathWarnings();
  for (const warning of warnings) process.stderr.write(`warning: ${printable(warning)}\n`);
  try {
    const exitCode = await run(argv);
    await writeOutput('');
    if (lostOutput !== undefined) throw outputError(lostOutput);
    return exitCode;
  } catch (error) {
    if (error instanceof OutputError && error.code === 'OUTPUT_CLOSED') return EXIT_OUTPUT_CLOSED;
    const text = isJson ? jsonError(error) : `error: ${describeError(error)}`;
    process.stderr.write(`${printable(text)}\n`);
    return error instanceof UsageError ? EXIT_USAGE : EXIT_FAILED;
  }
}

/** @throws UsageError, and what the command throws */
async function run(argv: readonly string[]): Promise<number> {
  try {
    const [, , first, second] = argv;
    const ogpu = await program(first === 'help' ? second : first);
    await ogpu.parseAsync(argv);
    return EXIT_DONE;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return EXIT_DONE;
    // Help instead of a missing command has been printed, and says enough.
    if (error.code === 'commander.help') return EXIT_USAGE;
    throw new UsageError('USAGE', error.message.replace(/^error: /, '').replaceAll('\n', ' '));
  }
}

/** Commander would print errors in a form of its own and exit before output is flushed. */
function leaveErrorsToMain(command: Command): void {
  command.exitOverride().configureOutput({ outputError: () => undefined });
  command.commands.forEach(leaveErrorsToMain);
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

boundHeapGrowth();
process.exitCode = await main(process.argv);
