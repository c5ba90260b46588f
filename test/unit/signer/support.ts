import { openSigner, type LocalSigner, type SigningKey } from '../../../consensus/signer/local-signer.js';
import { concatBytes } from '../../../protocol/bytes.js';
import { sha256 } from '../../../protocol/crypto/hash.js';
import { NO_ROUND, type ProposalPayload } from '../../../protocol/types/proposal.js';
import type { VotePayload } from '../../../protocol/types/vote.js';
import type { SimulatedDisk } from '../../sim/disk.js';

export const CHAIN = { chainId: 64_780, genesisId: new Uint8Array(32).fill(7) };

/** Stands for a key: deterministic, different for each message, and fast. */
export const FAKE_KEY: SigningKey = {
  publicKey: new Uint8Array(48).fill(9),
  sign: (message) => concatBytes(sha256(message), sha256(sha256(message)), message),
};

/** The message inside a signature of `FAKE_KEY`. */
export function signedMessage(signature: Uint8Array): Uint8Array {
  return signature.subarray(64);
}

export interface OpenOptions {
  readonly key?: SigningKey;
  readonly create?: boolean;
  readonly genesisId?: Uint8Array;
}

export async function openOn(disk: SimulatedDisk, options: OpenOptions = {}): Promise<LocalSigner> {
  const { folder, unlock } = disk.openFolder('signer');
  const { key = FAKE_KEY, create = true, genesisId = CHAIN.genesisId } = options;
  try {
    return await openSigner({ ...CHAIN, genesisId, folder, key, create, versionAt: () => 1 });
  } finally {
    await unlock();
  }
}

export function blockId(fill: number): Uint8Array {
  return new Uint8Array(32).fill(fill);
}

/** `block` 0 is nil. */
export function vote(height: number, round: number, block: number): VotePayload {
  return { height, round, blockId: blockId(block) };
}

export function proposal(height: number, round: number, block: number): ProposalPayload {
  return { height, round, validRound: NO_ROUND, blockId: blockId(block) };
}
