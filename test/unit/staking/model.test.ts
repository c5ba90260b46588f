import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Address } from '../../../protocol/address.js';
import { WEI_PER_OGPU } from '../../../protocol/amounts.js';
import { toHex } from '../../../protocol/bytes.js';
import type { ValidatorSet } from '../../../protocol/types/validators.js';
import { poolBalanceWei } from '../../../state/accounts/pools.js';
import { nextValidators } from '../../../state/staking/active-set.js';
import type { Offence } from '../../../state/staking/evidence.js';
import type { BlockOutcome } from '../../../state/transition/transition.js';
import { genesisValidator } from '../../support/ledger.js';
import { createPrng, type Prng } from '../../support/prng.js';
import {
  cancelUnbonding,
  claimRewards,
  delegate,
  eventValues,
  person,
  StakingChain,
  stakingParams,
  undelegate,
  undelegateAll,
  unjail,
  type StakingCall,
} from '../../support/staking.js';

/*
 * Who owns what, kept for every delegator by himself in fractions of 2^-200 wei: a reward visits everybody, a slash visits everybody. No
 * shares, no indices, nothing lazy; who is jailed, slashed and paid when, by the rules written once more. The real thing may differ by the wei it rounds: one for each operation.
 */

const HISTORIES = Number(process.env.OGPU_CASES ?? 24);
const SCALE = 200n;
const SLASH_BPS = 500n;
const UNBONDING_MS = 600_000;
const UNBONDING_BLOCKS = 9;
const EVIDENCE_MS = 540_000;
const EVIDENCE_BLOCKS = 7;
const WINDOW_MS = 60_000;
const MIN_BLOCKS = 2;
const DOWNTIME_BPS = 700n;
const STAKES = [10_000n, 10_000n, 9_000n, 6_000n, 4_000n].map((ogpu) => ogpu * WEI_PER_OGPU);
const COMMISSION = [0n, 1_000n, 3_333n, 10n, 9_000n] as const;
const OWNERS = [1, 2, 3, 4, 5].map((number) => new Uint8Array(20).fill(number));
const ANN = person('ann');
const PEOPLE = [ANN, ...['ben', 'cyd', 'dan'].map(person)];
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
  readonly dueHeight: number;
  amount: bigint;
}

interface Epoch {
  readonly firstHeight: number;
  readonly startMs: number;
  readonly power: number;
}

/** The block in execution. */
interface Now {
  readonly height: number;
  readonly timeMs: number;
}

class Model {
  readonly stakes: Stake[] = OWNERS.map((id, index) => ({
    owner: id,
    id,
    stake: (STAKES[index] ?? 0n) << SCALE,
    rewards: 0n,
  }));
  /** All there ever were, by number. */
  readonly epochs: Epoch[] = [];
  readonly missed = new Map<string, number>();
  window: (Now & { readonly number: number }) | undefined;
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

  epochOf(height: number): number {
    return this.epochs.findLastIndex(({ firstHeight }) => firstHeight <= height);
  }

  /** Whether evidence of a height may still be brought. */
  isProvable(height: number, now: Now): boolean {
    const epoch = this.epochs[this.epochOf(height)];
    assert.ok(epoch);
    return now.timeMs - epoch.startMs < EVIDENCE_MS || now.height - (epoch.firstHeight - 1) < EVIDENCE_BLOCKS;
  }

  slash(id: Address, epoch: number, bps: bigint): void {
    this.operations += 2n;
    for (const each of this.at(id)) each.stake -= (each.stake * bps) / 10_000n;
    for (const each of this.unbondings) {
      if (toHex(each.id) === toHex(id) && each.epoch >= epoch) each.amount -= (each.amount * bps) / 10_000n;
    }
  }

  /** @returns who is jailed and who stays though he was absent, each with the blocks he has missed, in order */
  absence(members: ValidatorSet, absent: readonly Address[], now: Now): [string, number][][] {
    const number = Math.floor(now.timeMs / WINDOW_MS);
    const judged = this.window?.number === number ? [[], []] : this.judge(members, now);
    if (this.window?.number !== number) this.window = { ...now, number };
    const isStill = (id: Address): boolean => !judged[0]?.some(([name]) => name === toHex(id));
    for (const id of absent.filter(isStill))
      this.missed.set(toHex(id), (this.missed.get(toHex(id)) ?? 0) + 1);
    return judged;
  }

