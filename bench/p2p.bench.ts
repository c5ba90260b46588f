import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
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

function summary(name: string, reports: readonly Report[], expected: number): Measurement[] {
  const latenciesMs = reports.flatMap((report) => report.latenciesMs).sort((a, b) => a - b);
  const quantile = (share: number): string =>
    (latenciesMs[Math.floor(share * (latenciesMs.length - 1))] ?? NaN).toFixed(1);
  const received = reports.reduce((sum, report) => sum + report.received, 0);
  const cores = reports.map(({ cpuMs }) => (cpuMs / 1000 / SECONDS).toFixed(2));
  const batches = reports.reduce((sum, report) => sum + report.batches, 0);
  return [
    { name: `${name}/delivered`, value: `${received} of ${expected} in ${batches} batches` },
    { name: `${name}/latency`, value: `${quantile(0.5)} ms p50, ${quantile(0.99)} ms p99` },
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
