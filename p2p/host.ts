import './promise-with-resolvers.js';
import { privateKeyFromProtobuf } from '@libp2p/crypto/keys';
import { identify } from '@libp2p/identify';
import type { ConnectionGater, Libp2p } from '@libp2p/interface';
import { noise } from '@libp2p/noise';
import { tcp } from '@libp2p/tcp';
import { tls } from '@libp2p/tls';
import { yamux } from '@libp2p/yamux';
import { createLibp2p } from 'libp2p';

export interface HostConfig {
  /** libp2p's protobuf of an Ed25519 private key. */
  readonly privateKeyProtobuf: Uint8Array;
  /** Multiaddresses to listen on; port 0 takes any that is free. */
  readonly listen: readonly string[];
  /** Addresses to tell others instead of those listened on, for nodes behind a router. */
  readonly announce: readonly string[];
  readonly maxConnections: number;
}

/**
 * libp2p as this network uses it: TCP, TLS or else noise, yamux, identify. Not started yet.
 *
 * Everything that libp2p would do by itself about peers (reconnecting, pinging, dialling who it has heard of) is off: that is decided in
 * `network.ts`.
 */
export async function createHost(config: HostConfig, gater: ConnectionGater): Promise<Libp2p> {
  return createLibp2p({
    start: false,
    privateKey: privateKeyFromProtobuf(config.privateKeyProtobuf),
    addresses: { listen: [...config.listen], announce: [...config.announce] },
    transports: [tcp({ backlog: 64 })],
    connectionEncrypters: [tls(), noise()],
    streamMuxers: [yamux(MUXER)],
    connectionGater: gater,
    connectionManager: {
      maxConnections: config.maxConnections,
      maxIncomingPendingConnections: 64,
      // The gate has a rate of its own, with room for a burst.
      inboundConnectionThreshold: Infinity,
      maxParallelDials: 16,
      dialTimeout: DIAL_TIMEOUT_MS,
      reconnectRetries: 0,
    },
    connectionMonitor: { enabled: false },
    services: {
      identify: identify({
        maxInboundStreams: 1,
        maxOutboundStreams: 1,
        maxMessageSize: 8192,
        timeout: 5000,
      }),
    },
  });
}

const DIAL_TIMEOUT_MS = 10_000;

/** A stream holds at most a window of what has come and is not read: 32 streams of a peer make 32 MiB at the very worst. */
const WINDOW_BYTES = 1024 * 1024;

const MUXER = {
  maxInboundStreams: 32,
  maxOutboundStreams: 64,
  maxEarlyStreams: 4,
  // The link's own pings see more: they wait behind what is queued.
  enableKeepAlive: false,
  streamOptions: {
    maxStreamWindowSize: WINDOW_BYTES,
    maxReadBufferLength: 2 * WINDOW_BYTES,
  },
};
