import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ProviderAgent, type AgentEvent } from '../../compute/provider/agent.js';
import { cheating } from '../../compute/provider/cheating.js';
import type { ProviderPolicy } from '../../compute/provider/choice.js';
import { ResultStore } from '../../compute/provider/result-store.js';
import { DiskError, type Folder } from '../../consensus/disk/disk.js';
import { toChecksumAddress } from '../../protocol/address.js';
import { PRESETS } from '../../protocol/presets.js';
import { ProviderAnswer, Status } from '../client/answers.js';
import { ClientError } from '../client/errors.js';
import { RpcClient } from '../client/rpc-client.js';
import { Sender } from '../client/sender.js';
import type { Wallet } from '../client/wallet.js';
import { Closers } from '../closers.js';
import { ComputeDevice, type DeviceSetting } from '../compute/device.js';
import { openFolder } from '../disk/open-folder.js';
import { ensureSecretFolder } from '../keys/secret-file.js';
import { deviceRunner } from './device-runner.js';
import { JobLoader } from './job-loader.js';
import { ProviderError } from './provider-error.js';
import { rpcMarket } from './rpc-market.js';
import { openSecret } from './secret.js';
import { WeightsFolder } from './weights-folder.js';

export interface ProviderOptions {
  readonly rpcUrl: string;
  /** Of the node's operator, where the node is on another machine. */
  readonly token?: string | undefined;
  /** Stands for the provider, and pays for its transactions. */
  readonly wallet: Wallet;
  /** For this process alone: secret, results, weights. */
  readonly dataDir: string;
  readonly policy: ProviderPolicy;
  /** Of weights, input and output of one job together. */
  readonly maxDataBytes: number;
  /** Of weights on the disk. */
  readonly maxWeightsBytes: number;
  readonly device: DeviceSetting;
  /** Jobs that are computed at the same time. */
  readonly devices: number;
  /** Folders that the processes of jobs do not see, besides its own. */
  readonly hidden: readonly string[];
  /** Percent of the segments of each job that are made up. */
  readonly cheatPercent?: number | undefined;
  readonly onEvent: (event: ProviderEvent) => void;
  /** How often it looks for a new block. */
  readonly pollMs?: number;
}

/** What an operator is told. */
export type ProviderEvent =
  | AgentEvent
  | { readonly kind: 'device'; readonly device: string }
  | { readonly kind: 'warning'; readonly error: unknown };

const POLL_MS = 250;

/** Without a new block it looks all the same after this: windows end by time, too. */
const LOOK_MS = 1_000;

/** How long a transaction is waited for: longer than any window of its chain lasts makes no sense. */
const SEND_MS = 120_000;

/** After a failure it waits longer and longer, up to this. */
const MAX_BACKOFF_MS = 5_000;

interface ServiceParts {
  readonly agent: ProviderAgent;
  readonly rpc: RpcClient;
  readonly device: ComputeDevice;
  readonly closers: Closers;
  /** Aborted when nothing is waited for any more. */
  readonly stopping: AbortController;
}

/** A provider's agent that follows a chain until it is told to stop, or has ended what it had. */
export class ProviderService {
  readonly #agent: ProviderAgent;
  readonly #rpc: RpcClient;
  readonly #device: ComputeDevice;
  readonly #closers: Closers;
  readonly #onEvent: ProviderOptions['onEvent'];
  readonly #pollMs: number;
  readonly #stopping: AbortController;
  #isDraining = false;
  #seen = { height: -1, epoch: -1 };
  #lookedMs = -Infinity;

  private constructor(parts: ServiceParts, { onEvent, pollMs = POLL_MS }: ProviderOptions) {
    this.#agent = parts.agent;
    this.#rpc = parts.rpc;
    this.#device = parts.device;
    this.#closers = parts.closers;
    this.#stopping = parts.stopping;
    this.#onEvent = onEvent;
    this.#pollMs = pollMs;
  }

  /** @throws ProviderError; ClientError; DiskError; SecretFileError */
  static async open(options: ProviderOptions): Promise<ProviderService> {
    const closers = new Closers();
    try {
      return new ProviderService(await openParts(options, closers), options);
    } catch (error) {
      await closers.closeAll(() => undefined);
      throw error;
    }
  }

  /** Claims nothing more, and ends when what it has is over. */
  drain(): void {
    this.#isDraining = true;
    this.#agent.drain();
  }

  /** Ends at once. What it leaves is taken up at the next start. */
  stop(): void {
    this.#stopping.abort();
  }

