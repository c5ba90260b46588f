// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.4;

address constant JOBS_ADDRESS = 0x0000000000000000000000006F67707500000007;

/// @title The protocol module jobs of oGPU
interface IJobs {
    struct Terms {
        bytes32 source;
        bytes32 input;
        bytes32 inputId;
        bytes32 key;
        bytes32 segmentation;
        uint16 segments;
        uint16 sampled;
        bool full;
        uint256 maxPriceWei;
        uint256 auditFeeWei;
        uint256 valueWei;
        uint64 quoteUntilMs;
        uint64 deadlineMs;
    }

    /// @notice Posts a job of the caller with price and audit fee as escrow; the same key again is the same job, and what is not needed comes back.
    function post(Terms calldata terms) external payable returns (bytes32 job);

    /// @notice Posts many jobs at once, as post does: all of them or none.
    function postBatch(Terms[] calldata terms) external payable returns (bytes32[] memory jobs);

    /// @notice Takes a job of the caller back that nobody works on: the whole escrow returns.
    function cancel(bytes32 job) external;

    /// @notice The provider of the caller wants a job for this price in wei; claims are collected, then one is drawn.
    function claim(bytes32 job, uint256 priceWei) external;

    /// @notice Gives a job back: without loss while the release window is open, for a missing input.
    function release(bytes32 job) external;

    /// @notice Commits to a result; of a chain with leaf 0, its input, laid open, else with zeros and no branch.
    function commit(
        bytes32 job,
        bytes32 root,
        bytes32 keyCommitment,
        bytes32 inputId,
        bytes32 inputSalt,
        bytes32[] calldata inputBranch
    ) external;

    /// @notice Lays open what is judged: the job key, the root of the output, the blob that holds it, and content ids of what segments come to.
    function unseal(
        bytes32 job,
        bytes32 jobKey,
        bytes32 outputRoot,
        bytes32 outputId,
        bytes32[] calldata answers,
        bytes32[][] calldata branches
    ) external;

    /// @notice Puts one piece of what verifiers miss on the chain: an input, a state or a piece of the output; with the last one all goes on.
    function publish(bytes32 job, uint16 item, bytes calldata data, bytes32 salt, bytes32[] calldata branch) external;

    /// @notice Proves that the output of a batch is not what was committed to; the finder has a share of the bond.
    function prove(bytes32 job, bytes32[] calldata stateIds) external;

    /// @notice Brings the signed entry of a validator, so that no proposer can leave it out.
    function submitRecord(bytes calldata record) external;

    /// @notice Does now what is due; without it the chain does it by itself.
    function settle(bytes32 job) external;

    /// @notice The id of the job a client has posted or will post under a key.
    function jobId(address client, bytes32 key) external view returns (bytes32 job);

    /// @notice A job: phase 0 open, 1 assigned, 2 settled, 3 refunded, 4 cancelled, 5 expired; and when it settles itself, at a time in Unix milliseconds and a height.
    function job(
        bytes32 id
    ) external view returns (address client, bytes32 source, bytes32 input, bytes32 inputId, bytes32 segmentation, uint16 segments, uint8 phase, uint8 reason, uint8 attempts, uint256 maxPriceWei, uint256 auditFeeWei, uint256 valueWei, uint256 escrowWei, uint64 dueMs, uint64 dueHeight);

    /// @notice Who wants a job, and for what price in wei.
    function claims(bytes32 id) external view returns (address[] memory providers, uint256[] memory pricesWei);

    /// @notice An attempt: phases 0 claimed to 7 publishing as in AttemptMoved, then 8 accepted, 9 rejected, 10 abandoned, 11 inconclusive.
    function attempt(
        bytes32 id,
        uint8 number
    ) external view returns (address provider, uint8 phase, uint8 reason, uint8 round, uint256 priceWei, uint256 bondWei, bytes32 root, bytes32 keyCommitment, uint64 deadlineMs, uint64 deadlineHeight);

    /// @notice Who judges which segments: seats with their rounds, and what all verifiers judge; publication 0 none, 1 for sealing, 2 in an escalation, 3 of the output.
    function audit(
        bytes32 id,
        uint8 number
    ) external view returns (uint16[] memory segments, uint16 seatTarget, address[] memory seats, uint8[] memory rounds, uint16[] memory uncovered, uint16[] memory escalated, uint8 publication);

    /// @notice What a validator owes audits, and its marks as they are numbered in Marked.
    function verifier(
        address validator
    ) external view returns (uint32 owed, uint32 jobs, uint64 suspendedHeight, uint32[6] memory marks);

    /// @notice A job waits for claims; the most its client pays and the audit fee, in wei, are in escrow.
    event JobPosted(
        bytes32 indexed job,
        address indexed client,
        bytes32 indexed source,
        uint256 maxPriceWei,
        uint256 auditFeeWei,
        uint256 valueWei,
        uint16 segments,
        uint64 deadlineMs
    );

    /// @notice A provider wants a job for this price in wei.
    event JobClaimed(bytes32 indexed job, address indexed provider, uint256 priceWei);

    /// @notice None of the claims could be drawn: the job is open again.
    event ClaimsLapsed(bytes32 indexed job);

    /// @notice A claim was drawn: an attempt begins, with so much of the lockup of the provider as bond, in wei.
    event JobAssigned(bytes32 indexed job, address indexed provider, uint8 attempt, uint256 priceWei, uint256 bondWei);

