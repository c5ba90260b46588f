import type { Address } from '../../protocol/address.js';
import { toHex } from '../../protocol/bytes.js';
import { invariant } from '../../protocol/invariant.js';
import type { Scope } from '../transition/block-context.js';
import { EVENTS } from './abi.js';
import { forgetAbsence } from './absence.js';
import { changeNextValidators, nextValidators } from './active-set.js';
import { MAX_KEPT_EPOCHS } from './epoch-record.js';
import { leaveSeat, settleSeat } from './rewards.js';
import { routeSlashed } from './slashed-money.js';
import { slash } from './stake-pool.js';
import { writeValidator } from './standing.js';
import { slashUnbonding } from './unbonding.js';
import { isActive, isTombstoned, validators, type Validator } from './validator.js';

/** Why stake was slashed; the numbers are part of the logs. */
export const SLASH_REASON = { equivocation: 1, downtime: 2, audit: 3 } as const;

/**
 * Punishes a validator that has contradicted itself at a height of `epoch`: it loses a share of its pool and of everything that has left it
 * since that epoch began, and never returns. Stake that was moved to other validators has liens. Once only.
 *
 * Takes time in proportion to the epochs since, not to delegators.
 */
export function tombstone(
  scope: Scope,
  id: Address,
  offence: { readonly epoch: number; readonly height: number },
  finder: Address | undefined,
): void {
  const { equivocationSlashBps } = scope.block.params.staking;
  const validator = settleSeat(scope, id, validators.read(scope.state, id));
  invariant(!isTombstoned(validator), 'a validator is tombstoned once');
  const { slashed, takenWei } = slashStake(scope, id, validator, offence.epoch, equivocationSlashBps);
  const marked: Validator = {
    ...slashed,
    tombstone: [{ epoch: offence.epoch, slashBps: equivocationSlashBps }],
  };
  writeValidator(scope, id, marked);
  leaveActiveSet(scope, [id]);
  scope.emit(EVENTS.Slashed, [id, BigInt(SLASH_REASON.equivocation), BigInt(offence.epoch), takenWei]);
  scope.emit(EVENTS.Tombstoned, [id, BigInt(offence.height)]);
  routeSlashed(scope, takenWei, finder && { finder });
}

/**
 * Punishes absence since `fromEpoch`: a small share of the pool and of what has left it since then, so that undelegating for a while saves
 * nothing; and jail, from which the operator can bring the validator back. Who is jailed has to leave the active set by
 * `leaveActiveSet`, all of a block together.
 */
export function jailForDowntime(scope: Scope, id: Address, fromEpoch: number, missedBlocks: number): void {
  const { state, block } = scope;
  const { downtimeSlashBps, jailMs } = block.params.staking;
  const validator = settleSeat(scope, id, validators.read(state, id));
  const { slashed, takenWei } = slashStake(scope, id, validator, fromEpoch, downtimeSlashBps);
  const jailedUntilMs = block.timeMs + jailMs;
  writeValidator(scope, id, { ...slashed, jailedUntilMs });
  scope.emit(EVENTS.Jailed, [id, BigInt(jailedUntilMs), BigInt(missedBlocks)]);
  scope.emit(EVENTS.Slashed, [id, BigInt(SLASH_REASON.downtime), BigInt(block.epoch), takenWei]);
  routeSlashed(scope, takenWei, undefined);
}

/** Takes a share of the pool, and of all that has left it from `fromEpoch` on. The validator is not stored. */
function slashStake(
  { state, block }: Scope,
  id: Address,
  validator: Validator,
  fromEpoch: number,
  slashBps: number,
): { slashed: Validator; takenWei: bigint } {
  invariant(block.epoch - fromEpoch <= MAX_KEPT_EPOCHS, 'a slash visits few epochs');
  const fromPoolWei = (validator.pool.tokensWei * BigInt(slashBps)) / 10_000n;
  let takenWei = fromPoolWei;
  for (let epoch = fromEpoch; epoch <= block.epoch; epoch++) {
    takenWei += slashUnbonding(state, id, epoch, slashBps);
  }
  return { slashed: { ...validator, pool: slash(validator.pool, fromPoolWei) }, takenWei };
}

/**
 * Takes those of `ids` that are active out of the set from the next height on; their seats are settled. The last member stays: a chain
 * without validators could never get one again. The set is long, so it is changed once for all of them.
 */
export function leaveActiveSet({ state, block }: Omit<Scope, 'emit'>, ids: readonly Address[]): void {
  const active = ids.filter((id) => isActive(validators.read(state, id)));
  const leaving = active.length < nextValidators(state).length ? active : active.slice(0, -1);
  if (leaving.length === 0) return;
  const names = new Set(leaving.map(toHex));
  changeNextValidators(state, block.height, (set) => set.filter((member) => !names.has(toHex(member.id))));
  for (const id of leaving) {
    forgetAbsence(state, id);
    validators.write(state, leaveSeat(state, validators.read(state, id)), id);
  }
}
