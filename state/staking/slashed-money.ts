import type { Address } from '../../protocol/address.js';
import { invariant } from '../../protocol/invariant.js';
import { credit } from '../accounts/account.js';
import { addToPool } from '../accounts/pools.js';
import type { Scope } from '../transition/block-context.js';
import { EVENTS } from './abi.js';

/** Who a slash is owed to, before the verifier pool takes the rest. */
export interface SlashClaims {
  /** Who was harmed and by how much. */
  readonly harmed?: { readonly address: Address; readonly lossWei: bigint };
  /** Who brought the proof. */
  readonly finder?: Address;
}

/** Where slashed money goes: to the harmed party, then a share to the finder, then to the verifier pool. Nothing is burned. */
export function routeSlashed(scope: Scope, amountWei: bigint, claims: SlashClaims | undefined): void {
  invariant(amountWei >= 0n, 'slashed money is not negative');
  const { harmed, finder } = claims ?? {};
  let leftWei = amountWei;
  const pay = (recipient: Address, wei: bigint): void => {
    if (wei === 0n) return;
    leftWei -= wei;
    credit(scope.state, recipient, wei);
    scope.emit(EVENTS.SlashRouted, [recipient, wei]);
  };
  if (harmed !== undefined) pay(harmed.address, harmed.lossWei < leftWei ? harmed.lossWei : leftWei);
  if (finder !== undefined) {
    pay(finder, (leftWei * BigInt(scope.block.params.staking.finderRewardBps)) / 10_000n);
  }
  addToPool(scope.state, 'verifierPool', leftWei);
}
