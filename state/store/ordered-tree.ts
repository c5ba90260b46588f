import type { Entry } from './store.js';

/**
 * A sorted map that is never changed: insert and remove return a new tree that shares all but one path with the old one,
 * so keeping an old version costs nothing. AVL: the two sides of every node differ in height by at most one.
 */
export type OrderedTree = TreeNode | undefined;

export interface TreeNode {
  /** `keyText` of the entry's key: the order. */
  readonly text: string;
  readonly entry: Entry;
  readonly left: OrderedTree;
  readonly right: OrderedTree;
  readonly height: number;
}

export function find(tree: OrderedTree, text: string): Entry | undefined {
  let node = tree;
  while (node !== undefined && node.text !== text) node = text < node.text ? node.left : node.right;
  return node?.entry;
}

export function insert(tree: OrderedTree, text: string, entry: Entry): TreeNode {
  if (tree === undefined) return make(text, entry, undefined, undefined);
  if (text === tree.text) return make(text, entry, tree.left, tree.right);
  return text < tree.text
    ? balance(tree, insert(tree.left, text, entry), tree.right)
    : balance(tree, tree.left, insert(tree.right, text, entry));
}

export function remove(tree: OrderedTree, text: string): OrderedTree {
  if (tree === undefined) return undefined;
  if (text < tree.text) return balance(tree, remove(tree.left, text), tree.right);
  if (text > tree.text) return balance(tree, tree.left, remove(tree.right, text));
  if (tree.left === undefined) return tree.right;
  if (tree.right === undefined) return tree.left;
  const next = leftmost(tree.right);
  return balance(next, tree.left, remove(tree.right, next.text));
}

/** Entries with gte ≤ text < lt, ascending or, in reverse, descending. */
export function* entriesOf(
  tree: OrderedTree,
  gte: string,
  lt: string,
  reverse: boolean,
): Generator<Entry, void, undefined> {
  if (tree === undefined) return;
  const [first, second] = reverse ? [tree.right, tree.left] : [tree.left, tree.right];
  const goesBelow = tree.text >= gte;
  const goesAbove = tree.text < lt;
  if (reverse ? goesAbove : goesBelow) yield* entriesOf(first, gte, lt, reverse);
  if (goesBelow && goesAbove) yield tree.entry;
  if (reverse ? goesBelow : goesAbove) yield* entriesOf(second, gte, lt, reverse);
}

function leftmost(tree: TreeNode): TreeNode {
  let node = tree;
  while (node.left !== undefined) node = node.left;
  return node;
}

function heightOf(tree: OrderedTree): number {
  return tree?.height ?? 0;
}

function make(text: string, entry: Entry, left: OrderedTree, right: OrderedTree): TreeNode {
  return { text, entry, left, right, height: 1 + Math.max(heightOf(left), heightOf(right)) };
}

/** The node of `middle` over two sides whose heights differ by at most two. */
function balance(middle: TreeNode, left: OrderedTree, right: OrderedTree): TreeNode {
  const { text, entry } = middle;
  if (left !== undefined && left.height > heightOf(right) + 1) {
    const { left: outer, right: inner } = left;
    if (inner === undefined || heightOf(outer) >= inner.height)
      return make(left.text, left.entry, outer, make(text, entry, inner, right));
    return make(
      inner.text,
      inner.entry,
      make(left.text, left.entry, outer, inner.left),
      make(text, entry, inner.right, right),
    );
  }
  if (right !== undefined && right.height > heightOf(left) + 1) {
    const { left: inner, right: outer } = right;
    if (inner === undefined || heightOf(outer) >= inner.height)
      return make(right.text, right.entry, make(text, entry, left, inner), outer);
    return make(
      inner.text,
      inner.entry,
      make(text, entry, left, inner.left),
      make(right.text, right.entry, inner.right, outer),
    );
  }
  return make(text, entry, left, right);
}
