import { bytesEqual } from '../../protocol/bytes.js';
import { OgpuError } from '../../protocol/errors.js';
import { blockId } from '../../protocol/types/header.js';
import type { BlockRules } from '../chain/ledger.js';
import { compareBody, compareEntries, compareHashes, type Difference } from './compare.js';
import { findDamage, type Damage } from './damage.js';
import { compareResults, runBlock, compareWithHeader, type BlockRecord, type RunResult } from './diagnose.js';
import { recordedView, stateReads } from './recorder.js';

/** What a record of a block is worth here. */
export interface Recheck {
  /** Parts that do not belong together: body and header, the header of the parent and what the header or the state root before it says. */
  readonly untied: readonly Difference[];
  /** Entries that the record does not prove under its parent root: the machine it comes from had a damaged state, or it was altered. */
  readonly unproven: readonly Damage[];
  /** What this software makes of the block from the recorded entries alone. */
  readonly result: RunResult;
  /** What the record says against that. */
  readonly fromRecord: readonly Difference[];
  /** What the header says against that. */
  readonly fromHeader: readonly Difference[];
}

/** Executes a recorded block again, on nothing but what the record holds. */
export function recheck(record: BlockRecord, rules: BlockRules): Recheck {
  const view = recordedView(record.reads);
  const result = runBlock(view, record.block, rules);
  return {
    untied: compareTies(record),
    unproven: findDamage(view, record.parentRoot, stateReads(record.reads)),
    result,
    fromRecord: compareResults(record.result, result),
    fromHeader: compareWithHeader(record.block, result),
  };
}

function compareTies({ block, parent, parentRoot }: BlockRecord): Difference[] {
  if (parent === undefined) return compareBody(block);
  return [
    ...compareBody(block),
    ...compareHashes('header.parentId', block.header.parentId, blockId(parent)),
    ...compareHashes('state root before the block', parent.stateRoot, parentRoot),
  ];
}

/** Two records that are not of one block. */
export class RecordsError extends OgpuError<'RECORDS_OF_DIFFERENT_BLOCKS'> {}

/**
 * Every key and every receipt field in which two machines differ about one block.
 *
 * @throws RecordsError
 */
export function compareRecords(one: BlockRecord, other: BlockRecord): Difference[] {
  const [header, otherHeader] = [one.block.header, other.block.header];
  if (!bytesEqual(blockId(header), blockId(otherHeader)))
    throw new RecordsError('RECORDS_OF_DIFFERENT_BLOCKS', 'the records are of different blocks', {
      height: header.height,
      otherHeight: otherHeader.height,
    });
  return [
    ...compareEntries(stateReads(one.reads), stateReads(other.reads)),
    ...compareResults(one.result, other.result),
  ];
}
