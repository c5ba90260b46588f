import { Option } from 'commander';
import { GenesisError } from '../../genesis/faults.js';
import { formatFaults } from '../../genesis/report.js';
import { PRESET_NAMES } from '../../protocol/presets.js';
import { promptPassword, type PromptPassword } from '../keys/password.js';
import { printableLines, toJson } from '../terminal-text.js';

/** What the genesis commands reach outside themselves. */
export interface GenesisContext {
  /** Standard output: the answer. */
  write(text: string): void;
  /** Standard error: what only people should read. */
  warn(text: string): void;
  /** Replaces the last line of progress; absent where nobody watches. */
  readonly progress?: (text: string) => void;
  readonly askPassword: PromptPassword;
}

export const PROCESS_CONTEXT: GenesisContext = {
  write: (text) => void process.stdout.write(printableLines(text)),
  warn: (text) => void process.stderr.write(printableLines(text)),
  askPassword: (question, options) => promptPassword(question, options),
  ...(process.stderr.isTTY ? { progress: (text) => void process.stderr.write(`\r\u001b[K${text}`) } : {}),
};

export interface JsonOption {
  readonly json: boolean;
}

/** Prints what `work` answers, or the faults of a genesis, one a line, and rejects with their number. */
export async function answer(
  context: GenesisContext,
  { json }: JsonOption,
  work: () => Promise<string>,
): Promise<void> {
  try {
    const text = await work().finally(() => context.progress?.(''));
    context.write(text);
  } catch (error) {
    if (!(error instanceof GenesisError) || error.faultCount === 0) throw error;
    const { faults, faultCount } = error;
    if (json) context.write(toJson({ valid: false, faultCount, faults }));
    else context.warn(formatFaults(faults, faultCount));
    throw new GenesisError('GENESIS_INVALID', error.message, [], 0, { cause: error });
  }
}

/** A fresh `--preset`: an option belongs to one command. */
export function presetOption(): Option {
  return new Option('--preset <name>', 'chain id and parameters of')
    .choices(PRESET_NAMES)
    .makeOptionMandatory();
}
