import type { Log } from '../../protocol/types/receipt.js';
import { settle } from '../jobs/advancing.js';
import { keepBeacon } from '../jobs/beacons.js';
import { hearAll } from '../jobs/hearing.js';
import type { JobScope } from '../jobs/settling.js';
import { jobsModule } from '../modules/jobs.js';
import { emitter, type Module } from '../modules/module.js';
import { providersModule } from '../modules/providers.js';
import { stakingModule } from '../modules/staking.js';
import { sourcesModule } from '../modules/sources.js';
import { payWithdrawal } from '../providers/lockup.js';
import { takeDue, type DueItem } from '../queues/due.js';
import { punish } from '../staking/evidence.js';
import { countAbsence } from '../staking/liveness.js';
import { hearAttestations } from '../sources/hearing.js';
import { reviewSources } from '../sources/openness.js';
import { releaseSource } from '../sources/retiring.js';
import { payEmission } from '../staking/rewards.js';
import { payUnbonding } from '../staking/unbonding.js';
import type { Overlay } from '../store/overlay.js';
import { DUE, MAX_DUE_PER_BLOCK } from '../system/due-kinds.js';
import { OgpuError } from '../../protocol/errors.js';
import type { BlockContext, Scope } from './block-context.js';
import type { BlockInput } from './block-input.js';

/** The block before, as far as this one depends on it. */
export interface ParentBlock {
  readonly timeMs: number;
  /** The chain's randomness after it. */
  readonly beacon: Uint8Array;
}

/**
 * What happens before the first transaction: rewards for the time that has passed, evidence, absence, what validators have said with their
 * votes, what has fallen due, and sources whose verifiers may have changed.
 *
 * @param admit runs a piece of evidence, which may have no place in a block
 */
export function beginBlock(
  state: Overlay,
  block: BlockContext,
  { evidence, absent, said }: BlockInput,
  parent: ParentBlock,
  admit: (index: number, run: () => void) => void,
): Log[] {
  const logs: Log[] = [];
  const scopeOf = (module: Module): Scope => ({ state, block, emit: emitter(module, logs) });
  const scope = scopeOf(stakingModule);
  payEmission(scope, block.timeMs - parent.timeMs);
  keepBeacon(state, block.height - 1, parent.beacon);
  for (const [index, offence] of evidence.entries()) {
    admit(index, () => {
      punish(scope, offence);
    });
  }
  countAbsence(scope, absent);
  hearAll(jobScope(scopeOf), said);
  hearAttestations(scopeOf(sourcesModule), said);
  for (const item of takeDue(state, block, MAX_DUE_PER_BLOCK)) runDue(scopeOf, item);
  reviewSources(scopeOf(sourcesModule));
  return logs;
}

function jobScope(scopeOf: (module: Module) => Scope): JobScope {
  return { ...scopeOf(jobsModule), emitStaking: scopeOf(stakingModule).emit };
}

/** An item of the queue that nobody put there: the state is damaged. */
export class DueError extends OgpuError<'DUE_KIND_UNKNOWN'> {}

/** @param scopeOf where the code of a module runs */
function runDue(scopeOf: (module: Module) => Scope, { kind, subject }: DueItem): void {
  switch (kind) {
    case DUE.unbonding:
      payUnbonding(scopeOf(stakingModule), subject);
      return;
    case DUE.withdrawal:
      payWithdrawal(scopeOf(providersModule), subject);
      return;
    case DUE.sourceBond:
      releaseSource(scopeOf(sourcesModule), subject);
      return;
    case DUE.job:
      settle(jobScope(scopeOf), subject);
      return;
    default:
      throw new DueError('DUE_KIND_UNKNOWN', `nothing of kind ${kind} falls due`, { kind });
  }
}
