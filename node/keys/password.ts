import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { OgpuError } from '../../protocol/errors.js';
import { readSecretFile } from './secret-file.js';

export class PasswordError extends OgpuError<
  | 'PASSWORD_NO_TERMINAL'
  | 'PASSWORD_CANCELLED'
  | 'PASSWORD_NOT_REPEATED'
  | 'PASSWORD_TOO_SHORT'
  | 'PASSWORD_TOO_LONG'
  | 'PASSWORD_NOT_UTF8'
> {}

/** For new passwords; an existing keystore is opened with whatever it was closed with. */
export const MIN_PASSWORD_CHARACTERS = 8;
export const MAX_PASSWORD_BYTES = 1024;

/**
 * The password in a file: its whole content but one line ending (LF or CRLF) at the end. The file must be as private as
 * a key.
 *
 * @throws SecretFileError, PasswordError PASSWORD_NOT_UTF8
 */
export async function readPasswordFile(path: string): Promise<string> {
  return (await readSecretText(path)).replace(/\r?\n$/, '');
}

/**
 * The content of a small secret text file, as it is.
 *
 * @throws SecretFileError, PasswordError PASSWORD_NOT_UTF8
 */
export async function readSecretText(path: string): Promise<string> {
  const bytes = await readSecretFile(path, MAX_PASSWORD_BYTES);
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new PasswordError('PASSWORD_NOT_UTF8', 'the file is not UTF-8 text', {
      path,
      cure: 'save it as plain UTF-8 text',
    });
  }
}

/**
 * A password fit for a new keystore.
 *
 * @throws PasswordError PASSWORD_TOO_SHORT | PASSWORD_TOO_LONG
 */
export function checkNewPassword(password: string): string {
  // EIP-2335 drops control codes, so they protect nothing.
  const characters = Array.from(password.replace(/\p{Cc}/gu, '')).length;
  if (characters < MIN_PASSWORD_CHARACTERS) {
    throw new PasswordError(
      'PASSWORD_TOO_SHORT',
      `a password needs at least ${MIN_PASSWORD_CHARACTERS} characters`,
      {
        characters,
        cure: 'anyone with the file can try passwords offline: take a long one, made by a password manager',
      },
    );
  }
  return checkLength(password);
}

export interface Terminal {
  readonly input: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  /** Where the question goes: stderr, so that stdout carries nothing but the answer of the command. */
  readonly output: NodeJS.WritableStream & { readonly isTTY?: boolean };
}

export const PROCESS_TERMINAL: Terminal = { input: process.stdin, output: process.stderr };

/** Asks a person; `repeat` is the question that asks for the same again. */
export type PromptPassword = (question: string, options?: { readonly repeat?: string }) => Promise<string>;

/**
 * Asks on the terminal, without echo, and once more when `repeat` is given.
 *
 * @throws PasswordError PASSWORD_NO_TERMINAL | PASSWORD_CANCELLED (Ctrl-C, Ctrl-D) | PASSWORD_NOT_REPEATED |
 * PASSWORD_TOO_LONG
 */
export async function promptPassword(
  question: string,
  options: { readonly repeat?: string } = {},
  terminal: Terminal = PROCESS_TERMINAL,
): Promise<string> {
  const { input, output } = terminal;
  if (input.isTTY !== true) {
    throw new PasswordError(
      'PASSWORD_NO_TERMINAL',
      'cannot ask for a password: standard input is not a terminal',
      {
        question,
        cure: 'give it in a file of mode 0600 with --password-file',
      },
    );
  }
  const silent = new Writable({
    write: (_chunk, _encoding, done) => {
      done();
    },
  });
  const terminalLines = createInterface({ input, output: silent, terminal: true, historySize: 0 });
  // Keeps the lines that arrive before they are asked for, as pasted ones do.
  const lines = terminalLines[Symbol.asyncIterator]();
  try {
    const password = checkLength(await ask(lines, question, output));
    if (options.repeat !== undefined && (await ask(lines, options.repeat, output)) !== password) {
      throw new PasswordError('PASSWORD_NOT_REPEATED', 'the two passwords differ', { cure: 'try again' });
    }
    return password;
  } finally {
    terminalLines.close();
  }
}

async function ask(
  lines: AsyncIterator<string>,
  question: string,
  output: NodeJS.WritableStream,
): Promise<string> {
  output.write(question);
  const line = await lines.next();
  output.write('\n');
  // readline closes itself on Ctrl-C and Ctrl-D.
  if (line.done === true) throw new PasswordError('PASSWORD_CANCELLED', 'cancelled at the password prompt');
  return line.value;
}

function checkLength(password: string): string {
  if (Buffer.byteLength(password) <= MAX_PASSWORD_BYTES) return password;
  throw new PasswordError('PASSWORD_TOO_LONG', `a password has at most ${MAX_PASSWORD_BYTES} bytes`, {
    cure: 'take a shorter one',
  });
}
