import { DEFAULT_LINK_LIMITS, type LinkLimits } from './consensus-link.js';
import { BATCH_INTERVAL_MS } from './gossip/settings.js';
import type { HostConfig } from './host.js';
import type { PeerLimits } from './gate.js';
import type { StaticPeer } from './static-peers.js';

export interface NetworkConfig extends Omit<HostConfig, 'privateKeyProtobuf'>, PeerLimits {
  readonly staticPeers: readonly StaticPeer[];
  readonly handshakeTimeoutMs: number;
  readonly redial: { readonly minBackoffMs: number; readonly maxBackoffMs: number };
  readonly link: LinkLimits;
  /** Peers to find and dial, beside those that are named. */
  readonly targetOutbound: number;
  /** Batches of transactions leave at most so often. */
  readonly batchIntervalMs: number;
}

export type NetworkOptions = Partial<Omit<NetworkConfig, 'link'>> & { readonly link?: Partial<LinkLimits> };

const DEFAULTS: NetworkConfig = {
  // Nobody is reachable from outside by accident.
  listen: ['/ip4/127.0.0.1/tcp/0'],
  announce: [],
  staticPeers: [],
  // Everybody sends everything to everybody: beyond some dozens of peers, a small node's upload is the limit.
  maxPeers: 64,
  // A household or a small data centre; an attacker needs that many more addresses.
  maxPerAddress: 8,
  maxPerPeer: 2,
  maxConnections: 256,
  // Handshakes of one address then take at most a twentieth of a core; a network on one machine starts in one burst.
  newPerAddress: { perSecond: 4, burst: 32 },
  // Three round trips on the worst link there is.
  handshakeTimeoutMs: 5000,
  redial: { minBackoffMs: 500, maxBackoffMs: 30_000 },
  link: DEFAULT_LINK_LIMITS,
  // An attacker must own all of them to cut a node off.
  targetOutbound: 8,
  batchIntervalMs: BATCH_INTERVAL_MS,
};

export function networkConfig(options: NetworkOptions = {}): NetworkConfig {
  return { ...DEFAULTS, ...options, link: { ...DEFAULT_LINK_LIMITS, ...options.link } };
}
