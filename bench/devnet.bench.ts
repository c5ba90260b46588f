import { readFileSync } from 'node:fs';
import { developmentAccounts } from '../node/devnet/accounts.js';
import { sampleNode } from '../node/devnet/metrics-client.js';
import { WEI_PER_OGPU } from '../protocol/amounts.js';
import { Cluster } from '../test/e2e/network/cluster.js';
import { sleep, waitFor } from '../test/e2e/network/wait.js';
import {
  continueAt,
  newSender,
  nextTransfer,
  quantile,
  sendBatch,
  senderOf,
  signAhead,
  slope,
  takeTransfers,
  type Sender,
} from './devnet-load.js';
import type { Measurement, Suite } from './harness.js';

/*
 * Four validators as processes on this machine, with durable writes. Client and validators share its cores.
 */

const VALIDATORS = 4;
const START_TIMEOUT_MS = 60_000;
const LIGHT_SECONDS = 30;
const LIGHT_PER_SECOND = 5;
const SUSTAINED_SECONDS = Number(process.env['OGPU_BENCH_SECONDS'] ?? 30);
const SENDERS = 200;
const BATCH = 50;
/** Transfers that are signed before the clock runs. */
const SIGNED_PER_SECOND = 2_500;
/** A look at a node's figures is work for it. */
const SAMPLE_MS = 200;
/** Transactions that were sent and are not final: enough for full blocks, and below what the pools hold. */
const MAX_IN_FLIGHT = 6_000;
const SOAK_MINUTES = Number(process.env['OGPU_SOAK_MINUTES'] ?? 0);

export const suite: Suite = {
  measurements: async () => {
    const cluster = await Cluster.create(VALIDATORS, { isProxied: false });
    try {
      const startMs = performance.now();
      cluster.startAll();
      await cluster.reach(1, cluster.running, START_TIMEOUT_MS);
      const first = startValue(performance.now() - startMs, cpuSeconds(cluster) / VALIDATORS);
      await sleep(3_000);
      const idle = rss(cluster);
      const senders = await fundedSenders(cluster);
      return [
        { name: 'devnet/start/first block of 4 new nodes', value: first, goal: '≤ 6 s' },
        { name: 'devnet/rss/idle', value: mib(idle), goal: '< 300 MiB' },
        ...(await light(cluster)),
        ...(await sustained(cluster, senders)),
        ...(await restart(cluster)),
        ...(SOAK_MINUTES === 0 ? [] : await soak(cluster, senders)),
      ];
    } finally {
      await cluster.dispose();
    }
  },
};

/** From the moment a client submits until it is told that the transaction is final. */
async function light(cluster: Cluster): Promise<Measurement[]> {
  const { developers } = await developmentAccounts(VALIDATORS);
  const senders = developers.map(senderOf);
  for (const sender of senders) sender.nonce = await pendingNonce(cluster, sender);
  const latenciesMs: number[] = [];
  const waiting: Promise<void>[] = [];
  for (let count = 0; count < LIGHT_SECONDS * LIGHT_PER_SECOND; count++) {
    const sender = senders[count % senders.length];
    if (sender === undefined) continue;
    const sentMs = performance.now();
    const envelope = nextTransfer(sender, sender.address);
    waiting.push(
      cluster.rpc(count % VALIDATORS, 'eth_sendRawTransactionSync', [envelope]).then(() => {
        latenciesMs.push(performance.now() - sentMs);
      }),
    );
    await sleep(1_000 / LIGHT_PER_SECOND);
  }
  await Promise.all(waiting);
  latenciesMs.sort((a, b) => a - b);
  const [p50, p90, p99] = [0.5, 0.9, 0.99].map((share) => quantile(latenciesMs, share).toFixed(0));
  const value = `p50 ${p50} ms, p90 ${p90} ms, p99 ${p99} ms`;
  return [
    {
      name: `devnet/finality/${LIGHT_PER_SECOND} tx per second, submission to final`,
      value,
      goal: 'p50 ≤ 150 ms',
    },
  ];
}

