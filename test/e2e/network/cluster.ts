import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  addFollower,
  configFile,
  createDevnet,
  logFile,
  type Devnet,
  type DevnetNode,
} from '../../../node/devnet/layout.js';
import { PROGRAM } from '../../support/program.js';
import { TcpProxy, type LinkState } from './tcp-proxy.js';
import { call } from './rpc-client.js';
import { waitFor } from './wait.js';

/** How a node came to its end. */
export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

interface Running {
  readonly process: ChildProcess;
  readonly ended: Promise<Ending>;
}

export interface SpawnOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** A command that runs the node, such as one that fakes its clock. */
  readonly wrapper?: readonly string[];
}

export interface ClusterOptions {
  /** Of every node. */
  readonly env?: Readonly<Record<string, string>>;
  /** Without proxies nodes talk to each other directly, and cannot be cut off. */
  readonly isProxied?: boolean;
}

/**
 * Validators as processes of their own, connected through proxies that a test can cut. A proxy for each ordered pair: who dials goes through
 * his own.
 */
export class Cluster {
  readonly devnet: Devnet;
  /** Nodes that only follow, numbered after the validators. */
  readonly #followers: DevnetNode[] = [];
  readonly #proxies: ReadonlyMap<string, TcpProxy>;
  readonly #running = new Map<number, Running>();

  readonly #env: Readonly<Record<string, string>>;

  private constructor(
    devnet: Devnet,
    proxies: ReadonlyMap<string, TcpProxy>,
    env: Readonly<Record<string, string>>,
  ) {
    this.devnet = devnet;
    this.#proxies = proxies;
    this.#env = env;
  }

  static async create(
    validators: number,
    { env = {}, isProxied = true }: ClusterOptions = {},
  ): Promise<Cluster> {
    const folder = await mkdtemp(join(tmpdir(), 'ogpu-e2e-'));
    const devnet = await createDevnet(join(folder, 'devnet'), validators, 'any');
    const proxies = new Map<string, TcpProxy>();
    for (const [from] of devnet.nodes.entries()) {
      for (const [to, { p2pPort }] of devnet.nodes.entries()) {
        if (isProxied && from !== to) proxies.set(`${from} ${to}`, await TcpProxy.open(p2pPort));
      }
    }
    return new Cluster(devnet, proxies, env);
  }

  get size(): number {
    return this.devnet.nodes.length;
  }

