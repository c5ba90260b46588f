import { compareBytes } from '../../protocol/bytes.js';
import { describeError } from '../../protocol/errors.js';
import type { Block } from '../../protocol/types/block.js';
import { blockId, type Header } from '../../protocol/types/header.js';
import { readHead } from '../chain/block-batch.js';
import { oldEntries, valueAt } from '../chain/history.js';
import { changedView, executeWholeBlock, type BlockRules, type ExecutedBlock } from '../chain/ledger.js';
import { readReceipts } from '../chain/receipts.js';
import { checkBlock } from '../invariants/check-block.js';
import { InvariantBroken } from '../invariants/errors.js';
import type { RecordedChange } from '../store/overlay.js';
import type { Store } from '../store/store.js';
import { chainRecord } from '../system/chain.js';
import {
  compareBody,
  compareChanges,
  compareCommitments,
  compareHashes,
  compareReadable,
  compareReceipts,
  type Difference,
} from './compare.js';
import { diagnose, failureOf, resultOf, type Diagnosis, type DiagnosisRequest } from './diagnose.js';
import {
  apply,
  assertReplayable,
  findStoredBlock,
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
  const recorded = recordedRoot(store, height - 1);
  const { executed, fromHeader, diagnosis } = executeAgain({
    view: before.state,
    parentRoot: recorded ?? before.root,
    parent: findStoredBlock(store, height - 1)?.header,
    block,
    rules: { ...rules, checkInvariants: false },
  });
  const differences = [
    ...placeOf(store, block, height),
    ...(recorded === undefined
      ? []
      : compareHashes(`state root before block ${height}`, recorded, before.root)),
    ...compareBody(block),
    ...fromHeader,
    ...(executed === undefined ? [] : await compareStored(store, height, executed)),
    ...(executed === undefined || rules.checkInvariants !== true
      ? []
      : brokenInvariant(before, executed.outcome.changes)),
  ];
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

function executeAgain(request: Omit<DiagnosisRequest, 'first'>): SecondExecution {
  const { view, block, rules } = request;
  let executed: ExecutedBlock;
  try {
    executed = executeWholeBlock(view, block, rules);
  } catch (error) {
    const diagnosis = diagnose({ ...request, first: failureOf(error) });
    return { executed: undefined, fromHeader: diagnosis.differences, diagnosis };
  }
  const fromHeader = compareCommitments(block.header, executed.commitments);
  const diagnosis = fromHeader.length > 0 ? diagnose({ ...request, first: resultOf(executed) }) : undefined;
  return { executed, fromHeader, diagnosis };
}

/** What execution came to against what was written for it. */
async function compareStored(
  store: Store,
  height: number,
  { outcome: { changes, receipts } }: ExecutedBlock,
): Promise<Difference[]> {
  const written = compareChanges(await writtenChanges(store, height), changes);
  const stored = await readReceipts(store, height);
  return stored === undefined ? written : [...written, ...compareReceipts(stored, receipts)];
}

/** What the stored block is not where it is said to be: another height, another parent, or not what the mark of the head names. */
function placeOf(store: Store, { header }: Block, height: number): Difference[] {
  const head = readHead(store);
  const parentId = parentIdOf(store, height, findStoredBlock(store, height - 1)?.header);
  return [
    ...compareReadable('header.height', height, header.height),
    ...(parentId === undefined ? [] : compareHashes('header.parentId', parentId, header.parentId)),
    ...(head?.height === height ? compareHashes('block id', head.id, blockId(header)) : []),
  ];
}

/** Of the block before; undefined where it was dropped. */
function parentIdOf(store: Store, height: number, parent: Header | undefined): Uint8Array | undefined {
  if (parent !== undefined) return blockId(parent);
  return height === 1 ? chainRecord.read(store).genesisId : undefined;
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
