import { Presets, SingleBar } from 'cli-progress';
import { printable } from './terminal-text.js';

/** How far some long work has come, for a person who watches. */
export interface Progress {
  /** @param total may grow while the work goes on */
  update(done: number, total?: number): void;
  /** Leaves the line as it is; call it also when the work fails. */
  stop(): void;
}

const SILENT: Progress = { update: () => undefined, stop: () => undefined };

export interface ProgressOptions {
  readonly label: string;
  readonly total: number;
  /** Of what is counted, in the plural: blocks. */
  readonly unit: string;
  /** Nobody should see it: the command prints JSON. */
  readonly isSilent?: boolean;
}

/** A bar on standard error where that is a terminal; otherwise nothing. */
export function showProgress({ label, total, unit, isSilent = false }: ProgressOptions): Progress {
  if (isSilent || !process.stderr.isTTY) return SILENT;
  const bar = new SingleBar(
    {
      format: `${printable(label)} {bar} {percentage}% | {value}/{total} ${unit} | {eta_formatted} left`,
      stream: process.stderr,
      clearOnComplete: true,
      hideCursor: true,
      etaBuffer: 100,
      fps: 5,
    },
    Presets.shades_classic,
  );
  bar.start(total, 0);
  return {
    update: (done, newTotal) => {
      if (newTotal !== undefined) bar.setTotal(newTotal);
      bar.update(done);
    },
    stop: () => {
      bar.stop();
    },
  };
}
