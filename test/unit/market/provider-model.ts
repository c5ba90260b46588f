import { toHex } from '../../../protocol/bytes.js';
import type { StakingCall } from '../../support/staking.js';

/*
 * Providers by the rules of docs/spec/market.md, written once more with plain maps: one by one, nothing lazy.
 */

export interface Moment {
  readonly timeMs: number;
  readonly height: number;
}

export interface ModelWithdrawal {
  readonly number: number;
  amount: bigint;
  readonly due: Moment;
}

export interface ModelProvider {
  status: 'active' | 'draining' | 'leaving';
  lockup: bigint;
  locked: bigint;
  withdrawals: ModelWithdrawal[];
  count: number;
  payout: string;
  readonly accepted: string[];
  readonly invited: string[];
  earned: bigint;
  slashed: bigint;
}

export interface ProviderRules {
  readonly minLockup: bigint;
  readonly unbondingMs: number;
  readonly unbondingBlocks: number;
}

export class ProviderModel {
  readonly providers = new Map<string, ModelProvider>();
  readonly #rules: ProviderRules;
  readonly #pay: (who: string, amount: bigint) => void;

  constructor(rules: ProviderRules, pay: (who: string, amount: bigint) => void) {
    this.#rules = rules;
    this.#pay = pay;
  }

  free({ lockup, locked, withdrawals }: ModelProvider): bigint {
    return lockup - locked - withdrawals.reduce((sum, { amount }) => sum + amount, 0n);
  }

  /** For whom somebody stands. */
  master(who: string): string | undefined {
    if (this.providers.has(who)) return who;
    return [...this.providers].find(([, { accepted }]) => accepted.includes(who))?.[0];
  }

  payDue(now: Moment): void {
    for (const [master, provider] of [...this.providers]) {
      const isDue = ({ due }: ModelWithdrawal): boolean =>
        due.timeMs <= now.timeMs && due.height <= now.height;
      for (const { amount } of provider.withdrawals.filter(isDue)) {
        provider.lockup -= amount;
        this.#pay(master, amount);
      }
      const before = provider.withdrawals.length;
      provider.withdrawals = provider.withdrawals.filter((each) => !isDue(each));
      const isPaid = provider.withdrawals.length < before;
      const isEmpty = provider.lockup === 0n && provider.withdrawals.length === 0;
      if (isPaid && provider.status === 'leaving' && isEmpty) this.providers.delete(master);
    }
  }

  /** @returns the error, or 'none' */
  call({ from, name, values, valueWei = 0n }: StakingCall, now: Moment): string {
    const caller = toHex(from);
    const [first] = values;
    const named = first instanceof Uint8Array ? toHex(first) : '';
    if (name === 'register') return this.#register(caller, valueWei, values[2] as readonly Uint8Array[]);
    const target = ['deposit', 'accept', 'renounce'].includes(name) ? named : caller;
    const provider = this.providers.get(target);
    if (provider === undefined) return 'UnknownProvider';
    switch (name) {
      case 'deposit':
        return this.#deposit(caller, provider, valueWei);
      case 'withdraw':
        return this.#withdraw(provider, first as bigint, now);
      case 'cancelWithdrawal':
        return this.#cancel(provider, Number(first));
      case 'invite':
        return this.#invite(caller, provider, named);
      case 'accept':
        return this.#accept(caller, provider);
      case 'removeAddress':
        return this.#removeAddress(target, provider, named);
      case 'renounce':
        return this.#removeAddress(target, provider, caller);
      case 'setPayout':
        if (![caller, ...provider.accepted].includes(named)) return 'AddressNotAccepted';
        provider.payout = named;
        return 'none';
      case 'exit':
        return this.#exit(caller, provider, now);
      default:
        return this.#changeStatus(provider, name);
    }
  }

