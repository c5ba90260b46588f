import { abiError, abiEvent } from '../../protocol/abi/signature.js';

export const EVENTS = {
  ValidatorRegistered: abiEvent(
    'ValidatorRegistered(address indexed validator, bytes blsPublicKey, uint256 selfStakeWei)',
  ),
  KeyRotated: abiEvent('KeyRotated(address indexed validator, bytes blsPublicKey, uint64 fromEpoch)'),
  OperatorChanged: abiEvent('OperatorChanged(address indexed validator, address indexed operator)'),
  PayoutChanged: abiEvent('PayoutChanged(address indexed validator, address indexed payout)'),
  CommissionChanged: abiEvent('CommissionChanged(address indexed validator, uint16 bps, uint64 fromEpoch)'),
  Delegated: abiEvent(
    'Delegated(address indexed validator, address indexed delegator, uint256 amountWei, uint256 shares)',
  ),
  Undelegated: abiEvent(
    'Undelegated(address indexed validator, address indexed delegator, uint64 indexed number, uint256 amountWei, uint64 dueMs)',
  ),
  UnbondingCancelled: abiEvent(
    'UnbondingCancelled(address indexed validator, address indexed delegator, uint64 indexed number, uint256 amountWei)',
  ),
  UnbondingPaid: abiEvent(
    'UnbondingPaid(address indexed validator, address indexed delegator, uint64 indexed number, uint256 amountWei)',
  ),
  Redelegated: abiEvent(
    'Redelegated(address indexed fromValidator, address indexed toValidator, address indexed delegator, uint256 amountWei)',
  ),
  RewardsPaid: abiEvent(
    'RewardsPaid(address indexed validator, uint64 indexed epoch, uint256 delegatorsWei, uint256 commissionWei)',
  ),
  RewardsClaimed: abiEvent(
    'RewardsClaimed(address indexed validator, address indexed delegator, address indexed recipient, uint256 amountWei)',
  ),
  Jailed: abiEvent('Jailed(address indexed validator, uint64 untilMs, uint32 missedBlocks)'),
  Unjailed: abiEvent('Unjailed(address indexed validator)'),
  Slashed: abiEvent(
    'Slashed(address indexed validator, uint8 indexed reason, uint64 epoch, uint256 amountWei)',
  ),
  Tombstoned: abiEvent('Tombstoned(address indexed validator, uint64 offenceHeight)'),
  LienEnforced: abiEvent(
    'LienEnforced(address indexed validator, address indexed delegator, uint256 amountWei)',
  ),
  SlashRouted: abiEvent('SlashRouted(address indexed recipient, uint256 amountWei)'),
  EpochStarted: abiEvent('EpochStarted(uint64 indexed epoch, uint64 validators, uint64 votingPower)'),
} as const;

export const ERRORS = {
  UnknownValidator: abiError('UnknownValidator(address validator)'),
  AlreadyRegistered: abiError('AlreadyRegistered(address validator)'),
  NotOwnerOrOperator: abiError('NotOwnerOrOperator(address caller)'),
  SelfStakeTooLow: abiError('SelfStakeTooLow(uint256 requiredWei, uint256 providedWei)'),
  InvalidName: abiError('InvalidName()'),
  InvalidAddress: abiError('InvalidAddress()'),
  InvalidAmount: abiError('InvalidAmount()'),
  InvalidBlsKey: abiError('InvalidBlsKey()'),
  BlsKeyUsed: abiError('BlsKeyUsed(address validator)'),
  InvalidProofOfPossession: abiError('InvalidProofOfPossession()'),
  InvalidOwnerBinding: abiError('InvalidOwnerBinding(uint64 expectedNonce)'),
  RotationPending: abiError('RotationPending(uint64 fromEpoch)'),
  CommissionTooHigh: abiError('CommissionTooHigh(uint16 maximumBps, uint16 requestedBps)'),
  CommissionStepTooLarge: abiError('CommissionStepTooLarge(uint16 maximumBps, uint16 requestedBps)'),
  CommissionChangeTooSoon: abiError('CommissionChangeTooSoon(uint64 allowedFromMs)'),
  InsufficientStake: abiError('InsufficientStake(uint256 requestedWei, uint256 availableWei)'),
  NoDelegation: abiError('NoDelegation()'),
  StakeDiluted: abiError('StakeDiluted()'),
  ValidatorTombstoned: abiError('ValidatorTombstoned(address validator)'),
  SameValidator: abiError('SameValidator()'),
  TooManyLiens: abiError('TooManyLiens(uint64 maximum)'),
  UnknownUnbonding: abiError('UnknownUnbonding(uint64 number)'),
  NotJailed: abiError('NotJailed()'),
  JailedUntil: abiError('JailedUntil(uint64 untilMs)'),
} as const;