  judge(members: ValidatorSet, now: Now): [string, number][][] {
    const [jailed, deferred]: [string, number][][] = [[], []];
    const since = this.window?.height ?? now.height;
    const blocks = now.height - since;
    const judged = members
      .map(({ id, votingPower }) => ({ id, votingPower, missed: this.missed.get(toHex(id)) ?? 0 }))
      .filter(({ missed }) => blocks >= MIN_BLOCKS && (blocks - missed) * 2 < blocks)
      .sort((a, b) => (a.missed === b.missed ? (toHex(a.id) < toHex(b.id) ? -1 : 1) : b.missed - a.missed));
    this.missed.clear();
    let left = members.reduce((sum, { votingPower }) => sum + votingPower, 0);
    for (const { id, votingPower, missed } of judged) {
      const fits = 3 * (left - votingPower) > 2 * (this.epochs.at(-1)?.power ?? 0);
      (fits ? jailed : deferred)?.push([toHex(id), missed]);
      if (!fits) continue;
      left -= votingPower;
      this.slash(id, this.epochOf(since), DOWNTIME_BPS);
    }
    return [jailed ?? [], deferred ?? []];
  }

  payDue(now: Now): void {
    const isDue = ({ dueMs, dueHeight }: Unbonding): boolean =>
      dueMs <= now.timeMs && dueHeight <= now.height;
    for (const due of this.unbondings.filter(isDue)) this.pay(due.owner, due.amount);
    this.unbondings = this.unbondings.filter((each) => !isDue(each));
  }

  call({ from, name, values, valueWei }: StakingCall, returned: unknown, epoch: number, now: Now): void {
    if (name === 'unjail') return;
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
        dueMs: now.timeMs + UNBONDING_MS,
        dueHeight: now.height + UNBONDING_BLOCKS,
        amount,
      });
    }
  }
}

function payoutOf(id: Address): Address {
  return person(`payout of ${id[0]}`);
}

test("everybody's stake, rewards and money are those of a model that does everything one by one", async () => {
  const seen = new Map<string, number>();
  for (let seed = 0; seed < HISTORIES; seed++) {
    const prng = createPrng(1_000 + seed);
    const chain = new StakingChain({
      params: stakingParams({
        consensus: { evidenceMaxAgeBlocks: EVIDENCE_BLOCKS },
        staking: {
          finderRewardBps: Number(FINDER_BPS),
          unbondingBlocks: UNBONDING_BLOCKS,
          downtimeSlashBps: Number(DOWNTIME_BPS),
          downtimeMinBlocks: MIN_BLOCKS,
          downtimeMinSignedBps: 5_000,
          jailMs: 1_000,
        },
      }),
      members: OWNERS.map((id, index) =>
        genesisValidator(index + 1, {
          payout: payoutOf(id),
          operator: ANN,
          stakeWei: STAKES[index] ?? 0n,
          commissionBps: Number(COMMISSION[index] ?? 0n),
        }),
      ),
      people: PEOPLE,
    });
    const model = new Model();
    const started = new Map(PEOPLE.map((who) => [toHex(who), chain.moneyWei(who)]));
    noteEpoch(chain, model);
    for (let step = 0; step < 40; step++) {
      for (const what of await modelBlock(chain, model, prng)) seen.set(what, (seen.get(what) ?? 0) + 1);
      compare(chain, model, started, `seed ${seed}, step ${step}`);
    }
  }
  for (const what of ['jailed', 'deferred', 'punished', 'punished after a halt', 'too old']) {
    assert.ok((seen.get(what) ?? 0) >= Math.floor(HISTORIES / 8), `${what}: ${seen.get(what)}`);
  }
});

/** The model takes from the chain who is elected and when. */
function noteEpoch(chain: StakingChain, model: Model): void {
  if (chain.epoch < model.epochs.length) return;
  const set = nextValidators(chain.ledger);
  const power = set.reduce((sum, { votingPower }) => sum + votingPower, 0);
  model.epochs.push({ firstHeight: chain.height + 1, startMs: chain.timeMs, power });
}

