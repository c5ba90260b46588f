import {
  bytes20,
  ContainerType,
  listOf,
  uint128,
  uint256,
  uint64,
  type ValueOf,
} from '../../protocol/ssz/types.js';

export const HoldingType = new ContainerType({ shares: uint256, index: uint256, accrued: uint256 });

export const RewardPoolType = new ContainerType({
  shares: uint256,
  rewardsWei: uint128,
  rewardIndex: uint256,
  remainder: uint256,
});

export const StakePoolType = new ContainerType({ tokensWei: uint128, ...RewardPoolType.fields });

/** More stakes in transit in one place are refused. */
export const MAX_LIENS = 8;

/** Shares of one place that still answer for the validator they came from. */
export const LienType = new ContainerType({
  validator: bytes20,
  /** In which they left it: they answer for what it did up to that epoch. */
  epoch: uint64,
  /** From that time and that height on nothing can be proved any more. */
  untilMs: uint64,
  untilHeight: uint64,
  shares: uint256,
});

export type Lien = Readonly<ValueOf<typeof LienType>>;

export const LienListType = listOf(LienType, MAX_LIENS);