  /** As `slashLockup` does. @returns what was taken */
  slash(master: string, amount: bigint): bigint {
    const provider = this.providers.get(master);
    if (provider === undefined) return 0n;
    let left = amount;
    const free = this.free(provider);
    left -= left < free ? left : free;
    for (const withdrawal of provider.withdrawals.toReversed()) {
      const cut = left < withdrawal.amount ? left : withdrawal.amount;
      withdrawal.amount -= cut;
      left -= cut;
    }
    provider.lockup -= amount - left;
    provider.slashed += amount - left;
    return amount - left;
  }

  #register(caller: string, value: bigint, invited: readonly Uint8Array[]): string {
    if (this.master(caller) !== undefined) return 'AlreadyRegistered';
    if (value < this.#rules.minLockup) return 'LockupTooLow';
    const names: string[] = invited.map(toHex);
    if (names.includes(caller) || new Set(names).size < names.length) return 'AddressTaken';
    this.#pay(caller, -value);
    this.providers.set(caller, {
      ...{ status: 'active', lockup: value, locked: 0n, withdrawals: [], count: 0, payout: caller },
      ...{ accepted: [], invited: names, earned: 0n, slashed: 0n },
    });
    return 'none';
  }

  #deposit(caller: string, provider: ModelProvider, value: bigint): string {
    if (value === 0n) return 'InvalidAmount';
    if (provider.status === 'leaving') return 'ProviderLeaving';
    this.#pay(caller, -value);
    provider.lockup += value;
    return 'none';
  }

  #withdraw(provider: ModelProvider, amount: bigint, now: Moment): string {
    if (amount === 0n) return 'InvalidAmount';
    if (amount > this.free(provider)) return 'InsufficientLockup';
    return this.#begin(provider, amount, now);
  }

  #begin(provider: ModelProvider, amount: bigint, { timeMs, height }: Moment): string {
    if (provider.withdrawals.length === 8) return 'TooManyWithdrawals';
    provider.count++;
    const { unbondingMs, unbondingBlocks } = this.#rules;
    const due = { timeMs: timeMs + unbondingMs, height: height + unbondingBlocks };
    provider.withdrawals.push({ number: provider.count, amount, due });
    return 'none';
  }

  #cancel(provider: ModelProvider, number: number): string {
    const index = provider.withdrawals.findIndex((each) => each.number === number);
    if (index === -1) return 'UnknownWithdrawal';
    provider.withdrawals.splice(index, 1);
    return 'none';
  }

  #invite(caller: string, { accepted, invited }: ModelProvider, who: string): string {
    if ([caller, ...accepted, ...invited].includes(who)) return 'AddressTaken';
    if (accepted.length + invited.length === 8) return 'TooManyAddresses';
    invited.push(who);
    return 'none';
  }

  #accept(caller: string, { accepted, invited }: ModelProvider): string {
    if (![...accepted, ...invited].includes(caller)) return 'NotInvited';
    if (this.master(caller) !== undefined) return 'AddressTaken';
    invited.splice(invited.indexOf(caller), 1);
    accepted.push(caller);
    return 'none';
  }

  #removeAddress(master: string, provider: ModelProvider, who: string): string {
    for (const list of [provider.accepted, provider.invited]) {
      if (!list.includes(who)) continue;
      list.splice(list.indexOf(who), 1);
      if (provider.payout === who) provider.payout = master;
      return 'none';
    }
    return 'UnknownAddress';
  }

  #exit(master: string, provider: ModelProvider, now: Moment): string {
    if (provider.locked > 0n) return 'BondsLocked';
    if (provider.lockup === 0n) {
      this.providers.delete(master);
      return 'none';
    }
    const free = this.free(provider);
    if (provider.status === 'leaving' && free === 0n) return 'StatusUnchanged';
    if (free > 0n && this.#begin(provider, free, now) !== 'none') return 'TooManyWithdrawals';
    provider.status = 'leaving';
    return 'none';
  }

  #changeStatus(provider: ModelProvider, name: string): string {
    if (name === 'drain' && provider.status === 'leaving') return 'ProviderLeaving';
    const status = name === 'drain' ? 'draining' : 'active';
    if (provider.status === status) return 'StatusUnchanged';
    provider.status = status;
    return 'none';
  }
}
