import type { Address } from '../../protocol/address.js';
import { invariant } from '../../protocol/invariant.js';
import type { Payment, Recipient } from '../../consensus/verification/payment.js';
import type { MarkOf } from '../../consensus/verification/settlement.js';
import type { AttemptTerms } from '../../consensus/verification/terms.js';
import { credit } from '../accounts/account.js';
import { addToPool } from '../accounts/pools.js';
import { creditPayout, returnBond, takeBond } from '../providers/bonds.js';
import { payValidator } from '../staking/rewards.js';
import { takePenalty } from '../staking/slashing.js';
import { validators } from '../staking/validator.js';
import type { Emit, Scope } from '../transition/block-context.js';
import { EVENTS, MARK_NUMBERS, PAID_FROM } from './abi.js';
import { countMark } from './judges.js';

/** Where code of the jobs module runs: its payments log events of staking, too. */
export interface JobScope extends Scope {
  readonly emitStaking: Emit;
}

/** Whose money is moved. */
export type Parties = Pick<AttemptTerms, 'job' | 'client' | 'provider'>;

/**
 * Moves the money of an attempt. A penalty that a validator's stake does not cover any more is paid as far as it reaches.
 *
 * @returns what left the escrow, in wei
 */
export function payAll(scope: JobScope, parties: Parties, payments: readonly Payment[]): bigint {
  let fromEscrowWei = 0n;
  for (const { from, to, wei } of payments) {
    if (from === 'escrow') fromEscrowWei += wei;
    if (from === 'bond' && to === 'provider') {
      returnBond(scope.state, parties.provider, wei);
      tell(scope, parties, parties.provider, PAID_FROM.bond, wei);
      continue;
    }
    let heldWei = wei;
    if (from === 'bond') takeBond(scope.state, parties.provider, wei);
    else if (from !== 'escrow') {
      heldWei = takePenalty({ ...scope, emit: scope.emitStaking }, from.stakeOf, wei);
    }
    const kind = typeof from === 'string' ? PAID_FROM[from] : PAID_FROM.stake;
    tell(scope, parties, give(scope, parties, to, heldWei), kind, heldWei);
  }
  return fromEscrowWei;
}

/** Hands money out. @returns who has it now */
function give(scope: JobScope, parties: Parties, to: Recipient, wei: bigint): Address {
  const { state } = scope;
  switch (to) {
    case 'client':
      credit(state, parties.client, wei);
      return parties.client;
    case 'provider':
      creditPayout(state, parties.provider, wei);
      return parties.provider;
    case 'verifierPool':
      addToPool(state, 'verifierPool', wei);
      return new Uint8Array(20);
    default:
  }
  if ('finder' in to) {
    credit(state, to.finder, wei);
    return to.finder;
  }
  const { validator: id } = to;
  const staking = { ...scope, emit: scope.emitStaking };
  validators.write(state, payValidator(staking, id, validators.read(state, id), wei), id);
  return id;
}

function tell(scope: JobScope, { job }: Parties, recipient: Address, from: number, wei: bigint): void {
  if (wei > 0n) scope.emit(EVENTS.Paid, [job, recipient, BigInt(from), wei]);
}

/** Takes down what verifiers did. */
export function markAll({ state, block, emit }: JobScope, job: Uint8Array, marks: readonly MarkOf[]): void {
  const { maxMarks } = block.params.jobs;
  for (const { validator, mark } of marks) {
    invariant(validators.find(state, validator) !== undefined, 'who is marked is a validator');
    const now = { epoch: block.epoch, height: block.height, maxMarks };
    const isSuspended = countMark(state, validator, mark, now);
    emit(EVENTS.Marked, [job, validator, BigInt(MARK_NUMBERS[mark])]);
    if (isSuspended) emit(EVENTS.VerifierSuspended, [validator, BigInt(block.height)]);
  }
}
