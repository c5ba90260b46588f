import { randomBytes } from 'node:crypto';
import { eventually, startNode, type TestNode } from '../test/support/p2p.js';

/*
 * One node of the network benchmark, in a process of its own. What it is told and says goes over the channel to its parent.
 */

/** Sends `perSecond` transactions for a while, and says what that took. */
export interface Load {
  readonly perSecond: number;
  readonly seconds: number;
  readonly bytes: number;
}

export type Order =
  | { readonly kind: 'dial'; readonly addresses: readonly string[] }
  | { readonly kind: 'wait'; readonly peers: number }
  | { readonly kind: 'publish'; readonly load: Load }
  | { readonly kind: 'report' }
  | { readonly kind: 'stop' };

export interface Report {
  readonly received: number;
  readonly latenciesMs: readonly number[];
  readonly cpuMs: number;
  readonly batches: number;
  readonly rssMiB: number;
}

/** Time for the signatures of a batch, on other threads. */
const JUDGE_MS = 5;

const TICK_MS = 5;

/** Of an envelope with the moment it was sent in it. */
const MIN_BYTES = 16;

/** Since boot, the same for all processes of a machine. */
const nowMs = (): number => Number(process.hrtime.bigint()) / 1e6;

async function main(number: number): Promise<void> {
  let received = 0;
  const latenciesMs: number[] = [];
  const node = await startNode(number, {
    onMessage: () => undefined,
    gossip: {
      onTransactions: async (_peer, envelopes) => {
        // Others, who mean harm, send other things.
        if (envelopes.some(({ length }) => length < MIN_BYTES)) return 'reject';
        for (const envelope of envelopes) {
          received++;
          latenciesMs.push(nowMs() - new DataView(envelope.buffer, envelope.byteOffset).getFloat64(0));
        }
        await new Promise((resolve) => setTimeout(resolve, JUDGE_MS));
        return 'accept';
      },
    },
  });
  let cpu = process.cpuUsage();
  process.on('message', (order: Order) => {
    void perform(node, order).then((done) => {
      if (order.kind === 'stop') return;
      if (order.kind !== 'report') {
        cpu = order.kind === 'wait' ? process.cpuUsage() : cpu;
        process.send?.(done);
        return;
      }
      const { user, system } = process.cpuUsage(cpu);
      const stats = node.network.gossipStats?.transactions;
      const report: Report = {
        ...{ received, latenciesMs: latenciesMs.splice(0), cpuMs: (user + system) / 1000 },
        batches: (stats?.accepted ?? 0) + (stats?.ignored ?? 0),
        rssMiB: process.memoryUsage.rss() / 1024 / 1024,
      };
      process.send?.(report);
    });
  });
  process.send?.(node.address);
}

async function perform(node: TestNode, order: Order): Promise<unknown> {
  switch (order.kind) {
    case 'dial':
      for (const address of order.addresses) await node.network.dial(address);
      return 'dialled';
    case 'wait':
      await eventually(() => node.network.gossipStats?.meshPeers === order.peers);
      return 'ready';
    case 'publish':
      await publish(node, order.load);
      return 'published';
    case 'stop':
      await node.network.stop();
      process.disconnect();
      return undefined;
    case 'report':
      return undefined;
  }
}

async function publish({ network }: TestNode, { perSecond, seconds, bytes }: Load): Promise<void> {
  const total = perSecond * seconds;
  const startMs = nowMs();
  for (let sent = 0; sent < total;) {
    const due = Math.min(total, Math.floor(((nowMs() - startMs) * perSecond) / 1000));
    const envelopes: Uint8Array[] = [];
    for (; sent < due; sent++) {
      const envelope = new Uint8Array(randomBytes(bytes));
      new DataView(envelope.buffer).setFloat64(0, nowMs());
      envelopes.push(envelope);
    }
    network.publishTransactions(envelopes);
    await new Promise((resolve) => setTimeout(resolve, TICK_MS));
  }
}

await main(Number(process.argv[2]));