async function sustained(cluster: Cluster, senders: readonly Sender[]): Promise<Measurement[]> {
  signAhead(senders, Math.ceil((SIGNED_PER_SECOND * SUSTAINED_SECONDS) / SENDERS));
  const before = cpuSeconds(cluster);
  const result = await flood(cluster, senders, SUSTAINED_SECONDS);
  const cpu = cpuSeconds(cluster) - before;
  return [
    {
      name: `devnet/throughput/final transfers, ${SUSTAINED_SECONDS} s`,
      value: `${result.perSecond.toFixed(0)}/s (${result.count} in ${result.blocks} blocks, ${(result.count / cpu).toFixed(0)} per second of all nodes' processors)`,
      goal: '≥ 2,000/s',
    },
    {
      name: 'devnet/finality/under that load, header to final',
      value: `mean ${result.meanFinalityMs.toFixed(0)} ms`,
    },
    { name: 'devnet/rss/under that load', value: mib(rss(cluster)), goal: '< 700 MiB' },
  ];
}

interface FloodResult {
  readonly count: number;
  readonly blocks: number;
  readonly perSecond: number;
  readonly meanFinalityMs: number;
}

/** Keeps as much in flight as the pools like, and counts what becomes final. */
async function flood(cluster: Cluster, senders: readonly Sender[], seconds: number): Promise<FloodResult> {
  const first = await sample(cluster);
  const startMs = performance.now();
  const endMs = startMs + 1_000 * seconds;
  const state = { sent: 0, final: 0 };
  const loops = cluster.devnet.nodes.map(async ({ rpcPort }, index) => {
    const own = senders.filter((_, i) => i % VALIDATORS === index);
    for (let turn = 0; performance.now() < endMs; turn++) {
      if (state.sent - state.final > MAX_IN_FLIGHT) {
        await sleep(5);
        continue;
      }
      const sender = own[turn % own.length];
      if (sender === undefined) return;
      const { accepted, refusal } = await sendBatch(rpcPort, takeTransfers(sender, BATCH));
      state.sent += accepted;
      if (refusal === undefined) continue;
      await sleep(50);
      continueAt(sender, await pendingNonce(cluster, sender, index));
    }
  });
  const watching = (async () => {
    while (performance.now() < endMs) {
      state.final = (await sample(cluster)).transactions - first.transactions;
      await sleep(SAMPLE_MS);
    }
  })();
  await Promise.all([...loops, watching]);
  const last = await sample(cluster);
  const count = last.transactions - first.transactions;
  const blocks = last.finalCount - first.finalCount;
  return {
    ...{ count, blocks },
    perSecond: (1_000 * count) / (performance.now() - startMs),
    meanFinalityMs: (1_000 * (last.finalSeconds - first.finalSeconds)) / blocks,
  };
}

/** A node that was stopped starts again on its ledger, until it answers clients. */
async function restart(cluster: Cluster): Promise<Measurement[]> {
  await cluster.signal(0, 'SIGTERM');
  const startMs = performance.now();
  cluster.start(0);
  await cluster.reach(1, [0], START_TIMEOUT_MS);
  const answers = startValue(performance.now() - startMs, cpuSeconds(cluster, [0]));
  await untilNextBlock(cluster);
  const follows = startValue(performance.now() - startMs, cpuSeconds(cluster, [0]));
  return [
    { name: 'devnet/start/again, answers', value: answers, goal: '≤ 2.5 s' },
    { name: 'devnet/start/again, has the next block', value: follows, goal: '≤ 4 s' },
  ];
}

