import { bytesEqual, compareBytes, toHex } from '../../protocol/bytes.js';
import { describeError } from '../../protocol/errors.js';
import type { Block } from '../../protocol/types/block.js';
import { blockId } from '../../protocol/types/header.js';
import { readHead } from '../chain/block-batch.js';
import { oldEntries, valueAt } from '../chain/history.js';
import { changedView, executeWholeBlock, type BlockRules, type ExecutedBlock } from '../chain/ledger.js';
import { readReceipts } from '../chain/receipts.js';
import { checkBlock } from '../invariants/check-block.js';
import { InvariantBroken } from '../invariants/errors.js';
import type { RecordedChange } from '../store/overlay.js';
import type { Store } from '../store/store.js';
import { compareChanges, compareCommitments, compareReceipts, type Difference } from './compare.js';
import { diagnose, resultOf, runBlock, type Diagnosis } from './diagnose.js';
import {
  apply,
  assertReplayable,
  readStoredBlock,
  recordedRoot,
  ReplayError,
  rewindBefore,
  type RewoundState,
} from './rewind.js';

/** Where a difference lies that is no difference from the header or the store, but from what must always hold. */
export const INVARIANTS = 'invariants';

/** A block that was executed again. */
export interface ReplayedBlock {
  readonly height: number;
  readonly id: Uint8Array;
  readonly transactions: number;
  readonly changes: number;
  /** What the store and the header say (`expected`) against what the replay came to (`got`); empty when all agrees. */
  readonly differences: readonly Difference[];
  /** Where the block does not come to what its header says: why. */
  readonly diagnosis: Diagnosis | undefined;
}

export interface ReplayRange {
  readonly from: number;
  /** Included. */
  readonly to: number;
}

/**
 * Executes blocks of a store again, each on the state before it as history has it, and compares everything: changes with what was
 * written, receipts with those stored, roots and the rest with the header. Nothing is written. Ends with the first block that differs.
 *
 * @throws ReplayError for a height that cannot be replayed; StoreError and TreeError for a damaged store
 */
export async function* replay(
  store: Store,
  { from, to }: ReplayRange,
  rules: BlockRules,
): AsyncGenerator<ReplayedBlock, void, undefined> {
  if (to < from)
    throw new ReplayError('REPLAY_RANGE_REVERSED', 'the range ends before it begins', { from, to });
  assertReplayable(store, from);
  assertReplayable(store, to);
  const before = await rewindBefore(store, from);
  let { root } = before;
  for (let height = from; height <= to; height++) {
    const { replayed, executed } = await replayOne(store, height, { ...before, root }, rules);
    yield replayed;
    if (executed === undefined || replayed.differences.length > 0) return;
    apply(before.state, executed.outcome.changes);
    apply(before.state, executed.treeNodes);
    root = executed.commitments.stateRoot;
  }
}

async function replayOne(
  store: Store,
  height: number,
  before: RewoundState,
  rules: BlockRules,
): Promise<{ replayed: ReplayedBlock; executed: ExecutedBlock | undefined }> {
  const block = readStoredBlock(store, height);
  const { executed, fromHeader, diagnosis } = executeAgain(
    block,
    before,
    { ...rules, checkInvariants: false },
    recordedRoot(store, height - 1),
  );
  const differences = [
    ...placeOf(store, block, height),
    ...parentRoot(store, height, before.root),
    ...fromHeader,
  ];
  if (executed !== undefined) {
    const { changes, receipts } = executed.outcome;
    if (rules.checkInvariants === true) differences.push(...brokenInvariant(before, changes));
    differences.push(...compareChanges(await writtenChanges(store, height), changes));
    const stored = await readReceipts(store, height);
    if (stored !== undefined) differences.push(...compareReceipts(stored, receipts));
  }
  const id = blockId(block.header);
  const counts = {
    transactions: block.body.transactions.length,
    changes: executed?.outcome.changes.length ?? 0,
  };
  return { replayed: { height, id, ...counts, differences, diagnosis }, executed };
}

interface SecondExecution {
  readonly executed: ExecutedBlock | undefined;
  readonly fromHeader: readonly Difference[];
  readonly diagnosis: Diagnosis | undefined;
}

function executeAgain(
  block: Block,
  { state, root }: RewoundState,
  rules: BlockRules,
  parent: Uint8Array | undefined,
): SecondExecution {
  const request = { view: state, parentRoot: parent ?? root, block, rules };
  let executed: ExecutedBlock;
  try {
    executed = executeWholeBlock(state, block, rules);
  } catch (error) {
    // What is no error of this project is thrown again here.
    const first = runBlock(state, block, rules);
    if (first.failure === undefined) throw error;
    const diagnosis = diagnose({ ...request, first });
    return { executed: undefined, fromHeader: diagnosis.differences, diagnosis };
  }
  const fromHeader = compareCommitments(block.header, executed.commitments);
  const diagnosis = fromHeader.length > 0 ? diagnose({ ...request, first: resultOf(executed) }) : undefined;
  return { executed, fromHeader, diagnosis };
}

/** What the stored block is not where it is said to be: another height, or not what the mark of the head names. */
function placeOf(store: Store, { header }: Block, height: number): Difference[] {
  const differences: Difference[] = [];
  if (header.height !== height)
    differences.push({ where: 'header.height', expected: height, got: header.height });
  const head = readHead(store);
  const id = blockId(header);
  if (head?.height === height && !bytesEqual(head.id, id))
    differences.push({ where: 'block id', expected: toHex(head.id), got: toHex(id) });
  return differences;
}

/** The rewound state against the root that the header of the block before has. */
function parentRoot(store: Store, height: number, root: Uint8Array): Difference[] {
  const recorded = recordedRoot(store, height - 1);
  if (recorded === undefined || bytesEqual(recorded, root)) return [];
  return [{ where: `state root before block ${height}`, expected: toHex(recorded), got: toHex(root) }];
}

/** A block that agrees with its header and breaks one is what everybody has executed: it is told as a difference of its own. */
function brokenInvariant({ state }: RewoundState, changes: readonly RecordedChange[]): Difference[] {
  try {
    checkBlock(changedView(state, changes), changes);
    return [];
  } catch (error) {
    if (!(error instanceof InvariantBroken)) throw error;
    return [{ where: INVARIANTS, expected: 'hold', got: describeError(error) }];
  }
}

/** What block `height` wrote into the state, by history. In key order. */
async function writtenChanges(store: Store, height: number): Promise<RecordedChange[]> {
  const written: RecordedChange[] = [];
  for (const { key, value: old } of await oldEntries(store, height)) {
    written.push({ key, old, value: await valueAt(store, key, height) });
  }
  return written.sort((a, b) => compareBytes(a.key, b.key));
}
