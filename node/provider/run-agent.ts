import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { runJob } from '../../compute/job-run.js';
import { ProviderAgent, type AgentEvent } from '../../compute/provider/agent.js';
import { fake } from '../../compute/provider/cheating.js';
import type { ProviderPolicy } from '../../compute/provider/choice.js';
import { piecesOf } from '../../compute/provider/pieces.js';
import { ResultStore } from '../../compute/provider/result-store.js';
import { formatOgpu } from '../../protocol/amounts.js';
import { toHex } from '../../protocol/bytes.js';
import { OgpuError } from '../../protocol/errors.js';
import { PRESETS } from '../../protocol/presets.js';
import { Quantity, Status } from '../client/answers.js';
import { RpcClient } from '../client/rpc-client.js';
import type { Wallet } from '../client/wallet.js';
import { Closers } from '../closers.js';
import { ComputeDevice, type DeviceSetting } from '../compute/device.js';
import { openFolder } from '../disk/open-folder.js';
import { createSecretFile, readSecretFile, SecretFileError } from '../keys/secret-file.js';
import type { Logger } from '../logging/logger.js';
import { Repeats } from '../logging/repeats.js';
import { JobLoader } from './job-loader.js';
import { rpcMarket } from './rpc-market.js';

export interface AgentOptions {
  readonly rpcUrl: string;
  readonly wallet: Wallet;
  /** Of results and the agent's secret, for this agent alone. */
  readonly folder: string;
  /** Folders that the processes of jobs do not see: keys, above all. */
  readonly hidden: readonly string[];
  readonly policy: ProviderPolicy;
  readonly device: DeviceSetting;
  /** Jobs that are computed at the same time. */
  readonly devices: number;
  /** Percent of each result's segments that are made up, on devnets, to see audits at work. */
  readonly cheatPercent?: number | undefined;
  readonly log: Logger;
}

/** What an agent is told while it runs. */
export interface AgentSignals {
  /** It is to claim nothing more, finish what it has, and end. */
  readonly drain: AbortSignal;
  /** It is to end at once: what it has committed to waits on the disk. */
  readonly stop: AbortSignal;
}

export class AgentError extends OgpuError<
  /** Made-up results are for devnets. */
  'AGENT_CHEATS_REFUSED'
> {}

/** Between two looks at the chain when no block comes. */
const LOOK_EVERY_MS = 2_000;
const POLL_MS = 100;
const SECRET_BYTES = 32;
const MIN_WALL_MS = 1_000;

/**
 * Runs a provider's agent until it is told to end.
 *
 * @throws AgentError; DiskError DISK_LOCKED where another one has the folder; SecretFileError; ClientError where no node answers at first
 */
export async function runAgent(options: AgentOptions, { drain, stop }: AgentSignals): Promise<void> {
  const { log, rpcUrl } = options;
  const rpc = new RpcClient(rpcUrl);
  await checkChain(rpc, options);
  const closers = new Closers();
  try {
    const wakes = new Set<AgentEvent['kind']>();
    const agent = await openAgent(options, rpc, closers, (event) => {
      wakes.add(event.kind);
    });
    const repeats = new Repeats();
    let height = 0;
    while (!stop.aborted) {
      if (drain.aborted) agent.drain();
      wakes.clear();
      try {
        height = await agent.reconcile();
      } catch (error) {
        if (!(error instanceof OgpuError)) throw error;
        repeats.write(String(error.code), log.warn, { err: error }, 'the chain cannot be looked at');
      }
      if (drain.aborted && agent.open === 0) break;
      await untilWork(rpc, height, wakes, stop);
    }
  } finally {
    await closers.closeAll((part, error) => {
      log.error({ err: error, part }, 'a part of the agent did not close in order');
    });
  }
}

async function checkChain(rpc: RpcClient, { cheatPercent, log }: AgentOptions): Promise<void> {
  const { chainId } = await rpc.call('ogpu_status', [], Status);
  if (cheatPercent === undefined) return;
  if (chainId !== PRESETS.devnet.chainId)
    throw new AgentError('AGENT_CHEATS_REFUSED', 'results are made up on devnets alone', {
      ...{ chainId, cure: 'leave --cheat out' },
    });
  log.warn(
    { percent: cheatPercent },
    'this provider MAKES UP a part of its results: it will be found and slashed',
  );
}

