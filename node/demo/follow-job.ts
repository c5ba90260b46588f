import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { AuditAnswer, JobAnswer } from '../client/answers.js';
import type { RpcClient } from '../client/rpc-client.js';

/** An attempt as it was seen, with the moments (`performance.now()`) at which it came to its phases. */
export interface SeenAttempt {
  readonly audit: AuditAnswer;
  readonly reachedMs: ReadonlyMap<string, number>;
}

/** A job that has ended, as it was seen on its way. */
export interface SeenJob {
  readonly job: JobAnswer;
  readonly attempts: readonly SeenAttempt[];
  readonly endedMs: number;
}

export interface JobWatcher {
  /** Called at each step of the last attempt, with its number. */
  readonly onMoved: (audit: AuditAnswer, number: number) => void | Promise<void>;
  readonly onWaiting: (audit: AuditAnswer | undefined) => void;
}

const POLL_MS = 100;

/** Resolves when a job has ended. @throws as calls of a node do */
export async function followJob(
  rpc: RpcClient,
  id: string,
  watcher: JobWatcher,
  signal: AbortSignal,
): Promise<SeenJob> {
  const seen: { audit: AuditAnswer; readonly reachedMs: Map<string, number> }[] = [];
  const look = async (number: number): Promise<void> => {
    const audit = await rpc.call('ogpu_audit', [id, number], AuditAnswer);
    const attempt = (seen[number] ??= { audit, reachedMs: new Map() });
    attempt.audit = audit;
    const phase = audit.ending ?? audit.phase;
    if (attempt.reachedMs.has(phase)) return;
    attempt.reachedMs.set(phase, performance.now());
    await watcher.onMoved(audit, number);
  };
  for (;;) {
    const job = await rpc.call('ogpu_job', [id], JobAnswer);
    // One that has just ended is told of before the next begins.
    for (let number = Math.max(0, seen.length - 1); number < job.attempts; number++) await look(number);
    if (job.phase !== 'OPEN' && job.phase !== 'ASSIGNED')
      return { job, attempts: seen, endedMs: performance.now() };
    watcher.onWaiting(seen.at(-1)?.audit);
    await delay(POLL_MS, undefined, { signal });
  }
}

const BalanceAnswer = z.string().transform(BigInt);

/** In wei, now. */
export function balanceOf(rpc: RpcClient, address: string): Promise<bigint> {
  return rpc.call('eth_getBalance', [address, 'latest'], BalanceAnswer);
}
