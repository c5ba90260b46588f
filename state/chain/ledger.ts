import { toHex } from '../../protocol/bytes.js';
import { OgpuError } from '../../protocol/errors.js';
import type { Block } from '../../protocol/types/block.js';
import type { Header } from '../../protocol/types/header.js';
import { validatorSetCodec } from '../../protocol/types/validators.js';
import { checkBlock } from '../invariants/check-block.js';
import type { ModuleTable } from '../modules/index.js';
import { nextValidators } from '../staking/active-set.js';
import { keyText } from '../store/key-text.js';
import type { Change, Reader } from '../store/store.js';
import type { BlockInput } from '../transition/block-input.js';
import { transition, type BlockOutcome } from '../transition/transition.js';
import { readBlock, type RecoverSender } from './block-reading.js';
import { updateStateRoot } from './state-root.js';

/** The header fields that follow from execution. */
export type Commitments = Pick<Header, (typeof COMMITMENTS)[number]>;

export const COMMITMENTS = [
  'gasUsed',
  'gasLimit',
  'baseFeeWei',
  'receiptsRoot',
  'logsBloom',
  'validatorsHash',
  'nextValidatorsHash',
  'stateRoot',
] as const satisfies readonly (keyof Header)[];

/** All that executing a block gives, tree nodes included, so that a block is never executed twice. Nothing of it is written yet. */
export interface ExecutedBlock {
  readonly outcome: BlockOutcome;
  /** From `updateStateRoot` of the changes: to be written with them. */
  readonly treeNodes: readonly Change[];
  /** What the header of this block must say. */
  readonly commitments: Commitments;
}

/** By what rules blocks are executed. */
export interface ExecutionOptions {
  readonly modules?: ModuleTable;
  /** Runs `checkBlock` after execution. */
  readonly checkInvariants?: boolean;
}

/**
 * Executes a block on the state and the tree that `view` shows: a store, or an overlay on one.
 *
 * @throws BlockInvalidError when it may not follow this state; InvariantBroken when asked to check; TreeError for a damaged tree
 */
export function executeBlock(
  view: Reader,
  input: BlockInput,
  { modules, checkInvariants = false }: ExecutionOptions = {},
): ExecutedBlock {
  const outcome = transition(view, input, modules);
  if (checkInvariants) checkBlock(changedView(view, outcome.changes), outcome.changes);
  const { root, nodes } = updateStateRoot(view, outcome.changes);
  const { gasUsed, gasLimit, baseFeeWei, receiptsRoot, logsBloom } = outcome;
  const commitments: Commitments = {
    ...{ gasUsed, gasLimit, baseFeeWei, receiptsRoot, logsBloom },
    validatorsHash: validatorSetCodec.root(nextValidators(view)),
    nextValidatorsHash: validatorSetCodec.root(outcome.nextValidators),
    stateRoot: root,
  };
  return { outcome, treeNodes: nodes, commitments };
}

export interface BlockRules extends ExecutionOptions {
  readonly recover: RecoverSender;
}

/** As `executeBlock`, of a whole block. Throws also as `readBlock` does. */
export function executeWholeBlock(view: Reader, block: Block, rules: BlockRules): ExecutedBlock {
  return executeBlock(view, readBlock(view, block, rules.recover).input, rules);
}

/** A header that does not say what its block comes to here; `fields` of the data has every field with both values. */
export class BlockOutcomeError extends OgpuError<'BLOCK_OUTCOME_MISMATCH'> {}

/** A field of a header against what was computed, as text: hex or decimal. */
export interface FieldDifference {
  readonly field: keyof Commitments;
  readonly header: string;
  readonly computed: string;
}

/** @throws BlockOutcomeError BLOCK_OUTCOME_MISMATCH */
export function assertOutcome(header: Header, computed: Commitments): void {
  const fields = differingFields(header, computed);
  if (fields.length === 0) return;
  const { height } = header;
  const names = fields.map(({ field }) => field).join(', ');
  throw new BlockOutcomeError('BLOCK_OUTCOME_MISMATCH', `block ${height} differs from its header: ${names}`, {
    height,
    fields,
  });
}

export function differingFields(header: Commitments, computed: Commitments): FieldDifference[] {
  return COMMITMENTS.flatMap((field) => {
    const [said, is] = [text(header[field]), text(computed[field])];
    return said === is ? [] : [{ field, header: said, computed: is }];
  });
}

function text(value: number | bigint | Uint8Array): string {
  return value instanceof Uint8Array ? toHex(value) : value.toString();
}

/** What `view` shows after `changes`. */
export function changedView(view: Reader, changes: readonly Change[]): Reader {
  const changed = new Map(changes.map(({ key, value }) => [keyText(key), value]));
  return {
    get: (key) => {
      const found = keyText(key);
      return changed.has(found) ? changed.get(found) : view.get(key);
    },
  };
}
