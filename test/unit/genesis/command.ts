import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { GenesisContext } from '../../../node/commands/genesis-context.js';
import { genesisCommand } from '../../../node/commands/genesis.js';
import { addressText, temporaryDirectory, validatorEntry } from './sample.js';

export interface Run {
  readonly out: string;
  readonly err: string;
  readonly progress: readonly string[];
  readonly code: string | undefined;
}

/** Runs `ogpu genesis …` in this process. */
export async function run(...args: readonly string[]): Promise<Run> {
  let out = '';
  let err = '';
  const progress: string[] = [];
  const context: GenesisContext = {
    write: (text) => (out += text),
    warn: (text) => (err += text),
    progress: (text) => progress.push(text),
    askPassword: () => Promise.resolve('correct horse'),
  };
  const command = genesisCommand(context);
  for (const each of [command, ...command.commands]) {
    each.exitOverride().configureOutput({ writeErr: () => undefined });
  }
  const code = await command.parseAsync([...args], { from: 'user' }).then(
    () => undefined,
    (error: unknown) => (error as { code: string }).code,
  );
  return { out, err, progress, code };
}

/** A directory with two validator entries and a holder export, and the arguments to make a genesis of them. */
export function workplace(context: TestContext): { directory: string; out: string; args: string[] } {
  const directory = temporaryDirectory(context, {
    'one.json': JSON.stringify(validatorEntry(1)),
    'two.json': JSON.stringify(validatorEntry(2)),
    'export.csv': `"address","balance"\r\n${addressText(2).toLowerCase()},1000.5\r\n${addressText(7)},2\r\n`,
  });
  const out = join(directory, 'net');
  const args = ['create', '--preset', 'devnet', '--time', '2027-01-01T00:00:00Z', '--out', out];
  args.push('--validator', join(directory, 'one.json'), join(directory, 'two.json'));
  args.push('--snapshot', join(directory, 'export.csv'), '--decimals', '18');
  args.push('--allocation', `${addressText(1)}=1500.25`);
  return { directory, out, args };
}

/** Codes of the faults in what people read, in order. */
export function codesIn(text: string): string[] {
  return [...text.matchAll(/\[(\w+)\]\n/g)].map(([, code]) => code ?? '');
}
