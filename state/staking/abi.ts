import { declareError, declareEvent } from '../modules/declare.js';

export const EVENTS = {
  ValidatorRegistered: declareEvent(
    'ValidatorRegistered(address indexed validator, bytes blsPublicKey, uint256 selfStakeWei)',
    'A validator was registered with this key and own stake, in wei; it can be active from the next epoch on.',
  ),
  KeyRotated: declareEvent(
    'KeyRotated(address indexed validator, bytes blsPublicKey, uint64 fromEpoch)',
    'A validator signs with another BLS key from this epoch on.',
  ),
  OperatorChanged: declareEvent(
    'OperatorChanged(address indexed validator, address indexed operator)',
    'Somebody else acts for the validator from day to day.',
  ),
  PayoutChanged: declareEvent(
    'PayoutChanged(address indexed validator, address indexed payout)',
    'Rewards and tips of the validator go to another address.',
  ),
  CommissionChanged: declareEvent(
    'CommissionChanged(address indexed validator, uint16 bps, uint64 fromEpoch)',
    'A validator keeps another share of its rewards, in 1/10,000, from this epoch on.',
  ),
  Delegated: declareEvent(
    'Delegated(address indexed validator, address indexed delegator, uint256 amountWei, uint256 shares)',
    'Stake was added to a delegation: amount in wei, and the shares it bought.',
  ),
  Undelegated: declareEvent(
    'Undelegated(address indexed validator, address indexed delegator, uint64 indexed number, uint256 amountWei, uint64 dueMs, uint64 dueHeight)',
    'Stake is on its way out: the amount in wei is paid when the block time, in Unix milliseconds, and the height have come.',
  ),
  UnbondingCancelled: declareEvent(
    'UnbondingCancelled(address indexed validator, address indexed delegator, uint64 indexed number, uint256 amountWei)',
    'Stake on its way out went back to its validator, in wei.',
  ),
  UnbondingPaid: declareEvent(
    'UnbondingPaid(address indexed validator, address indexed delegator, uint64 indexed number, uint256 amountWei)',
    'Stake on its way out was paid to its delegator, in wei, less what it has lost to slashes.',
  ),
  Redelegated: declareEvent(
    'Redelegated(address indexed fromValidator, address indexed toValidator, address indexed delegator, uint256 amountWei)',
    'Stake moved from one validator to another, in wei; it answers for the first one until its unbonding time is over.',
  ),
  RewardsPaid: declareEvent(
    'RewardsPaid(address indexed validator, uint64 indexed epoch, uint256 delegatorsWei, uint256 commissionWei)',
    'What an active validator has earned was brought to its delegators, in wei, less its commission.',
  ),
  RewardsClaimed: declareEvent(
    'RewardsClaimed(address indexed validator, address indexed delegator, address indexed recipient, uint256 amountWei)',
    'Rewards of a delegation were paid, in wei.',
  ),
  Jailed: declareEvent(
    'Jailed(address indexed validator, uint64 untilMs, uint32 missedBlocks)',
    'A validator missed too many blocks and left the active set; it may return at this time in Unix milliseconds.',
  ),
  JailDeferred: declareEvent(
    'JailDeferred(address indexed validator, uint32 missedBlocks)',
    'A validator missed too many blocks, but stays: without it the active set would have lost a third of its power in this epoch.',
  ),
  Unjailed: declareEvent(
    'Unjailed(address indexed validator)',
    'A validator is out of jail and can be active from the next epoch on.',
  ),
  Slashed: declareEvent(
    'Slashed(address indexed validator, uint8 indexed reason, uint64 epoch, uint256 amountWei)',
    'Stake was taken, in wei. Reasons: 1 contradiction, 2 absence. The epoch is that of the offence.',
  ),
  Tombstoned: declareEvent(
    'Tombstoned(address indexed validator, uint64 offenceHeight)',
    'A validator contradicted itself at this height and never returns.',
  ),
  LienEnforced: declareEvent(
    'LienEnforced(address indexed validator, address indexed delegator, uint256 amountWei)',
    'Stake that had moved lost its part in the slash of the validator it came from, in wei.',
  ),
  SlashRouted: declareEvent(
    'SlashRouted(address indexed recipient, uint256 amountWei)',
    'Slashed money was paid to who was harmed or brought the proof, in wei; the rest is in the verifier pool.',
  ),
  EpochStarted: declareEvent(
    'EpochStarted(uint64 indexed epoch, uint64 validators, uint64 votingPower)',
    'An epoch began: members and voting power, in millionths of OGPU, of the set that decides from the next height on.',
  ),
} as const;

