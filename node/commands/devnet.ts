import { mkdtemp, rm } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Command } from 'commander';
import { toChecksumAddress } from '../../protocol/address.js';
import { formatOgpu } from '../../protocol/amounts.js';
import { toHex } from '../../protocol/bytes.js';
import { PRESETS } from '../../protocol/presets.js';
import { developmentAccounts, DEVELOPMENT_MNEMONIC } from '../devnet/accounts.js';
import {
  createDevnet,
  DevnetError,
  findDevnet,
  logFile,
  MAX_DEVNET_VALIDATORS,
  type Devnet,
  type PortChoice,
} from '../devnet/layout.js';
import { sampleNode, type NodeSample } from '../devnet/metrics-client.js';
import { drawScreen, ratesBetween, summary, type NodeLine, type Rates } from '../devnet/screen.js';
import { Supervisor } from '../devnet/supervisor.js';
import { integerBetween } from './command-context.js';
import { portsOption } from './ports-option.js';

interface DevnetOptions {
  readonly validators: number;
  readonly dir?: string;
  readonly keep: boolean;
  readonly ports: PortChoice;
  readonly seconds?: number;
  readonly json: boolean;
}

/** `ogpu devnet`: a whole network on this machine. */
export function devnetCommand(): Command {
  return new Command('devnet')
    .description('run a network of validators on this machine, with funded accounts and a faucet')
    .option('--validators <number>', 'how many, each a process', integerBetween(1, MAX_DEVNET_VALIDATORS), 4)
    .option('--dir <folder>', 'where its files go: a temporary folder, or with --keep ~/.ogpu/devnet')
    .option('--keep', 'keep the files, and go on with what is there', false)
    .addOption(portsOption())
    .option('--seconds <number>', 'end after so long', integerBetween(1, 10_000_000))
    .option('--json', 'tell of nodes and accounts in JSON, then one line of JSON a second', false)
    .addHelpText('after', HELP)
    .action(run);
}

const HELP = `
The first accounts of the phrase that anvil and Hardhat use are funded; anybody has their keys. A node that dies is started
again; its log lies in its folder.

Examples:
  $ ogpu devnet                          four validators, until Ctrl-C, then everything is deleted
  $ ogpu devnet --keep                   the same network again the next time
  $ ogpu devnet --validators 1 --json    for scripts
`;

const SCREEN_INTERVAL_MS = 1_000;
/** Where nobody watches. */
const SUMMARY_INTERVAL_MS = 10_000;
const START_TIMEOUT_MS = 60_000;

async function run(options: DevnetOptions): Promise<void> {
  const asked = stopRequest(options.seconds);
  const folder = await folderOf(options);
  try {
    const devnet =
      (await findDevnet(folder)) ?? (await createDevnet(folder, options.validators, options.ports));
    const supervisor = new Supervisor(devnet);
    supervisor.start();
    try {
      await watch(devnet, supervisor, options, asked);
    } finally {
      await supervisor.stop();
    }
  } finally {
    if (!options.keep && options.dir === undefined) await rm(folder, { recursive: true, force: true });
  }
}

async function folderOf({ dir, keep }: DevnetOptions): Promise<string> {
  if (dir !== undefined) return resolve(dir);
  if (keep) return join(homedir(), '.ogpu', 'devnet');
  return join(await mkdtemp(join(tmpdir(), 'ogpu-devnet-')), 'devnet');
}