/** Of an idle chain the next block might be seconds away: somebody sends something. */
async function untilNextBlock(cluster: Cluster): Promise<void> {
  const [account] = (await developmentAccounts(VALIDATORS)).developers;
  if (account === undefined) return;
  const sender = senderOf(account);
  sender.nonce = await pendingNonce(cluster, sender, 1);
  const next = (await cluster.top()) + 1;
  await sendBatch(cluster.node(1).rpcPort, [nextTransfer(sender, sender.address)]);
  await cluster.reach(next, [0], START_TIMEOUT_MS);
}

/** Time on the clock counts where nothing else runs; processor time, of each node, counts anywhere. */
function startValue(elapsedMs: number, processorSeconds: number): string {
  return `${elapsedMs.toFixed(0)} ms, ${processorSeconds.toFixed(1)} s of processor time`;
}

/** Memory over a long time of moderate load. */
async function soak(cluster: Cluster, senders: readonly Sender[]): Promise<Measurement[]> {
  const points: [number, number][] = [];
  const startMs = performance.now();
  const minutes = (): number => (performance.now() - startMs) / 60_000;
  while (minutes() < SOAK_MINUTES) {
    await flood(cluster, senders, 10);
    await sleep(5_000);
    points.push([minutes(), rss(cluster)]);
  }
  // What is filled once, such as caches, is filled in the first third.
  const settled = points.slice(Math.floor(points.length / 3));
  const mibPerHour = (60 * slope(settled)) / 1024 ** 2;
  const value = `${mibPerHour.toFixed(1)} MiB an hour over ${SOAK_MINUTES} min, highest ${mib(Math.max(...points.map(([, bytes]) => bytes)))}`;
  return [{ name: 'devnet/rss/slope of the largest node', value, goal: '≈ 0' }];
}

async function fundedSenders(cluster: Cluster): Promise<readonly Sender[]> {
  const { faucet } = await developmentAccounts(VALIDATORS);
  const rich = senderOf(faucet);
  const senders = Array.from({ length: SENDERS }, newSender);
  for (let from = 0; from < senders.length; from += BATCH) {
    const envelopes = senders
      .slice(from, from + BATCH)
      .map(({ address }) => nextTransfer(rich, address, 100n * WEI_PER_OGPU));
    await sendBatch(cluster.node(0).rpcPort, envelopes);
    await waitFor('the senders have money', START_TIMEOUT_MS, async () => {
      const counts = await Promise.all(
        cluster.running.map((index) => pendingCount(cluster, rich, index, 'latest')),
      );
      return counts.every((count) => count >= rich.nonce);
    });
  }
  return senders;
}

function pendingNonce(cluster: Cluster, sender: Sender, index = 0): Promise<number> {
  return pendingCount(cluster, sender, index, 'pending');
}

async function pendingCount(
  cluster: Cluster,
  { address }: Sender,
  index: number,
  tag: string,
): Promise<number> {
  const hex = `0x${Buffer.from(address).toString('hex')}`;
  return Number(await cluster.rpc(index, 'eth_getTransactionCount', [hex, tag]));
}

async function sample(cluster: Cluster): Promise<NonNullable<Awaited<ReturnType<typeof sampleNode>>>> {
  for (;;) {
    const answer = await sampleNode(cluster.node(1).metricsPort);
    if (answer !== undefined) return answer;
    await sleep(10);
  }
}

/** Of the node that has most. */
function rss(cluster: Cluster): number {
  return Math.max(...cluster.running.map((index) => cluster.rssBytes(index)));
}

const TICKS_PER_SECOND = 100;

/** User and system time of nodes together. */
function cpuSeconds(cluster: Cluster, nodes = cluster.running): number {
  const ticks = nodes.map((index) => {
    const fields =
      readFileSync(`/proc/${cluster.pid(index) ?? 0}/stat`, 'utf8')
        .split(') ')[1]
        ?.split(' ') ?? [];
    return Number(fields[11]) + Number(fields[12]);
  });
  return ticks.reduce((sum, count) => sum + count, 0) / TICKS_PER_SECOND;
}

function mib(bytes: number): string {
  return `${Math.round(bytes / 1024 ** 2)} MiB`;
}
