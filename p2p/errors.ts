import { OgpuError } from '../protocol/errors.js';

/** What went wrong between this node and a peer, or on the way to it. What each costs the peer: `conduct.ts`. */
export class P2pError extends OgpuError<
  | 'FRAME_TOO_LONG'
  | 'FRAME_MALFORMED'
  | 'HANDSHAKE_CHAIN'
  | 'HANDSHAKE_GENESIS'
  | 'HANDSHAKE_VERSION'
  | 'HANDSHAKE_BINDING'
  | 'HANDSHAKE_MALFORMED'
  | 'HANDSHAKE_TIMEOUT'
  | 'HANDSHAKE_FAILED'
  | 'LINK_FLOODED'
  | 'LINK_STALLED'
  | 'GOSSIP_FLOODED'
  | 'GOSSIP_REJECTED'
  | 'REQUEST_BUSY'
  | 'REQUEST_FLOODED'
  | 'REQUEST_MALFORMED'
  | 'REQUEST_REFUSED'
  | 'REQUEST_TIMEOUT'
  | 'RESPONSE_MALFORMED'
  | 'RESPONSE_TRUNCATED'
  | 'PEER_BANNED'
  | 'PEER_UNKNOWN'
  | 'STREAM_CLOSED'
  | 'NETWORK_STOPPED'
> {}
