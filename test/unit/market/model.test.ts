import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WEI_PER_OGPU } from '../../../protocol/amounts.js';
import type { Address } from '../../../protocol/address.js';
import { toHex } from '../../../protocol/bytes.js';
import { credit, debit } from '../../../state/accounts/account.js';
import { sourcesModule } from '../../../state/modules/sources.js';
import { creditPayout, lockBond, mayClaim, returnBond, takeBond } from '../../../state/providers/bonds.js';
import { slashLockup } from '../../../state/providers/lockup.js';
import {
  acceptedAddresses,
  freeWei,
  PROVIDER_STATUSES,
  providerByOperator,
  providers,
} from '../../../state/providers/provider.js';
import { attestedPower, capableVerifiers } from '../../../state/sources/attestations.js';
import { isOpen } from '../../../state/sources/openness.js';
import { countJobClosed, countJobOpened } from '../../../state/sources/retiring.js';
import { SOURCE_STATUSES, sourceBondWei, sources } from '../../../state/sources/source.js';
import { nextValidators } from '../../../state/staking/active-set.js';
import { genesisValidator } from '../../support/ledger.js';
import {
  attest,
  byProvider,
  depositLockup,
  ofSource,
  onLedger,
  registerProvider,
  registerSource,
  sampleSource,
} from '../../support/market.js';
import { createPrng, type Prng } from '../../support/prng.js';
import {
  delegate,
  errorOf,
  person,
  StakingChain,
  stakingParams,
  undelegate,
  type StakingCall,
} from '../../support/staking.js';
import { ProviderModel } from './provider-model.js';
import { SourceModel } from './source-model.js';

const HISTORIES = Number(process.env.OGPU_CASES ?? 16);
const BLOCKS = 50;
const OGPU = WEI_PER_OGPU;
const PEOPLE = ['ann', 'ben', 'cyd', 'dan', 'eve'].map(person);
const WHALE = person('whale');
const VALIDATORS = [1, 2, 3, 4, 5].map((number) => new Uint8Array(20).fill(number));
const SOURCES = [1, 2, 3].map((number) => sampleSource(number, { isChain: number === 3 }));
const PARAMS = stakingParams({
  providers: { minLockupWei: 10n * OGPU, unbondingMs: 30_000, unbondingBlocks: 3 },
  sources: { unbondingMs: 20_000, unbondingBlocks: 4 },
});

/** The chain, and the same once more by plain rules. */
class World {
  readonly chain = new StakingChain({
    params: PARAMS,
    members: VALIDATORS.map((_, index) => genesisValidator(index + 1, { stakeWei: 1_000n * OGPU })),
    people: [...PEOPLE, WHALE, ...VALIDATORS],
  });
  readonly money = new Map<string, bigint>(PEOPLE.map((who) => [toHex(who), this.chain.moneyWei(who)]));
  readonly providers = new ProviderModel(
    { ...PARAMS.providers, minLockup: PARAMS.providers.minLockupWei },
    this.pay.bind(this),
  );
  readonly sources = new SourceModel(
    {
      bondOf: (graphBytes) => sourceBondWei(PARAMS, graphBytes),
      ...{ unbondingMs: PARAMS.sources.unbondingMs, unbondingBlocks: PARAMS.sources.unbondingBlocks },
      ...{ openBps: BigInt(PARAMS.sources.openBps), closeBps: BigInt(PARAMS.sources.closeBps) },
    },
    this.pay.bind(this),
  );

  pay(who: string, amount: bigint): void {
    this.money.set(who, (this.money.get(who) ?? 0n) + amount);
  }
}

test('providers, sources and the money of all are those of a model that does everything one by one', async () => {
  const seen = new Map<string, number>();
  const note = (what: string): void => void seen.set(what, (seen.get(what) ?? 0) + 1);
  for (let seed = 0; seed < HISTORIES; seed++) {
    const prng = createPrng(4_000 + seed);
    const world = new World();
    for (let step = 0; step < BLOCKS; step++) {
      const where = `seed ${seed}, step ${step}`;
      await runBlock(world, prng, note, where);
      compare(world, where);
      for (let act = 0; act < 2; act++) actOfJobs(world, prng, note);
      compare(world, where);
    }
  }
  const expected = [
    ...[
      'register none',
      'withdraw none',
      'cancelWithdrawal none',
      'exit none',
      'accept none',
      'setPayout none',
    ],
    ...['withdraw InsufficientLockup', 'exit BondsLocked', 'accept AddressTaken', 'register LockupTooLow'],
    ...['attest none', 'retire none', 'register BondTooLow', 'review none'],
    ...['bond taken', 'bond returned', 'lockup slashed', 'job opened', 'job closed', 'closed by the set'],
    ...['provider gone', 'source gone'],
  ];
  if (HISTORIES < 16) return;
  for (const what of expected) assert.ok((seen.get(what) ?? 0) > 0, `${what} never happened`);
});

