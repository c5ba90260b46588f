import type { Connection, Stream } from '@libp2p/interface';
import { peerIdFromString } from '@libp2p/peer-id';
import type { ConsensusLink } from './consensus-link.js';
import { P2pError } from './errors.js';
import type { PresentPeer } from './seeker.js';
import type { Binding } from './handshake.js';

/** A peer that has passed its handshake, over all its connections. */
export interface Peer {
  readonly id: string;
  /** Those that have passed it. */
  readonly connections: Set<Connection>;
  readonly link: ConsensusLink;
  /** The validator the peer says it speaks for. */
  readonly claim: Binding | undefined;
  /** Whether the validator has said so too; undefined while its key is not known here. */
  isBound: boolean | undefined;
  /** Validators it hears itself, in hex. */
  hears: ReadonlySet<string>;
  /** As of its last handshake. */
  headHeight: number;
}

/** A peer as those know it who look for others. */
export function presence({ id, connections }: Peer): PresentPeer {
  const all = [...connections];
  const outbound = all.find(({ direction }) => direction === 'outbound');
  const remote = (outbound ?? all[0])?.remoteAddr.toString() ?? '';
  return { id, remote, isOutbound: outbound !== undefined };
}

/** A new stream on any connection of the peer. @throws P2pError PEER_UNKNOWN, or what libp2p fails with */
export async function openStream(peer: Peer, protocolId: string, signal?: AbortSignal): Promise<Stream> {
  for (const connection of peer.connections) {
    if (connection.status === 'open')
      return connection.newStream(protocolId, signal === undefined ? {} : { signal });
  }
  throw new P2pError('PEER_UNKNOWN', 'there is no connection to the peer', { peer: peer.id });
}

/** Multihash of a peer id in base58: what bindings are signed over. */
export function peerIdBytes(peer: string): Uint8Array {
  return peerIdFromString(peer).toMultihash().bytes;
}
