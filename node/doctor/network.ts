import { connect, createServer } from 'node:net';
import '../../p2p/promise-with-resolvers.js';
import { multiaddr } from '@multiformats/multiaddr';
import type { NodeConfig } from '../config/node-config.js';
import { codeOf } from '../database/errors.js';
import { fail, ok, warn, type Finding } from './finding.js';

interface Place {
  readonly setting: string;
  readonly host: string;
  readonly port: number;
}

/**
 * Whether the ports are free.
 *
 * @param isRunning a node has the data folder: then it has the ports, as it should
 */
export async function checkPorts(config: NodeConfig, isRunning: boolean): Promise<Finding> {
  const places = placesOf(config).filter(({ port }) => port !== 0);
  const taken: string[] = [];
  for (const place of places) {
    const fault = await bindFault(place);
    if (fault !== undefined) taken.push(`${place.setting} ${place.host}:${place.port} (${fault})`);
  }
  const all = places.map(({ host, port }) => `${host}:${port}`).join(', ');
  if (taken.length === 0) return ok('ports', all === '' ? 'any that are free' : `${all} are free`);
  if (isRunning) return ok('ports', `in use, and a node runs on this data folder: ${taken.join(', ')}`);
  return fail(
    'ports',
    `not to be had: ${taken.join(', ')}`,
    'stop what uses them, or choose others in the configuration',
  );
}

const CONNECT_TIMEOUT_MS = 3_000;

/** Whether the peers of the configuration answer on their ports. */
export async function checkPeers({ p2p }: NodeConfig): Promise<Finding> {
  const { peers } = p2p;
  if (peers.length === 0)
    return warn(
      'peers',
      'none in the configuration',
      'name some in p2p.peers, unless others connect to this node',
    );
  const answers = await Promise.all(peers.slice(0, MAX_DIALLED).map(({ address }) => isReachable(address)));
  const reached = answers.filter(Boolean).length;
  const detail = `${reached} of ${answers.length} answer on their port`;
  if (reached > 0) return ok('peers', detail);
  return warn(
    'peers',
    detail,
    'check p2p.peers and the firewall; whether they are the right nodes is seen when the node runs',
  );
}

const MAX_DIALLED = 16;

function placesOf({ p2p, rpc, metrics }: NodeConfig): Place[] {
  const places: Place[] = p2p.listen.map((address) => ({ setting: 'p2p.listen', ...hostAndPort(address) }));
  if (rpc.enabled) places.push({ setting: 'rpc.port', host: rpc.host, port: rpc.port });
  if (metrics.enabled) places.push({ setting: 'metrics.port', host: metrics.host, port: metrics.port });
  return places;
}

function hostAndPort(address: string): { readonly host: string; readonly port: number } {
  const [host, transport] = multiaddr(address).getComponents();
  return { host: host?.value ?? '', port: Number(transport?.value) };
}

/** Why nobody can listen there now. */
function bindFault({ host, port }: Place): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error) => {
      resolve(codeOf(error) ?? error.message);
    });
    server.listen({ host, port, exclusive: true }, () => {
      server.close(() => {
        resolve(undefined);
      });
    });
  });
}

function isReachable(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ ...hostAndPort(address), timeout: CONNECT_TIMEOUT_MS });
    const end = (isOpen: boolean) => (): void => {
      socket.destroy();
      resolve(isOpen);
    };
    socket.once('connect', end(true)).once('timeout', end(false)).once('error', end(false));
  });
}
