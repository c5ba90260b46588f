import type { Connection, ConnectionGater } from '@libp2p/interface';
import { addressGroup } from './addresses.js';

export interface PeerLimits {
  /** Peers, static ones not counted. */
  readonly maxPeers: number;
  /** Connections from one address (IPv6: one /64), static peers not counted. */
  readonly maxPerAddress: number;
  /** Two nodes may dial each other at the same moment; more makes no sense. */
  readonly maxPerPeer: number;
}

export interface GateParts {
  readonly limits: PeerLimits;
  readonly isStatic: (peer: string) => boolean;
  readonly isBanned: (peer: string) => boolean;
  readonly connections: () => readonly Connection[];
}

/** Who is let in: decided as soon as TLS or noise have shown who it is, before any stream is served. */
export function connectionGate({ limits, isStatic, isBanned, connections }: GateParts): ConnectionGater {
  const isTooMany = (peer: string, address: string): boolean => {
    const open = connections();
    const own = open.filter((connection) => connection.remotePeer.toString() === peer);
    if (own.length >= limits.maxPerPeer) return true;
    if (isStatic(peer)) return false;
    const others = open.filter((connection) => !isStatic(connection.remotePeer.toString()));
    const group = addressGroup(address);
    const near = others.filter((connection) => addressGroup(connection.remoteAddr.toString()) === group);
    return others.length >= limits.maxPeers || near.length >= limits.maxPerAddress;
  };
  return {
    denyDialPeer: (peer) => isBanned(peer.toString()),
    denyInboundEncryptedConnection: (peer, { remoteAddr }) =>
      isBanned(peer.toString()) || isTooMany(peer.toString(), remoteAddr.toString()),
  };
}
