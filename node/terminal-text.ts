import { OgpuError } from '../protocol/errors.js';

export class OutputError extends OgpuError<
  /** Whoever read the output has gone (EPIPE): nothing is left to say. */
  | 'OUTPUT_CLOSED'
  /** A full disk, above all. */
  | 'OUTPUT_FAILED'
> {}

/**
 * The text as one line that a terminal only shows: control, formatting (bidirectional and invisible) and line-breaking
 * characters and lone surrogates become `\uXXXX`, each UTF-16 code unit as JSON escapes it. For everything that comes
 * from files, their names or the command line.
 */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (match) =>
    Array.from(
      { length: match.length },
      (_, i) => `\\u${match.charCodeAt(i).toString(16).padStart(4, '0')}`,
    ).join(''),
  );
}

/** As `printable`, line by line. */
export function printableLines(text: string): string {
  return text.split('\n').map(printable).join('\n');
}

/** Indented JSON, a line end at its end. Escapes what `printable` does, which JSON.stringify does only in part. */
export function toJson(value: unknown): string {
  // The only raw line ends are those of the indentation.
  return `${printableLines(JSON.stringify(value, null, 2))}\n`;
}

/**
 * Writes to standard output and waits until the text is with the operating system; with an empty text, until all that was
 * written before is.
 *
 * @throws OutputError OUTPUT_CLOSED | OUTPUT_FAILED
 */
export function writeOutput(text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(text, (error) => {
      if (error) reject(outputError(error));
      else resolve();
    });
  });
}

/** What a failed write to standard output means. */
export function outputError(cause: NodeJS.ErrnoException): OutputError {
  if (cause.code === 'EPIPE') {
    return new OutputError('OUTPUT_CLOSED', 'standard output was closed by its reader', {}, { cause });
  }
  const cure = 'check where standard output goes, and the free space there';
  return new OutputError('OUTPUT_FAILED', `cannot write the output: ${cause.message}`, { cure }, { cause });
}

const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;
