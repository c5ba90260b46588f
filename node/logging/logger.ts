import { pino } from 'pino';
import type { LogFormat, LogLevel } from '../config/node-config.js';
import { loggable, type LogFields } from './fields.js';
import { prettyEntry } from './pretty.js';

type Write = (fields: LogFields, message: string) => void;

/** Writes entries. What each level means stands in docs/operations.md. */
export interface Logger {
  /** The node stops because of it. */
  readonly fatal: Write;
  /** The node goes on, and somebody must act. */
  readonly error: Write;
  /** Not as it should be, and mended by itself, or harmless; to be looked at when there are many. */
  readonly warn: Write;
  /** What happens on a good day: starts, final blocks, peers that come and go. */
  readonly info: Write;
  /** For who looks for a fault. */
  readonly debug: Write;
  /** Every message. */
  readonly trace: Write;
  /** The same with these fields in every entry. */
  child(fields: LogFields): Logger;
  /** For fields that cost something to make. */
  isLevelEnabled(level: LogLevel): boolean;
}

/** Where lines go. A whole line at a time, with its end. */
export interface LogTarget {
  write(line: string): void;
}

export interface Log {
  readonly logger: Logger;
  /** Entries written so far, by level. */
  entryCounts(): Readonly<Record<LogLevel, number>>;
  /** Lines that were dropped because their reader is too slow. */
  droppedCount(): number;
  /** Writes what waits. Call it last, also before a process ends by a fault. */
  flush(): void;
}

export interface LogOptions {
  readonly level: LogLevel;
  readonly format: LogFormat;
}

/** What waits for a reader of standard output that is slow; beyond it lines are dropped: a node never waits for its log. */
const MAX_WAITING_BYTES = 4 * 1024 * 1024;

/** A log on standard output. */
export function openLog({ level, format }: LogOptions): Log {
  const { isTTY } = process.stdout;
  const output = pino.destination({ fd: 1, sync: false, maxLength: MAX_WAITING_BYTES });
  let dropped = 0;
  output.on('drop', () => dropped++);
  // Whoever read the log has left, or its disk is full: the node goes on without it.
  output.on('error', () => undefined);
  const isPretty = format === 'pretty' || (format === 'auto' && isTTY);
  const terminal = isTTY ? onClearLines(output) : output;
  const target = isPretty ? prettyTarget(terminal, isTTY && process.env['NO_COLOR'] === undefined) : terminal;
  const counts: EntryCounts = { fatal: 0, error: 0, warn: 0, info: 0, debug: 0, trace: 0 };
  return {
    logger: createLogger(level, target, counts),
    entryCounts: () => counts,
    droppedCount: () => dropped,
    flush: () => {
      try {
        output.flushSync();
      } catch {
        // It was never opened, or is closed: nothing waits.
      }
    },
  };
}

type EntryCounts = Record<LogLevel, number>;

/** A logger that writes JSON lines into `target`, and counts them. */
export function createLogger(level: LogLevel, target: LogTarget, counts?: EntryCounts): Logger {
  const options = {
    level,
    base: null,
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (label: string) => ({ level: label }) },
    // Fields are made fit to be written before pino sees them, errors among them.
    serializers: { err: (error: unknown) => error },
  };
  return overPino(pino(options, target), counts);
}

/** A logger that tells nobody: for parts that are used by themselves. */
export const silentLogger: Logger = overPino(pino({ level: 'silent' }));

function overPino(inner: pino.Logger, counts?: EntryCounts): Logger {
  const at =
    (level: LogLevel): Write =>
    (fields, message) => {
      if (!inner.isLevelEnabled(level)) return;
      if (counts !== undefined) counts[level]++;
      inner[level](loggable(fields), message);
    };
  return {
    ...{ fatal: at('fatal'), error: at('error'), warn: at('warn') },
    ...{ info: at('info'), debug: at('debug'), trace: at('trace') },
    child: (fields) => overPino(inner.child(loggable(fields)), counts),
    isLevelEnabled: (level) => inner.isLevelEnabled(level),
  };
}

/** A bar of progress may stand where the line goes; it is drawn again below. */
function onClearLines(output: LogTarget): LogTarget {
  return {
    write: (line) => {
      output.write(`\r\u001b[K${line}`);
    },
  };
}

/** Turns JSON lines into lines for people. */
export function prettyTarget(output: LogTarget, isColoured: boolean): LogTarget {
  return {
    write: (line) => {
      output.write(prettyEntry(line, isColoured));
    },
  };
}