async function runBlock(
  { chain, providers: model, sources: sourceModel }: World,
  prng: Prng,
  note: (what: string) => void,
  where: string,
): Promise<void> {
  const afterMs = prng.pick([1_000, 5_000, 20_000, 31_000, 61_000]);
  const now = { height: chain.height + 1, timeMs: chain.timeMs + afterMs };
  const [epoch, set] = [chain.epoch, nextValidators(chain.ledger)];
  const before = [model.providers.size, sourceModel.sources.size] as const;
  const open = [...sourceModel.sources.values()].filter(({ status }) => status === 'open');
  model.payDue(now);
  sourceModel.begin(now, epoch, set);
  if (open.some(({ status }) => status === 'waiting')) note('closed by the set');
  if (model.providers.size < before[0]) note('provider gone');
  if (sourceModel.sources.size < before[1]) note('source gone');
  const calls = Array.from({ length: prng.below(9) }, () => randomCall(chain, prng));
  const block = await chain.block({ calls, afterMs });
  for (const [index, call] of calls.entries()) {
    const result = block.calls[index];
    assert.ok(result);
    const { module, name, values } = call;
    if (module === undefined) continue;
    const isOfSource = module === sourcesModule;
    const expected = isOfSource
      ? sourceModel.call(call, idOf(values), now, epoch, set)
      : model.call(call, now);
    assert.equal(errorOf(result), expected, `${where}: ${module.name}.${name}`);
    note(`${name} ${expected}`);
  }
}

/** Which source a call is about: its id, or the graph it registers. */
function idOf([first]: StakingCall['values']): string {
  assert.ok(first instanceof Uint8Array);
  const registered = SOURCES.find(({ bytes }) => bytes === first);
  return toHex(registered?.id ?? first);
}

function randomCall(chain: StakingChain, prng: Prng): StakingCall {
  const masters = PEOPLE.filter((who) => providers.find(chain.ledger, who) !== undefined);
  const known = SOURCES.filter(({ id }) => sources.find(chain.ledger, id) !== undefined);
  const [from, other] = [
    prng.pick(masters.length > 0 && prng.chance(2, 3) ? masters : PEOPLE),
    prng.pick(PEOPLE),
  ];
  const { bytes, id } = prng.pick(known.length > 0 && prng.chance(3, 4) ? known : SOURCES);
  const validator = prng.pick(VALIDATORS);
  const amountWei = BigInt(prng.below(15)) * OGPU + BigInt(prng.below(2));
  switch (prng.below(20)) {
    case 0:
    case 1:
      return registerProvider(from, {
        lockupWei: 8n * OGPU + amountWei,
        invited: prng.chance(1, 2) ? [other] : [],
      });
    case 2:
      return depositLockup(from, other, amountWei);
    case 3:
      return byProvider(from, 'withdraw', amountWei);
    case 4:
      return byProvider(from, 'withdraw', OGPU);
    case 5:
    case 16:
      return byProvider(from, 'cancelWithdrawal', withdrawalOf(chain, from, prng));
    case 6:
      return byProvider(from, prng.pick(['drain', 'resume', 'resume', 'exit']));
    case 7:
      return byProvider(from, prng.pick(['invite', 'removeAddress', 'setPayout']), other);
    case 8:
    case 9:
      return invitedBy(chain, prng) ?? byProvider(from, prng.pick(['accept', 'renounce']), other);
    case 10:
      return byProvider(from, 'setPayout', acceptedBy(chain, from, prng));
    case 11:
    case 12:
      return registerSource(from, bytes, prng.chance(1, 5) ? 0n : 20n * OGPU);
    case 13:
      return ofSource(from, prng.pick(['retire', 'review']), id);
    case 14:
      return prng.chance(1, 2) ? attest(validator, id, 0n) : ofSource(from, 'attest', id, validator, 1n);
    case 15:
      return changeOfPower(chain, validator, prng);
    default:
      return attest(validator, id, prng.pick([1n, 1n, 1n, 1n, 2n]));
  }
}

function acceptedBy({ ledger }: StakingChain, master: Address, prng: Prng): Address {
  const provider = providers.find(ledger, master);
  return prng.pick([master, ...(provider === undefined ? [] : acceptedAddresses(provider))]);
}

/** Somebody accepts what he was asked. */
function invitedBy({ ledger }: StakingChain, prng: Prng): StakingCall | undefined {
  const asked = PEOPLE.flatMap((master) =>
    (providers.find(ledger, master)?.addresses ?? [])
      .filter(({ accepted }) => accepted === 0)
      .map(({ address }) => byProvider(address, 'accept', master)),
  );
  return asked.length > 0 && prng.chance(2, 3) ? prng.pick(asked) : undefined;
}

function withdrawalOf({ ledger }: StakingChain, master: Address, prng: Prng): bigint {
  const provider = providers.find(ledger, master);
  return BigInt(prng.pick([0, ...(provider?.withdrawals ?? []).map(({ number }) => number)]));
}

/** Somebody whom the model does not know makes a validator bigger or smaller. */
function changeOfPower(chain: StakingChain, id: Address, prng: Prng): StakingCall {
  const stakeWei = chain.stakeWei(id, WHALE);
  return stakeWei > 0n && prng.chance(1, 2)
    ? undelegate(WHALE, id, stakeWei)
    : delegate(WHALE, id, 1_500n * OGPU);
}