export const ERRORS = {
  UnknownValidator: declareError('UnknownValidator(address validator)', 'No validator has this address.'),
  AlreadyRegistered: declareError(
    'AlreadyRegistered(address validator)',
    'The address has a validator already.',
  ),
  NotOwnerOrOperator: declareError(
    'NotOwnerOrOperator(address caller)',
    'Only the owner and the operator of the validator may do this.',
  ),
  SelfStakeTooLow: declareError(
    'SelfStakeTooLow(uint256 requiredWei, uint256 providedWei)',
    "The owner's own stake, in wei, is below the minimum: add to it.",
  ),
  InvalidName: declareError(
    'InvalidName()',
    'A name has 1 to 64 printable ASCII characters and no space at either end.',
  ),
  InvalidAddress: declareError('InvalidAddress()', 'The zero address cannot be used.'),
  InvalidAmount: declareError('InvalidAmount()', 'The amount is zero: send or name some wei.'),
  InvalidBlsKey: declareError('InvalidBlsKey()', 'The BLS key is not a valid compressed point of G1.'),
  BlsKeyUsed: declareError(
    'BlsKeyUsed(address validator)',
    'The BLS key is or was in use by this validator: make another one.',
  ),
  InvalidProofOfPossession: declareError(
    'InvalidProofOfPossession()',
    'The proof of possession is not one of this BLS key.',
  ),
  InvalidOwnerBinding: declareError(
    'InvalidOwnerBinding(uint64 expectedNonce)',
    'The BLS key has not signed that it accepts this owner on this chain with this nonce.',
  ),
  RotationPending: declareError(
    'RotationPending(uint64 fromEpoch)',
    'The key was changed in this epoch already: try again in the one named.',
  ),
  CommissionTooHigh: declareError(
    'CommissionTooHigh(uint16 maximumBps, uint16 requestedBps)',
    'A commission is at most this many 1/10,000.',
  ),
  CommissionStepTooLarge: declareError(
    'CommissionStepTooLarge(uint16 maximumBps, uint16 requestedBps)',
    'The commission may change by at most this many 1/10,000 at once.',
  ),
  CommissionChangeTooSoon: declareError(
    'CommissionChangeTooSoon(uint64 allowedFromMs)',
    'The commission was changed less than a day ago: try again at this time in Unix milliseconds.',
  ),
  InsufficientStake: declareError(
    'InsufficientStake(uint256 requestedWei, uint256 availableWei)',
    'The delegation is worth less than what was asked for, in wei.',
  ),
  NoDelegation: declareError('NoDelegation()', 'There is no such delegation.'),
  StakeDiluted: declareError('StakeDiluted()', 'The validator was slashed so far that nobody can join it.'),
  ValidatorTombstoned: declareError(
    'ValidatorTombstoned(address validator)',
    'The validator contradicted itself and takes no stake any more.',
  ),
  SameValidator: declareError('SameValidator()', 'The stake is with this validator already.'),
  TooManyLiens: declareError(
    'TooManyLiens(uint64 maximum)',
    'The stake answers for too many validators: wait for an unbonding time to pass.',
  ),
  UnknownUnbonding: declareError(
    'UnknownUnbonding(uint64 number)',
    'No stake of the caller is on its way out under this number.',
  ),
  NotJailed: declareError('NotJailed()', 'The validator is not in jail.'),
  JailedUntil: declareError(
    'JailedUntil(uint64 untilMs)',
    'The validator stays in jail until this time in Unix milliseconds.',
  ),
} as const;
