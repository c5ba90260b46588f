import { invariant } from '../../protocol/invariant.js';
import type { Attempt } from '../../consensus/verification/attempt.js';
import type { Payment, Recipient } from '../../consensus/verification/payment.js';
import { credit } from '../accounts/account.js';
import { addToPool } from '../accounts/pools.js';
import { creditPayout, returnBond, takeBond } from '../providers/bonds.js';
import { fineVerifier, payVerifier } from '../staking/verifying.js';
import type { Job } from './job.js';
import type { JobScope } from './scope.js';

/**
 * Carries out what an attempt's rules say about money: out of the job's escrow, the provider's bond and the stake of validators, to whom it
 * is due. Where a stake is less than what it owes, who is paid last from it gets less.
 *
 * @returns the job with what is left of its escrow
 */
export function payOut(scope: JobScope, job: Job, { terms }: Attempt, payments: readonly Payment[]): Job {
  let { escrowWei } = job;
  for (const { from, to, wei } of payments) {
    if (from === 'escrow') {
      invariant(wei <= escrowWei, 'an escrow pays what it has');
      escrowWei -= wei;
      deliver(scope, job, terms.provider, to, wei);
    } else if (from === 'bond') {
      if (to === 'provider') {
        returnBond(scope.state, terms.provider, wei);
        continue;
      }
      takeBond(scope.state, terms.provider, wei);
      deliver(scope, job, terms.provider, to, wei);
    } else {
      deliver(scope, job, terms.provider, to, fineVerifier(scope.staking, from.stakeOf, wei));
    }
  }
  return { ...job, escrowWei };
}

/** Gives money in hand to whom it is due. */
function deliver(scope: JobScope, { client }: Job, provider: Uint8Array, to: Recipient, wei: bigint): void {
  const { state, staking } = scope;
  if (to === 'client') credit(state, client, wei);
  else if (to === 'provider') creditPayout(state, provider, wei);
  else if (to === 'verifierPool') addToPool(state, 'verifierPool', wei);
  else if ('finder' in to) credit(state, to.finder, wei);
  else payVerifier(staking, to.validator, wei);
}
