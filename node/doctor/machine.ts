import { access, readFile } from 'node:fs/promises';
import { availableParallelism, freemem, totalmem } from 'node:os';
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import type { NodeConfig } from '../config/node-config.js';
import { slowPathWarnings } from '../slow-paths.js';
import { fail, formatSize, ok, warn, type Finding } from './finding.js';

const MIB = 1024 ** 2;
/** Measured: what a node takes without its caches, under load. */
const BASE_BYTES = 600 * MIB;

export function checkMemory({ database, mempool }: NodeConfig): Finding {
  const name = 'memory';
  const limit = process.constrainedMemory();
  const total = limit > 0 && limit < totalmem() ? limit : totalmem();
  // A waiting transaction takes several times its bytes, a write buffer twice its size.
  const needed =
    BASE_BYTES +
    database.readCacheBytes +
    database.blockCacheBytes +
    2 * database.writeBufferBytes +
    6 * mempool.maxBytes;
  const detail = `${formatSize(total)}${total === limit ? ' allowed' : ''}, ${formatSize(Math.min(freemem(), total))} free; up to ${formatSize(needed)} are used with these bounds`;
  const cure = 'give the node more memory, or lower the bounds in [database] and [mempool]';
  if (total < needed) return fail(name, detail, cure);
  return total < 2 * needed ? warn(name, detail, cure) : ok(name, detail);
}

export function checkProcessors(): Finding {
  const cores = availableParallelism();
  const detail = `${cores} ${cores === 1 ? 'core' : 'cores'}`;
  if (cores >= 2) return ok('processors', detail);
  return warn(
    'processors',
    detail,
    'use two or more: signatures are verified beside consensus, not in its turn',
  );
}

/** Files, peers and clients all take a descriptor. */
export async function checkOpenFiles({ database, p2p, rpc }: NodeConfig): Promise<Finding> {
  const name = 'open files';
  const text = await readFile('/proc/self/limits', 'utf8').catch(() => '');
  const [, limitText] = /^Max open files +(\d+|unlimited)/m.exec(text) ?? [];
  if (limitText === undefined) return ok(name, 'the limit is not told on this system');
  const needed = database.openFiles + 2 * p2p.maxPeers + (rpc.enabled ? rpc.maxConnections : 0) + OTHER_FILES;
  const limit = limitText === 'unlimited' ? Infinity : Number(limitText);
  const detail = `${limitText} allowed, up to ${needed} used`;
  const cure = 'raise the limit (`ulimit -n`, LimitNOFILE= of systemd), or lower rpc.maxConnections';
  return limit < needed ? warn(name, detail, cure) : ok(name, detail);
}

const OTHER_FILES = 128;

export function checkFastPaths(): Finding {
  const name = 'fast paths';
  const slow = slowPathWarnings();
  if (slow.length === 0) return ok(name, 'cryptography and hashing run on native code');
  return warn(
    name,
    slow.join('; '),
    'install again on this machine with npm ci, for this version of Node and this processor',
  );
}

export function checkNodeVersion(): Finding {
  return ok('Node', `${process.version} on ${process.platform} ${process.arch}`);
}

const CLOCK_SAMPLE_MS = 250;
const MAX_DRIFT_MS = 5;
/** This software is younger than that. */
const OLDEST_TIME_MS = Date.UTC(2025, 0);
const TIME_SERVICES = [
  '/run/systemd/timesync/synchronized',
  '/run/chrony/chronyd.pid',
  '/run/chronyd.pid',
  '/run/ntpd.pid',
  '/var/run/ntpd.pid',
];

/**
 * Blocks of clocks that differ by more than a chain parameter are refused. No other clock is asked: what is wrong with this one by
 * itself is told.
 */
export async function checkClock(): Promise<Finding> {
  const name = 'clock';
  const [wallMs, steadyMs] = [Date.now(), performance.now()];
  await delay(CLOCK_SAMPLE_MS);
  const driftMs = Date.now() - wallMs - (performance.now() - steadyMs);
  const detail = `${new Date().toISOString()}, ${Math.abs(driftMs).toFixed(1)} ms off the steady clock in ${CLOCK_SAMPLE_MS} ms`;
  const cure = 'let a time service keep the clock: systemd-timesyncd, chrony or ntpd';
  if (wallMs < OLDEST_TIME_MS) return fail(name, `${detail}: in the past`, cure);
  if (Math.abs(driftMs) > MAX_DRIFT_MS) return warn(name, `${detail}: it is being changed`, cure);
  const services = await Promise.all(TIME_SERVICES.map(isReadable));
  return ok(
    name,
    `${detail}; ${services.includes(true) ? 'a time service keeps it' : 'no time service is seen from here'}`,
  );
}

async function isReadable(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
