import type { OgpuError } from '../../protocol/errors.js';
import { cureOf, type TroubleTopic } from '../troubles.js';

/** One thing that must be so. */
export interface HealthCheck {
  readonly name: string;
  readonly isOk: boolean;
  /** One that fails is told and no more: the process is not to be restarted for it, nor clients sent elsewhere. */
  readonly isWarning?: boolean;
  /** The figures it was judged by, for people. */
  readonly detail: string;
}

export interface Health {
  /** Whether the process works; one that fails here for long is to be restarted. */
  live(): readonly HealthCheck[];
  /** Whether clients get good answers from it now. */
  ready(): readonly HealthCheck[];
}

export interface HealthSources {
  /** Why the node has stopped taking part; undefined while it does. */
  readonly stopped: () => string | undefined;
  readonly head: () => { readonly height: number; readonly timeMs: number };
  readonly isSyncing: () => boolean;
  readonly peers: () => number;
  /** Whether the chain goes on without any other node. */
  readonly isAlone: () => boolean;
  /** Longest time between two blocks of a chain without work. */
  readonly idleIntervalMs: () => number;
  /** How late the thread was in the last window. */
  readonly eventLoopDelayMs: () => number;
  /** What the operator should do something about. */
  readonly trouble?: (topic: TroubleTopic) => OgpuError | undefined;
  readonly nowMs?: () => number;
}

/** How checks are answered over HTTP. */
export interface HealthReport {
  readonly ok: boolean;
  readonly status: 'ok' | 'warning' | 'failing';
  readonly checks: readonly { readonly name: string; readonly ok: boolean; readonly detail: string }[];
  readonly [field: string]: unknown;
}

export function healthReport(checks: readonly HealthCheck[]): HealthReport {
  const failed = checks.filter(({ isOk }) => !isOk);
  const ok = failed.every(({ isWarning = false }) => isWarning);
  return {
    ok,
    status: failed.length === 0 ? 'ok' : ok ? 'warning' : 'failing',
    checks: checks.map(({ name, isOk, detail }) => ({ name, ok: isOk, detail })),
  };
}

/** Idle intervals without a block after which the chain seems to stand still, and the time that is allowed at least. */
const QUIET_INTERVALS = 6;
const MIN_QUIET_MS = 30_000;
const MAX_DELAY_MS = 5_000;

/** The health of a node, from what its parts say. */
export function nodeHealth(sources: HealthSources): Health {
  const { nowMs = () => Date.now(), trouble = () => undefined } = sources;
  const participation = (): HealthCheck => {
    const reason = sources.stopped();
    return { name: 'participation', isOk: reason === undefined, detail: reason ?? 'runs' };
  };
  const thread = (): HealthCheck => {
    const delayMs = Math.round(sources.eventLoopDelayMs());
    return { name: 'thread', isOk: delayMs < MAX_DELAY_MS, detail: `${delayMs} ms late` };
  };
  const head = (): HealthCheck => {
    const { height, timeMs } = sources.head();
    const ageMs = Math.max(0, nowMs() - timeMs);
    const allowedMs = Math.max(MIN_QUIET_MS, QUIET_INTERVALS * sources.idleIntervalMs());
    const detail = `block ${height} is ${Math.round(ageMs / 1000)} s old, ${Math.round(allowedMs / 1000)} s are allowed`;
    return { name: 'head', isOk: ageMs <= allowedMs, detail };
  };
  const sync = (): HealthCheck => {
    const error = trouble('sync');
    if (error !== undefined) return { name: 'sync', isOk: false, detail: describeTrouble(error) };
    const isSyncing = sources.isSyncing();
    return { name: 'sync', isOk: !isSyncing, detail: isSyncing ? 'catches up' : 'follows the chain' };
  };
  const validator = (): HealthCheck[] => {
    const error = trouble('validator');
    if (error === undefined) return [];
    return [{ name: 'validator', isOk: false, isWarning: true, detail: describeTrouble(error) }];
  };
  const peers = (): HealthCheck => {
    const count = sources.peers();
    return { name: 'peers', isOk: count > 0 || sources.isAlone(), detail: `${count} connected` };
  };
  return {
    live: () => [participation(), thread(), ...validator()],
    ready: () => [participation(), thread(), sync(), head(), peers(), ...validator()],
  };
}

function describeTrouble(error: OgpuError): string {
  const cure = cureOf(error);
  return `${error.message} [${error.code}]${cure === undefined ? '' : `; ${cure}`}`;
}
