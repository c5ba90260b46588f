import { join } from 'node:path';
import { Command } from 'commander';
import { DEFAULT_BLOB_LIMITS } from '../../compute/blobs/store.js';
import { serveClients } from '../client-service.js';
import { Closers } from '../closers.js';
import { addConfigFlags } from '../config/flags.js';
import type { NodeConfig } from '../config/node-config.js';
import { genesisNote } from '../data-folder.js';
import { genesisSource } from '../genesis-source.js';
import { SecretFileError } from '../keys/secret-file.js';
import { loadNodeIdentity, storeNodeIdentity } from '../keys/keyring.js';
import type { NodeIdentity } from '../keys/node-identity.js';
import { openLog, type Log, type Logger } from '../logging/logger.js';
import type { NodeOptions } from '../node-parts.js';
import { startNode, type RunningNode } from '../node.js';
import { observe } from '../observability.js';
import { joinBySnapshot } from '../snapshot-join.js';
import { openValidatorIdentity } from '../validator-identity.js';
import { PROCESS_CONTEXT } from './command-context.js';
import { configOf, type ConfigOptions } from './config-options.js';

/** `ogpu start`: a node, until it is told to stop. */
export function startCommand(): Command {
  const command = new Command('start')
    .description(
      'run a node: follow the chain, serve clients, and sign blocks where a validator is configured',
    )
    .addHelpText('after', HELP);
  return addConfigFlags(command).action(async (options: ConfigOptions) => {
    const { config } = await configOf(PROCESS_CONTEXT, options);
    await run(config);
  });
}

async function run(config: NodeConfig): Promise<void> {
  const log = openLog(config.log);
  try {
    await runNode(config, log);
  } finally {
    log.flush();
  }
}

async function runNode(config: NodeConfig, opened: Log): Promise<void> {
  const log = opened.logger;
  const asked = stopSignal();
  const stopping = new AbortController();
  void asked.then(() => {
    stopping.abort();
  });
  const node = await openNode(config, log, stopping.signal);
  const closers = new Closers();
  closers.add('node', node.stop);
  try {
    await serve(node, config, opened, closers);
    await untilStopped(node, asked, log);
  } finally {
    await closers.closeAll((part, error) => {
      log.error({ err: error, part }, 'a server did not close in order');
    });
  }
  log.info({}, 'stopped');
}

/** What operators and clients are served with. */
async function serve(node: RunningNode, config: NodeConfig, log: Log, closers: Closers): Promise<void> {
  const observability = await observe(node, config, log);
  closers.add('observability', observability.close);
  if (!config.rpc.enabled) return;
  closers.add('JSON-RPC', await serveClients(node, config, log.logger, observability));
}

/** @throws why the node cannot go on */
async function untilStopped(
  node: RunningNode,
  asked: Promise<{ readonly signal: string }>,
  log: Logger,
): Promise<void> {
  log.info({ height: node.ledger.head.height }, 'node started');
  const why = await Promise.race([asked, node.failed.then((error) => ({ error }))]);
  if ('error' in why) {
    log.fatal({ err: why.error }, 'the node cannot go on');
    throw why.error;
  }
  log.info({ signal: why.signal }, 'stopping');
}

async function openNode(config: NodeConfig, log: Logger, signal: AbortSignal): Promise<RunningNode> {
  const { validator, p2p, sync, ...rest } = config;
  const identity = await nodeIdentity(join(config.dataDir, 'keys'));
  const options: NodeOptions = {
    dataDir: rest.dataDir,
    genesis: await genesisSource(rest.genesis, genesisNote(rest.dataDir)),
    identity,
    validator: validator && (await openValidatorIdentity({ ...validator, id: validator.owner })),
    p2p: { ...p2p, staticPeers: p2p.peers },
    mempool: rest.mempool,
    database: rest.database,
    retention: rest.history,
    snapshotIntervalBlocks: sync.snapshotIntervalBlocks,
    blobs: rest.blobs.enabled ? blobOptions(rest.blobs) : undefined,
    compute: rest.compute.verify ? rest.compute : undefined,
    signatureWorkers: SIGNATURE_WORKERS,
    checkInvariants: rest.checkInvariants,
    log,
  };
  if (sync.mode === 'snapshot') await joinBySnapshot(options, sync.checkpoint, signal);
  return startNode(options);
}

function blobOptions({ folder, keepMs, fetchTimeoutMs, ...rest }: NodeConfig['blobs']): NodeOptions['blobs'] {
  const { maxBytes, maxUploaderBytes, maxBlobBytes } = rest;
  const limits = { ...DEFAULT_BLOB_LIMITS, maxBytes, maxUploaderBytes, maxBlobBytes };
  return { folder, keepMs, fetchTimeoutMs, limits };
}

/** One keeps up with a chain of a few thousand transactions a second; more would take their turns from consensus. */
const SIGNATURE_WORKERS = 1;

/** Who the node is on the network: made at the first start. */
async function nodeIdentity(folder: string): Promise<NodeIdentity> {
  try {
    return await loadNodeIdentity(folder);
  } catch (error) {
    if (!(error instanceof SecretFileError) || error.code !== 'SECRET_FILE_NOT_FOUND') throw error;
    return (await storeNodeIdentity(folder)).identity;
  }
}

/** Resolves when the node is told to stop: by a signal, or by the end of the process that supervises it. A second signal ends it at once. */
function stopSignal(): Promise<{ readonly signal: string }> {
  return new Promise((resolve) => {
    let isAsked = false;
    const ask = (signal: string): void => {
      if (isAsked) process.exit(EXIT_INTERRUPTED);
      isAsked = true;
      resolve({ signal });
    };
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, ask);
    process.once('disconnect', () => {
      ask('end of the supervisor');
    });
    // The channel alone keeps nothing running.
    process.channel?.unref();
  });
}

/** What a shell shows for a process ended by SIGINT. */
const EXIT_INTERRUPTED = 130;

const HELP = `
The node runs until SIGINT or SIGTERM, finishes the block it is at, and closes its files. A node that was killed starts
again by the same command and loses nothing that was final.

Examples:
  $ ogpu start                              the node of ~/.ogpu
  $ ogpu start --data /srv/ogpu             another one
  $ OGPU_LOG_LEVEL=debug ogpu start         every setting is a variable, a flag, and a line of the file
`;
