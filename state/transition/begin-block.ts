import type { Log } from '../../protocol/types/receipt.js';
import { emitter } from '../modules/module.js';
import { stakingModule } from '../modules/staking.js';
import { takeDue, type DueItem } from '../queues/due.js';
import { punish } from '../staking/evidence.js';
import { countAbsence } from '../staking/liveness.js';
import { payEmission } from '../staking/rewards.js';
import { payUnbonding } from '../staking/unbonding.js';
import type { Overlay } from '../store/overlay.js';
import { DUE, MAX_DUE_PER_BLOCK } from '../system/due-kinds.js';
import { OgpuError } from '../../protocol/errors.js';
import type { BlockContext, Scope } from './block-context.js';
import type { BlockInput } from './block-input.js';

/**
 * What happens before the first transaction: rewards for the time that has passed, evidence, absence, what has fallen due.
 *
 * @param admit runs a piece of evidence, which may have no place in a block
 */
export function beginBlock(
  state: Overlay,
  block: BlockContext,
  { evidence, absent }: BlockInput,
  elapsedMs: number,
  admit: (index: number, run: () => void) => void,
): Log[] {
  const logs: Log[] = [];
  const scope: Scope = { state, block, emit: emitter(stakingModule, logs) };
  payEmission(scope, elapsedMs);
  for (const [index, offence] of evidence.entries()) {
    admit(index, () => {
      punish(scope, offence);
    });
  }
  countAbsence(scope, absent);
  for (const item of takeDue(state, block, MAX_DUE_PER_BLOCK)) runDue(scope, item);
  return logs;
}

/** An item of the queue that nobody put there: the state is damaged. */
export class DueError extends OgpuError<'DUE_KIND_UNKNOWN'> {}

function runDue(scope: Scope, { kind, subject }: DueItem): void {
  switch (kind) {
    case DUE.unbonding:
      payUnbonding(scope, subject);
      return;
    default:
      throw new DueError('DUE_KIND_UNKNOWN', `nothing of kind ${kind} falls due`, { kind });
  }
}
