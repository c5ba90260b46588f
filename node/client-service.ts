import { WEI_PER_OGPU } from '../protocol/amounts.js';
import { OgpuError } from '../protocol/errors.js';
import { PRESETS } from '../protocol/presets.js';
import type { Faucet, NodeStatus } from '../rpc/backend.js';
import { startRpcServer } from '../rpc/server.js';
import { chainRecord, progressRecord } from '../state/system/chain.js';
import { blobDesk } from './blobs/desk.js';
import type { NodeConfig } from './config/node-config.js';
import { readSecretText } from './keys/password.js';
import { parseBareSecret } from './keys/secret-key.js';
import type { Logger } from './logging/logger.js';
import { healthReport } from './metrics/health.js';
import type { RunningNode } from './node.js';
import type { Observability } from './observability.js';
import { createRpcBackend } from './rpc-backend.js';
import { cureOf } from './troubles.js';

/** The token of an operator is too easy to guess. */
export class BlobTokenError extends OgpuError<'BLOB_TOKEN_SHORT'> {}

export class FaucetError extends OgpuError<'FAUCET_NOT_DEVNET'> {}

/** Given at a time, and how long an address has to wait for more. */
const FAUCET_AMOUNT_WEI = 100n * WEI_PER_OGPU;
const FAUCET_INTERVAL_MS = 1_000;

/**
 * Serves JSON-RPC to clients of a node.
 *
 * @returns how to end that
 * @throws FaucetError; as reading the faucet's key and listening do
 */
export async function serveClients(
  node: RunningNode,
  { rpc, blobs }: NodeConfig,
  log: Logger,
  { metrics, health }: Observability,
): Promise<() => Promise<void>> {
  const faucet = rpc.faucetKeyFile && (await openFaucet(node, rpc.faucetKeyFile));
  const backend = createRpcBackend({
    store: node.ledger.store,
    pool: node.transactions.pool,
    submit: node.transactions.submit,
    status: () => statusOf(node),
    blobs: node.blobs && blobDesk(node.blobs),
    ...(faucet ? { faucet } : {}),
  });
  const forget = node.finals.add(({ local, commit }) => {
    backend.publish(local, commit);
  });
  const { corsOrigins, host, port, trustedProxies, enabled: _, faucetKeyFile: __, ...limits } = rpc;
  const server = await startRpcServer({
    ...{ backend, log, host, port, corsOrigins, trustedProxies, limits },
    blobs: { uploads: blobs.uploads, token: blobs.tokenFile && (await readToken(blobs.tokenFile)) },
    onRequest: (method, durationMs, isOk) => {
      metrics.rpcAnswered({ method, durationMs, outcome: isOk ? 'ok' : 'error' });
    },
    health: () => healthReport(health.live()),
    ready: () => healthReport(health.ready()),
  });
  metrics.watchSubscriptions(() => server.subscriptions);
  return async () => {
    forget();
    await server.close();
  };
}

function statusOf({ network, validator, sync, ledger, troubles }: RunningNode): NodeStatus {
  const { isSyncing, bestPeerHeight } = sync();
  const { height } = progressRecord.read(ledger.store);
  return {
    syncing: isSyncing
      ? { startingHeight: ledger.head.height, highestHeight: Math.max(height, bestPeerHeight) }
      : undefined,
    peers: network.peers.map(({ id, address, isInbound, headHeight, validator: speaksFor }) => ({
      ...{ id, address, height: headHeight, validator: speaksFor },
      direction: isInbound ? 'inbound' : 'outbound',
    })),
    validator: validator?.id,
    troubles: troubles.all.map((error) => ({
      ...{ code: error.code, message: error.message, cure: cureOf(error) },
    })),
  };
}

/** @throws SecretFileError, PasswordError, BlobTokenError */
async function readToken(path: string): Promise<string> {
  const token = (await readSecretText(path)).trim();
  if (/^[\x21-\x7e]{16,256}$/.test(token)) return token;
  const cure =
    'write 16 to 256 printable characters without spaces into it, such as `openssl rand -hex 32` makes';
  throw new BlobTokenError('BLOB_TOKEN_SHORT', 'not a token', { path, cure });
}

async function openFaucet({ ledger }: RunningNode, keyFile: string): Promise<Faucet> {
  const { chainId } = chainRecord.read(ledger.store);
  if (chainId !== PRESETS.devnet.chainId) {
    throw new FaucetError('FAUCET_NOT_DEVNET', 'coins are given away on devnets alone', {
      ...{ chainId, path: keyFile, cure: 'remove rpc.faucetKeyFile' },
    });
  }
  const secretKey = parseBareSecret((await readSecretText(keyFile)).trim());
  return { secretKey, amountWei: FAUCET_AMOUNT_WEI, intervalMs: FAUCET_INTERVAL_MS };
}
