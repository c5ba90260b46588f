import { z } from 'zod';
import { toChecksumAddress } from '../../protocol/address.js';
import { toHex } from '../../protocol/bytes.js';
import { votingPowerOf } from '../../protocol/types/validators.js';
import { epochNumber } from '../../state/staking/epoch-record.js';
import { selfStakeWei } from '../../state/staking/standing.js';
import {
  commissionAt,
  isActive,
  isJailed,
  isTombstoned,
  keyAt,
  validators,
  type Validator,
} from '../../state/staking/validator.js';
import { STATE_KEYS } from '../../state/store/keys.js';
import type { Reader } from '../../state/store/store.js';
import { readPage } from '../chain/pages.js';
import { RPC } from '../errors/codes.js';
import { RpcError } from '../errors/rpc-error.js';
import { defineMethod, parameter, type RpcMethod } from '../method.js';
import { NextCursor, Page } from '../schema/paging.js';
import { AddressText, BlockSelector, HexText, LATEST } from '../schema/values.js';
import { then } from '../transport/then.js';
import { ChecksumAddress, UnixMs, WeiText } from './status.js';

export const ValidatorShape = z
  .strictObject({
    id: ChecksumAddress.describe('The address of its owner, for ever.'),
    name: z.string(),
    operator: ChecksumAddress,
    payout: ChecksumAddress,
    blsPublicKey: HexText.describe('The key that signs in this epoch; of one that is new, its first.'),
    keyCount: z.int(),
    commissionBps: z.int().describe('Share of rewards it keeps, in 1/10,000.'),
    stakeWei: WeiText.describe('Its own and its delegators’.'),
    selfStakeWei: WeiText,
    votingPower: z.int().describe('In millionths of OGPU; 0 while it is not active.'),
    status: z.enum(['active', 'waiting', 'jailed', 'tombstoned']),
    jailedUntilMs: UnixMs.nullable(),
  })
  .meta({ id: 'Validator', description: 'A validator as the state has it.' });

/** Who secures the chain. */
export const validatorMethods: readonly RpcMethod[] = [
  defineMethod({
    name: 'ogpu_validators',
    summary: 'Validators, in the order of their ids.',
    isHeavy: true,
    parameters: [parameter('page', Page.prefault({}), 'Which part of the list.')],
    result: {
      description: 'A page.',
      schema: z.strictObject({ validators: z.array(ValidatorShape), next: NextCursor }),
    },
    errors: ['RPC_CURSOR_INVALID'],
    call: async ({ services, deadline }, page) => {
      const { store } = services.chain;
      const { entries, next } = await readPage(store, STATE_KEYS.validator.range(), page);
      const answers: z.input<typeof ValidatorShape>[] = [];
      for (const { key, value } of entries) {
        const [id] = STATE_KEYS.validator.decode(key);
        answers.push(validatorJson(store, id, validators.decode(value)));
        await deadline.slice();
      }
      return { validators: answers, next };
    },
  }),
  defineMethod({
    name: 'ogpu_validator',
    summary: 'One validator.',
    parameters: [
      parameter('id', AddressText, 'The address of its owner.'),
      parameter('block', BlockSelector.optional(), 'After which block; latest unless given.'),
    ],
    result: { description: 'The validator.', schema: ValidatorShape },
    errors: ['RPC_VALIDATOR_UNKNOWN', 'RPC_BLOCK_UNKNOWN', 'PAST_STATE_PRUNED'],
    call: ({ services }, id, reference = LATEST) => {
      const found = services.chain.readState(reference, (view) => {
        const validator = validators.find(view, id);
        return validator && validatorJson(view, id, validator);
      });
      return then(found, (answer) => {
        if (answer !== undefined) return answer;
        const data = { validator: toChecksumAddress(id) };
        throw new RpcError(RPC.resourceNotFound, 'RPC_VALIDATOR_UNKNOWN', 'no such validator', data);
      });
    },
  }),
];

export function validatorJson(
  view: Reader,
  id: Uint8Array,
  validator: Validator,
): z.input<typeof ValidatorShape> {
  const epoch = epochNumber(view);
  const key = keyAt(validator, epoch) ?? validator.keys[0]?.blsPublicKey ?? new Uint8Array(0);
  return {
    id: toChecksumAddress(id),
    name: String.fromCharCode(...validator.name),
    operator: toChecksumAddress(validator.operator),
    payout: toChecksumAddress(validator.payout),
    blsPublicKey: toHex(key),
    keyCount: validator.keyCount,
    commissionBps: commissionAt(validator, epoch),
    stakeWei: validator.pool.tokensWei.toString(),
    selfStakeWei: selfStakeWei(view, id, validator).toString(),
    votingPower: isActive(validator) ? votingPowerOf(validator.pool.tokensWei) : 0,
    status: statusOf(validator),
    jailedUntilMs: isJailed(validator) ? validator.jailedUntilMs : null,
  };
}

function statusOf(validator: Validator): z.input<typeof ValidatorShape>['status'] {
  if (isTombstoned(validator)) return 'tombstoned';
  if (isJailed(validator)) return 'jailed';
  return isActive(validator) ? 'active' : 'waiting';
}
