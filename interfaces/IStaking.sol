// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.4;

address constant STAKING_ADDRESS = 0x0000000000000000000000006F67707500000004;

/// @title The protocol module staking of oGPU
interface IStaking {
    /// @notice Makes the caller a validator with the value as its own stake.
    function register(
        string calldata name,
        address operator,
        address payout,
        uint16 commissionBps,
        bytes calldata blsPublicKey,
        bytes calldata proofOfPossession,
        bytes calldata ownerBinding
    ) external payable;

    /// @notice Changes the BLS key from the next epoch on; for owner and operator. The nonce of the binding is the count of keys so far.
    function rotateKey(
        address validator,
        bytes calldata blsPublicKey,
        bytes calldata proofOfPossession,
        bytes calldata ownerBinding
    ) external;

    /// @notice Changes the share of rewards the caller keeps, in 1/10,000, from the next epoch on; once a day.
    function setCommission(uint16 bps) external;

    /// @notice Changes who acts for the caller from day to day.
    function setOperator(address operator) external;

    /// @notice Changes where rewards and tips of the caller go.
    function setPayout(address payout) external;

    /// @notice Brings a validator back after its time in jail; for owner and operator.
    function unjail(address validator) external;

    /// @notice Adds the value to the stake of the caller with a validator.
    function delegate(address validator) external payable;

    /// @notice Takes an amount in wei out of the stake of the caller; it is paid by itself after the unbonding time.
    function undelegate(address validator, uint256 amountWei) external returns (uint64 number);

    /// @notice Takes all stake of the caller out; number 0 when it is worth nothing.
    function undelegateAll(address validator) external returns (uint64 number);

    /// @notice Brings stake on its way out back to its validator.
    function cancelUnbonding(uint64 number) external;

    /// @notice Moves an amount in wei to another validator, where it works at once.
    function redelegate(address fromValidator, address toValidator, uint256 amountWei) external;

    /// @notice Moves all stake of the caller to another validator.
    function redelegateAll(address fromValidator, address toValidator) external;

    /// @notice Pays the rewards of the caller, an owner to its payout address.
    function claimRewards(address validator) external returns (uint256 amountWei);

    /// @notice Pays the rewards of anybody to where they belong and enforces what the stake answers for.
    function settle(address validator, address delegator) external returns (uint256 amountWei);

    /// @notice The present epoch, the first height its set decides, and the block time in Unix milliseconds at which it began.
    function epoch() external view returns (uint64 number, uint64 firstHeight, uint64 startMs);

    /// @notice The validators that decide the next height, with their voting power in millionths of OGPU.
    function activeSet() external view returns (address[] memory validators, uint64[] memory votingPowers);

    /// @notice What a validator says of itself, its present BLS key and commission in 1/10,000.
    function validator(
        address id
    ) external view returns (string memory name, address operator, address payout, bytes memory blsPublicKey, uint16 commissionBps, uint64 keyCount);

    /// @notice Stake of a validator in wei, and whether it is active, in jail until a time in Unix milliseconds, or out for ever.
    function standing(
        address id
    ) external view returns (uint256 stakeWei, uint256 selfStakeWei, bool active, uint64 jailedUntilMs, bool tombstoned);

    /// @notice What a delegation is worth and what a claim would pay, in wei.
    function delegation(
        address validator,
        address delegator
    ) external view returns (uint256 stakeWei, uint256 rewardsWei, uint256 shares, uint64 liens);

    /// @notice What stake on its way out is worth, in wei, and when it is paid: at this time, in Unix milliseconds, and height.
    function unbonding(
        address delegator,
        uint64 number
    ) external view returns (address validator, uint256 amountWei, uint64 dueMs, uint64 dueHeight);

    /// @notice A validator was registered with this key and own stake, in wei; it can be active from the next epoch on.
    event ValidatorRegistered(address indexed validator, bytes blsPublicKey, uint256 selfStakeWei);

    /// @notice A validator signs with another BLS key from this epoch on.
    event KeyRotated(address indexed validator, bytes blsPublicKey, uint64 fromEpoch);

    /// @notice Somebody else acts for the validator from day to day.
    event OperatorChanged(address indexed validator, address indexed operator);

    /// @notice Rewards and tips of the validator go to another address.
    event PayoutChanged(address indexed validator, address indexed payout);

    /// @notice A validator keeps another share of its rewards, in 1/10,000, from this epoch on.
    event CommissionChanged(address indexed validator, uint16 bps, uint64 fromEpoch);

    /// @notice Stake was added to a delegation: amount in wei, and the shares it bought.
    event Delegated(address indexed validator, address indexed delegator, uint256 amountWei, uint256 shares);

    /// @notice Stake is on its way out: the amount in wei is paid when the block time, in Unix milliseconds, and the height have come.
    event Undelegated(
        address indexed validator,
        address indexed delegator,
        uint64 indexed number,
        uint256 amountWei,
        uint64 dueMs,
        uint64 dueHeight
    );

    /// @notice Stake on its way out went back to its validator, in wei.
    event UnbondingCancelled(
        address indexed validator,
        address indexed delegator,
        uint64 indexed number,
        uint256 amountWei
    );

