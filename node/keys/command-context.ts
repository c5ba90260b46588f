import { toJson } from '../terminal-text.js';
import type { KdfParams } from './kdf.js';
import { checkNewPassword, readPasswordFile, type PromptPassword } from './password.js';
import { formatReport, type KeyReport } from './report.js';

/** What the key commands reach outside themselves. */
export interface KeysContext {
  /** Standard output: the answer. Resolves once it is written. @throws OutputError */
  write(text: string): Promise<void>;
  /** Standard error: what only people should read. */
  warn(text: string): void;
  askPassword: PromptPassword;
  /** What new keystores are written with. */
  readonly kdf: KdfParams;
}

export interface CommonOptions {
  readonly dir: string;
  readonly json: boolean;
}

export async function existingPassword(context: KeysContext, file: string | undefined): Promise<string> {
  return file === undefined ? context.askPassword('Password: ') : readPasswordFile(file);
}

/** Checked before any other work, so that a refused password costs nothing. */
export async function newPassword(
  context: KeysContext,
  file: string | undefined,
  question = 'Password for the key: ',
): Promise<string> {
  const password =
    file === undefined
      ? await context.askPassword(question, { repeat: 'The same again: ' })
      : await readPasswordFile(file);
  return checkNewPassword(password);
}

export function printKeys(
  context: KeysContext,
  { json }: CommonOptions,
  reports: readonly KeyReport[],
): Promise<void> {
  return context.write(json ? toJson({ keys: reports }) : reports.map(formatReport).join('\n'));
}

export function printOne(context: KeysContext, { json }: CommonOptions, report: KeyReport): Promise<void> {
  return context.write(json ? toJson(report) : formatReport(report));
}