/** @returns what has happened */
async function modelBlock(chain: StakingChain, model: Model, prng: Prng): Promise<string[]> {
  const { ledger, epoch } = chain;
  const reserveWei = poolBalanceWei(ledger, 'reserve');
  const set = nextValidators(ledger);
  const weights = set.map(({ id }) => [id, chain.validator(id).seat.shares] as const);
  const afterMs = prng.pick([1, 1_000, 10_000, 20_000, 45_000, 61_000, 250_000, 86_400_000]);
  const now = { height: chain.height + 1, timeMs: chain.timeMs + afterMs };
  const absent = set.map(({ id }) => id).filter((id) => prng.chance(1 + ((id[0] ?? 0) % 3), 4));
  const calls = Array.from({ length: prng.below(4) }, () => randomCall(chain, prng));
  const proposer = set[0]?.id ?? ANN;
  const happened: string[] = [];
  const offence = randomOffence(chain, prng, now);
  const isPunished = offence !== undefined && model.isProvable(offence.height, now);
  if (offence !== undefined && !isPunished) {
    await assert.rejects(chain.block({ afterMs, proposer, evidence: [offence] }), /too long ago/);
    happened.push('too old');
  }
  const evidence = isPunished ? [offence] : [];
  const block = await chain.block({ calls, afterMs, proposer, absent, evidence });
  model.reward(reserveWei - poolBalanceWei(ledger, 'reserve'), weights);
  if (isPunished) {
    happened.push('punished');
    const { startMs = 0 } = model.epochs[model.epochOf(offence.height)] ?? {};
    if (now.timeMs - startMs >= EVIDENCE_MS) happened.push('punished after a halt');
    punish(model, offence, proposer);
  }
  const isOut = (id: Address): boolean => isPunished && toHex(id) === toHex(offence.validator);
  const [jailed, deferred] = model.absence(
    set.filter(({ id }) => !isOut(id)),
    absent.filter((id) => !isOut(id)),
    now,
  );
  assert.deepEqual(absentees(block, 'Jailed'), jailed);
  assert.deepEqual(absentees(block, 'JailDeferred'), deferred);
  happened.push(...(jailed ?? []).map(() => 'jailed'), ...(deferred ?? []).map(() => 'deferred'));
  model.payDue(now);
  for (const [index, result] of block.calls.entries()) {
    const call = calls[index];
    if (result.status === 1 && call !== undefined) model.call(call, result.values[0], epoch, now);
  }
  noteEpoch(chain, model);
  const members = new Set<string>(nextValidators(ledger).map(({ id }) => toHex(id)));
  for (const name of model.missed.keys()) if (!members.has(name)) model.missed.delete(name);
  return happened;
}

/** By somebody who has not been punished, at a height of not long ago; never of the last member. */
function randomOffence(chain: StakingChain, prng: Prng, { height }: Now): Offence | undefined {
  const offence = { validator: prng.pick(OWNERS), height: Math.max(1, height - prng.below(14)) };
  const isNew = chain.validator(offence.validator).tombstone.length === 0;
  const isCaught = prng.chance(1, 15) && nextValidators(chain.ledger).length > 1;
  return isCaught && isNew ? offence : undefined;
}

function punish(model: Model, { validator, height }: Offence, proposer: Address): void {
  const epoch = model.epochOf(height);
  const leaving = model.unbondings.filter((u) => toHex(u.id) === toHex(validator) && u.epoch >= epoch);
  const stake = model.at(validator).reduce((sum, each) => sum + each.stake, 0n);
  const slashed = (stake + leaving.reduce((sum, each) => sum + each.amount, 0n)) * SLASH_BPS;
  if (toHex(proposer) !== toHex(validator)) {
    model.pay(payoutOf(proposer), (slashed * FINDER_BPS) / 100_000_000n);
  }
  model.slash(validator, epoch, SLASH_BPS);
}

function absentees(block: BlockOutcome, event: string): [string, number][] {
  return eventValues(block, event).map((values) => [String(values[0]).toLowerCase(), Number(values.at(-1))]);
}

function randomCall(chain: StakingChain, prng: Prng): StakingCall {
  const [from, id] = [prng.pick(PEOPLE), prng.pick(OWNERS)];
  const stakeWei = chain.stakeWei(id, from);
  switch (prng.below(8)) {
    case 7:
      return unjail(ANN, id);
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