async function openAgent(
  options: AgentOptions,
  rpc: RpcClient,
  closers: Closers,
  onEvent: (event: AgentEvent) => void,
): Promise<ProviderAgent> {
  const { wallet, folder, hidden, policy, devices, rpcUrl, log } = options;
  const { folder: results, unlock } = await openFolder(join(folder, 'results'));
  closers.add('folder', unlock);
  const secret = await agentSecret(join(folder, 'secret'));
  const device = new ComputeDevice({
    ...{ setting: options.device, hidden: [folder, ...hidden] },
    onChosen: (name) => {
      log.info({ device: name }, 'jobs are computed on it');
    },
    onWarning: (error) => {
      log.warn({ err: error }, 'device');
    },
  });
  closers.add('device', () => device.close());
  const loader = new JobLoader(rpc, { url: rpcUrl });
  const agent = new ProviderAgent({
    market: rpcMarket(rpc, wallet),
    load: (assignment, signal) => loader.load(assignment, signal),
    suits: (offer) => loader.suits(offer),
    execute: async (job, { attempt }, signal) => {
      const wallMs = Math.max(MIN_WALL_MS, attempt.terms.commitBy.timeMs - Date.now());
      const executor = await device.executor;
      const result = await runJob(job, { executor, wallMs, signal, hidden: [folder, ...hidden] });
      return options.cheatPercent === undefined ? result : fake(job.plan, result, options.cheatPercent);
    },
    pieces: async (assignment, result, signal) =>
      piecesOf(assignment.attempt, await loader.load(assignment, signal), result),
    publishOutput: (output) => loader.publish(output),
    results: new ResultStore(results),
    ...{ secret, policy, devices },
    onEvent: (event) => {
      tell(log, event);
      onEvent(event);
    },
  });
  closers.add('agent', () => agent.stop());
  return agent;
}

/** What job keys are made from: made once, and as precious as the bonds of attempts under way. @throws SecretFileError */
async function agentSecret(path: string): Promise<Uint8Array> {
  try {
    const secret = await readSecretFile(path);
    if (secret.length === SECRET_BYTES) return secret;
    throw new SecretFileError('SECRET_FILE_UNREADABLE', 'not the secret of an agent', {
      ...{ path, cure: 'put the file back from a backup; a new one loses the bonds of attempts under way' },
    });
  } catch (error) {
    if (!(error instanceof SecretFileError) || error.code !== 'SECRET_FILE_NOT_FOUND') throw error;
    const secret = Uint8Array.from(randomBytes(SECRET_BYTES));
    await createSecretFile(path, secret);
    return secret;
  }
}

function tell(log: Logger, event: AgentEvent): void {
  switch (event.kind) {
    case 'claimed':
      log.info({ job: toHex(event.job), price: `${formatOgpu(event.priceWei)} OGPU` }, 'job claimed');
      return;
    case 'trouble': {
      const { subject, error } = event;
      log.warn(
        { err: error, ...(subject && { job: toHex(subject.job), attempt: subject.attempt }) },
        'trouble',
      );
      return;
    }
    default: {
      const { job, attempt } = event.subject;
      log.info({ job: toHex(job), attempt }, event.kind);
    }
  }
}

/** Resolves when there is a newer block, something has happened here, or nobody has looked for a while. */
async function untilWork(
  rpc: RpcClient,
  height: number,
  wakes: ReadonlySet<AgentEvent['kind']>,
  stop: AbortSignal,
): Promise<void> {
  const endMs = performance.now() + LOOK_EVERY_MS;
  while (performance.now() < endMs && !stop.aborted) {
    await delay(POLL_MS, undefined, { signal: stop }).catch(() => undefined);
    if (wakes.has('computed') || ((await heightOf(rpc)) ?? 0) > height) return;
  }
}

/** Undefined while no node answers. */
async function heightOf(rpc: RpcClient): Promise<number | undefined> {
  return rpc.call('eth_blockNumber', [], Quantity).then(Number, () => undefined);
}
