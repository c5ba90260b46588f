import { Command } from 'commander';
import type { CommandContext } from '../../node/commands/command-context.js';
import { OgpuError } from '../../protocol/errors.js';

export interface CommandRun {
  readonly out: string;
  readonly err: string;
  /** Code of what the command rejected with: ours, or commander's. */
  readonly code: string | undefined;
  readonly error: unknown;
}

/** Runs a command of `ogpu` in this process. */
export async function runCommand(
  make: (context: CommandContext) => Command,
  args: readonly string[],
  password = 'correct horse',
): Promise<CommandRun> {
  let out = '';
  let err = '';
  const command = make({
    write: (text) => {
      out += text;
      return Promise.resolve();
    },
    warn: (text) => (err += text),
    askPassword: () => Promise.resolve(password),
  });
  leaveErrors(command);
  const error: unknown = await new Command('ogpu')
    .addCommand(command)
    .parseAsync([command.name(), ...args], { from: 'user' })
    .then(
      () => undefined,
      (cause: unknown) => cause,
    );
  const code =
    error instanceof OgpuError ? String(error.code) : (error as { code?: string } | undefined)?.code;
  return { out, err, code, error };
}

function leaveErrors(command: Command): void {
  command.exitOverride().configureOutput({ writeErr: () => undefined });
  command.commands.forEach(leaveErrors);
}
