import { printable } from '../terminal-text.js';

const COLOURS: Readonly<Record<string, string>> = {
  fatal: '\u001b[1;41m',
  error: '\u001b[31m',
  warn: '\u001b[33m',
  info: '\u001b[32m',
  debug: '\u001b[36m',
  trace: '\u001b[90m',
};
const GREY = '\u001b[90m';
const OFF = '\u001b[0m';

/**
 * A JSON line as a line for people, with a stack below it where there is one:
 * `20:15:03.120 INFO  consensus  block is final  height=12 round=0`.
 *
 * Nothing in an entry can steer the terminal: it may hold what a peer has sent.
 */
export function prettyEntry(line: string, isColoured: boolean): string {
  const entry = parse(line);
  if (entry === undefined) return `${printable(line.trimEnd())}\n`;
  const { time, level, part, msg, err, ...fields } = entry;
  const colour = (code: string, text: string): string => (isColoured ? `${code}${text}${OFF}` : text);
  const name = String(level);
  const columns = [
    colour(GREY, clockTime(time)),
    colour(COLOURS[name] ?? '', name.toUpperCase().padEnd(5)),
    ...(typeof part === 'string' ? [printable(part).padEnd(PART_WIDTH)] : []),
    typeof msg === 'string' ? printable(msg) : '',
    ...Object.entries({ ...errorFields(err), ...fields }).map(
      ([field, value]) => `${colour(GREY, `${printable(field)}=`)}${shown(value)}`,
    ),
  ];
  return `${columns.join(' ')}\n${stackOf(err)}`;
}

const PART_WIDTH = 9;

function parse(line: string): Record<string, unknown> | undefined {
  try {
    const entry: unknown = JSON.parse(line);
    return typeof entry === 'object' && entry !== null ? (entry as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** The time of day where this is read; the date is in the JSON. */
function clockTime(time: unknown): string {
  const date = new Date(String(time));
  if (Number.isNaN(date.getTime())) return '';
  const [hours, minutes, seconds] = [date.getHours(), date.getMinutes(), date.getSeconds()].map(twoDigits);
  return `${hours}:${minutes}:${seconds}.${String(date.getMilliseconds()).padStart(3, '0')}`;
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0');
}

function errorFields(error: unknown): Record<string, unknown> {
  if (typeof error !== 'object' || error === null) return {};
  const { message, code, data } = error as Record<string, unknown>;
  const details = typeof data === 'object' ? data : {};
  return { error: message, ...(code === undefined ? {} : { code }), ...details };
}

/** Where an error has no code of ours, nobody expected it: its stack is of use. */
function stackOf(error: unknown): string {
  if (typeof error !== 'object' || error === null || 'data' in error || !('stack' in error)) return '';
  return String(error.stack)
    .split('\n')
    .slice(1)
    .map((line) => `    ${printable(line.trim())}\n`)
    .join('');
}

function shown(value: unknown): string {
  if (typeof value === 'string') return /^[\w./:+-]+$/.test(value) ? value : printable(JSON.stringify(value));
  return printable(JSON.stringify(value));
}
