import { abiFunction } from '../../protocol/abi/signature.js';
import type { Address } from '../../protocol/address.js';
import type { AbiValue } from '../../protocol/abi/types.js';
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
import { ERRORS } from '../staking/abi.js';

/** Two pairing checks and more, priced by their time: they take as long as a thousand transfers. */
const KEY_PROOF_GAS = 28_000_000;

const ownerFunctions: readonly ModuleFunction[] = [
  {
    item: abiFunction(
      'register(string name, address operator, address payout, uint16 commissionBps, bytes blsPublicKey, bytes proofOfPossession, bytes ownerBinding) payable',
    ),
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
    gas: 40_000,
    run: (call, values) => {
      setCommission(call, call.caller, Number(uintArgument(values, 0)));
      return [];
    },
  },
  {
    item: abiFunction('setOperator(address operator)'),
    gas: 40_000,
    run: (call, values) => {
      setOperator(call, call.caller, bytesArgument(values, 0));
      return [];
    },
  },
  {
    item: abiFunction('setPayout(address payout)'),
    gas: 40_000,
    run: (call, values) => {
      setPayout(call, call.caller, bytesArgument(values, 0));
      return [];
    },
  },
  {
    item: abiFunction('unjail(address validator)'),
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
    gas: 150_000,
    run: (call, values) => {
      delegate(call, bytesArgument(values, 0), call.caller, call.valueWei);
      return [];
    },
  },
  {
    item: abiFunction('undelegate(address validator, uint256 amountWei) returns (uint64 number)'),
    gas: 250_000,
    run: (call, values) => [undelegate(call, bytesArgument(values, 0), call.caller, uintArgument(values, 1))],
  },
  {
    item: abiFunction('undelegateAll(address validator) returns (uint64 number)'),
    gas: 250_000,
    run: (call, values) => [undelegate(call, bytesArgument(values, 0), call.caller, 'all')],
  },
  {
    item: abiFunction('cancelUnbonding(uint64 number)'),
    gas: 250_000,
    run: (call, values) => {
      cancelAndRestake(call, call.caller, uintArgument(values, 0));
      return [];
    },
  },
  {
    item: abiFunction('redelegate(address fromValidator, address toValidator, uint256 amountWei)'),
    gas: 250_000,
    run: (call, values) => {
      const [from, to] = [bytesArgument(values, 0), bytesArgument(values, 1)];
      redelegate(call, from, to, call.caller, uintArgument(values, 2));
      return [];
    },
  },
  {
    item: abiFunction('redelegateAll(address fromValidator, address toValidator)'),
    gas: 250_000,
    run: (call, values) => {
      redelegate(call, bytesArgument(values, 0), bytesArgument(values, 1), call.caller, 'all');
      return [];
    },
  },
  {
    item: abiFunction('claimRewards(address validator) returns (uint256 amountWei)'),
    gas: 150_000,
    run: (call, values) => [claimRewards(call, bytesArgument(values, 0), call.caller)],
  },
  {
    item: abiFunction('settle(address validator, address delegator) returns (uint256 amountWei)'),
    gas: 150_000,
    run: (call, values) => [claimRewards(call, bytesArgument(values, 0), bytesArgument(values, 1))],
  },
];

const views: readonly ModuleFunction[] = [
  {
    item: abiFunction('epoch() view returns (uint64 number, uint64 firstHeight, uint64 startMs)'),
    gas: 10_000,
    run: ({ state }) => {
      const number = epochNumber(state);
      const { firstHeight, startMs } = readEpoch(state, number);
      return [BigInt(number), BigInt(firstHeight), BigInt(startMs)];
    },
  },
  {
    item: abiFunction('activeSet() view returns (address[] validators, uint64[] votingPowers)'),
    gas: 200_000,
    run: ({ state }) => {
      const set = nextValidators(state);
      return [set.map(({ id }) => id), set.map(({ votingPower }) => BigInt(votingPower))];
    },
  },
  {
    item: abiFunction(
      'validator(address id) view returns (string name, address operator, address payout, bytes blsPublicKey, uint16 commissionBps, uint64 keyCount)',
    ),
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
    gas: 60_000,
    run: (call, values) => readPosition(call, bytesArgument(values, 0), bytesArgument(values, 1)),
  },
  {
    item: abiFunction(
      'unbonding(address delegator, uint64 number) view returns (address validator, uint256 amountWei, uint64 dueMs)',
    ),
    gas: 20_000,
    run: ({ state }, values) => {
      const number = uintArgument(values, 1);
      const isKnown = number <= BigInt(Number.MAX_SAFE_INTEGER);
      const entry = isKnown ? findUnbonding(state, bytesArgument(values, 0), Number(number)) : undefined;
      if (entry === undefined) throw new Revert(ERRORS.UnknownUnbonding, [number]);
      return [entry.validator, unbondingValueWei(state, entry), BigInt(entry.dueMs)];
    },
  },
];

export const stakingModule = defineModule('staking', MODULE_ADDRESSES.staking, [
  ...ownerFunctions,
  ...delegatorFunctions,
  ...views,
]);

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
