import { setTimeout as delay } from 'node:timers/promises';
import { encodeFunctionData } from 'viem';
import WebSocket from 'ws';
import { stakingAbi, stakingAddress } from '../interfaces/staking.js';
import { addressFromPublicKey } from '../protocol/address.js';
import { fromHex, toHex } from '../protocol/bytes.js';
import { secp256k1 } from '../protocol/crypto/secp256k1.js';
import { encodeTransaction } from '../protocol/transactions/encode.js';
import { signTransaction } from '../protocol/transactions/sign.js';
import { startDevnetProcess } from '../test/support/devnet-process.js';
import type { RichAccount } from '../test/support/rpc-chain.js';
import type { Measurement, Suite } from './harness.js';
import { HttpClient, runLoad, type Load, type LoadResult } from './rpc-load.js';
import { startOurs, startPeers, type BenchServer } from './rpc-servers.js';

/** Nodes side by side, each asked the same in turn: client and server share the machine. */
export const suite: Suite = { measurements };

const CONNECTIONS = 50;
const SAMPLE_MS = 1_000;
const BATCH = 100;
const SENDS = 3_000;
const GWEI = 10n ** 9n;
const SOMEONE = `0x${'11'.repeat(20)}`;
const EPOCH_CALL = encodeFunctionData({ abi: stakingAbi, functionName: 'epoch' });

async function measurements(): Promise<readonly Measurement[]> {
  const ours = await startOurs();
  const servers = [ours];
  try {
    const peers = await startPeers();
    servers.push(...peers);
    return [
      ...(await devnetLatencies()),
      ...(await reads(servers)),
      ...(await sends(servers)),
      ...(await subscribers(ours)),
      ...(peers.length > 0
        ? []
        : [{ name: 'rpc/peers', value: 'none installed: OGPU_BENCH_PEERS=1 installs anvil and Hardhat' }]),
    ];
  } finally {
    for (const server of servers) await server.close();
  }
}

/** Where transactions are sent, and whose. */
type Sending = Pick<BenchServer, 'port' | 'chainId' | 'privateKeys'>;

interface Measured extends LoadResult {
  /** Of the server, for one call: what does not depend on what else the machine does. */
  readonly cpuUs: number;
}

async function measureLoad(server: BenchServer, load: Load): Promise<Measured> {
  const beforeMs = server.cpuMs();
  const result = await runLoad(load);
  return { ...result, cpuUs: ((server.cpuMs() - beforeMs) * 1000) / result.calls };
}

/** Each method under load, then in batches. */
async function reads(servers: readonly BenchServer[]): Promise<Measurement[]> {
  const results: Measurement[] = [];
  const calls: [string, unknown[]][] = [
    ['eth_chainId', []],
    ['eth_getBalance', [SOMEONE, 'latest']],
    ['eth_getBlockByNumber', ['latest', false]],
    ['eth_getLogs', [{ fromBlock: '0x1', toBlock: 'latest', address: SOMEONE }]],
  ];
  for (const [method, params] of calls) {
    const one = request(1, method, params);
    const batch = `[${Array.from({ length: BATCH }, (_, id) => request(id, method, params)).join(',')}]`;
    for (const [name, body, callsPerBody] of [
      [`rpc/${method}`, one, 1],
      [`rpc/${method}/batch-${BATCH}`, batch, BATCH],
    ] as const) {
      const measured: [BenchServer, Measured][] = [];
      for (const server of servers) {
        const load = { port: server.port, connections: CONNECTIONS, nextBody: () => body, callsPerBody };
        await runLoad({ ...load, durationMs: SAMPLE_MS / 4 });
        measured.push([server, await measureLoad(server, { ...load, durationMs: SAMPLE_MS })]);
      }
      results.push({ name, value: compared(measured), goal: '≥ anvil, > Hardhat' });
    }
  }
  return results;
}

/** Transfers signed before: how fast they are taken, one in a request and a hundred. */
async function sends(servers: readonly BenchServer[]): Promise<Measurement[]> {
  const results: Measurement[] = [];
  for (const perBody of [1, BATCH]) {
    const measured: [BenchServer, Measured][] = [];
    for (const server of servers) {
      const count = server.name === 'ours' ? SENDS : SENDS / 3;
      const bodies = await signedBodies(server, count, perBody, perBody === 1 ? 0 : 1);
      const load = { port: server.port, connections: perBody === 1 ? 16 : 4, durationMs: 30_000 };
      measured.push([
        server,
        await measureLoad(server, { ...load, nextBody: () => bodies.shift(), callsPerBody: perBody }),
      ]);
    }
    const name = perBody === 1 ? 'rpc/eth_sendRawTransaction' : `rpc/eth_sendRawTransaction/batch-${BATCH}`;
    results.push({ name, value: compared(measured), goal: '> Hardhat' });
  }
  return results;
}

/** Requests that keep a node busy: cheap ones, and those that have to search and to execute. */
const LOAD_CALLS: readonly [string, unknown[]][] = [
  ['eth_getBalance', [SOMEONE, 'latest']],
  ['eth_getLogs', [{ fromBlock: '0x1', toBlock: 'latest', topics: [`0x${'22'.repeat(32)}`] }]],
  ['eth_getBlockByNumber', ['latest', true]],
  ['eth_call', [{ to: stakingAddress, data: EPOCH_CALL }, 'latest']],
];

/**
 * From sending to the receipt, one after the other, at one validator of four: at rest, and while another one has as many reads as it can
 * answer. All of them and their clients share the cores of this machine.
 */