/** What jobs do to providers and sources, in their calls. */
function actOfJobs(world: World, prng: Prng, note: (what: string) => void): void {
  const { chain, providers: model, sources: sourceModel } = world;
  const masters = [...model.providers.keys()];
  const payee = prng.pick(PEOPLE);
  const amount = BigInt(1 + prng.below(5)) * OGPU;
  if (prng.chance(1, 2)) {
    const [id, source] = prng.pick([...sourceModel.sources, [undefined, undefined] as const]);
    if (id === undefined) return;
    const bytes = SOURCES.find((each) => toHex(each.id) === id)?.id;
    assert.ok(bytes);
    if (source.jobs > 0 && prng.chance(1, 2)) {
      onLedger(chain, (scope) => {
        countJobClosed(scope, bytes);
      });
      sourceModel.closeJob(source, { timeMs: chain.timeMs + 1_000, height: chain.height + 1 });
      note('job closed');
    } else if (isOpen(chain.ledger, bytes)) {
      onLedger(chain, ({ state }) => {
        countJobOpened(state, bytes);
      });
      source.jobs++;
      note('job opened');
    }
    return;
  }
  const master = prng.pick([...masters, '']);
  const provider = model.providers.get(master);
  const address = PEOPLE.find((who) => toHex(who) === master);
  if (provider === undefined || address === undefined) return;
  onLedger(chain, ({ state, block }) => {
    if (
      mayClaim(block.params, providers.read(state, address)) &&
      model.free(provider) >= amount &&
      prng.chance(1, 2)
    ) {
      lockBond(state, address, amount);
      provider.locked += amount;
    } else if (provider.locked >= amount && prng.chance(1, 2)) {
      returnBond(state, address, amount);
      provider.locked -= amount;
      note('bond returned');
    } else if (provider.locked >= amount) {
      takeBond(state, address, amount);
      credit(state, payee, amount);
      world.pay(toHex(payee), amount);
      provider.locked -= amount;
      provider.lockup -= amount;
      provider.slashed += amount;
      note('bond taken');
    } else if (prng.chance(1, 3)) {
      const taken = slashLockup(state, address, amount);
      assert.equal(taken, model.slash(master, amount));
      credit(state, payee, taken);
      world.pay(toHex(payee), taken);
      note('lockup slashed');
    } else {
      debit(state, payee, amount);
      creditPayout(state, address, amount);
      world.pay(toHex(payee), -amount);
      world.pay(provider.payout, amount);
      provider.earned += amount;
    }
  });
}

function compare({ chain, money, providers: model, sources: sourceModel }: World, where: string): void {
  const { ledger } = chain;
  for (const who of PEOPLE) {
    const name = toHex(who);
    assert.equal(chain.moneyWei(who), money.get(name), `${where}: money of ${name}`);
    const found = providerByOperator(ledger, who);
    assert.equal(found && toHex(found.master), model.master(name), `${where}: whom ${name} stands for`);
    const expected = model.providers.get(name);
    const provider = providers.find(ledger, who);
    assert.deepEqual(
      provider && {
        status: PROVIDER_STATUSES[provider.status],
        ...{ lockup: provider.lockupWei, locked: provider.lockedWei, free: freeWei(provider) },
        withdrawals: provider.withdrawals.map(({ number, amountWei, dueMs, dueHeight }) => ({
          ...{ number, amount: amountWei, due: { timeMs: dueMs, height: dueHeight } },
        })),
        accepted: acceptedAddresses(provider).map(toHex).toSorted(),
        ...{ payout: toHex(provider.payout), earned: provider.reputation.earnedWei },
        slashed: provider.reputation.slashedWei,
      },
      expected && {
        status: expected.status,
        ...{ lockup: expected.lockup, locked: expected.locked, free: model.free(expected) },
        withdrawals: expected.withdrawals,
        accepted: expected.accepted.toSorted(),
        ...{ payout: expected.payout, earned: expected.earned, slashed: expected.slashed },
      },
      `${where}: provider ${name}`,
    );
  }
  const set = nextValidators(ledger);
  for (const { id } of SOURCES) {
    const expected = sourceModel.sources.get(toHex(id));
    const source = sources.find(ledger, id);
    assert.equal(source === undefined, expected === undefined, where);
    if (source === undefined || expected === undefined) continue;
    const [release] = source.release;
    assert.deepEqual(
      [toHex(source.owner), source.bondWei, SOURCE_STATUSES[source.status], source.openJobs, release?.dueMs],
      [expected.owner, expected.bond, expected.status, expected.jobs, expected.release?.timeMs],
      where,
    );
    const { capable, total } = attestedPower(ledger, id);
    assert.deepEqual({ capable: BigInt(capable), total: BigInt(total) }, sourceModel.share(expected, set));
    assert.equal(isOpen(ledger, id), sourceModel.isOpen(expected, set), where);
    const able = capableVerifiers(ledger, id);
    assert.equal(
      able.reduce((sum, { power }) => sum + power, 0),
      capable,
    );
  }
}
