import { createHash } from 'node:crypto';

/**
 * The state tree straight from docs/spec/state-tree.md: sets of leaves split bit by bit, one hash at a time. An oracle for the real one. Key hashes and value hashes are hex without prefix.
 */
export type NaiveState = ReadonlyMap<string, string>;

type Entry = readonly [keyHash: string, valueHash: string];

const ZERO = '00'.repeat(32);

export function naiveRoot(state: NaiveState): string {
  return rootOf(entriesOf(state), '', new Map());
}

/** Every node that must be stored, by path in hex digits. */
export function naiveNodes(state: NaiveState): Map<string, string> {
  const nodes = new Map<string, string>();
  const known = new Map<string, string>();
  const visit = (path: string, under: readonly Entry[]): void => {
    if (under.length < (path === '' ? 1 : 2)) return;
    const slots = Array.from('0123456789abcdef', (digit) => {
      const child = under.filter(([keyHash]) => keyHash.startsWith(path + digit));
      visit(path + digit, child);
      return child;
    });
    const mask = (wanted: (child: readonly Entry[]) => boolean): string =>
      slots
        .reduce((bits, child, slot) => bits + (wanted(child) ? 2 ** slot : 0), 0)
        .toString(16)
        .padStart(4, '0');
    const children = slots.map((child, slot) =>
      child.length > 1
        ? rootOf(child, bits(path + slot.toString(16)), known)
        : child.map((leaf) => leaf.join('') + leafHash(leaf)).join(''),
    );
    nodes.set(path, mask((c) => c.length === 1) + mask((c) => c.length > 1) + children.join(''));
  };
  visit('', entriesOf(state));
  return nodes;
}

/** The proof for [from, to], and what it covers. */
export function naiveRangeProof(
  state: NaiveState,
  from: string,
  to: string,
): { items: Entry[]; proof: string } {
  const known = new Map<string, string>();
  const inside = ([keyHash]: Entry): boolean => keyHash >= from && keyHash <= to;
  const prove = (path: string, under: readonly Entry[]): string => {
    const [first] = under;
    if (first === undefined) return '00';
    if (under.length === 1) return inside(first) ? '02' : `01${first.join('')}`;
    let outside = '';
    let below = '';
    for (const bit of '01') {
      const child = path + bit;
      const leaves = under.filter(([keyHash]) => bits(keyHash).startsWith(child));
      if (bits(from).startsWith(child) || bits(to).startsWith(child)) below += prove(child, leaves);
      else if (child < bits(from).slice(0, child.length) || child > bits(to).slice(0, child.length)) {
        outside += rootOf(leaves, child, known);
      }
    }
    return `03${outside}${below}`;
  };
  const entries = entriesOf(state);
  return { items: entries.filter(inside), proof: prove('', entries) };
}

/** Root of the leaves whose path begins with `path` (binary digits): all of `entries`. `known` holds what was computed before. */
function rootOf(entries: readonly Entry[], path: string, known: Map<string, string>): string {
  const [first] = entries;
  if (first === undefined) return ZERO;
  if (entries.length === 1) return leafHash(first);
  const before = known.get(path);
  if (before !== undefined) return before;
  const half = (bit: string): string =>
    rootOf(
      entries.filter(([keyHash]) => bits(keyHash)[path.length] === bit),
      path + bit,
      known,
    );
  const root = sha256(half('0') + half('1'));
  known.set(path, root);
  return root;
}

function leafHash([keyHash, valueHash]: Entry): string {
  return sha256(`00${keyHash}${valueHash}`);
}

function sha256(preimage: string): string {
  return createHash('sha256').update(Buffer.from(preimage, 'hex')).digest('hex');
}

function entriesOf(state: NaiveState): Entry[] {
  return [...state].sort(([a], [b]) => (a < b ? -1 : 1));
}

const BITS = new Map<string, string>();

function bits(hex: string): string {
  const cached = BITS.get(hex);
  if (cached !== undefined) return cached;
  const digits = Array.from(hex, (digit) => parseInt(digit, 16).toString(2).padStart(4, '0')).join('');
  BITS.set(hex, digits);
  return digits;
}
