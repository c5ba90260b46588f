import type { Log } from '../../protocol/types/receipt.js';
import { credit } from '../accounts/account.js';
import { addToPool } from '../accounts/pools.js';
import { FEE_EVENTS, feesModule } from '../modules/fees.js';
import { emitter } from '../modules/module.js';
import { stakingModule } from '../modules/staking.js';
import { changeEpoch, endsEpoch } from '../staking/epoch.js';
import { endEpochEmission } from '../staking/rewards.js';
import { validators } from '../staking/validator.js';
import type { Overlay } from '../store/overlay.js';
import type { BlockContext } from './block-context.js';

/**
 * What happens after the last transaction: fees are handed out, the base fees to the verifier pool, which pays for re-execution, the tips
 * to the proposer; and the epoch ends when its time is over.
 */
export function endBlock(
  state: Overlay,
  block: BlockContext,
  { baseWei, tipWei }: { readonly baseWei: bigint; readonly tipWei: bigint },
): Log[] {
  const logs: Log[] = [];
  addToPool(state, 'verifierPool', baseWei);
  credit(state, validators.read(state, block.proposer).payout, tipWei);
  const scope = { state, block, emit: emitter(stakingModule, logs) };
  if (endsEpoch(scope)) {
    emitter(feesModule, logs)(FEE_EVENTS.EmissionPaid, [BigInt(block.epoch), endEpochEmission(state)]);
    changeEpoch(scope);
  }
  return logs;
}
