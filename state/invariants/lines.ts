import type { Address } from '../../protocol/address.js';
import { toHex } from '../../protocol/bytes.js';
import { jobs } from '../jobs/job.js';
import { dutyEntries, dutyPlaces } from '../jobs/judges.js';
import { acceptedAddresses, providers, standsFor } from '../providers/provider.js';
import { attestations } from '../sources/attestations.js';
import { sources } from '../sources/source.js';
import { delegations } from '../staking/delegation.js';
import { activeRewards } from '../staking/rewards.js';
import { unbondingPools, unbondings } from '../staking/unbonding.js';
import { keyOwners, validators } from '../staking/validator.js';
import { decodeAccount } from '../accounts/account.js';
import { decodePoolWei } from '../accounts/pools.js';
import { STATE_KEYS } from '../store/keys.js';
import { spaceOf } from '../store/state-spaces.js';

/*
 * What single state entries say about money, shares and each other. Whatever must hold of a state is a statement about sums of these, so
 * that it can be checked over everything, or over what a block has changed.
 */

/** Money in an entry, in wei: over a whole state it adds up to the supply. */
export function moneyInWei(key: Uint8Array, value: Uint8Array): bigint {
  switch (spaceOf(key)) {
    case 'account':
      return decodeAccount(value).balanceWei;
    case 'pool':
      return decodePoolWei(value);
    case 'validator': {
      const { pool } = validators.decode(value);
      return pool.tokensWei + pool.rewardsWei;
    }
    case 'unbondingPool':
      return unbondingPools.decode(value).tokensWei;
    case 'provider':
      return providers.decode(value).lockupWei;
    case 'source':
      return sources.decode(value).bondWei;
    case 'job':
      return jobs.decode(value).escrowWei;
    case 'system':
      return isRewards(key) ? activeRewards.decode(value).pool.rewardsWei : 0n;
    default:
      return 0n;
  }
}

/** Shares an entry puts into a pool, or, negative, has of one: over a whole state each pool's add up to nothing. */
export function sharesIn(
  key: Uint8Array,
  value: Uint8Array,
): readonly (readonly [pool: string, shares: bigint])[] {
  switch (spaceOf(key)) {
    case 'validator': {
      const { pool, seat } = validators.decode(value);
      return [
        [stakeOf(STATE_KEYS.validator.decode(key)[0]), pool.shares],
        ['active set', -seat.shares],
      ];
    }
    case 'delegation': {
      const [validator] = STATE_KEYS.delegation.decode(key);
      return [[stakeOf(validator), -delegations.decode(value).holding.shares]];
    }
    case 'unbondingPool':
      return [[unbondingOf(...STATE_KEYS.unbondingPool.decode(key)), unbondingPools.decode(value).shares]];
    case 'unbonding': {
      const { validator, epoch, shares } = unbondings.decode(value);
      return [[unbondingOf(validator, epoch), -shares]];
    }
    case 'system':
      return isRewards(key) ? [['active set', activeRewards.decode(value).pool.shares]] : [];
    default:
      return [];
  }
}

/** Entries that must be there because this one is. */
export function referencesOf(key: Uint8Array, value: Uint8Array): readonly Uint8Array[] {
  switch (spaceOf(key)) {
    case 'validator':
      return validators.decode(value).keys.map((used) => STATE_KEYS.validatorKey.encode(used.blsPublicKey));
    case 'validatorKey':
      return [STATE_KEYS.validator.encode(keyOwners.decode(value).validator)];
    case 'delegation': {
      const [validator, delegator] = STATE_KEYS.delegation.decode(key);
      const { liens } = delegations.decode(value);
      return [
        STATE_KEYS.delegator.encode(delegator, validator),
        ...[validator, ...liens.map((lien) => lien.validator)].map((id) => STATE_KEYS.validator.encode(id)),
      ];
    }
    case 'delegator': {
      const [delegator, validator] = STATE_KEYS.delegator.decode(key);
      return [STATE_KEYS.delegation.encode(validator, delegator)];
    }
    case 'unbonding': {
      const { validator, epoch, liens } = unbondings.decode(value);
      return [
        STATE_KEYS.unbondingPool.encode(validator, epoch),
        ...liens.map((lien) => STATE_KEYS.validator.encode(lien.validator)),
      ];
    }
    case 'provider':
      return acceptedAddresses(providers.decode(value)).map((address) => STATE_KEYS.operator.encode(address));
    case 'operator':
      return [STATE_KEYS.provider.encode(standsFor.decode(value).master)];
    case 'source':
      return [STATE_KEYS.sourceGraph.encode(...STATE_KEYS.source.decode(key))];
    case 'sourceGraph':
      return [STATE_KEYS.source.encode(...STATE_KEYS.sourceGraph.decode(key))];
    case 'attestations':
      return [
        STATE_KEYS.source.encode(...STATE_KEYS.attestations.decode(key)),
        ...attestations.decode(value).map(({ validator }) => STATE_KEYS.validator.encode(validator)),
      ];
    case 'unbondingPool':
    case 'liveness':
      return [STATE_KEYS.validator.encode(key.subarray(5, 25))];
    default:
      return referencesOfJobs(key, value);
  }
}

/** The same of what belongs to jobs. */
function referencesOfJobs(key: Uint8Array, value: Uint8Array): readonly Uint8Array[] {
  switch (spaceOf(key)) {
    case 'job': {
      const [id] = STATE_KEYS.job.decode(key);
      const { source, client, phase, attempts, tried, reason } = jobs.decode(value);
      return [
        ...(reason === 0 ? [STATE_KEYS.source.encode(source)] : []),
        STATE_KEYS.jobClient.encode(client, id),
        STATE_KEYS.jobStatus.encode(phase, id),
        ...tried.map((provider) => STATE_KEYS.jobProvider.encode(provider, id)),
        ...Array.from({ length: attempts }, (_, number) => STATE_KEYS.attempt.encode(id, number)),
      ];
    }
    case 'jobClient':
      return [STATE_KEYS.job.encode(STATE_KEYS.jobClient.decode(key)[1])];
    case 'jobStatus':
      return [STATE_KEYS.job.encode(STATE_KEYS.jobStatus.decode(key)[1])];
    case 'jobProvider':
      return [STATE_KEYS.job.encode(STATE_KEYS.jobProvider.decode(key)[1])];
    case 'attempt':
      return [STATE_KEYS.job.encode(STATE_KEYS.attempt.decode(key)[0])];
    case 'publication':
      return [STATE_KEYS.job.encode(...STATE_KEYS.publication.decode(key))];
    case 'judge':
      return [STATE_KEYS.validator.encode(...STATE_KEYS.judge.decode(key))];
    case 'duty': {
      const [validator] = STATE_KEYS.duty.decode(key);
      const { job, attempt } = dutyEntries.decode(value);
      return [STATE_KEYS.dutyPlace.encode(validator, job), STATE_KEYS.attempt.encode(job, attempt)];
    }
    case 'dutyPlace': {
      const [validator] = STATE_KEYS.dutyPlace.decode(key);
      return [STATE_KEYS.duty.encode(validator, dutyPlaces.decode(value).place)];
    }
    default:
      return [];
  }
}

/** Whether a key of the system is that of the active set's rewards. */
export function isRewards(key: Uint8Array): boolean {
  return STATE_KEYS.system.decode(key)[0] === 'rewards';
}

function stakeOf(validator: Address): string {
  return `validator ${toHex(validator)}`;
}

function unbondingOf(validator: Address, epoch: number): string {
  return `validator ${toHex(validator)}, unbonding of epoch ${epoch}`;
}
