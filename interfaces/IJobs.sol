// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.4;

address constant JOBS_ADDRESS = 0x0000000000000000000000006F67707500000007;

/// @title The protocol module jobs of oGPU
interface IJobs {
    struct Order {
        bytes32 key;
        bytes32 source;
        bytes32 input;
        bytes segmentation;
        uint256 maxPriceWei;
        uint256 valueWei;
        uint64 deadlineMs;
        uint64 quoteUntilMs;
        bool full;
    }

    /// @notice Posts a job: price and audit fee go into escrow, what is sent beyond them comes back. The same key again is the same job.
    function post(Order calldata order) external payable returns (bytes32 job);

    /// @notice Posts several jobs, or none of them.
    function postMany(Order[] calldata orders) external payable returns (bytes32[] memory jobIds);

    /// @notice Takes back a job of the caller on which nobody works; all of its money comes back.
    function cancel(bytes32 job) external;

    /// @notice The provider for which the caller stands wants to do a job at this price, in wei; its bond is locked until the draw.
    function claim(bytes32 job, uint256 priceWei) external;

    /// @notice Gives an attempt back: without loss while the release window is open.
    function release(bytes32 job, uint8 attempt) external;

    /// @notice Binds the provider to what the segments of a batch come to.
    function commit(bytes32 job, uint8 attempt, bytes32 root, bytes32 keyCommitment) external;

    /// @notice Binds the provider to the states of a chain, with leaf 0, the input, laid open.
    function commitChain(
        bytes32 job,
        uint8 attempt,
        bytes32 root,
        bytes32 keyCommitment,
        bytes32 stateId,
        bytes32 salt,
        bytes32[] calldata branch
    ) external;

    /// @notice Lays open the judged segments; the branches stand one after the other, and none is given in a full audit. The output id is that of its blob.
    function unseal(
        bytes32 job,
        uint8 attempt,
        bytes32 jobKey,
        bytes32 outputRoot,
        bytes32 outputId,
        bytes32[] calldata answers,
        bytes32[] calldata branches
    ) external;

    /// @notice Puts the input or the output on the chain, where it is called unavailable.
    function publish(bytes32 job, uint8 attempt, bytes calldata data) external;

    /// @notice Proves that an output is not what was committed to, by the content ids of all its parts; for anybody, who gets a share of the bond.
    function proveMismatch(bytes32 job, uint8 attempt, bytes32[] calldata stateIds) external;

    /// @notice Does what is due of a job; for anybody. It happens by itself, too.
    function settle(bytes32 job) external returns (bool isDone);

    /// @notice An audit entry signed by a validator, SSZ-encoded, for one whose extensions are left out of blocks; for anybody.
    function submitRecord(bytes calldata record) external;

    /// @notice A job; phase 0 open, 1 assigned, 2 settled, 3 refunded, 4 cancelled, 5 expired.
    function job(
        bytes32 id
    ) external view returns (address client, bytes32 source, bytes32 input, uint8 phase, uint8 reason, uint16 segments, uint256 maxPriceWei, uint256 auditFeeWei, uint256 escrowWei, uint8 attempts, uint64 deadlineMs);

    /// @notice An attempt at a job; phases 0 to 7 are under way, 8 accepted, 9 rejected, 10 abandoned, 11 inconclusive.
    function attempt(
        bytes32 id,
        uint8 number
    ) external view returns (address provider, uint8 phase, uint8 round, uint256 priceWei, uint256 bondWei, uint64 deadlineMs, uint64 deadlineHeight, uint8 reason, bytes32 outputId);

    /// @notice Who wants to do a job, and for how many wei.
    function claimsOf(bytes32 id) external view returns (address[] memory providers, uint256[] memory pricesWei);

    /// @notice What a claim of the job at this price would lock now, in wei.
    function bondFor(bytes32 id, uint256 priceWei) external view returns (uint256 bondWei);

    /// @notice What a validator may owe audits, and its faults in the epoch it last had one.
    function verifier(
        address validator
    ) external view returns (uint32 owedEntries, uint32 marks, uint64 epoch, uint64 suspendedHeight);

    /// @notice A job waits for providers; its price and audit fee, in wei, lie in escrow. The input is a content id.
    event JobPosted(
        bytes32 indexed job,
        address indexed client,
        bytes32 indexed source,
        bytes32 input,
        uint16 segments,
        uint256 maxPriceWei,
        uint256 auditFeeWei,
        uint64 deadlineMs
    );

