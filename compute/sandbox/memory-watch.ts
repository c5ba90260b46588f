import { readFileSync } from 'node:fs';

export interface MemoryUse {
  /** Anonymous and shared pages in memory or swapped out; what files are mapped to is not counted. */
  readonly inUseBytes: number;
  /** Private writable memory, touched or not: what the kernel's limit is about. */
  readonly dataBytes: number;
}

/** What the process uses now, or undefined where the system does not say or the process is gone. */
export function memoryOf(pid: number): MemoryUse | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'latin1');
    const read = (name: string): number =>
      1024 * Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0);
    return { inUseBytes: read('RssAnon') + read('RssShmem') + read('VmSwap'), dataBytes: read('VmData') };
  } catch {
    return undefined;
  }
}

export interface MemoryWatch {
  readonly peak: () => MemoryUse;
  readonly stop: () => void;
}

const INTERVAL_MS = 50;

/** Looks at a process again and again; calls `onExceeded` once, when it uses more than `maxBytes`. */
export function watchMemory(pid: number, maxBytes: number, onExceeded: () => void): MemoryWatch {
  let peak: MemoryUse = { inUseBytes: 0, dataBytes: 0 };
  const timer = setInterval(() => {
    const use = memoryOf(pid);
    if (use === undefined) return;
    peak = {
      inUseBytes: Math.max(peak.inUseBytes, use.inUseBytes),
      dataBytes: Math.max(peak.dataBytes, use.dataBytes),
    };
    if (use.inUseBytes <= maxBytes) return;
    clearInterval(timer);
    onExceeded();
  }, INTERVAL_MS);
  return { peak: () => peak, stop: () => clearInterval(timer) };
}
