// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.4;

address constant PARAMETERS_ADDRESS = 0x0000000000000000000000006f67707500000003;

/// @title The protocol module parameters of oGPU
interface IParameters {
    /// @notice Value of a chain parameter by its group and name, as in the genesis document.
    function parameter(string calldata group, string calldata name) external view returns (uint256 value);

    /// @notice The chain has no parameter of this group and name.
    error UnknownParameter(string group, string name);

    /// @notice The module has no function with this selector; shorter calldata is given as it is.
    error UnknownFunction(bytes selector);

    /// @notice The arguments are not the canonical ABI encoding, or too large.
    error InvalidCalldata(string reason);

    /// @notice The function takes no value: send 0 wei with the call.
    error NotPayable();
}
