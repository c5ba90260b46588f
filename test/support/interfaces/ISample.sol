// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.4;

address constant SAMPLE_ADDRESS = 0x0f0f0F0f0f0F0F0f0F0F0F0F0F0F0f0f0F0F0F0F;

/// @title The protocol module sample of oGPU
interface ISample {
    struct Weight {
        uint16 units;
        int8 bias;
    }

    struct Entry {
        string text;
        Weight weight;
    }

    /// @notice Deposits the value of the call; returns what is deposited in all, in wei.
    function deposit(string calldata memo) external payable returns (uint256 totalWei);

    /// @notice Gives what is deposited to anybody, in wei.
    function withdraw(address receiver, uint256 amountWei) external;

    /// @notice Returns and logs its arguments.
    function echo(
        Entry[] calldata entries,
        bytes32[2] calldata keys,
        int64 offset,
        bool isUrgent,
        bytes calldata raw
    ) external returns (Entry[] memory copies, Entry memory first, bytes[] memory chunks);

    /// @notice Does nothing but log.
    function nudge() external;

    /// @notice What is deposited in all, in wei.
    function total() external view returns (uint256 totalWei);

    /// @notice Always the same entry.
    function latest() external view returns (Entry memory entry);

    /// @notice Somebody deposited; amounts are in wei.
    event Deposited(address indexed sender, string indexed memo, uint256 amountWei);

    /// @notice Somebody heard an echo.
    event Echoed(bytes indexed raw, int64 indexed offset, bool indexed isUrgent, Entry[] entries, bytes32[2] keys);

    /// @notice Somebody looked whether anybody is there.
    event Nudged();

    /// @notice Less is deposited; amounts are in wei.
    error InsufficientDeposit(uint256 requiredWei, uint256 availableWei);

    /// @notice An entry has no text.
    error Rejected(Entry first, Entry[] entries, bytes[] proofs);

    /// @notice The module has no function with this selector; shorter calldata is given as it is.
    error UnknownFunction(bytes selector);

    /// @notice The arguments are not the canonical ABI encoding, or too large.
    error InvalidCalldata(string reason);

    /// @notice The function takes no value: send 0 wei with the call.
    error NotPayable();
}