    /// @notice Stake on its way out was paid to its delegator, in wei, less what it has lost to slashes.
    event UnbondingPaid(address indexed validator, address indexed delegator, uint64 indexed number, uint256 amountWei);

    /// @notice Stake moved from one validator to another, in wei; it answers for the first one until its unbonding time is over.
    event Redelegated(
        address indexed fromValidator,
        address indexed toValidator,
        address indexed delegator,
        uint256 amountWei
    );

    /// @notice What an active validator has earned was brought to its delegators, in wei, less its commission.
    event RewardsPaid(address indexed validator, uint64 indexed epoch, uint256 delegatorsWei, uint256 commissionWei);

    /// @notice Rewards of a delegation were paid, in wei.
    event RewardsClaimed(
        address indexed validator,
        address indexed delegator,
        address indexed recipient,
        uint256 amountWei
    );

    /// @notice A validator missed too many blocks and left the active set; it may return at this time in Unix milliseconds.
    event Jailed(address indexed validator, uint64 untilMs, uint32 missedBlocks);

    /// @notice A validator missed too many blocks, but stays: without it the active set would have lost a third of its power in this epoch.
    event JailDeferred(address indexed validator, uint32 missedBlocks);

    /// @notice A validator is out of jail and can be active from the next epoch on.
    event Unjailed(address indexed validator);

    /// @notice Stake was taken, in wei. Reasons: 1 contradiction, 2 absence. The epoch is that of the offence.
    event Slashed(address indexed validator, uint8 indexed reason, uint64 epoch, uint256 amountWei);

    /// @notice A validator contradicted itself at this height and never returns.
    event Tombstoned(address indexed validator, uint64 offenceHeight);

    /// @notice Stake that had moved lost its part in the slash of the validator it came from, in wei.
    event LienEnforced(address indexed validator, address indexed delegator, uint256 amountWei);

    /// @notice Slashed money was paid to who was harmed or brought the proof, in wei; the rest is in the verifier pool.
    event SlashRouted(address indexed recipient, uint256 amountWei);

    /// @notice An epoch began: members and voting power, in millionths of OGPU, of the set that decides from the next height on.
    event EpochStarted(uint64 indexed epoch, uint64 validators, uint64 votingPower);

    /// @notice No validator has this address.
    error UnknownValidator(address validator);

    /// @notice The address has a validator already.
    error AlreadyRegistered(address validator);

    /// @notice Only the owner and the operator of the validator may do this.
    error NotOwnerOrOperator(address caller);

    /// @notice The owner's own stake, in wei, is below the minimum: add to it.
    error SelfStakeTooLow(uint256 requiredWei, uint256 providedWei);

    /// @notice A name has 1 to 64 printable ASCII characters and no space at either end.
    error InvalidName();

    /// @notice The zero address cannot be used.
    error InvalidAddress();

    /// @notice The amount is zero: send or name some wei.
    error InvalidAmount();

    /// @notice The BLS key is not a valid compressed point of G1.
    error InvalidBlsKey();

    /// @notice The BLS key is or was in use by this validator: make another one.
    error BlsKeyUsed(address validator);

    /// @notice The proof of possession is not one of this BLS key.
    error InvalidProofOfPossession();

    /// @notice The BLS key has not signed that it accepts this owner on this chain with this nonce.
    error InvalidOwnerBinding(uint64 expectedNonce);

    /// @notice The key was changed in this epoch already: try again in the one named.
    error RotationPending(uint64 fromEpoch);

    /// @notice A commission is at most this many 1/10,000.
    error CommissionTooHigh(uint16 maximumBps, uint16 requestedBps);

    /// @notice The commission may change by at most this many 1/10,000 at once.
    error CommissionStepTooLarge(uint16 maximumBps, uint16 requestedBps);

    /// @notice The commission was changed less than a day ago: try again at this time in Unix milliseconds.
    error CommissionChangeTooSoon(uint64 allowedFromMs);

    /// @notice The delegation is worth less than what was asked for, in wei.
    error InsufficientStake(uint256 requestedWei, uint256 availableWei);

    /// @notice There is no such delegation.
    error NoDelegation();

    /// @notice The validator was slashed so far that nobody can join it.
    error StakeDiluted();

    /// @notice The validator contradicted itself and takes no stake any more.
    error ValidatorTombstoned(address validator);

    /// @notice The stake is with this validator already.
    error SameValidator();

    /// @notice The stake answers for too many validators: wait for an unbonding time to pass.
    error TooManyLiens(uint64 maximum);

    /// @notice No stake of the caller is on its way out under this number.
    error UnknownUnbonding(uint64 number);

    /// @notice The validator is not in jail.
    error NotJailed();

    /// @notice The validator stays in jail until this time in Unix milliseconds.
    error JailedUntil(uint64 untilMs);

    /// @notice The module has no function with this selector; shorter calldata is given as it is.
    error UnknownFunction(bytes selector);

    /// @notice The arguments are not the canonical ABI encoding, or too large.
    error InvalidCalldata(string reason);

    /// @notice The function takes no value: send 0 wei with the call.
    error NotPayable();
}