    /// @notice A provider wants to do a job at this price, in wei; its bond is locked until the draw.
    event JobClaimed(bytes32 indexed job, address indexed provider, uint256 priceWei, uint256 bondWei);

    /// @notice A claim was drawn; the bonds of the others are free again. Amounts are in wei.
    event JobAssigned(
        bytes32 indexed job,
        address indexed provider,
        uint8 attempt,
        uint256 priceWei,
        uint256 bondWei,
        uint64 commitByMs
    );

    /// @notice An attempt is in another phase or round: what is waited for now, and until when.
    event AttemptMoved(
        bytes32 indexed job,
        uint8 indexed attempt,
        uint8 indexed phase,
        uint8 round,
        uint64 deadlineMs,
        uint64 deadlineHeight
    );

    /// @notice An attempt is over; the reasons stand in the specification of the audit.
    event AttemptEnded(bytes32 indexed job, uint8 indexed attempt, uint8 indexed reason, address provider);

    /// @notice The provider has unsealed: the output is the blob of this id, by its word.
    event OutputAnnounced(bytes32 indexed job, uint8 indexed attempt, bytes32 outputId, bytes32 outputRoot);

    /// @notice Data that was called unavailable stands in the calldata of this transaction.
    event DataPublished(bytes32 indexed job, uint8 indexed attempt, bytes32 dataId);

    /// @notice A job is final: what of its escrow went back to the client, in wei. The reasons stand in the specification of the audit.
    event JobEnded(bytes32 indexed job, address indexed client, uint8 indexed reason, uint256 refundWei);

    /// @notice There is no such job, or it was forgotten.
    error UnknownJob(bytes32 job);

    /// @notice The job has no such attempt under way.
    error UnknownAttempt(bytes32 job, uint8 attempt);

    /// @notice Only the client of the job can do this.
    error NotClient(address client);

    /// @notice Only the provider of the attempt can do this.
    error NotProvider(address provider);

    /// @notice The source takes no jobs now: it is unknown, retired, or too few verifiers can run it.
    error SourceClosed(bytes32 source);

    /// @notice The source cannot be cut so: the code says why.
    error SegmentationRefused(string code);

    /// @notice A job that is audited in full has fewer segments.
    error TooManySegments(uint256 segments, uint256 maximum);

    /// @notice A wrong result is worth at least the price to a cheat, in wei.
    error ValueBelowPrice(uint256 valueWei, uint256 maxPriceWei);

    /// @notice Price and audit fee are paid in with the order, in wei; what is sent beyond them comes back.
    error EscrowTooLow(uint256 requiredWei, uint256 providedWei);

    /// @notice The order was to be taken until then, in Unix milliseconds.
    error QuoteExpired(uint64 quoteUntilMs, uint64 nowMs);

    /// @notice A deadline leaves time to claim, and comes within a year, in Unix milliseconds.
    error DeadlineUnfit(uint64 deadlineMs, uint64 earliestMs, uint64 latestMs);

    /// @notice Post them in several calls.
    error TooManyOrders(uint256 orders, uint256 maximum);

    /// @notice The job takes no claims and cannot be cancelled now.
    error JobNotOpen(bytes32 job, uint8 phase);

    /// @notice Others want this job already.
    error TooManyClaims(bytes32 job, uint256 maximum);

    /// @notice A provider claims a job once, and does not begin it twice.
    error ClaimedBefore(bytes32 job, address provider);

    /// @notice The client pays less than is asked, in wei.
    error PriceTooHigh(uint256 priceWei, uint256 maxPriceWei);

    /// @notice The provider is unknown, takes no jobs, or has too little lockup.
    error CannotClaim(address provider);

    /// @notice Client and provider are the same.
    error PartyConflict(address account);

    /// @notice The attempt does not take this now; the codes stand in the specification of the audit.
    error EventRefused(string code);

    /// @notice The data published is not what is called unavailable.
    error DataMismatch(bytes32 expected, bytes32 found);

    /// @notice A signed audit record that is malformed, of no validator, or not signed by it.
    error RecordRefused(string code);

    /// @notice The module has no function with this selector; shorter calldata is given as it is.
    error UnknownFunction(bytes selector);

    /// @notice The arguments are not the canonical ABI encoding, or too large.
    error InvalidCalldata(string reason);

    /// @notice The function takes no value: send 0 wei with the call.
    error NotPayable();
}
