import { blobIdOf } from '../blob.js';
import { bytesEqual, concatBytes } from '../bytes.js';
import { domainHash } from '../domains.js';
import { invariant } from '../invariant.js';
import { isInTree, treeBranch, treeRoot } from './tree.js';

/*
 * What a provider commits to. Each state of a job is named by its content id (32 bytes, of the blob store). A leaf hides such an id behind
 * a salt that only the holder of the job key can make, and binds it to one attempt of one job at one place. docs/spec/audit.md, "Hashes".
 */

/** What every hash of an audit is bound to. */
export interface AuditSubject {
  readonly chainId: number;
  /** Job id, 32 bytes. */
  readonly job: Uint8Array;
  /** Number of the attempt, 0 to 255. */
  readonly attempt: number;
}

/** A leaf laid open: enough to check it against the root, and nothing about any other leaf. */
export interface Opening {
  readonly stateId: Uint8Array;
  readonly salt: Uint8Array;
  readonly branch: readonly Uint8Array[];
}

/** Id of the blob that a state is, or what a segment adds to an output, by its bytes. */
export function stateIdOf(bytes: Uint8Array): Uint8Array {
  return blobIdOf(bytes);
}

/** salt_i = H(audit-salt ‖ jobKey ‖ job ‖ attempt ‖ i). @param jobKey 32 secret bytes */
export function saltOf(subject: AuditSubject, jobKey: Uint8Array, leaf: number): Uint8Array {
  invariant(jobKey.length === 32, 'a job key is 32 bytes');
  return domainHash(subject.chainId, 'audit-salt', jobKey, subjectBytes(subject), uint32(leaf));
}

/** leaf_i = H(audit-leaf ‖ job ‖ attempt ‖ i ‖ salt_i ‖ stateId_i) */
export function leafOf(
  subject: AuditSubject,
  leaf: number,
  salt: Uint8Array,
  stateId: Uint8Array,
): Uint8Array {
  invariant(salt.length === 32 && stateId.length === 32, 'salt and state id are 32 bytes');
  return domainHash(subject.chainId, 'audit-leaf', subjectBytes(subject), uint32(leaf), salt, stateId);
}

/** All leaves of an attempt, in order. */
export function leavesOf(
  subject: AuditSubject,
  jobKey: Uint8Array,
  stateIds: readonly Uint8Array[],
): Uint8Array[] {
  return stateIds.map((stateId, i) => leafOf(subject, i, saltOf(subject, jobKey, i), stateId));
}

/**
 * Hides the job key and the root of the output until the unsealing: an open output root would tell the answers of small outputs
 * to whoever tries them all.
 */
export function keyCommitmentOf(
  subject: AuditSubject,
  jobKey: Uint8Array,
  outputRoot: Uint8Array,
): Uint8Array {
  invariant(jobKey.length === 32 && outputRoot.length === 32, 'job key and output root are 32 bytes');
  return domainHash(subject.chainId, 'job-key', subjectBytes(subject), jobKey, outputRoot);
}

/** Opens one leaf without the job key, as a verifier needs it for its pre-state. */
export function openLeaf(
  subject: AuditSubject,
  jobKey: Uint8Array,
  stateIds: readonly Uint8Array[],
  leaf: number,
): Opening {
  const stateId = stateIds[leaf];
  invariant(stateId !== undefined, 'a leaf that exists');
  const branch = treeBranch(leavesOf(subject, jobKey, stateIds), leaf);
  return { stateId, salt: saltOf(subject, jobKey, leaf), branch };
}

/** Whether an opening is of the leaf at this place among `count` under `root`. */
export function isOpening(
  subject: AuditSubject,
  root: Uint8Array,
  count: number,
  leaf: number,
  { stateId, salt, branch }: Opening,
): boolean {
  if (stateId.length !== 32 || salt.length !== 32) return false;
  return isInTree(root, count, leaf, leafOf(subject, leaf, salt, stateId), branch);
}

/**
 * Whether `stateIds` prove that the output is not what was committed to: they are the output's, and their leaves do not make the root.
 * Needs nothing of the provider but what it has unsealed.
 */
export function provesOutputMismatch(
  subject: AuditSubject,
  root: Uint8Array,
  unsealed: { readonly jobKey: Uint8Array; readonly outputRoot: Uint8Array },
  stateIds: readonly Uint8Array[],
): boolean {
  if (stateIds.length === 0 || stateIds.some(({ length }) => length !== 32)) return false;
  if (!bytesEqual(treeRoot(stateIds), unsealed.outputRoot)) return false;
  return !bytesEqual(treeRoot(leavesOf(subject, unsealed.jobKey, stateIds)), root);
}

/** job ‖ attempt */
export function subjectBytes({ job, attempt }: Pick<AuditSubject, 'job' | 'attempt'>): Uint8Array {
  invariant(
    job.length === 32 && Number.isInteger(attempt) && attempt >= 0 && attempt <= 255,
    'an attempt of a job',
  );
  return concatBytes(job, Uint8Array.of(attempt));
}

function uint32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}
