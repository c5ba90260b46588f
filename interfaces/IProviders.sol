// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.4;

address constant PROVIDERS_ADDRESS = 0x0000000000000000000000006f67707500000005;

/// @title The protocol module providers of oGPU
interface IProviders {
    struct Gpu {
        string vendor;
        string model;
        uint32 vramMiB;
        uint32 count;
    }

    /// @notice Makes the caller the master of a provider with the value as its lockup, and asks addresses to stand for it.
    function register(string calldata name, Gpu[] calldata gpus, address[] calldata invited) external payable;

    /// @notice Changes name and GPUs of the provider of the caller.
    function update(string calldata name, Gpu[] calldata gpus) external;

    /// @notice Asks an address to stand for the provider of the caller: to claim and to commit.
    function invite(address account) external;

    /// @notice Takes an address or its invitation off the provider of the caller.
    function removeAddress(address account) external;

    /// @notice Changes where earnings go: the caller, or an address that has accepted to stand for its provider.
    function setPayout(address payout) external;

    /// @notice Begins to pay out free lockup, in wei; it is paid by itself after the unbonding time.
    function withdraw(uint256 amountWei) external returns (uint64 number);

    /// @notice Makes lockup on its way out free again.
    function cancelWithdrawal(uint64 number) external;

    /// @notice Takes no new jobs; those the provider of the caller has go on.
    function drain() external;

    /// @notice Takes jobs again.
    function resume() external;

    /// @notice Withdraws all lockup; when it is paid the provider is forgotten and its addresses are free.
    function exit() external;

    /// @notice Adds the value to the lockup of a provider; for anybody, but only its master can withdraw it.
    function deposit(address provider) external payable;

    /// @notice The caller stands for a provider that has asked it to.
    function accept(address provider) external;

    /// @notice The caller does not stand for a provider any more, or will not.
    function renounce(address provider) external;

    /// @notice What a provider says of itself; status 0 takes jobs, 1 takes no new ones, 2 leaves; whether it may claim now.
    function provider(
        address id
    ) external view returns (string memory name, address payout, Gpu[] memory gpus, uint8 status, uint64 sinceMs, bool mayClaim);

    /// @notice The provider that an address stands for, its own included.
    function providerOf(address account) external view returns (address provider);

    /// @notice Addresses that stand for a provider besides its master, and those that are only asked to.
    function addresses(address id) external view returns (address[] memory accepted, address[] memory invited);

    /// @notice All lockup of a provider in wei: what is in bonds, what is on its way out, and what is free.
    function lockup(
        address id
    ) external view returns (uint256 lockupWei, uint256 lockedWei, uint256 unbondingWei, uint256 freeWei);

    /// @notice Lockup on its way out, in wei, and when it is paid: at these times, in Unix milliseconds, and heights.
    function withdrawals(
        address id
    ) external view returns (uint64[] memory numbers, uint256[] memory amountsWei, uint64[] memory dueMs, uint64[] memory dueHeights);

    /// @notice How the attempts of a provider have ended, and what it has earned and lost, in wei.
    function reputation(
        address id
    ) external view returns (uint64 accepted, uint64 rejected, uint64 withheld, uint64 abandoned, uint64 inconclusive, uint64 released, uint256 earnedWei, uint256 slashedWei);

    /// @notice A provider was registered under its master address with so much lockup, in wei.
    event ProviderRegistered(address indexed provider, string name, uint256 lockupWei);

    /// @notice A provider says something else of itself: its name, its GPUs.
    event ProviderUpdated(address indexed provider, string name);

    /// @notice A provider takes jobs (0), takes no new ones (1) or leaves (2).
    event ProviderStatusChanged(address indexed provider, uint8 indexed status);

    /// @notice A provider has left, all of its lockup is paid, and its addresses are free.
    event ProviderRemoved(address indexed provider);

    /// @notice A provider asks an address to stand for it.
    event AddressInvited(address indexed provider, address indexed account);

    /// @notice An address stands for a provider from now on.
    event AddressAccepted(address indexed provider, address indexed account);

    /// @notice An address does not stand for a provider any more, or is not asked to.
    event AddressRemoved(address indexed provider, address indexed account);

    /// @notice Earnings of a provider go to another address.
    event PayoutChanged(address indexed provider, address indexed payout);

    /// @notice Lockup of a provider has grown, in wei.
    event LockupDeposited(address indexed provider, address indexed from, uint256 amountWei);

    /// @notice Lockup is on its way out: the amount in wei is paid when the block time, in Unix milliseconds, and the height have come.
    event WithdrawalBegun(
        address indexed provider,
        uint64 indexed number,
        uint256 amountWei,
        uint64 dueMs,
        uint64 dueHeight
    );

    /// @notice Lockup on its way out is free again, in wei.
    event WithdrawalCancelled(address indexed provider, uint64 indexed number, uint256 amountWei);

    /// @notice Lockup was paid to its master, in wei, less what was slashed meanwhile.
    event WithdrawalPaid(address indexed provider, uint64 indexed number, uint256 amountWei);

    /// @notice No provider is registered under this address.
    error UnknownProvider(address provider);

    /// @notice The caller is a provider already, or stands for this one.
    error AlreadyRegistered(address provider);

    /// @notice A name is 1 to 64 printable ASCII characters without space at either end.
    error InvalidName();

    /// @notice Vendor and model are lower-case letters and digits, inside also . - _; memory and count are not 0.
    error InvalidGpu(uint256 index);

    /// @notice Too many kinds of GPUs.
    error TooManyGpus(uint256 maximum, uint256 provided);

    /// @notice A provider needs more lockup than was given, in wei.
    error LockupTooLow(uint256 requiredWei, uint256 providedWei);

    /// @notice Less is free than is needed, in wei: the rest is locked in bonds or on its way out.
    error InsufficientLockup(uint256 requiredWei, uint256 availableWei);

    /// @notice The zero address stands for nobody.
    error InvalidAddress();

    /// @notice The amount is 0.
    error InvalidAmount();

    /// @notice The address stands for this provider, or is it.
    error AddressTaken(address account, address provider);

    /// @notice A provider has too many addresses: remove one first.
    error TooManyAddresses(uint256 maximum);

    /// @notice The caller was not asked to stand for this provider.
    error NotInvited(address provider);

    /// @notice The address neither stands for the provider nor is asked to.
    error UnknownAddress(address account);

    /// @notice Earnings go only to the master or to an address that has accepted to stand for the provider.
    error AddressNotAccepted(address account);

    /// @notice Attempts are not final yet, in wei of bonds: drain first and wait for them.
    error BondsLocked(uint256 lockedWei);

    /// @notice The provider is leaving: resume first, if it is to stay.
    error ProviderLeaving();

    /// @notice The provider is in this state already.
    error StatusUnchanged();

    /// @notice The provider has no withdrawal with this number under way.
    error UnknownWithdrawal(uint64 number);

    /// @notice Too many withdrawals are under way: wait until one is paid, or cancel one.
    error TooManyWithdrawals(uint256 maximum);

    /// @notice The module has no function with this selector; shorter calldata is given as it is.
    error UnknownFunction(bytes selector);

    /// @notice The arguments are not the canonical ABI encoding, or too large.
    error InvalidCalldata(string reason);

    /// @notice The function takes no value: send 0 wei with the call.
    error NotPayable();
}
