import { invariant } from '../../protocol/invariant.js';

/** What a heap holds knows its place, so that it is found without a search. */
export interface HeapNode {
  /** Index in the heap, or -1. Only the heap writes it. */
  slot: number;
}

/** A binary heap whose members can change their priority or leave at any time, each in O(log n). */
export class IndexedHeap<Node extends HeapNode> {
  readonly #nodes: Node[] = [];
  readonly #isBefore: (a: Node, b: Node) => boolean;

  /** @param isBefore a strict order: what comes first stands at the top */
  constructor(isBefore: (a: Node, b: Node) => boolean) {
    this.#isBefore = isBefore;
  }

  get size(): number {
    return this.#nodes.length;
  }

  /** The member at an index: the first one is at 0, and what is at i comes before what is at 2i + 1 and 2i + 2. */
  at(index: number): Node | undefined {
    return this.#nodes[index];
  }

  /** Puts a node where it belongs after it was made or its priority has changed, or takes it out. */
  place(node: Node, isMember: boolean): void {
    if (!isMember) {
      if (node.slot >= 0) this.#remove(node);
      return;
    }
    if (node.slot < 0) this.#set(this.#nodes.length, node);
    this.#up(node);
    this.#down(node);
  }

  /** Orders all members anew after many priorities have changed. O(n). */
  rebuild(): void {
    for (let index = (this.#nodes.length >> 1) - 1; index >= 0; index--) this.#down(this.#nodeAt(index));
  }

  #remove(node: Node): void {
    const { slot } = node;
    invariant(this.#nodes[slot] === node, 'a node of a heap knows its place');
    const last = this.#nodes.pop();
    node.slot = -1;
    if (last === undefined || last === node) return;
    this.#set(slot, last);
    this.#up(last);
    this.#down(last);
  }

  #up(node: Node): void {
    let index = node.slot;
    while (index > 0) {
      const parent = this.#nodeAt((index - 1) >> 1);
      if (!this.#isBefore(node, parent)) break;
      const above = parent.slot;
      this.#set(index, parent);
      index = above;
    }
    this.#set(index, node);
  }

  #down(node: Node): void {
    let index = node.slot;
    for (;;) {
      const [left, right] = [this.#nodes[2 * index + 1], this.#nodes[2 * index + 2]];
      const child = left !== undefined && right !== undefined && this.#isBefore(right, left) ? right : left;
      if (child === undefined || !this.#isBefore(child, node)) break;
      const below = child.slot;
      this.#set(index, child);
      index = below;
    }
    this.#set(index, node);
  }

  #set(index: number, node: Node): void {
    this.#nodes[index] = node;
    node.slot = index;
  }

  #nodeAt(index: number): Node {
    const node = this.#nodes[index];
    invariant(node !== undefined, 'an index of a heap is below its size');
    return node;
  }
}
