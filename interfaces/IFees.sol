// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.4;

address constant FEES_ADDRESS = 0x0000000000000000000000006f67707500000002;

/// @title The protocol module fees of oGPU
interface IFees {
    /// @notice Base fee of this block, in wei for one unit of gas.
    function baseFee() external view returns (uint256 weiPerGas);

    /// @notice What is left to pay validators by schedule, in wei.
    function reserve() external view returns (uint256 balanceWei);

    /// @notice What is there to pay for re-execution, in wei.
    function verifierPool() external view returns (uint256 balanceWei);

    /// @notice Rewards of the active set that no member has settled yet, in wei.
    function unsettledRewards() external view returns (uint256 amountWei);

    /// @notice Gives the value to the verifier pool.
    function fundVerifierPool() external payable;

    /// @notice The reserve paid the validators of an epoch, in wei.
    event EmissionPaid(uint64 indexed epoch, uint256 amountWei);

    /// @notice Somebody gave to the verifier pool, in wei.
    event VerifierPoolFunded(address indexed from, uint256 amountWei);

    /// @notice The module has no function with this selector; shorter calldata is given as it is.
    error UnknownFunction(bytes selector);

    /// @notice The arguments are not the canonical ABI encoding, or too large.
    error InvalidCalldata(string reason);

    /// @notice The function takes no value: send 0 wei with the call.
    error NotPayable();
}