async function devnetLatencies(): Promise<Measurement[]> {
  const devnet = await startDevnetProcess(4);
  try {
    const [asked, sending] = devnet.ports;
    const server = { port: sending ?? 0, chainId: devnet.chainId, privateKeys: keysOf(devnet.accounts) };
    await syncSends(server, 0);
    const atRest = await syncSends(server, 1);
    let isOver = false;
    const reads = LOAD_CALLS.map(([method, params], id) => request(id, method, params));
    let next = 0;
    const nextBody = (): string | undefined => (isOver ? undefined : reads[next++ % reads.length]);
    const load = runLoad({ port: asked ?? 0, connections: CONNECTIONS, durationMs: 120_000, nextBody });
    const saturated = await syncSends(server, 2);
    isOver = true;
    const { perSecond, failed } = await load;
    const show = (result: LoadResult): string =>
      `p50 ${result.p50Ms.toFixed(0)} ms, p99 ${result.p99Ms.toFixed(0)} ms, ${result.failed} failed`;
    return [
      { name: 'rpc/devnet/eth_sendRawTransactionSync', value: show(atRest), goal: 'p50 ≤ 150 ms' },
      {
        name: 'rpc/devnet/finality beside saturated RPC',
        value: `${show(saturated)}; beside ${Math.round(perSecond).toLocaleString('en-GB')} reads a second (${failed} failed); p50 ${(saturated.p50Ms / atRest.p50Ms).toFixed(1)} ×, p99 ${(saturated.p99Ms / atRest.p99Ms).toFixed(1)} × that at rest`,
        goal: '< 2 ×',
      },
    ];
  } finally {
    await devnet.close();
  }
}

function keysOf(accounts: readonly RichAccount[]): readonly Uint8Array[] {
  return accounts.map(({ privateKey }) => fromHex(privateKey));
}

async function syncSends(server: Sending, sender: number): Promise<LoadResult> {
  const bodies = await signedBodies(server, 60, 1, sender, 'eth_sendRawTransactionSync');
  return runLoad({ port: server.port, connections: 1, durationMs: 60_000, nextBody: () => bodies.shift() });
}

/** How long after a transaction was sent 1,000 sockets have the head of its block. */
async function subscribers(server: BenchServer): Promise<Measurement[]> {
  const sockets: WebSocket[] = [];
  let heads = 0;
  for (let i = 0; i < 1_000; i++) {
    const socket = new WebSocket(`ws://127.0.0.1:${server.port}`);
    await new Promise((resolve) => socket.once('open', resolve));
    const subscribed = new Promise((resolve) => socket.once('message', resolve));
    socket.send(request(1, 'eth_subscribe', ['newHeads']));
    await subscribed;
    socket.on('message', () => heads++);
    sockets.push(socket);
  }
  const bodies = await signedBodies(server, 20, 1, 3, 'eth_sendRawTransactionSync');
  const client = await HttpClient.open(server.port);
  const spreads: number[] = [];
  for (const body of bodies) {
    const wanted = heads + sockets.length;
    const startMs = performance.now();
    await client.post(body);
    while (heads < wanted) await delay(1);
    spreads.push(performance.now() - startMs);
  }
  for (const socket of sockets) socket.terminate();
  client.close();
  spreads.sort((a, b) => a - b);
  const value = `all told ${(spreads[10] ?? NaN).toFixed(1)} ms (worst ${(spreads.at(-1) ?? NaN).toFixed(1)} ms) after a transaction was sent, the block included`;
  return [{ name: 'rpc/newHeads/1000-subscribers', value }];
}

/** Bodies of transfers, or of batches of them; each of `sender` numbers has a nonce of its own. */
async function signedBodies(
  server: Sending,
  count: number,
  perBody: number,
  sender: number,
  method = 'eth_sendRawTransaction',
): Promise<string[]> {
  const key = server.privateKeys[sender % server.privateKeys.length];
  if (key === undefined) throw new RangeError('somebody has money');
  const client = await HttpClient.open(server.port);
  const address = toHex(addressFromPublicKey(secp256k1.publicKey(key)));
  const answer = await client.post(request(1, 'eth_getTransactionCount', [address, 'pending']));
  client.close();
  const first = Number((JSON.parse(answer) as { result: string }).result);
  const requests = Array.from({ length: count }, (_, index) => {
    const transaction = signTransaction(
      {
        type: 'eip1559',
        chainId: BigInt(server.chainId),
        nonce: BigInt(first + index),
        gasLimit: 21_000n,
        maxFeePerGas: 20n * GWEI,
        maxPriorityFeePerGas: GWEI,
        to: new Uint8Array(20).fill(0x22),
        value: 1n,
        data: new Uint8Array(0),
        accessList: [],
      },
      key,
    );
    return request(index, method, [toHex(encodeTransaction(transaction))]);
  });
  if (perBody === 1) return requests;
  return Array.from(
    { length: Math.ceil(count / perBody) },
    (_, i) => `[${requests.slice(i * perBody, (i + 1) * perBody).join(',')}]`,
  );
}

function request(id: number, method: string, params: readonly unknown[]): string {
  return JSON.stringify({ jsonrpc: '2.0', id, method, params });
}

function compared(measured: readonly (readonly [BenchServer, Measured])[]): string {
  const ours = measured[0]?.[1].perSecond ?? NaN;
  return measured
    .map(([{ name }, { perSecond, p99Ms, failed, cpuUs }], index) => {
      const ratio = index === 0 ? '' : ` (ours ${(ours / perSecond).toFixed(1)} ×)`;
      const faults = failed === 0 ? '' : `, ${failed} failed`;
      return `${name} ${Math.round(perSecond).toLocaleString('en-GB')} /s, p99 ${p99Ms.toFixed(1)} ms, ${cpuUs.toFixed(0)} µs of processor a call${faults}${ratio}`;
    })
    .join('; ');
}
