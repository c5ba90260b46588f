import { setTimeout as delay } from 'node:timers/promises';
import { sampleNode } from '../devnet/metrics-client.js';
import { createDevnet, logFile, type Devnet, type PortChoice } from '../devnet/layout.js';
import { Supervisor } from '../devnet/supervisor.js';
import { DemoError } from './demo-error.js';

/** A devnet that is up. */
export interface DemoNetwork {
  readonly devnet: Devnet;
  /** JSON-RPC of each node. */
  readonly urls: readonly string[];
  close(): Promise<void>;
}

const START_TIMEOUT_MS = 60_000;
const POLL_MS = 200;

/** Resolves when every node knows every other one. @throws DemoError DEMO_NOT_READY; as `createDevnet` */
export async function startNetwork(
  folder: string,
  validators: number,
  ports: PortChoice,
  signal: AbortSignal,
): Promise<DemoNetwork> {
  const devnet = await createDevnet(folder, validators, ports);
  const supervisor = new Supervisor(devnet);
  supervisor.start();
  try {
    await untilConnected(devnet, signal);
  } catch (error) {
    await supervisor.stop();
    throw error;
  }
  const urls = devnet.nodes.map(({ rpcPort }) => `http://127.0.0.1:${rpcPort}`);
  return { devnet, urls, close: () => supervisor.stop() };
}

async function untilConnected(devnet: Devnet, signal: AbortSignal): Promise<void> {
  const { nodes } = devnet;
  const endMs = performance.now() + START_TIMEOUT_MS;
  for (;;) {
    const samples = await Promise.all(nodes.map(({ metricsPort }) => sampleNode(metricsPort)));
    if (samples.every((sample) => sample !== undefined && sample.peers >= nodes.length - 1)) return;
    if (performance.now() > endMs)
      throw new DemoError('DEMO_NOT_READY', 'the nodes did not find each other in time', {
        ...{ logs: nodes.map(logFile), cure: 'the end of the logs says why' },
      });
    await delay(POLL_MS, undefined, { signal });
  }
}
