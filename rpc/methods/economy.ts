import { z } from 'zod';
import { TOTAL_SUPPLY_WEI } from '../../protocol/amounts.js';
import type { ChainParams, ParameterGroup } from '../../protocol/params.js';
import { moneyInWei } from '../../state/invariants/lines.js';
import { poolBalanceWei } from '../../state/accounts/pools.js';
import { unsettledRewardsWei } from '../../state/staking/rewards.js';
import { unbondingPools } from '../../state/staking/unbonding.js';
import { validators } from '../../state/staking/validator.js';
import { STATE_KEYS } from '../../state/store/keys.js';
import type { Entry, KeyRange, Store } from '../../state/store/store.js';
import { paramsRecord } from '../../state/system/chain.js';
import { defineMethod, parameter, type RpcMethod } from '../method.js';
import { BlockSelector, LATEST } from '../schema/values.js';
import type { Deadline } from '../transport/deadline.js';
import { then } from '../transport/then.js';
import { Height, WeiText } from './status.js';

const Group = z.record(z.string(), z.union([z.int(), WeiText]));

export const ParamsShape = z.strictObject({
  consensus: Group,
  blocks: Group,
  staking: Group,
  jobs: Group,
  providers: Group,
  sources: Group,
  upgrades: z.array(z.object({ protocolVersion: z.int(), activationHeight: Height })),
});

export const SupplyShape = z.strictObject({
  height: Height,
  totalWei: WeiText.describe('21,000,000 OGPU, for ever.'),
  accountsWei: WeiText.describe('Balances of all accounts.'),
  reserveWei: WeiText.describe('Pays validators by schedule.'),
  verifierPoolWei: WeiText.describe('Base fees; pays for re-execution.'),
  stakedWei: WeiText.describe('With validators.'),
  rewardsWei: WeiText.describe('Earned by delegations, not claimed yet.'),
  unsettledRewardsWei: WeiText.describe('Earned by the active set, not brought to its validators yet.'),
  unbondingWei: WeiText.describe('Stake on its way out.'),
  lockupWei: WeiText.describe('Of providers: free, in bonds of attempts, and on its way out.'),
  sourceBondWei: WeiText.describe('Bonds of registered programs.'),
  isCounted: z.boolean().describe('Whether accountsWei was counted, and not taken as what is left.'),
  isConserved: z.boolean().describe('Whether all of it adds up to the total, to the wei.'),
});

/** The rules of money, and where it is. */
export const economyMethods: readonly RpcMethod[] = [
  defineMethod({
    name: 'ogpu_params',
    summary: 'The parameters of the chain.',
    description: 'Their meanings are those of the genesis document; amounts are wei in decimal text.',
    parameters: [parameter('block', BlockSelector.optional(), 'After which block; latest unless given.')],
    result: { description: 'By group.', schema: ParamsShape },
    errors: ['RPC_BLOCK_UNKNOWN', 'PAST_STATE_PRUNED'],
    call: ({ services }, reference = LATEST) =>
      then(
        services.chain.readState(reference, (view) => paramsRecord.read(view)),
        paramsJson,
      ),
  }),
  defineMethod({
    name: 'ogpu_supply',
    summary: 'Where all the money is.',
    description:
      'With count, every account is added up – a second for some hundred thousand – and isConserved is a proof; without, accounts have what is left.',
    isHeavy: true,
    parameters: [parameter('count', z.boolean().optional().default(false), 'Whether to count accounts.')],
    result: { description: 'After the last final block.', schema: SupplyShape },
    call: ({ services, deadline }, isCounted) =>
      readSupply(services.chain.store, services.chain.head.height, isCounted, deadline),
  }),
];

