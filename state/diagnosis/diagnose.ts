import { describeError, OgpuError } from '../../protocol/errors.js';
import type { Block } from '../../protocol/types/block.js';
import type { Header } from '../../protocol/types/header.js';
import type { BlockReceipts } from '../../protocol/types/receipt.js';
import { executeWholeBlock, type BlockRules, type Commitments, type ExecutedBlock } from '../chain/ledger.js';
import { treeNodes } from '../chain/state-root.js';
import { StoreError } from '../store/errors.js';
import type { RecordedChange } from '../store/overlay.js';
import type { Change, Reader } from '../store/store.js';
import { hashKey } from '../tree/leaf.js';
import { proveKey } from '../tree/prove.js';
import { compareCommitments, compareEffects, compareReadable, type Difference } from './compare.js';
import { findDamage, type Damage } from './damage.js';
import { ReadRecorder, stateReads } from './recorder.js';

/**
 * Why a block comes to something else here than its header says:
 *
 * - `nondeterministic`: two runs on the same state differ, so execution depends on something else: a bug, or broken memory
 * - `damaged`: an entry that the block read is not what the state root before it commits to: the disk, or who wrote to it
 * - `other-rules`: neither; whoever made the block executed by other rules, or on another state
 * - `reproduced`: the block comes to what its header says
 */
export type Verdict = 'nondeterministic' | 'damaged' | 'other-rules' | 'reproduced';

export interface Diagnosis {
  readonly verdict: Verdict;
  /** What follows from the header, or, where it is nondeterministic, what the first run gave, against the second run. */
  readonly differences: readonly Difference[];
  readonly damage: readonly Damage[];
  readonly record: BlockRecord;
}

/** Everything that one execution of a block depended on and led to: enough to do it again without a store. */
export interface BlockRecord {
  readonly block: Block;
  /** Of the block before, where it is stored: ties the state root to the chain. The genesis has none. */
  readonly parent: Header | undefined;
  /** State root before the block. */
  readonly parentRoot: Uint8Array;
  /** State entries that were read, and the tree nodes that prove them under the parent root. In key order. */
  readonly reads: readonly Change[];
  readonly result: RunResult;
}

/** What executing a block came to; `failure` is the code and message of what was thrown. */
export type RunResult =
  | { readonly failure: string }
  | {
      readonly failure?: undefined;
      readonly changes: readonly RecordedChange[];
      readonly receipts: BlockReceipts;
      readonly commitments: Commitments;
    };

export interface DiagnosisRequest {
  /** State and tree before the block. */
  readonly view: Reader;
  readonly parentRoot: Uint8Array;
  readonly parent: Header | undefined;
  readonly block: Block;
  readonly rules: BlockRules;
  /** What the first run came to. */
  readonly first: RunResult;
}

/** Runs a block once more, watching all it reads, to find out why it does not come to what its header says. */
export function diagnose({ view, parentRoot, parent, block, rules, first }: DiagnosisRequest): Diagnosis {
  const recorder = new ReadRecorder(view);
  const second = runBlock(recorder, block, rules);
  const entries = stateReads(recorder.reads());
  const damage = findDamage(view, parentRoot, entries);
  recordProofs(recorder, entries);
  const record: BlockRecord = { block, parent, parentRoot, reads: recorder.reads(), result: second };
  const unequal = compareResults(first, second);
  if (unequal.length > 0) return { verdict: 'nondeterministic', differences: unequal, damage, record };
  const differences = compareWithHeader(block, second);
  if (damage.length > 0) return { verdict: 'damaged', differences, damage, record };
  const verdict = differences.length > 0 ? 'other-rules' : 'reproduced';
  return { verdict, differences, damage, record };
}

/**
 * Executes a block; what it throws is a result too.
 *
 * @throws StoreError when the store cannot be read, which says nothing of the block; and what is no OgpuError, which is a bug
 */
export function runBlock(view: Reader, block: Block, rules: BlockRules): RunResult {
  try {
    return resultOf(executeWholeBlock(view, block, rules));
  } catch (error) {
    return failureOf(error);
  }
}

/** What was thrown by the execution of a block, as its result. Throws it again as `runBlock` does. */
export function failureOf(error: unknown): RunResult & { readonly failure: string } {
  if (!(error instanceof OgpuError) || (error instanceof StoreError && UNREADABLE.has(error.code)))
    throw error;
  return { failure: describeError(error) };
}

const UNREADABLE: ReadonlySet<StoreError['code']> = new Set([
  'STORE_CLOSED',
  'STORE_CORRUPT',
  'STORE_READ_FAILED',
]);

export function resultOf({ outcome, commitments }: ExecutedBlock): RunResult {
  return { changes: outcome.changes, receipts: outcome.receipts, commitments };
}

export function compareResults(expected: RunResult, got: RunResult): Difference[] {
  if (expected.failure === undefined && got.failure === undefined) {
    const effects = compareEffects(expected, got);
    return [...effects, ...compareCommitments(expected.commitments, got.commitments)];
  }
  return compareReadable('execution', expected.failure ?? 'succeeds', got.failure ?? 'succeeds');
}

/** What a header says against what its block came to. */
export function compareWithHeader({ header }: Block, result: RunResult): Difference[] {
  if (result.failure !== undefined)
    return [{ where: 'execution', expected: 'succeeds', got: result.failure }];
  return compareCommitments(header, result.commitments);
}

/** Reads what proves the entries, so that it is recorded. A damaged tree is what `findDamage` has told of. */
function recordProofs(recorder: ReadRecorder, entries: readonly Change[]): void {
  for (const { key } of entries) {
    try {
      proveKey(treeNodes(recorder), hashKey(key));
    } catch (error) {
      if (!(error instanceof OgpuError)) throw error;
    }
  }
}
