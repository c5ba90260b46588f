import type { Asking } from '../../p2p/chain-requests.js';
import type { RequestProtocol } from '../../p2p/requests.js';
import { OgpuError } from '../../protocol/errors.js';

/** What catching up needs of a network: a `Network`, or a part of one. */
export interface SyncNetwork {
  /** Who is connected, with the heights they named when they came. */
  readonly peers: readonly { readonly id: string; readonly headHeight: number }[];
  /** Faults of the exchange itself are blamed on the peer and thrown. */
  request(peer: string, protocol: RequestProtocol, request: Uint8Array): AsyncIterable<Uint8Array>;
  blame(peer: string, error: OgpuError): void;
}

/**
 * Asks one peer, and blames it for what is wrong with its answer: for what `exchange` throws of the content as `network` does for the
 * exchange itself.
 *
 * @throws what `exchange` throws
 */
export async function askPeer<Result>(
  network: SyncNetwork,
  peer: string,
  exchange: (asking: Asking) => Promise<Result>,
): Promise<Result> {
  let blamed: unknown;
  const asking: Asking = async function* (protocol, request) {
    try {
      yield* network.request(peer, protocol, request);
    } catch (error) {
      blamed = error;
      throw error;
    }
  };
  try {
    return await exchange(asking);
  } catch (error) {
    if (error !== blamed && isTyped(error)) network.blame(peer, error);
    throw error;
  }
}

export function isTyped(error: unknown): error is OgpuError {
  return error instanceof OgpuError;
}
