/** One thing that must be so. */
export interface HealthCheck {
  readonly name: string;
  readonly isOk: boolean;
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
  readonly nowMs?: () => number;
}

/** Idle intervals without a block after which the chain seems to stand still, and the time that is allowed at least. */
const QUIET_INTERVALS = 6;
const MIN_QUIET_MS = 30_000;
const MAX_DELAY_MS = 5_000;

/** The health of a node, from what its parts say. */
export function nodeHealth(sources: HealthSources): Health {
  const { nowMs = () => Date.now() } = sources;
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
    const isSyncing = sources.isSyncing();
    return { name: 'sync', isOk: !isSyncing, detail: isSyncing ? 'catches up' : 'follows the chain' };
  };
  const peers = (): HealthCheck => {
    const count = sources.peers();
    return { name: 'peers', isOk: count > 0 || sources.isAlone(), detail: `${count} connected` };
  };
  return {
    live: () => [participation(), thread()],
    ready: () => [participation(), thread(), sync(), head(), peers()],
  };
}
