import { bytesEqual } from '../bytes.js';
import { sha256 } from '../crypto/hash.js';
import { domainHash } from '../domains.js';
import { invariant } from '../invariant.js';
import { elementGindex, lengthChunk, listBranch, rootOfBranch } from '../ssz/branch.js';
import { bytes32, listOf } from '../ssz/types.js';

/** Leaves of one commitment: a state before each segment, and the last one. */
export const MAX_LEAVES = 65_536;

const LeavesType = listOf(bytes32, MAX_LEAVES);

/** Whose states are committed to. */
export interface CommitmentContext {
  readonly chainId: number;
  /** 32 bytes. */
  readonly job: Uint8Array;
}

/** What shows that a leaf is the one at `index` among `count` under a root. */
export interface Opening {
  readonly index: number;
  readonly leaf: Uint8Array;
  /** Siblings from the leaf up, the number of leaves last. */
  readonly branch: readonly Uint8Array[];
}

/** Blinds leaf `index`; without the key, 32 bytes of the provider's choice, nobody can test a guess of a state against its leaf. */
export function leafSalt(chainId: number, jobKey: Uint8Array, index: number): Uint8Array {
  invariant(jobKey.length === 32, 'a job key has 32 bytes');
  return domainHash(chainId, 'audit-salt', jobKey, indexBytes(index));
}

/** What a commitment names its key by before the key is revealed. */
export function jobKeyHash(chainId: number, jobKey: Uint8Array): Uint8Array {
  invariant(jobKey.length === 32, 'a job key has 32 bytes');
  return domainHash(chainId, 'job-key', jobKey);
}

/** H(domain ‖ job ‖ index ‖ salt ‖ H(state)) */
export function stateLeaf(
  { chainId, job }: CommitmentContext,
  index: number,
  salt: Uint8Array,
  stateHash: Uint8Array,
): Uint8Array {
  invariant(
    job.length === 32 && salt.length === 32 && stateHash.length === 32,
    'parts of a leaf have 32 bytes',
  );
  return domainHash(chainId, 'audit-leaf', job, indexBytes(index), salt, stateHash);
}

/** Leaves of all states under one key, from the hashes of the states. */
export function stateLeaves(
  context: CommitmentContext,
  jobKey: Uint8Array,
  stateHashes: readonly Uint8Array[],
): Uint8Array[] {
  return stateHashes.map((hash, index) =>
    stateLeaf(context, index, leafSalt(context.chainId, jobKey, index), hash),
  );
}

/** Hash of a state, or of a segment's part of an output, by its bytes. */
export function stateHash(bytes: Uint8Array): Uint8Array {
  return sha256(bytes);
}

/** The SSZ root of the list of leaves: it commits to their number too. */
export function leavesRoot(leaves: readonly Uint8Array[]): Uint8Array {
  return LeavesType.hashTreeRoot([...leaves]);
}

export function openLeaf(leaves: readonly Uint8Array[], index: number): Opening {
  const leaf = leaves[index];
  invariant(leaf !== undefined, 'the leaf is one of the list');
  return { index, leaf, branch: listBranch(leaves, index, MAX_LEAVES) };
}

/** Whether `opening` shows its leaf at its index among `count` leaves under `root`. */
export function isOpeningOf({ index, leaf, branch }: Opening, root: Uint8Array, count: number): boolean {
  if (!Number.isInteger(index) || index < 0 || index >= count || leaf.length !== 32) return false;
  const length = branch.at(-1);
  if (length === undefined || !bytesEqual(length, lengthChunk(count))) return false;
  const found = rootOfBranch(leaf, branch, elementGindex(index, MAX_LEAVES));
  return found !== undefined && bytesEqual(found, root);
}

function indexBytes(index: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, index, true);
  return bytes;
}
