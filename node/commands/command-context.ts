import { InvalidArgumentError } from 'commander';
import { OgpuError } from '../../protocol/errors.js';
import { promptPassword, type PromptPassword } from '../keys/password.js';
import { printableLines, toJson, writeOutput } from '../terminal-text.js';

/** What commands reach outside themselves. */
export interface CommandContext {
  /** Standard output: the answer. Resolves once it is written. @throws OutputError */
  write(text: string): Promise<void>;
  /** Standard error: what only people should read. */
  warn(text: string): void;
  readonly askPassword: PromptPassword;
}

export const PROCESS_CONTEXT: CommandContext = {
  write: writeOutput,
  warn: (text) => void process.stderr.write(printableLines(text)),
  askPassword: (question, options) => promptPassword(question, options),
};

export interface JsonOption {
  readonly json: boolean;
}

/** Prints an answer: an object for scripts, text for people. */
export function print(
  context: CommandContext,
  { json }: JsonOption,
  report: unknown,
  text: string,
): Promise<void> {
  return context.write(json ? toJson(report) : printableLines(text));
}

/** `label  value` lines. */
export function formatRows(rows: readonly (readonly [label: string, value: string])[]): string {
  const width = Math.max(...rows.map(([label]) => label.length));
  return rows.map(([label, value]) => `${label.padEnd(width)}  ${value}\n`).join('');
}

/** A table with a line for its header; columns as wide as their widest cell. */
export function formatTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [header, ...rows];
  const widths = header.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  return all
    .map(
      (row) =>
        `${row
          .map((cell, column) => cell.padEnd(widths[column] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}

export function examples(...lines: readonly (readonly [command: string, meaning: string])[]): string {
  return `\nExamples:\n${lines.map(([command, meaning]) => `  $ ${command}\n      ${meaning}\n`).join('')}`;
}

/** The value of an option, or commander's error naming the option. */
export function parsedBy<Value>(parse: (text: string) => Value): (text: string) => Value {
  return (text) => {
    try {
      return parse(text);
    } catch (error) {
      if (error instanceof OgpuError) throw new InvalidArgumentError(`${error.message}.`);
      throw error;
    }
  };
}

export function integerBetween(minimum: number, maximum: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,16}$/.test(text) ? Number(text) : NaN;
    if (value >= minimum && value <= maximum) return value;
    throw new InvalidArgumentError(`expected a whole number from ${minimum} to ${maximum}.`);
  };
}
