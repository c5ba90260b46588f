import type { LeafChange } from '../../../state/tree/update.js';
import { updateTree } from '../../../state/tree/update.js';
import type { NodeReader, NodeWrite } from '../../../state/tree/node.js';
import type { Prng } from '../../support/prng.js';

/** Nodes in memory, by path in hex digits. */
export class MapStore implements NodeReader {
  readonly nodes = new Map<string, Uint8Array>();

  getNode(path: Uint8Array): Uint8Array | undefined {
    return this.nodes.get(pathText(path));
  }

  apply(writes: readonly NodeWrite[]): void {
    for (const { path, bytes } of writes) {
      if (bytes === undefined) this.nodes.delete(pathText(path));
      else this.nodes.set(pathText(path), bytes);
    }
  }

  /** Changes the tree and stores it; returns the root. */
  update(changes: readonly LeafChange[]): Uint8Array {
    const { root, writes } = updateTree(this, changes);
    this.apply(writes);
    return root;
  }
}

export function pathText(path: Uint8Array): string {
  return Array.from(path, (nibble) => nibble.toString(16)).join('');
}

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex');
}

export function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, 'hex'));
}

/** Key hashes nobody could find by hashing: many share long prefixes, down to the last bit. */
export function hostileKeyHash(prng: Prng, others: readonly Uint8Array[]): Uint8Array {
  if (others.length === 0 || prng.chance(1, 3)) return prng.bytes(32);
  const near = Uint8Array.from(prng.pick(others));
  const bit = prng.pick([255, 254, 252, 251, 248, 128, 64, 7, 4, 3, 0, prng.below(256)]);
  near[bit >> 3] = (near[bit >> 3] ?? 0) ^ (1 << (7 - (bit & 7)));
  if (prng.chance(1, 4)) near.set(prng.bytes(32 - (bit >> 3) - 1), (bit >> 3) + 1);
  return near;
}

export function hostileKeyHashes(prng: Prng, count: number): Uint8Array[] {
  const found = new Map<string, Uint8Array>();
  while (found.size < count) {
    const keyHash = hostileKeyHash(prng, [...found.values()]);
    found.set(hex(keyHash), keyHash);
  }
  return [...found.values()];
}

export function shuffle<T>(prng: Prng, items: readonly T[]): T[] {
  const shuffled = [...items];
  for (let i = shuffled.length - 1; i > 0; i--) {
    const j = prng.below(i + 1);
    const [a, b] = [shuffled[i], shuffled[j]];
    if (a !== undefined && b !== undefined) [shuffled[i], shuffled[j]] = [b, a];
  }
  return shuffled;
}
