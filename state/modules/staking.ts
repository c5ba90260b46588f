import { abiFunction } from '../../protocol/abi/signature.js';
import type { Address } from '../../protocol/address.js';
import type { AbiValue } from '../../protocol/abi/types.js';
import { ERRORS, EVENTS } from '../staking/abi.js';
import { nextValidators } from '../staking/active-set.js';
import { cancelAndRestake, claimRewards, delegate, redelegate, undelegate } from '../staking/delegating.js';
import { epochNumber, readEpoch } from '../staking/epoch-record.js';
import { knownValidator, openPosition } from '../staking/position.js';
import { register, rotateKey, type KeyProof } from '../staking/registering.js';
import { claimableWei } from '../staking/reward-pool.js';
import { valueWei } from '../staking/stake-pool.js';
import { selfStakeWei } from '../staking/standing.js';
import { assertActsFor, setCommission, setOperator, setPayout, unjail } from '../staking/terms.js';
import { findUnbonding, unbondingValueWei } from '../staking/unbonding.js';
import { commissionAt, isActive, isTombstoned, keyAt } from '../staking/validator.js';
import { MODULE_ADDRESSES } from './addresses.js';
import { bytesArgument, textArgument, uintArgument } from './arguments.js';
import { defineModule, Revert, type CallContext, type ModuleFunction } from './module.js';

/** Two pairing checks and more, priced by their time: they take as long as a thousand transfers. */
const KEY_PROOF_GAS = 28_000_000;

const ownerFunctions: readonly ModuleFunction[] = [
  {
    item: abiFunction(
      'register(string name, address operator, address payout, uint16 commissionBps, bytes blsPublicKey, bytes proofOfPossession, bytes ownerBinding) payable',
    ),
    notice: 'Makes the caller a validator with the value as its own stake.',
    gas: KEY_PROOF_GAS + 300_000,
    run: (call, values) => {
      const terms = {
        name: textArgument(values, 0),
        operator: bytesArgument(values, 1),
        payout: bytesArgument(values, 2),
        commissionBps: Number(uintArgument(values, 3)),
        key: keyProof(values, 4),
      };
      register(call, call.caller, terms, call.valueWei);
      return [];
    },
  },
  {
    item: abiFunction(
      'rotateKey(address validator, bytes blsPublicKey, bytes proofOfPossession, bytes ownerBinding)',
    ),
    notice:
      'Changes the BLS key from the next epoch on; for owner and operator. The nonce of the binding is the count of keys so far.',
    gas: KEY_PROOF_GAS + 100_000,
    run: (call, values) => {
      const id = bytesArgument(values, 0);
      assertActsFor(call, id, call.caller);
      rotateKey(call, id, keyProof(values, 1));
      return [];
    },
  },
  {
    item: abiFunction('setCommission(uint16 bps)'),
    notice: 'Changes the share of rewards the caller keeps, in 1/10,000, from the next epoch on; once a day.',
    gas: 40_000,
    run: (call, values) => {
      setCommission(call, call.caller, Number(uintArgument(values, 0)));
      return [];
    },
  },
  {
    item: abiFunction('setOperator(address operator)'),
    notice: 'Changes who acts for the caller from day to day.',
    gas: 40_000,
    run: (call, values) => {
      setOperator(call, call.caller, bytesArgument(values, 0));
      return [];
    },
  },
  {
    item: abiFunction('setPayout(address payout)'),
    notice: 'Changes where rewards and tips of the caller go.',
    gas: 40_000,
    run: (call, values) => {
      setPayout(call, call.caller, bytesArgument(values, 0));
      return [];
    },
  },
  {
    item: abiFunction('unjail(address validator)'),
    notice: 'Brings a validator back after its time in jail; for owner and operator.',
    gas: 100_000,
    run: (call, values) => {
      const id = bytesArgument(values, 0);
      unjail(call, id, assertActsFor(call, id, call.caller));
      return [];
    },
  },
];

const delegatorFunctions: readonly ModuleFunction[] = [
  {
    item: abiFunction('delegate(address validator) payable'),
    notice: 'Adds the value to the stake of the caller with a validator.',
    gas: 150_000,
    run: (call, values) => {
      delegate(call, bytesArgument(values, 0), call.caller, call.valueWei);
      return [];
    },
  },
  {
    item: abiFunction('undelegate(address validator, uint256 amountWei) returns (uint64 number)'),
    notice:
      'Takes an amount in wei out of the stake of the caller; it is paid by itself after the unbonding time.',
    gas: 250_000,
    run: (call, values) => [undelegate(call, bytesArgument(values, 0), call.caller, uintArgument(values, 1))],
  },
  {
    item: abiFunction('undelegateAll(address validator) returns (uint64 number)'),
    notice: 'Takes all stake of the caller out; number 0 when it is worth nothing.',
    gas: 250_000,
    run: (call, values) => [undelegate(call, bytesArgument(values, 0), call.caller, 'all')],
  },
  {
    item: abiFunction('cancelUnbonding(uint64 number)'),
    notice: 'Brings stake on its way out back to its validator.',
    gas: 250_000,
    run: (call, values) => {
      cancelAndRestake(call, call.caller, uintArgument(values, 0));
      return [];
    },
  },
  {
    item: abiFunction('redelegate(address fromValidator, address toValidator, uint256 amountWei)'),
    notice: 'Moves an amount in wei to another validator, where it works at once.',
    gas: 250_000,
    run: (call, values) => {
      const [from, to] = [bytesArgument(values, 0), bytesArgument(values, 1)];
      redelegate(call, from, to, call.caller, uintArgument(values, 2));
      return [];
    },
  },
  {
    item: abiFunction('redelegateAll(address fromValidator, address toValidator)'),
    notice: 'Moves all stake of the caller to another validator.',
    gas: 250_000,
    run: (call, values) => {
      redelegate(call, bytesArgument(values, 0), bytesArgument(values, 1), call.caller, 'all');
      return [];
    },
  },
  {
    item: abiFunction('claimRewards(address validator) returns (uint256 amountWei)'),
    notice: 'Pays the rewards of the caller, an owner to its payout address.',
    gas: 150_000,
    run: (call, values) => [claimRewards(call, bytesArgument(values, 0), call.caller)],
  },
  {
    item: abiFunction('settle(address validator, address delegator) returns (uint256 amountWei)'),
    notice: 'Pays the rewards of anybody to where they belong and enforces what the stake answers for.',
    gas: 150_000,
    run: (call, values) => [claimRewards(call, bytesArgument(values, 0), bytesArgument(values, 1))],
  },
];

