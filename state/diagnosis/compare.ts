import { bytesEqual, compareBytes, toHex } from '../../protocol/bytes.js';
import { keccak256 } from '../../protocol/crypto/hash.js';
import type { Block } from '../../protocol/types/block.js';
import { bodyRoots } from '../../protocol/types/body.js';
import { blockReceiptsCodec, type BlockReceipts } from '../../protocol/types/receipt.js';
import type { Commitments } from '../chain/ledger.js';
import { differingFields } from '../chain/ledger.js';
import type { RecordedChange } from '../store/overlay.js';
import type { Change } from '../store/store.js';
import { describeKey, describeValue, readable, type Readable } from './describe.js';

/** One place where two accounts of a block part. Null is absence. */
export interface Difference {
  /** A state key and what of it, a place in the receipts, or a field of the header. */
  readonly where: string;
  readonly expected: Readable;
  readonly got: Readable;
}

/** What of a block can be compared. */
export interface BlockEffects {
  readonly changes: readonly RecordedChange[];
  readonly receipts: BlockReceipts;
}

/** Every key and every receipt field in which two executions of a block differ. */
export function compareEffects(expected: BlockEffects, got: BlockEffects): Difference[] {
  return [
    ...compareChanges(expected.changes, got.changes),
    ...compareReceipts(expected.receipts, got.receipts),
  ];
}

/** Both in key order. What only one of them changes is null, with a note, in the other. */
export function compareChanges(
  expected: readonly RecordedChange[],
  got: readonly RecordedChange[],
): Difference[] {
  return pairs(expected, got).flatMap(([one, other]) => {
    const { key } = one ?? other;
    const at = describeKey(key);
    if (one === undefined || other === undefined)
      return [{ where: `${at} (changed)`, expected: changeText(one), got: changeText(other) }];
    return [
      ...compareValues(`${at} (before)`, key, one.old, other.old),
      ...compareValues(`${at} (after)`, key, one.value, other.value),
    ];
  });
}

/** Both in key order; of entries that only one side has nothing is said. */
export function compareEntries(expected: readonly Change[], got: readonly Change[]): Difference[] {
  return pairs(expected, got).flatMap(([one, other]) => {
    if (one === undefined || other === undefined) return [];
    return compareValues(`${describeKey(one.key)} (read)`, one.key, one.value, other.value);
  });
}

export function compareReceipts(expected: BlockReceipts, got: BlockReceipts): Difference[] {
  if (bytesEqual(blockReceiptsCodec.root(expected), blockReceiptsCodec.root(got))) return [];
  return compareReadable('receipts', readable(expected), readable(got));
}

export function compareCommitments(header: Commitments, computed: Commitments): Difference[] {
  return differingFields(header, computed).map((difference) => ({
    where: `header.${difference.field}`,
    expected: difference.header,
    got: difference.computed,
  }));
}

/** What a header says of its body, against the body. */
export function compareBody({ header, body }: Block): Difference[] {
  const roots = bodyRoots(body, body.transactions.map(keccak256));
  return [
    ...compareHashes('header.transactionsRoot', header.transactionsRoot, roots.transactionsRoot),
    ...compareHashes('header.evidenceRoot', header.evidenceRoot, roots.evidenceRoot),
    ...compareHashes('header.parentCommitRoot', header.parentCommitRoot, roots.parentCommitRoot),
    ...compareHashes('header.extensionsRoot', header.extensionsRoot, roots.extensionsRoot),
  ];
}

/** Two hashes that must be equal. */
export function compareHashes(where: string, expected: Uint8Array, got: Uint8Array): Difference[] {
  return compareReadable(where, toHex(expected), toHex(got));
}

/** Every leaf in which two values differ. */
export function compareReadable(where: string, expected: Readable, got: Readable): Difference[] {
  if (Object.is(expected, got)) return [];
  if (!isObject(expected) || !isObject(got) || Array.isArray(expected) !== Array.isArray(got))
    return [{ where, expected, got }];
  const isList = Array.isArray(expected);
  const [one, other] = [new Map(Object.entries(expected)), new Map(Object.entries(got))];
  return [...new Set([...one.keys(), ...other.keys()])].flatMap((name) =>
    compareReadable(
      isList ? `${where}[${name}]` : `${where}.${name}`,
      one.get(name) ?? null,
      other.get(name) ?? null,
    ),
  );
}

function compareValues(
  where: string,
  key: Uint8Array,
  expected: Uint8Array | undefined,
  got: Uint8Array | undefined,
): Difference[] {
  if (expected === got || (expected && got && bytesEqual(expected, got))) return [];
  return [{ where, expected: describeValue(key, expected), got: describeValue(key, got) }];
}

function changeText(change: RecordedChange | undefined): Readable {
  if (change === undefined) return 'not changed';
  return { before: describeValue(change.key, change.old), after: describeValue(change.key, change.value) };
}

type Pair<Item> = readonly [Item, Item] | readonly [Item, undefined] | readonly [undefined, Item];

/** Two lists in key order as one, by key. */
function pairs<Item extends { readonly key: Uint8Array }>(
  left: readonly Item[],
  right: readonly Item[],
): Pair<Item>[] {
  const merged: Pair<Item>[] = [];
  let [i, j] = [0, 0];
  for (;;) {
    const [one, other] = [left[i], right[j]];
    if (one === undefined && other === undefined) return merged;
    const order = one === undefined ? 1 : other === undefined ? -1 : compareBytes(one.key, other.key);
    if (one !== undefined && other !== undefined && order === 0) merged.push([one, other]);
    else if (one !== undefined && order < 0) merged.push([one, undefined]);
    else if (other !== undefined) merged.push([undefined, other]);
    if (order <= 0) i++;
    if (order >= 0) j++;
  }
}

function isObject(value: Readable): value is readonly Readable[] | { readonly [name: string]: Readable } {
  return typeof value === 'object' && value !== null;
}