function paramsJson(params: ChainParams): z.input<typeof ParamsShape> {
  const group = (name: ParameterGroup): z.input<typeof Group> =>
    Object.fromEntries(
      Object.entries<number | bigint>(params[name]).map(([key, value]) => [
        key,
        typeof value === 'bigint' ? value.toString() : value,
      ]),
    );
  return {
    ...{ consensus: group('consensus'), blocks: group('blocks') },
    ...{ staking: group('staking'), jobs: group('jobs') },
    ...{ providers: group('providers'), sources: group('sources') },
    upgrades: params.upgrades.map(({ protocolVersion, activationHeight }) => ({
      protocolVersion,
      activationHeight,
    })),
  };
}

/** All ranges begin in this very turn, so that all show the same state, however long they are read. */
async function readSupply(
  store: Store,
  height: number,
  isCounted: boolean,
  deadline: Deadline,
): Promise<z.input<typeof SupplyShape>> {
  const [reserveWei, verifierPoolWei] = [
    poolBalanceWei(store, 'reserve'),
    poolBalanceWei(store, 'verifierPool'),
  ];
  const unsettledWei = unsettledRewardsWei(store);
  const pools = startReading(store, STATE_KEYS.unbondingPool.range());
  const everyValidator = startReading(store, STATE_KEYS.validator.range());
  const lockups = startReading(store, STATE_KEYS.provider.range());
  const bonds = startReading(store, STATE_KEYS.source.range());
  const accounts = isCounted ? startReading(store, STATE_KEYS.account.range()) : undefined;
  const unbondingWei = await sum(pools, deadline, ({ value }) => unbondingPools.decode(value).tokensWei);
  let stakedWei = 0n;
  const rewardsWei = await sum(everyValidator, deadline, ({ value }) => {
    const { pool } = validators.decode(value);
    stakedWei += pool.tokensWei;
    return pool.rewardsWei;
  });
  const lockupWei = await sum(lockups, deadline, moneyOf);
  const sourceBondWei = await sum(bonds, deadline, moneyOf);
  const validatorsWei = stakedWei + rewardsWei + unsettledWei + unbondingWei;
  const elsewhereWei = reserveWei + verifierPoolWei + validatorsWei + lockupWei + sourceBondWei;
  const accountsWei =
    accounts === undefined ? TOTAL_SUPPLY_WEI - elsewhereWei : await sum(accounts, deadline, moneyOf);
  return {
    height,
    totalWei: TOTAL_SUPPLY_WEI.toString(),
    accountsWei: accountsWei.toString(),
    reserveWei: reserveWei.toString(),
    verifierPoolWei: verifierPoolWei.toString(),
    stakedWei: stakedWei.toString(),
    rewardsWei: rewardsWei.toString(),
    unsettledRewardsWei: unsettledWei.toString(),
    unbondingWei: unbondingWei.toString(),
    lockupWei: lockupWei.toString(),
    sourceBondWei: sourceBondWei.toString(),
    isCounted,
    isConserved: accountsWei >= 0n && accountsWei + elsewhereWei === TOTAL_SUPPLY_WEI,
  };
}

type Pages = AsyncIterator<readonly Entry[], unknown>;

interface Reading {
  readonly first: ReturnType<Pages['next']>;
  readonly pages: Pages;
}

/** A range shows the state at the time its first page was asked for. */
function startReading(store: Store, range: KeyRange): Reading {
  const pages = store.range({ ...range, limit: Number.MAX_SAFE_INTEGER })[Symbol.asyncIterator]();
  const first = pages.next();
  // Looked at later; what fails meanwhile is thrown there.
  first.catch(() => undefined);
  return { first, pages };
}

function moneyOf({ key, value }: Entry): bigint {
  return moneyInWei(key, value);
}

async function sum(
  { first, pages }: Reading,
  deadline: Deadline,
  amountWei: (entry: Entry) => bigint,
): Promise<bigint> {
  let total = 0n;
  try {
    for (let page = await first; page.done !== true; page = await pages.next()) {
      for (const entry of page.value) total += amountWei(entry);
      await deadline.slice();
    }
    return total;
  } finally {
    await pages.return?.();
  }
}
