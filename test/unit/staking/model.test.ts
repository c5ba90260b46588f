import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Address } from '../../../protocol/address.js';
import { WEI_PER_OGPU } from '../../../protocol/amounts.js';
import { toHex } from '../../../protocol/bytes.js';
import { poolBalanceWei } from '../../../state/accounts/pools.js';
import { nextValidators } from '../../../state/staking/active-set.js';
import { genesisValidator } from '../../support/ledger.js';
import { createPrng, type Prng } from '../../support/prng.js';
import {
  cancelUnbonding,
  claimRewards,
  delegate,
  person,
  StakingChain,
  stakingParams,
  undelegate,
  undelegateAll,
  type StakingCall,
} from '../../support/staking.js';

/*
 * Who owns what, kept for every delegator by himself in fractions of 2^-200 wei: a reward visits everybody, a slash visits everybody. No
 * shares, no indices, nothing lazy. The real thing may differ by the wei it rounds: one for each operation.
 */

const HISTORIES = Number(process.env.OGPU_CASES ?? 24);
const SCALE = 200n;
const SLASH_BPS = 500n;
const UNBONDING_MS = 600_000;
const STAKE_WEI = 10_000n * WEI_PER_OGPU;
const COMMISSION = [0n, 1_000n, 3_333n] as const;
const OWNERS = [1, 2, 3].map((number) => new Uint8Array(20).fill(number));
const PEOPLE = ['ann', 'ben', 'cyd', 'dan'].map(person);
const FINDER_BPS = 500n;

interface Stake {
  readonly owner: Address;
  readonly id: Address;
  stake: bigint;
  rewards: bigint;
}

interface Unbonding {
  readonly owner: Address;
  readonly id: Address;
  readonly number: bigint;
  readonly epoch: number;
  readonly dueMs: number;
  amount: bigint;
}

class Model {
  readonly stakes: Stake[] = OWNERS.map((id) => ({ owner: id, id, stake: STAKE_WEI << SCALE, rewards: 0n }));
  unbondings: Unbonding[] = [];
  readonly money = new Map<string, bigint>();
  operations = 0n;

  of(owner: Address, id: Address): Stake {
    const found = this.stakes.find(
      (stake) => toHex(stake.owner) === toHex(owner) && toHex(stake.id) === toHex(id),
    );
    if (found !== undefined) return found;
    const made = { owner, id, stake: 0n, rewards: 0n };
    this.stakes.push(made);
    return made;
  }

  pay(who: Address, amount: bigint): void {
    this.money.set(toHex(who), (this.money.get(toHex(who)) ?? 0n) + amount);
  }

  at(id: Address): Stake[] {
    return this.stakes.filter((stake) => toHex(stake.id) === toHex(id));
  }

  /** `weights`: of the active validators. */
  reward(emissionWei: bigint, weights: readonly (readonly [Address, bigint])[]): void {
    const all = weights.reduce((sum, [, weight]) => sum + weight, 0n);
    for (const [id, weight] of weights) {
      this.operations += 4n;
      const part = ((emissionWei << SCALE) * weight) / all;
      const commission = (part * (COMMISSION[(id[0] ?? 1) - 1] ?? 0n)) / 10_000n;
      this.pay(payoutOf(id), commission);
      const total = this.at(id).reduce((sum, { stake }) => sum + stake, 0n);
      for (const each of this.at(id)) each.rewards += ((part - commission) * each.stake) / total;
    }
  }

  slash(id: Address, epoch: number): void {
    this.operations += 2n;
    for (const each of this.at(id)) each.stake -= (each.stake * SLASH_BPS) / 10_000n;
    for (const each of this.unbondings) {
      if (toHex(each.id) === toHex(id) && each.epoch >= epoch)
        each.amount -= (each.amount * SLASH_BPS) / 10_000n;
    }
  }

  payDue(timeMs: number): void {
    for (const { owner, amount, dueMs } of this.unbondings) if (dueMs <= timeMs) this.pay(owner, amount);
    this.unbondings = this.unbondings.filter(({ dueMs }) => dueMs > timeMs);
  }

  call(
    { from, name, values, valueWei }: StakingCall,
    returned: unknown,
    epoch: number,
    timeMs: number,
  ): void {
    this.operations += 2n;
    if (name === 'cancelUnbonding') {
      const found = this.unbondings.find(({ number }) => number === values[0]);
      assert.ok(found);
      this.of(from, found.id).stake += found.amount;
      this.unbondings = this.unbondings.filter((each) => each !== found);
      return;
    }
    const id = values[0];
    assert.ok(id instanceof Uint8Array);
    const mine = this.of(from, id);
    if (name === 'delegate') {
      mine.stake += (valueWei ?? 0n) << SCALE;
      this.pay(from, -(valueWei ?? 0n) << SCALE);
    } else if (name === 'claimRewards') {
      this.pay(from, mine.rewards);
      mine.rewards = 0n;
    } else {
      const amount = name === 'undelegate' ? BigInt(String(values[1])) << SCALE : mine.stake;
      mine.stake -= amount;
      if (mine.stake <= 0n) {
        this.pay(from, mine.rewards);
        [mine.stake, mine.rewards] = [0n, 0n];
      }
      assert.ok(typeof returned === 'bigint');
      if (returned === 0n) return;
      this.unbondings.push({
        owner: from,
        id,
        number: returned,
        epoch,
        dueMs: timeMs + UNBONDING_MS,
        amount,
      });
    }
  }
}

