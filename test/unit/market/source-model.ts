import { toHex } from '../../../protocol/bytes.js';
import type { ValidatorSet } from '../../../protocol/types/validators.js';
import type { StakingCall } from '../../support/staking.js';
import type { Moment } from './provider-model.js';

/*
 * Sources by the rules of docs/spec/market.md, written once more: every tally looks at everybody.
 */

export interface ModelSource {
  owner: string;
  bond: bigint;
  status: 'waiting' | 'open' | 'retired';
  jobs: number;
  release: Moment | undefined;
  reviewed: number;
  readonly said: Map<string, bigint>;
}

export interface SourceRules {
  readonly bondOf: (graphBytes: number) => bigint;
  readonly unbondingMs: number;
  readonly unbondingBlocks: number;
  readonly openBps: bigint;
  readonly closeBps: bigint;
}

export class SourceModel {
  readonly sources = new Map<string, ModelSource>();
  readonly #rules: SourceRules;
  readonly #pay: (who: string, amount: bigint) => void;

  constructor(rules: SourceRules, pay: (who: string, amount: bigint) => void) {
    this.#rules = rules;
    this.#pay = pay;
  }

  begin(now: Moment, epoch: number, set: ValidatorSet): void {
    for (const [id, source] of [...this.sources]) {
      const { release } = source;
      if (release === undefined || release.timeMs > now.timeMs || release.height > now.height) continue;
      this.#pay(source.owner, source.bond);
      this.sources.delete(id);
    }
    for (const source of this.sources.values()) {
      if (source.status !== 'open' || source.reviewed >= epoch) continue;
      source.reviewed = epoch;
      this.review(source, epoch, set);
    }
  }

  /** Share of power that can run it, in 1/10,000. */
  share({ said }: ModelSource, set: ValidatorSet): { capable: bigint; total: bigint } {
    let [capable, total] = [0n, 0n];
    for (const { id, votingPower } of set) {
      total += BigInt(votingPower);
      if (said.get(toHex(id)) === 1n) capable += BigInt(votingPower);
    }
    return { capable, total };
  }

  isOpen(source: ModelSource, set: ValidatorSet): boolean {
    const { capable, total } = this.share(source, set);
    return source.status === 'open' && capable * 10_000n >= total * this.#rules.closeBps;
  }

  review(source: ModelSource, epoch: number, set: ValidatorSet): void {
    const { capable, total } = this.share(source, set);
    if (source.status === 'waiting' && capable * 10_000n >= total * this.#rules.openBps) {
      source.status = 'open';
      source.reviewed = epoch;
    } else if (source.status === 'open' && !this.isOpen(source, set)) source.status = 'waiting';
  }

  /** @returns the error, or 'none' */
  call(
    { from, name, values, valueWei = 0n }: StakingCall,
    id: string,
    now: Moment,
    epoch: number,
    set: ValidatorSet,
  ): string {
    const caller = toHex(from);
    const source = this.sources.get(id);
    if (name === 'register') {
      return this.#register(caller, id, (values[0] as Uint8Array).length, valueWei, epoch, set);
    }
    if (source === undefined) return 'UnknownSource';
    switch (name) {
      case 'attest': {
        const [, validator, verdict] = values as [Uint8Array, Uint8Array, bigint];
        if (verdict > 2n) return 'InvalidVerdict';
        if (toHex(validator) !== caller) return 'NotOwnerOrOperator';
        if (verdict > 0n && source.status === 'retired') return 'SourceIsRetired';
        const isMember = set.some((member) => toHex(member.id) === caller);
        if (verdict > 0n && !isMember) return 'NotActive';
        if (verdict === 0n) source.said.delete(caller);
        else source.said.set(caller, verdict);
        this.review(source, epoch, set);
        return 'none';
      }
      case 'review':
        this.review(source, epoch, set);
        return 'none';
      default:
        if (source.owner !== caller) return 'NotOwner';
        if (source.status === 'retired') return 'SourceIsRetired';
        source.status = 'retired';
        this.#releaseWhenIdle(source, now);
        return 'none';
    }
  }

  closeJob(source: ModelSource, now: Moment): void {
    source.jobs--;
    this.#releaseWhenIdle(source, now);
  }

  #register(
    caller: string,
    id: string,
    graphBytes: number,
    value: bigint,
    epoch: number,
    set: ValidatorSet,
  ): string {
    const known = this.sources.get(id);
    if (known !== undefined && known.status !== 'retired') return 'none';
    const bond = this.#rules.bondOf(graphBytes);
    if (value < bond) return 'BondTooLow';
    this.#pay(caller, -bond);
    if (known === undefined) {
      this.sources.set(id, {
        ...{ owner: caller, bond, status: 'waiting', jobs: 0, release: undefined, reviewed: 0 },
        said: new Map(),
      });
      return 'none';
    }
    this.#pay(known.owner, known.bond);
    Object.assign(known, { owner: caller, bond, status: 'waiting', release: undefined });
    this.review(known, epoch, set);
    return 'none';
  }

  #releaseWhenIdle(source: ModelSource, { timeMs, height }: Moment): void {
    if (source.status !== 'retired' || source.jobs > 0) return;
    const { unbondingMs, unbondingBlocks } = this.#rules;
    source.release = { timeMs: timeMs + unbondingMs, height: height + unbondingBlocks };
  }
}