  /** Resolves when it has ended. */
  async run(): Promise<void> {
    const { signal } = this.#stopping;
    let waitMs = this.#pollMs;
    try {
      while (!signal.aborted) {
        try {
          await this.#look();
          if (this.#isDraining && this.#agent.isIdle) return;
          waitMs = this.#pollMs;
        } catch (error) {
          this.#onEvent({ kind: 'trouble', error });
          waitMs = Math.min(2 * waitMs, MAX_BACKOFF_MS);
        }
        await delay(waitMs, undefined, { signal }).catch(() => undefined);
      }
    } finally {
      await this.#close();
    }
  }

  async #look(): Promise<void> {
    const { block, epoch } = await this.#rpc.call('ogpu_status', [], Status);
    const nowMs = performance.now();
    if (block.height === this.#seen.height && nowMs < this.#lookedMs + LOOK_MS) return;
    // Drivers are updated, and hardware ages.
    if (this.#seen.epoch >= 0 && epoch !== this.#seen.epoch) this.#device.recheck();
    await this.#agent.reconcile();
    this.#seen = { height: block.height, epoch };
    this.#lookedMs = nowMs;
  }

  async #close(): Promise<void> {
    this.#stopping.abort();
    await this.#agent.stop();
    await this.#closers.closeAll((_part, error) => {
      this.#onEvent({ kind: 'warning', error });
    });
  }
}

async function openParts(options: ProviderOptions, closers: Closers): Promise<ServiceParts> {
  const { rpcUrl, token, wallet, dataDir, onEvent, cheatPercent } = options;
  const rpc = new RpcClient(rpcUrl);
  await checkChain(rpc, options);
  await ensureSecretFolder(dataDir);
  const results = await openResults(dataDir, closers);
  const secret = await openSecret(dataDir);
  const weights = await WeightsFolder.open(join(dataDir, 'weights'), options.maxWeightsBytes);
  const onWarning = (error: unknown): void => {
    onEvent({ kind: 'warning', error });
  };
  const hidden = [dataDir, ...options.hidden];
  const device = new ComputeDevice({
    ...{ setting: options.device, hidden, onWarning },
    onChosen: (name) => {
      onEvent({ kind: 'device', device: name });
    },
  });
  closers.add('device', () => device.close());
  const stopping = new AbortController();
  const { signal } = stopping;
  const loader = new JobLoader({
    ...{ rpc, weights, onWarning, signal, maxDataBytes: options.maxDataBytes, node: { url: rpcUrl, token } },
  });
  const honest = deviceRunner(() => device.executor, hidden);
  const agent = new ProviderAgent({
    market: rpcMarket(rpc, new Sender(rpc, wallet, { waitMs: SEND_MS, signal }), wallet.address),
    load: (assignment, signal) => loader.load(assignment, signal),
    suits: (offer) => loader.suits(offer),
    publishOutput: (output) => loader.publish(output),
    runner: cheatPercent === undefined ? honest : cheating(honest, cheatPercent),
    results: new ResultStore(results),
    ...{ secret, policy: options.policy, devices: options.devices, onEvent },
  });
  return { agent, rpc, device, closers, stopping };
}

/** @throws ProviderError PROVIDER_UNKNOWN | PROVIDER_CHEAT_REFUSED; ClientError */
async function checkChain(rpc: RpcClient, { wallet, cheatPercent }: ProviderOptions): Promise<void> {
  const { chainId } = await rpc.call('ogpu_status', [], Status);
  if (cheatPercent !== undefined && chainId !== PRESETS.devnet.chainId)
    throw new ProviderError('PROVIDER_CHEAT_REFUSED', 'results are made up on devnets alone', {
      ...{ chainId, cure: 'leave --cheat out: on this chain it would cost the bond' },
    });
  const address = toChecksumAddress(wallet.address);
  try {
    await rpc.call('ogpu_provider', [address], ProviderAnswer);
  } catch (error) {
    if (!(error instanceof ClientError) || error.data['code'] !== 'RPC_PROVIDER_UNKNOWN') throw error;
    const cure = 'register it first: ogpu provider register';
    throw new ProviderError('PROVIDER_UNKNOWN', 'the account stands for no provider', { address, cure });
  }
}

/** @throws ProviderError PROVIDER_FOLDER_LOCKED; DiskError */
async function openResults(dataDir: string, closers: Closers): Promise<Folder> {
  const path = join(dataDir, 'results');
  try {
    const { folder, unlock } = await openFolder(path);
    closers.add('results', unlock);
    return folder;
  } catch (cause) {
    if (!(cause instanceof DiskError) || cause.code !== 'DISK_LOCKED') throw cause;
    const data = { path: dataDir, cure: 'stop the other process, or give this one a folder with --data' };
    throw new ProviderError('PROVIDER_FOLDER_LOCKED', 'another provider works here', data, { cause });
  }
}
