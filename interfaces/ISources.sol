// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.4;

address constant SOURCES_ADDRESS = 0x0000000000000000000000006F67707500000006;

/// @title The protocol module sources of oGPU
interface ISources {
    /// @notice Registers a program by its encoded graph and locks a bond; what is sent beyond it, or for one that is there, comes back.
    function register(bytes calldata graph) external payable returns (bytes32 source);

    /// @notice An active validator says that it can run a source (1), that it cannot (2), or nothing any more (0); for owner and operator.
    function attest(bytes32 source, address validator, uint8 verdict) external;

    /// @notice Opens or closes a source as the present validators say; for anybody.
    function review(bytes32 source) external;

    /// @notice The source of the caller takes no more jobs; its bond returns by itself some time after the last one.
    function retire(bytes32 source) external;

    /// @notice A registered program; status 0 waits for verifiers, 1 open, 2 retired; kind 0 batch, 1 chain; whether it takes jobs now.
    function source(
        bytes32 id
    ) external view returns (address owner, uint8 status, uint8 kind, bytes32 weightsHash, uint256 bondWei, uint64 openJobs, uint64 registeredMs, bool takesJobs);

    /// @notice What one segment of a source costs, as metered, and the memory that a device needs for it.
    function work(
        bytes32 id
    ) external view returns (uint64 macs, uint64 steps, uint64 bytesMoved, uint64 dispatches, uint64 memoryBytes, uint64 weightBytes, uint64 inputBytes, uint64 outputBytes);

    /// @notice The encoded graph of a source, as it was registered.
    function graph(bytes32 id) external view returns (bytes memory graph);

    /// @notice What validators have said of a source, and at which height.
    function attestations(
        bytes32 id
    ) external view returns (address[] memory validators, uint8[] memory verdicts, uint64[] memory heights);

    /// @notice Active validators that can run a source, and their voting power beside that of all, in millionths of OGPU.
    function verifiers(
        bytes32 id
    ) external view returns (address[] memory validators, uint64 capablePower, uint64 totalPower);

    /// @notice Bond of a program whose encoded graph has so many bytes, in wei.
    function bondOf(uint32 graphBytes) external view returns (uint256 bondWei);

    /// @notice A program was registered; its weights are the file with this SHA-256, its bond is in wei.
    event SourceRegistered(bytes32 indexed source, address indexed owner, bytes32 indexed weightsHash, uint256 bondWei);

    /// @notice A validator says of a source that it can run it (1), that it cannot (2), or nothing any more (0).
    event SourceAttested(bytes32 indexed source, address indexed validator, uint8 indexed verdict);

    /// @notice Enough verifiers can run a source: it takes jobs. Power is in millionths of OGPU.
    event SourceOpened(bytes32 indexed source, uint64 capablePower, uint64 totalPower);

    /// @notice A source takes no jobs. Reasons: 1 an attestation, 2 the validators have changed, 3 its owner retired it.
    event SourceClosed(bytes32 indexed source, uint8 indexed reason, uint64 capablePower, uint64 totalPower);

    /// @notice The owner has retired a source; the jobs it has go on.
    event SourceRetired(bytes32 indexed source, uint64 openJobs);

    /// @notice A retired source has another owner and lives on; the bond of the former one, in wei, went back.
    event SourceTakenOver(bytes32 indexed source, address indexed owner, address indexed formerOwner, uint256 bondWei);

    /// @notice A retired source is forgotten, and its bond went back, in wei.
    event SourceRemoved(bytes32 indexed source, address indexed owner, uint256 bondWei);

    /// @notice No program is registered under this hash.
    error UnknownSource(bytes32 source);

    /// @notice The bytes are no valid program: the first of its faults, where it is, and how many there are.
    error GraphRefused(string code, string path, uint256 faults);

    /// @notice Registering a program locks a bond, in wei; what is sent beyond it comes back.
    error BondTooLow(uint256 requiredWei, uint256 providedWei);

    /// @notice Only the owner of the source can do this.
    error NotOwner(address owner);

    /// @notice The source takes no jobs any more.
    error SourceIsRetired(bytes32 source);

    /// @notice Nobody is registered as a validator there.
    error UnknownValidator(address validator);

    /// @notice Only owner and operator of a validator can speak for it.
    error NotOwnerOrOperator(address caller);

    /// @notice Only a validator of the active set says what it can run.
    error NotActive(address validator);

    /// @notice A verdict is 1 (can run), 2 (cannot judge) or 0 (takes back what was said).
    error InvalidVerdict(uint8 verdict);

    /// @notice The module has no function with this selector; shorter calldata is given as it is.
    error UnknownFunction(bytes selector);

    /// @notice The arguments are not the canonical ABI encoding, or too large.
    error InvalidCalldata(string reason);

    /// @notice The function takes no value: send 0 wei with the call.
    error NotPayable();
}