  /** Nodes whose process runs, stopped ones included. */
  get running(): readonly number[] {
    return [...this.#running.keys()].sort((a, b) => a - b);
  }

  node(index: number): DevnetNode {
    const node = [...this.devnet.nodes, ...this.#followers][index];
    if (node === undefined) throw new Error(`there is no node ${index}`);
    return node;
  }

  /** A node with an empty disk that follows. @param config more lines of its configuration @returns its number */
  async addFollower(config: readonly string[] = []): Promise<number> {
    const name = `follower-${this.#followers.length}`;
    this.#followers.push(await addFollower(this.devnet, name, config));
    return this.size + this.#followers.length - 1;
  }

  pid(index: number): number | undefined {
    return this.#running.get(index)?.process.pid;
  }

  start(index: number, { env = {}, wrapper = [] }: SpawnOptions = {}): void {
    if (this.#running.has(index)) throw new Error(`node ${index} runs already`);
    const node = this.node(index);
    const log = openSync(logFile(node), 'a');
    const [command = process.execPath, ...args] = [
      ...wrapper,
      ...[process.execPath, PROGRAM, 'start', '--config', configFile(node)],
    ];
    const child = spawn(command, args, {
      // A node whose test is gone, however it went, ends by itself.
      stdio: ['ignore', log, log, 'ipc'],
      env: { ...process.env, ...this.#env, ...this.#environment(index), ...env },
    });
    closeSync(log);
    const ended = new Promise<Ending>((resolve) => {
      child.once('exit', (code, signal) => {
        this.#running.delete(index);
        resolve({ code, signal });
      });
    });
    this.#running.set(index, { process: child, ended });
  }

  startAll(): void {
    for (let index = 0; index < this.size; index++) this.start(index);
  }

  /** Sends a signal; with one that ends the process, resolves when it has ended. */
  async signal(
    index: number,
    signal: 'SIGKILL' | 'SIGTERM' | 'SIGSTOP' | 'SIGCONT',
  ): Promise<Ending | undefined> {
    const running = this.#running.get(index);
    if (running === undefined) return undefined;
    running.process.kill(signal);
    return signal === 'SIGKILL' || signal === 'SIGTERM' ? running.ended : undefined;
  }

  /** How a node ends that ends by itself. @throws where it does not in time */
  async ending(index: number, timeoutMs: number): Promise<Ending | undefined> {
    const ended = this.#running.get(index)?.ended;
    await waitFor(`the end of node ${index}`, timeoutMs, () => !this.#running.has(index));
    return ended;
  }

  /** Cuts every way between two groups of nodes, or opens them all. */
  cut(groups: readonly (readonly number[])[], state: LinkState): void {
    for (const [pair, proxy] of this.#proxies) {
      const [from, to] = pair.split(' ').map(Number);
      const isApart = !groups.some((group) => group.includes(from ?? -1) && group.includes(to ?? -1));
      if (isApart) proxy.set(state);
    }
  }

  heal(): void {
    for (const proxy of this.#proxies.values()) proxy.set('open');
  }

  rpc(index: number, method: string, params: readonly unknown[] = []): Promise<unknown> {
    return call(this.node(index).rpcPort, method, params);
  }

  /** Height of a node; undefined while it does not answer. */
  async height(index: number): Promise<number | undefined> {
    try {
      return Number(await this.rpc(index, 'eth_blockNumber'));
    } catch {
      return undefined;
    }
  }

  /** Resolves when all these nodes are at a height. */
  async reach(height: number, nodes: readonly number[], timeoutMs: number): Promise<void> {
    await waitFor(`nodes ${nodes.join(', ')} at height ${height}`, timeoutMs, async () => {
      const heights = await Promise.all(nodes.map((index) => this.height(index)));
      return heights.every((at) => at !== undefined && at >= height);
    });
  }

  /** The highest height any of the nodes has. */
  async top(): Promise<number> {
    const heights = await Promise.all(this.running.map((index) => this.height(index)));
    return Math.max(0, ...heights.map((height) => height ?? 0));
  }

  /** Resident memory of a node's process, in bytes. */
  rssBytes(index: number): number {
    const status = readFileSync(`/proc/${this.pid(index) ?? 0}/status`, 'utf8');
    return 1024 * Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0);
  }

  async logOf(index: number): Promise<string> {
    return readFile(logFile(this.node(index)), 'utf8').catch(() => '');
  }

  /** Ends everything that runs, by force, and removes all files. */
  async dispose({ keep = false } = {}): Promise<void> {
    for (const index of this.running) {
      await this.signal(index, 'SIGCONT');
      await this.signal(index, 'SIGKILL');
    }
    await Promise.all([...this.#proxies.values()].map((proxy) => proxy.close()));
    if (!keep) await rm(join(this.devnet.folder, '..'), { recursive: true, force: true });
  }

  #environment(index: number): Record<string, string> {
    if (index >= this.size || this.#proxies.size === 0) return {};
    const peers = this.devnet.nodes.flatMap(({ peerId }, other) => {
      const proxy = this.#proxies.get(`${index} ${other}`);
      return proxy === undefined ? [] : [`/ip4/127.0.0.1/tcp/${proxy.port}/p2p/${peerId}`];
    });
    // Nobody finds a way around the proxies: what nodes tell of themselves leads nowhere.
    return { OGPU_P2P_PEERS: peers.join(','), OGPU_P2P_ANNOUNCE: '/ip4/127.0.0.1/tcp/9' };
  }
}
