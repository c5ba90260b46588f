import { SLOTS, type NodeReader, type NodeWrite } from './node.js';

/** Deeper nodes are passed through: with honest keys there are none, and their paths do not fit an integer. */
const MAX_CACHED_NIBBLES = 12;

/** Map entry, key and typed array beside the bytes of a node themselves, roughly. */
const ENTRY_BYTES = 200;

/**
 * Keeps recently read nodes in memory in front of another reader: at most `maxBytes`, overhead included.
 *
 * Two generations: what was read since the last turn, and what was read in the turn before. When the young one is
 * full, with half of the budget, it becomes the old one, and what was old and has not been read again is dropped.
 */
export class NodeCache implements NodeReader {
  readonly #source: NodeReader;
  readonly #maxBytes: number;
  #young = new Map<number, Uint8Array>();
  #old = new Map<number, Uint8Array>();
  #youngBytes = 0;
  #oldBytes = 0;

  constructor(source: NodeReader, maxBytes: number) {
    this.#source = source;
    this.#maxBytes = maxBytes;
  }

  /** Bytes held, estimated overhead included. */
  get bytes(): number {
    return this.#youngBytes + this.#oldBytes;
  }

  getNode(path: Uint8Array): Uint8Array | undefined {
    if (path.length > MAX_CACHED_NIBBLES) return this.#source.getNode(path);
    const key = keyOf(path);
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    const node = this.#old.get(key) ?? this.#source.getNode(path);
    if (node !== undefined) this.#put(key, node);
    return node;
  }

  /** Must be told of every write that reaches the source, once it has. */
  apply(writes: readonly NodeWrite[]): void {
    for (const { path, bytes } of writes) {
      if (path.length > MAX_CACHED_NIBBLES) continue;
      const key = keyOf(path);
      this.#drop(key);
      if (bytes !== undefined) this.#put(key, bytes);
    }
  }

  #put(key: number, node: Uint8Array): void {
    this.#drop(key);
    const bytes = node.length + ENTRY_BYTES;
    if (2 * bytes > this.#maxBytes) return;
    if (2 * (this.#youngBytes + bytes) > this.#maxBytes) this.#turn();
    this.#young.set(key, node);
    this.#youngBytes += bytes;
  }

  #turn(): void {
    this.#old = this.#young;
    this.#oldBytes = this.#youngBytes;
    this.#young = new Map();
    this.#youngBytes = 0;
  }

  #drop(key: number): void {
    const young = this.#young.get(key);
    if (young !== undefined && this.#young.delete(key)) this.#youngBytes -= young.length + ENTRY_BYTES;
    const old = this.#old.get(key);
    if (old !== undefined && this.#old.delete(key)) this.#oldBytes -= old.length + ENTRY_BYTES;
  }
}

/** The path as an integer below 2^49, after a leading 1 that keeps paths of different lengths apart. */
function keyOf(path: Uint8Array): number {
  let key = 1;
  for (const nibble of path) key = key * SLOTS + nibble;
  return key;
}
