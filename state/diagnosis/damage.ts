import { bytesEqual, toHex } from '../../protocol/bytes.js';
import { sha256 } from '../../protocol/crypto/hash.js';
import { OgpuError } from '../../protocol/errors.js';
import { treeNodes } from '../chain/state-root.js';
import type { Change, Reader } from '../store/store.js';
import { hashKey } from '../tree/leaf.js';
import { verifyKeyProof } from '../tree/proof.js';
import { proveKey, proveRange } from '../tree/prove.js';
import { treeRoot } from '../tree/root.js';
import { describeKey } from './describe.js';

/** A stored entry that is not what the state root commits to, or a tree that does not say. */
export interface Damage {
  /** The entry's key as people read it; `the state tree` when all of it is another's. */
  readonly where: string;
  /** SHA-256 of the value: as stored, and as the tree has it. Undefined for no value, `unreadable` for a damaged tree. */
  readonly storedHash: string | undefined;
  readonly treeHash: string | undefined;
  /** Code of the error of the proof. */
  readonly reason: string;
}

/**
 * Compares entries with what the stored tree says under `root`, each by a proof.
 *
 * @param view shows the tree
 */
export function findDamage(view: Reader, root: Uint8Array, entries: readonly Change[]): Damage[] {
  const whole = checkRoot(view, root);
  return whole === undefined ? entries.flatMap((entry) => checkProof(view, root, entry)) : [whole];
}

function checkRoot(view: Reader, root: Uint8Array): Damage | undefined {
  const found = attempt(() => treeRoot(treeNodes(view)));
  if (typeof found === 'object' && bytesEqual(found, root)) return undefined;
  const treeHash = typeof found === 'string' ? UNREADABLE : toHex(found);
  const reason = typeof found === 'string' ? found : 'STATE_ROOT_DIFFERENT';
  return { where: 'the state tree', storedHash: toHex(root), treeHash, reason };
}

function checkProof(view: Reader, root: Uint8Array, { key, value }: Change): Damage[] {
  const tree = treeNodes(view);
  const keyHash = hashKey(key);
  const verdict = attempt(() => {
    verifyKeyProof(root, key, value, proveKey(tree, keyHash));
    return new Uint8Array(0);
  });
  if (typeof verdict !== 'string') return [];
  const leaf = attempt(() => proveRange(tree, keyHash, keyHash, 1).items[0]?.valueHash ?? NO_LEAF);
  return [
    {
      where: describeKey(key),
      storedHash: value === undefined ? undefined : toHex(sha256(value)),
      treeHash: typeof leaf === 'string' ? UNREADABLE : leaf === NO_LEAF ? undefined : toHex(leaf),
      reason: verdict,
    },
  ];
}

const UNREADABLE = 'unreadable';
const NO_LEAF = new Uint8Array(0);

/** The result, or the code of what a damaged tree leads to. */
function attempt(run: () => Uint8Array): Uint8Array | string {
  try {
    return run();
  } catch (error) {
    if (error instanceof OgpuError) return String(error.code);
    throw error;
  }
}
