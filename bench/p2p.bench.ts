import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { HOSTILE_ACTS } from '../test/support/hostile-acts.js';
import { TEST_HELLO } from '../test/support/p2p.js';
import type { Measurement, Suite } from './harness.js';
import type { Load, Order, Report } from './p2p-node.js';

/** Four nodes, a process each, all connected; what they share is the machine. */
export const suite: Suite = { measurements };

const NODES = 4;
/** A transfer in its envelope. */
const TRANSFER_BYTES = 120;
const SECONDS = 5;

async function measurements(): Promise<readonly Measurement[]> {
  return [
    ...(await gossip('one-publishes', (node) => (node === 0 ? 2000 : 0))),
    ...(await gossip('all-publish', () => 2000 / NODES)),
    ...(await siege()),
  ];
}

async function gossip(name: string, perSecond: (node: number) => number): Promise<Measurement[]> {
  const nodes = await Promise.all(Array.from({ length: NODES }, (_, i) => BenchNode.start(i + 1)));
  for (const [i, node] of nodes.entries()) {
    await node.order({ kind: 'dial', addresses: nodes.slice(0, i).map(({ address }) => address) });
  }
  const all = (order: Order): Promise<unknown[]> => Promise.all(nodes.map((node) => node.order(order)));
  await all({ kind: 'wait', peers: NODES - 1 });
  const loadOf = (i: number): Load => ({ perSecond: perSecond(i), seconds: SECONDS, bytes: TRANSFER_BYTES });
  await Promise.all(nodes.map((node, i) => node.order({ kind: 'publish', load: loadOf(i) })));
  await new Promise((resolve) => setTimeout(resolve, 500));
  const reports = (await all({ kind: 'report' })) as Report[];
  for (const node of nodes) node.stop();
  return summary(`p2p/gossip/${name}`, reports, 2000 * SECONDS * (NODES - 1));
}

/** What a node that is besieged by one hostile peer after the other costs an honest peer of it. */
async function siege(): Promise<Measurement[]> {
  const [honest, besieged] = await Promise.all([BenchNode.start(1), BenchNode.start(2)]);
  await honest.order({ kind: 'dial', addresses: [besieged.address] });
  await besieged.order({ kind: 'wait', peers: 1 });
  const latencies = async (act: () => Promise<unknown>): Promise<readonly number[]> => {
    await besieged.order({ kind: 'report' });
    await act();
    return ((await besieged.order({ kind: 'report' })) as Report).latenciesMs;
  };
  const pay = (seconds: number): Promise<unknown> =>
    honest.order({ kind: 'publish', load: { perSecond: 200, seconds, bytes: TRANSFER_BYTES } });
  await pay(2);
  const [calm, stormy] = [
    await latencies(() => pay(2 * SECONDS)),
    await latencies(() => Promise.all([pay(4 * SECONDS), attack(besieged, 4 * SECONDS)])),
  ];
  honest.stop();
  besieged.stop();
  const median = (values: readonly number[]): string => quantile(values, 0.5).toFixed(1);
  const tail = (values: readonly number[]): string => quantile(values, 0.99).toFixed(1);
  return [
    {
      name: 'p2p/siege/latency',
      value: `${median(calm)} → ${median(stormy)} ms p50, ${tail(calm)} → ${tail(stormy)} ms p99`,
      goal: '≤ 2 ×, p50',
    },
  ];
}

async function attack({ address }: BenchNode, seconds: number): Promise<void> {
  const endMs = performance.now() + 1000 * seconds;
  for (let key = 100; performance.now() < endMs; key++) {
    const act = HOSTILE_ACTS[key % HOSTILE_ACTS.length];
    await act?.perform({ address, hello: TEST_HELLO }, key).catch(() => undefined);
  }
}

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(share * (sorted.length - 1))] ?? NaN;
}

function summary(name: string, reports: readonly Report[], expected: number): Measurement[] {
  const latenciesMs = reports.flatMap((report) => report.latenciesMs);
  const at = (share: number): string => quantile(latenciesMs, share).toFixed(1);
  const received = reports.reduce((sum, report) => sum + report.received, 0);
  const cores = reports.map(({ cpuMs }) => (cpuMs / 1000 / SECONDS).toFixed(2));
  const batches = reports.reduce((sum, report) => sum + report.batches, 0);
  return [
    { name: `${name}/delivered`, value: `${received} of ${expected} in ${batches} batches` },
    { name: `${name}/latency`, value: `${at(0.5)} ms p50, ${at(0.99)} ms p99` },
    {
      name: `${name}/cores`,
      value: `${cores.join(', ')} of a core`,
      goal: '≤ 0.15 each at 2,000 transfers/s',
    },
  ];
}

class BenchNode {
  readonly #process: ChildProcess;
  readonly address: string;

  private constructor(child: ChildProcess, address: string) {
    this.#process = child;
    this.address = address;
  }

  static async start(number: number): Promise<BenchNode> {
    const child = fork(fileURLToPath(new URL('./p2p-node.js', import.meta.url)), [String(number)]);
    return new BenchNode(child, (await answer(child)) as string);
  }

  /** One at a time. */
  order(order: Order): Promise<unknown> {
    const done = answer(this.#process);
    this.#process.send(order);
    return done;
  }

  stop(): void {
    this.#process.send({ kind: 'stop' });
  }
}

function answer(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve) => {
    child.once('message', resolve);
  });
}
