import { z } from 'zod';
import { toChecksumAddress } from '../../protocol/address.js';
import { runView } from '../../state/modules/module.js';
import { stakingModule } from '../../state/modules/staking.js';
import { unbondings, unbondingValueWei } from '../../state/staking/unbonding.js';
import { validators } from '../../state/staking/validator.js';
import { STATE_KEYS } from '../../state/store/keys.js';
import { Overlay } from '../../state/store/overlay.js';
import type { Reader } from '../../state/store/store.js';
import { readPage } from '../chain/pages.js';
import { invalidParams } from '../errors/rpc-error.js';
import { nextBlock } from '../execution/simulate.js';
import { defineMethod, parameter, type RpcMethod } from '../method.js';
import { NextCursor, Page } from '../schema/paging.js';
import { AddressText } from '../schema/values.js';
import { ChecksumAddress, Height, UnixMs, WeiText } from './status.js';

const page = parameter('page', Page.prefault({}), 'Which part of the list.');
const delegator = parameter('delegator', AddressText, 'Whose.');

const Selection = z
  .union([z.strictObject({ delegator: AddressText }), z.strictObject({ validator: AddressText })], {
    error: 'expected { delegator } or { validator }',
  })
  .meta({ id: 'DelegationSelection', description: 'All of one delegator, or all with one validator.' });

export const DelegationShape = z
  .strictObject({
    validator: ChecksumAddress,
    delegator: ChecksumAddress,
    stakeWei: WeiText.describe('What it is worth now.'),
    rewardsWei: WeiText.describe('What a claim would pay now.'),
    shares: z.string().regex(/^\d+$/),
    liens: z.int().describe('Validators it still answers for since it moved.'),
  })
  .meta({ id: 'Delegation', description: 'Stake of one delegator with one validator.' });

export const UnbondingShape = z
  .strictObject({
    number: z.int(),
    validator: ChecksumAddress,
    amountWei: WeiText.describe('What it is worth now.'),
    dueMs: UnixMs,
    dueHeight: Height.describe('It is paid in the first block that has come to both.'),
  })
  .meta({ id: 'Unbonding', description: 'Stake on its way out.' });

export const RewardShape = z.strictObject({ validator: ChecksumAddress, rewardsWei: WeiText });

type DelegationJson = z.input<typeof DelegationShape>;

/** Who has staked what. */
export const stakingMethods: readonly RpcMethod[] = [
  defineMethod({
    name: 'ogpu_delegations',
    summary: 'Stake by delegator or by validator, with what it has earned.',
    isHeavy: true,
    parameters: [parameter('of', Selection, 'Whose.'), page],
    result: {
      description: 'A page.',
      schema: z.strictObject({ delegations: z.array(DelegationShape), next: NextCursor }),
    },
    errors: ['RPC_CURSOR_INVALID'],
    call: async ({ services, deadline }, of, part) => {
      const { store } = services.chain;
      const range =
        'delegator' in of
          ? STATE_KEYS.delegator.range(of.delegator)
          : STATE_KEYS.delegation.range(of.validator);
      const { entries, next } = await readPage(store, range, part);
      const delegations: DelegationJson[] = [];
      for (const { key } of entries) {
        const [validator, owner] =
          'delegator' in of
            ? [...STATE_KEYS.delegator.decode(key)].reverse()
            : STATE_KEYS.delegation.decode(key);
        const found = validator && owner && readDelegation(store, validator, owner, services.backend.nowMs());
        if (found !== undefined) delegations.push(found);
        await deadline.slice();
      }
      return { delegations, next };
    },
  }),
  defineMethod({
    name: 'ogpu_unbondings',
    summary: 'Stake of a delegator on its way out.',
    isHeavy: true,
    parameters: [delegator, page],
    result: {
      description: 'A page.',
      schema: z.strictObject({ unbondings: z.array(UnbondingShape), next: NextCursor }),
    },
    errors: ['RPC_CURSOR_INVALID'],
    call: async ({ services }, owner, part) => {
      const { store } = services.chain;
      const { entries, next } = await readPage(store, STATE_KEYS.unbonding.range(owner), part);
      return {
        next,
        unbondings: entries.flatMap(({ key }): z.input<typeof UnbondingShape>[] => {
          const [, number] = STATE_KEYS.unbonding.decode(key);
          const entry = unbondings.find(store, owner, number);
          if (entry === undefined) return [];
          const { validator, dueMs, dueHeight } = entry;
          const amountWei = unbondingValueWei(store, entry).toString();
          return [{ number, validator: toChecksumAddress(validator), amountWei, dueMs, dueHeight }];
        }),
      };
    },
  }),
  defineMethod({
    name: 'ogpu_rewards',
    summary: 'What a delegator could claim now, by validator.',
    isHeavy: true,
    parameters: [delegator, page],
    result: {
      description: 'A page; totalWei is of this page.',
      schema: z.strictObject({ rewards: z.array(RewardShape), totalWei: WeiText, next: NextCursor }),
    },
    errors: ['RPC_CURSOR_INVALID'],
    call: async ({ services, deadline }, owner, part) => {
      const { store } = services.chain;
      const { entries, next } = await readPage(store, STATE_KEYS.delegator.range(owner), part);
      const rewards: z.input<typeof RewardShape>[] = [];
      let totalWei = 0n;
      for (const { key } of entries) {
        const [, validator] = STATE_KEYS.delegator.decode(key);
        const found = readDelegation(store, validator, owner, services.backend.nowMs());
        await deadline.slice();
        if (found === undefined) continue;
        rewards.push({ validator: found.validator, rewardsWei: found.rewardsWei });
        totalWei += BigInt(found.rewardsWei);
      }
      return { rewards, totalWei: totalWei.toString(), next };
    },
  }),
];

/** As the staking module's own view shows it; undefined where the validator is not there any more. */
function readDelegation(
  view: Reader,
  id: Uint8Array,
  owner: Uint8Array,
  nowMs: number,
): DelegationJson | undefined {
  if (validators.find(view, id) === undefined) return undefined;
  const context = {
    state: new Overlay(view, { maxBytes: 1 << 20 }),
    block: nextBlock(view, nowMs),
    caller: owner,
  };
  const values = runView(stakingModule, 'delegation', context, [id, owner]);
  const [stakeWei, rewardsWei, shares, liens] = values.map(String);
  if (stakeWei === undefined || rewardsWei === undefined || shares === undefined || liens === undefined)
    throw invalidParams('the staking module has no such view');
  return {
    validator: toChecksumAddress(id),
    delegator: toChecksumAddress(owner),
    ...{ stakeWei, rewardsWei, shares, liens: Number(liens) },
  };
}