    /// @notice An attempt goes on: 1 committed, 2 sealing, 3 unsealing, 4 revealing, 5 and 6 sealing and revealing by all verifiers, 7 publishing.
    event AttemptMoved(
        bytes32 indexed job,
        uint8 indexed attempt,
        uint8 indexed phase,
        uint8 round,
        uint64 deadlineMs,
        uint64 deadlineHeight
    );

    /// @notice The provider has laid open what was judged; the output is the one with this root, in the blob with this id.
    event AttemptUnsealed(
        bytes32 indexed job,
        uint8 indexed attempt,
        bytes32 jobKey,
        bytes32 outputRoot,
        bytes32 outputId
    );

    /// @notice Data that verifiers miss stands in the calldata of this transaction.
    event ItemPublished(bytes32 indexed job, uint8 indexed attempt, uint16 item, bytes32 stateId);

    /// @notice Money of a job: from its escrow (0), the bond (1) or the stake of a validator (2); the recipient 0 is the verifier pool.
    event Paid(bytes32 indexed job, address indexed recipient, uint8 indexed from, uint256 amountWei);

    /// @notice What a verifier did: 1 lost a dissent, 2 called unavailable what was not, 3 was silent after its seal, 4 confirmed a fraud, 5 was absent, 6 could not judge.
    event Marked(bytes32 indexed job, address indexed validator, uint8 indexed mark);

    /// @notice Too many marks in an epoch: the validator gets no seats of sources it has attested up to this height.
    event VerifierSuspended(address indexed validator, uint64 height);

    /// @notice An attempt has ended; the reasons are numbered in docs/spec/audit.md.
    event AttemptEnded(bytes32 indexed job, address indexed provider, uint8 indexed reason, uint8 attempt);

    /// @notice A job has ended: 2 settled, 3 refunded, 4 cancelled, 5 expired; the reasons are numbered in docs/spec/audit.md.
    event JobEnded(bytes32 indexed job, address indexed client, uint8 indexed reason, uint8 phase);

    /// @notice No job has this id.
    error UnknownJob(bytes32 job);

    /// @notice The job has ended long ago: its key cannot be used again.
    error JobForgotten(bytes32 job, uint8 phase, uint8 reason);

    /// @notice The source takes no jobs now.
    error SourceNotOpen(bytes32 source);

    /// @notice Price and audit fee of all jobs must be sent along, in wei; what is beyond it comes back.
    error EscrowTooLow(uint256 requiredWei, uint256 providedWei);

    /// @notice The audit fee pays each seat for its metered work, in wei.
    error AuditFeeTooLow(uint256 requiredWei, uint256 providedWei);

    /// @notice A job has 1 to this many segments; fewer when all are audited.
    error InvalidSegments(uint16 maximum, uint16 provided);

    /// @notice How the input is cut: no segmentation, of a KIND that the source is not run by, or with another COUNT of segments.
    error InvalidSegmentation(string reason);

    /// @notice So many segments are drawn at least and at most; 0 asks for the least.
    error InvalidSample(uint16 minimum, uint16 maximum, uint16 provided);

    /// @notice The declared value is no less than the price and no more than there is, in wei.
    error InvalidValue(uint256 minimumWei, uint256 maximumWei);

    /// @notice Quote and deadline, in Unix milliseconds, lie between these, the quote not after the deadline.
    error InvalidDeadline(uint64 earliestMs, uint64 latestMs);

    /// @notice The metered work of all segments takes too long, in milliseconds.
    error JobTooLarge(uint64 maximumMs, uint64 requiredMs);

    /// @notice Only the client of the job can do this.
    error NotClient(address client);

    /// @notice The caller does not stand for the provider.
    error NotProvider(address caller);

    /// @notice The provider takes no new jobs, or has too little lockup.
    error ProviderNotReady(address provider);

    /// @notice The client pays no more, in wei.
    error PriceTooHigh(uint256 maximumWei, uint256 askedWei);

    /// @notice Who stands for the provider is the client.
    error ProviderIsClient(address client);

    /// @notice A provider claims a job once.
    error ClaimedBefore(address provider);

    /// @notice No more claims are collected for this draw.
    error TooManyClaims(uint256 maximum);

    /// @notice The bond is more than what is free of the lockup, in wei.
    error InsufficientLockup(uint256 requiredWei, uint256 availableWei);

    /// @notice The job has no such attempt.
    error NoAttempt(bytes32 job, uint8 attempt);

    /// @notice The job or its attempt is in a phase, or past a moment, in which this changes nothing: docs/spec/audit.md.
    error Refused(string code, uint8 phase, uint64 deadlineMs, uint64 deadlineHeight);

    /// @notice This item is not asked for, or stands on the chain already.
    error NotAsked(uint16 item);

    /// @notice The data is not the item.
    error ItemMismatch(uint16 item, bytes32 stateId);

    /// @notice A publication has no more bytes, and no more than 1,024 pieces.
    error TooMuchData(uint256 maximumBytes);

    /// @notice The bytes are no signed entry of a validator.
    error InvalidRecord(string reason);

    /// @notice No program is registered under this hash.
    error UnknownSource(bytes32 source);

    /// @notice The module has no function with this selector; shorter calldata is given as it is.
    error UnknownFunction(bytes selector);

    /// @notice The arguments are not the canonical ABI encoding, or too large.
    error InvalidCalldata(string reason);

    /// @notice The function takes no value: send 0 wei with the call.
    error NotPayable();
}
