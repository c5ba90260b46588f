import { mkdtemp, open, rm, stat, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { messageOf } from '../database/errors.js';
import { fail, formatSize, ok, warn, type Finding } from './finding.js';

const GIB = 1024 ** 3;
const WARN_FREE_BYTES = 20 * GIB;
const MIN_FREE_BYTES = 2 * GIB;

/** Room for the chain to grow. */
export async function checkSpace(dataDir: string): Promise<Finding> {
  const name = 'disk space';
  const { bavail, bsize } = await statfs(await nearestFolder(dataDir));
  const free = bavail * bsize;
  const cure = 'free space, move the data folder to a larger disk, or keep less history (`history`)';
  if (free < MIN_FREE_BYTES)
    return fail(name, `${formatSize(free)} free, ${formatSize(MIN_FREE_BYTES)} needed`, cure);
  const detail = `${formatSize(free)} free`;
  return free < WARN_FREE_BYTES
    ? warn(name, `${detail}, ${formatSize(WARN_FREE_BYTES)} are better`, cure)
    : ok(name, detail);
}

const SYNCS = 64;
const RECORD_BYTES = 4_096;
const WARN_P50_MS = 10;
const WARN_P99_MS = 100;
const FAIL_P50_MS = 100;

/** How long the disk takes to make a record durable: a validator waits for that several times a block. */
export async function checkSync(dataDir: string, isValidator: boolean): Promise<Finding> {
  const name = 'disk speed';
  const measured = await measureSync(await nearestFolder(dataDir)).catch((error: unknown) => error);
  if (!(measured instanceof Float64Array))
    return fail(
      name,
      `cannot write: ${messageOf(measured)}`,
      'let the user that runs the node write in the data folder',
    );
  const [p50, p99] = [at(measured, 0.5), at(measured, 0.99)];
  const detail = `fsync ${p50.toFixed(2)} ms median, ${p99.toFixed(2)} ms at 99 %`;
  const cure =
    'use an SSD with power-loss protection, of this machine alone; network disks and SD cards are slow';
  if (p50 > FAIL_P50_MS && isValidator) return fail(name, detail, cure);
  return p50 > WARN_P50_MS || p99 > WARN_P99_MS ? warn(name, detail, cure) : ok(name, detail);
}

/** Ascending times in milliseconds. */
async function measureSync(folder: string): Promise<Float64Array> {
  const scratch = await mkdtemp(join(folder, '.ogpu-doctor-'));
  try {
    const file = await open(join(scratch, 'sync'), 'w');
    try {
      const times = new Float64Array(SYNCS);
      const record = new Uint8Array(RECORD_BYTES).fill(0x5a);
      for (let i = 0; i < SYNCS; i++) {
        const startMs = performance.now();
        await file.write(record);
        await file.datasync();
        times[i] = performance.now() - startMs;
      }
      return times.sort();
    } finally {
      await file.close();
    }
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

function at(sorted: Float64Array, quantile: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * quantile))] ?? 0;
}

/** The folder, or the one that it would be made in. */
async function nearestFolder(path: string): Promise<string> {
  for (let at = path; at !== dirname(at); at = dirname(at)) {
    const status = await stat(at).catch(() => undefined);
    if (status?.isDirectory() === true) return at;
  }
  return '/';
}
