import type { Connection, ConnectionGater } from '@libp2p/interface';
import { addressGroup } from './addresses.js';
import type { Clock } from './clock.js';
import { TokenBucket, type Rate } from './token-bucket.js';

export interface PeerLimits {
  /** Peers, static ones not counted. */
  readonly maxPeers: number;
  /** Connections from one address (IPv6: one /64), static peers not counted. */
  readonly maxPerAddress: number;
  /** Two nodes may dial each other at the same moment; more makes no sense. */
  readonly maxPerPeer: number;
  /** New connections from one address (IPv6: one /64); more are dropped before any cryptography. */
  readonly newPerAddress: Rate;
}

export interface GateParts {
  readonly limits: PeerLimits;
  readonly isStatic: (peer: string) => boolean;
  readonly isBanned: (peer: string) => boolean;
  readonly connections: () => readonly Connection[];
  readonly clock: Pick<Clock, 'nowMs'>;
}

/** Addresses whose rates are remembered; the one that was quiet longest is forgotten for the next. */
const MAX_REMEMBERED = 1024;

/**
 * Who is let in: decided as soon as TLS or noise have shown who it is, before any stream is served. Since each handshake costs this node some
 * ten milliseconds of its processor, whoever comes too often from one address is not even shaken hands with.
 */
export function connectionGate(parts: GateParts): ConnectionGater {
  const { limits, isStatic, isBanned, connections, clock } = parts;
  const rates = new Map<string, TokenBucket>();
  const comesTooOften = (group: string): boolean => {
    const rate = rates.get(group) ?? new TokenBucket(limits.newPerAddress, clock);
    rates.delete(group);
    rates.set(group, rate);
    const [quietest] = rates.keys();
    if (rates.size > MAX_REMEMBERED && quietest !== undefined) rates.delete(quietest);
    return !rate.take(1);
  };
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
    denyInboundConnection: ({ remoteAddr }) => comesTooOften(addressGroup(remoteAddr.toString())),
    denyInboundEncryptedConnection: (peer, { remoteAddr }) =>
      isBanned(peer.toString()) || isTooMany(peer.toString(), remoteAddr.toString()),
  };
}