/** Shows the network until it is asked to stop. */
async function watch(
  devnet: Devnet,
  supervisor: Supervisor,
  options: DevnetOptions,
  asked: Promise<void>,
): Promise<void> {
  const state: { isOver: boolean } = { isOver: false };
  void asked.then(() => (state.isOver = true));
  const viewer = new Viewer(devnet, supervisor);
  const deadlineMs = performance.now() + START_TIMEOUT_MS;
  while (!state.isOver && !(await viewer.look())) {
    if (performance.now() > deadlineMs) throw notReady(devnet);
    await Promise.race([asked, pause(250)]);
  }
  if (state.isOver) return;
  const introduction = await introduce(devnet, options.json);
  process.stdout.write(introduction);
  const isScreen = process.stdout.isTTY && !options.json;
  const intervalMs = isScreen || options.json ? SCREEN_INTERVAL_MS : SUMMARY_INTERVAL_MS;
  for (;;) {
    const isOver = await Promise.race([asked.then(() => true), pause(intervalMs).then(() => false)]);
    if (isOver) return;
    await viewer.look();
    const { lines, rates } = viewer;
    if (options.json) process.stdout.write(`${JSON.stringify({ nodes: lines, rates })}\n`);
    else if (isScreen)
      process.stdout.write(`${CLEAR}${introduction}${drawScreen(lines, rates, devnet.folder)}`);
    else process.stdout.write(`${summary(lines, rates)}\n`);
  }
}

/** To the corner, and nothing below. */
const CLEAR = '\u001b[H\u001b[2J\u001b[3J';

class Viewer {
  readonly #devnet: Devnet;
  readonly #supervisor: Supervisor;
  #before: { readonly sample: NodeSample; readonly atMs: number } | undefined;
  lines: readonly NodeLine[] = [];
  rates: Rates | undefined;

  constructor(devnet: Devnet, supervisor: Supervisor) {
    this.#devnet = devnet;
    this.#supervisor = supervisor;
  }

  /** @returns whether every node answers */
  async look(): Promise<boolean> {
    const { nodes } = this.#devnet;
    const samples = await Promise.all(nodes.map(({ metricsPort }) => sampleNode(metricsPort)));
    this.lines = this.#supervisor.processes.map(({ node, pid, restarts }, index) => ({
      ...{ name: node.name, pid, restarts, sample: samples[index] },
      rpcUrl: `http://127.0.0.1:${node.rpcPort}`,
    }));
    const sample = samples.find((answer) => answer !== undefined);
    if (sample !== undefined) this.#measure(sample);
    return samples.every((answer) => answer !== undefined);
  }

  #measure(sample: NodeSample): void {
    const atMs = performance.now();
    const before = this.#before;
    this.#before = { sample, atMs };
    // Counters that fell are of a node that was started again.
    if (before === undefined || sample.finalCount < before.sample.finalCount) return;
    this.rates = ratesBetween(before.sample, sample, atMs - before.atMs);
  }
}

async function introduce(devnet: Devnet, isJson: boolean): Promise<string> {
  const { developers, faucet } = await developmentAccounts(devnet.nodes.length);
  const { chainId } = PRESETS.devnet;
  const urls = devnet.nodes.map(({ rpcPort }) => `http://127.0.0.1:${rpcPort}`);
  const accounts = developers.map(({ address, secretKey, balanceWei }) => ({
    address: toChecksumAddress(address),
    secretKey: toHex(secretKey),
    balance: `${formatOgpu(balanceWei)} OGPU`,
  }));
  if (isJson) {
    const faucetAddress = toChecksumAddress(faucet.address);
    const nodes = devnet.nodes.map((node) => ({ ...node, log: logFile(node) }));
    return `${JSON.stringify({ chainId, rpcUrls: urls, nodes, accounts, faucet: faucetAddress })}\n`;
  }
  return [
    `Chain id ${chainId}. Funded accounts (phrase: ${DEVELOPMENT_MNEMONIC}):`,
    ...accounts.map(({ address, secretKey, balance }) => `  ${address}  ${secretKey}  ${balance}`),
    '',
    '',
  ].join('\n');
}

function notReady({ folder, nodes }: Devnet): DevnetError {
  const logs = nodes.map(logFile);
  return new DevnetError('DEVNET_NOT_READY', 'the nodes did not start in time', {
    ...{ folder, logs, cure: 'the end of the logs says why' },
  });
}

function stopRequest(seconds: number | undefined): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const)
      process.once(signal, () => {
        resolve();
      });
    if (seconds !== undefined) setTimeout(resolve, 1_000 * seconds).unref();
  });
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