function payoutOf(id: Address): Address {
  return person(`payout of ${id[0]}`);
}

test("everybody's stake, rewards and money are those of a model that does everything one by one", async () => {
  for (let seed = 0; seed < HISTORIES; seed++) {
    const prng = createPrng(1_000 + seed);
    const chain = new StakingChain({
      params: stakingParams({ staking: { finderRewardBps: Number(FINDER_BPS) } }),
      members: OWNERS.map((id, index) =>
        genesisValidator(index + 1, { payout: payoutOf(id), commissionBps: Number(COMMISSION[index] ?? 0n) }),
      ),
      people: PEOPLE,
    });
    const model = new Model();
    const started = new Map(PEOPLE.map((who) => [toHex(who), chain.moneyWei(who)]));
    for (let step = 0; step < 40; step++) {
      await modelBlock(chain, model, prng);
      compare(chain, model, started, `seed ${seed}, step ${step}`);
    }
  }
});

async function modelBlock(chain: StakingChain, model: Model, prng: Prng): Promise<void> {
  const { ledger, epoch } = chain;
  const reserveWei = poolBalanceWei(ledger, 'reserve');
  const weights = nextValidators(ledger).map(({ id }) => [id, chain.validator(id).seat.shares] as const);
  const afterMs = prng.pick([1, 1_000, 10_000, 45_000, 61_000, 250_000]);
  const offence = { validator: prng.pick(OWNERS), height: chain.height + 1 };
  const isPunished =
    prng.chance(1, 15) && weights.length > 1 && chain.validator(offence.validator).tombstone.length === 0;
  const calls = Array.from({ length: prng.below(4) }, () => randomCall(chain, prng));
  const proposer = weights[0]?.[0] ?? offence.validator;
  const block = await chain.block({ calls, afterMs, proposer, evidence: isPunished ? [offence] : [] });
  model.reward(reserveWei - poolBalanceWei(ledger, 'reserve'), weights);
  if (isPunished) {
    const takenBefore = model.at(offence.validator).reduce((sum, { stake }) => sum + stake, 0n);
    const leaving = model.unbondings.filter(
      (u) => toHex(u.id) === toHex(offence.validator) && u.epoch >= epoch,
    );
    const slashed = (takenBefore + leaving.reduce((sum, u) => sum + u.amount, 0n)) * SLASH_BPS;
    const isOwn = toHex(proposer) === toHex(offence.validator);
    if (!isOwn) model.pay(payoutOf(proposer), (slashed * FINDER_BPS) / 100_000_000n);
    model.slash(offence.validator, epoch);
  }
  model.payDue(chain.timeMs);
  for (const [index, result] of block.calls.entries()) {
    const call = calls[index];
    if (result.status === 1 && call !== undefined) model.call(call, result.values[0], epoch, chain.timeMs);
  }
}

function randomCall(chain: StakingChain, prng: Prng): StakingCall {
  const [from, id] = [prng.pick(PEOPLE), prng.pick(OWNERS)];
  const stakeWei = chain.stakeWei(id, from);
  switch (prng.below(7)) {
    case 0:
      return undelegateAll(from, id);
    case 1:
      return undelegate(from, id, stakeWei > 0n ? 1n + (prng.bigint(80) % stakeWei) : 1n);
    case 2:
      return claimRewards(from, id);
    case 3:
      return cancelUnbonding(from, BigInt(1 + prng.below(20)));
    default:
      return delegate(from, id, 1n + prng.bigint(prng.pick([1, 30, 70])));
  }
}

function compare(
  chain: StakingChain,
  model: Model,
  started: ReadonlyMap<string, bigint>,
  where: string,
): void {
  const near = (actual: unknown, expected: bigint, what: string): void => {
    assert.ok(typeof actual === 'bigint');
    const difference = actual - (expected >> SCALE);
    assert.ok(
      difference <= model.operations && -difference <= model.operations,
      `${where}, ${what}: ${difference} wei`,
    );
  };
  for (const { owner, id, stake, rewards } of model.stakes) {
    const [stakeWei, rewardsWei] = chain.view('delegation', id, owner);
    near(stakeWei, stake, 'stake');
    near(rewardsWei, rewards, 'rewards');
  }
  for (const { owner, number, amount } of model.unbondings) {
    near(chain.view('unbonding', owner, number)[1], amount, 'unbonding');
  }
  for (const who of PEOPLE) {
    near(chain.moneyWei(who) - (started.get(toHex(who)) ?? 0n), model.money.get(toHex(who)) ?? 0n, 'money');
  }
}
