// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.4;

address constant ACCOUNTS_ADDRESS = 0x0000000000000000000000006f67707500000001;

/// @title The protocol module accounts of oGPU
interface IAccounts {
    /// @notice Balance of an account in wei.
    function balanceOf(address account) external view returns (uint256 balanceWei);

    /// @notice How many transactions an account has sent.
    function nonceOf(address account) external view returns (uint64 nonce);

    /// @notice All the wei there are, for ever.
    function totalSupply() external view returns (uint256 supplyWei);

    /// @notice The module has no function with this selector; shorter calldata is given as it is.
    error UnknownFunction(bytes selector);

    /// @notice The arguments are not the canonical ABI encoding, or too large.
    error InvalidCalldata(string reason);

    /// @notice The function takes no value: send 0 wei with the call.
    error NotPayable();
}