const views: readonly ModuleFunction[] = [
  {
    item: abiFunction('epoch() view returns (uint64 number, uint64 firstHeight, uint64 startMs)'),
    notice:
      'The present epoch, the first height its set decides, and the block time in Unix milliseconds at which it began.',
    gas: 10_000,
    run: ({ state }) => {
      const number = epochNumber(state);
      const { firstHeight, startMs } = readEpoch(state, number);
      return [BigInt(number), BigInt(firstHeight), BigInt(startMs)];
    },
  },
  {
    item: abiFunction('activeSet() view returns (address[] validators, uint64[] votingPowers)'),
    notice: 'The validators that decide the next height, with their voting power in millionths of OGPU.',
    gas: 2_000_000,
    run: ({ state }) => {
      const set = nextValidators(state);
      return [set.map(({ id }) => id), set.map(({ votingPower }) => BigInt(votingPower))];
    },
  },
  {
    item: abiFunction(
      'validator(address id) view returns (string name, address operator, address payout, bytes blsPublicKey, uint16 commissionBps, uint64 keyCount)',
    ),
    notice: 'What a validator says of itself, its present BLS key and commission in 1/10,000.',
    gas: 20_000,
    run: (call, values) => {
      const validator = knownValidator(call, bytesArgument(values, 0));
      const { block } = call;
      const key = keyAt(validator, block.epoch) ?? validator.keys[0]?.blsPublicKey;
      return [
        String.fromCharCode(...validator.name),
        validator.operator,
        validator.payout,
        key ?? new Uint8Array(0),
        BigInt(commissionAt(validator, block.epoch)),
        BigInt(validator.keyCount),
      ];
    },
  },
  {
    item: abiFunction(
      'standing(address id) view returns (uint256 stakeWei, uint256 selfStakeWei, bool active, uint64 jailedUntilMs, bool tombstoned)',
    ),
    notice:
      'Stake of a validator in wei, and whether it is active, in jail until a time in Unix milliseconds, or out for ever.',
    gas: 20_000,
    run: (call, values) => {
      const id = bytesArgument(values, 0);
      const validator = knownValidator(call, id);
      return [
        validator.pool.tokensWei,
        selfStakeWei(call.state, id, validator),
        isActive(validator),
        BigInt(validator.jailedUntilMs),
        isTombstoned(validator),
      ];
    },
  },
  {
    item: abiFunction(
      'delegation(address validator, address delegator) view returns (uint256 stakeWei, uint256 rewardsWei, uint256 shares, uint64 liens)',
    ),
    notice: 'What a delegation is worth and what a claim would pay, in wei.',
    gas: 60_000,
    run: (call, values) => readPosition(call, bytesArgument(values, 0), bytesArgument(values, 1)),
  },
  {
    item: abiFunction(
      'unbonding(address delegator, uint64 number) view returns (address validator, uint256 amountWei, uint64 dueMs, uint64 dueHeight)',
    ),
    notice:
      'What stake on its way out is worth, in wei, and when it is paid: at this time, in Unix milliseconds, and height.',
    gas: 20_000,
    run: ({ state }, values) => {
      const number = uintArgument(values, 1);
      const isKnown = number <= BigInt(Number.MAX_SAFE_INTEGER);
      const entry = isKnown ? findUnbonding(state, bytesArgument(values, 0), Number(number)) : undefined;
      if (entry === undefined) throw new Revert(ERRORS.UnknownUnbonding, [number]);
      return [entry.validator, unbondingValueWei(state, entry), BigInt(entry.dueMs), BigInt(entry.dueHeight)];
    },
  },
];

export const stakingModule = defineModule({
  name: 'staking',
  address: MODULE_ADDRESSES.staking,
  functions: [...ownerFunctions, ...delegatorFunctions, ...views],
  events: Object.values(EVENTS),
  errors: Object.values(ERRORS),
});

/** A position as it would be if it were touched now; nothing is changed. */
function readPosition({ state, block }: CallContext, id: Address, delegator: Address): AbiValue[] {
  state.checkpoint();
  try {
    const scope = { state, block, emit: (): void => undefined };
    const { validator, delegation } = openPosition(scope, id, delegator);
    const { holding, liens } = delegation;
    return [
      valueWei(validator.pool, holding.shares),
      claimableWei(validator.pool, holding),
      holding.shares,
      BigInt(liens.length),
    ];
  } finally {
    state.rollback();
  }
}

function keyProof(values: readonly AbiValue[], first: number): KeyProof {
  return {
    blsPublicKey: bytesArgument(values, first),
    proofOfPossession: bytesArgument(values, first + 1),
    ownerBinding: bytesArgument(values, first + 2),
  };
}
