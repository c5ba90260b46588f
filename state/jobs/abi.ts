import type { AbiParameter } from '../../protocol/abi/types.js';
import { declareError, declareEvent } from '../modules/declare.js';

const TERMS_COMPONENTS: readonly AbiParameter[] = [
  { name: 'source', type: 'bytes32' },
  { name: 'input', type: 'bytes32' },
  { name: 'inputId', type: 'bytes32' },
  { name: 'key', type: 'bytes32' },
  { name: 'segmentation', type: 'bytes32' },
  { name: 'segments', type: 'uint16' },
  { name: 'sampled', type: 'uint16' },
  { name: 'full', type: 'bool' },
  { name: 'maxPriceWei', type: 'uint256' },
  { name: 'auditFeeWei', type: 'uint256' },
  { name: 'valueWei', type: 'uint256' },
  { name: 'quoteUntilMs', type: 'uint64' },
  { name: 'deadlineMs', type: 'uint64' },
];

/** What a client asks for, as a struct of the interface. */
export const TERMS: AbiParameter = {
  name: 'terms',
  type: 'tuple',
  internalType: 'struct IJobs.Terms',
  components: TERMS_COMPONENTS,
};
export const TERMS_LIST: AbiParameter = {
  ...TERMS,
  type: 'tuple[]',
  internalType: 'struct IJobs.Terms[]',
};

export const EVENTS = {
  JobPosted: declareEvent(
    'JobPosted(bytes32 indexed job, address indexed client, bytes32 indexed source, uint256 maxPriceWei, uint256 auditFeeWei, uint256 valueWei, uint16 segments, uint64 deadlineMs)',
    'A job waits for claims; the most its client pays and the audit fee, in wei, are in escrow.',
  ),
  JobClaimed: declareEvent(
    'JobClaimed(bytes32 indexed job, address indexed provider, uint256 priceWei)',
    'A provider wants a job for this price in wei.',
  ),
  ClaimsLapsed: declareEvent(
    'ClaimsLapsed(bytes32 indexed job)',
    'None of the claims could be drawn: the job is open again.',
  ),
  JobAssigned: declareEvent(
    'JobAssigned(bytes32 indexed job, address indexed provider, uint8 attempt, uint256 priceWei, uint256 bondWei)',
    'A claim was drawn: an attempt begins, with so much of the lockup of the provider as bond, in wei.',
  ),
  AttemptMoved: declareEvent(
    'AttemptMoved(bytes32 indexed job, uint8 indexed attempt, uint8 indexed phase, uint8 round, uint64 deadlineMs, uint64 deadlineHeight)',
    'An attempt goes on: 1 committed, 2 sealing, 3 unsealing, 4 revealing, 5 and 6 sealing and revealing by all verifiers, 7 publishing.',
  ),
  AttemptUnsealed: declareEvent(
    'AttemptUnsealed(bytes32 indexed job, uint8 indexed attempt, bytes32 jobKey, bytes32 outputRoot, bytes32 outputId)',
    'The provider has laid open what was judged; the output is the one with this root, in the blob with this id.',
  ),
  ItemPublished: declareEvent(
    'ItemPublished(bytes32 indexed job, uint8 indexed attempt, uint16 item, bytes32 stateId)',
    'Data that verifiers miss stands in the calldata of this transaction.',
  ),
  Paid: declareEvent(
    'Paid(bytes32 indexed job, address indexed recipient, uint8 indexed from, uint256 amountWei)',
    'Money of a job: from its escrow (0), the bond (1) or the stake of a validator (2); the recipient 0 is the verifier pool.',
  ),
  Marked: declareEvent(
    'Marked(bytes32 indexed job, address indexed validator, uint8 indexed mark)',
    'What a verifier did: 1 lost a dissent, 2 called unavailable what was not, 3 was silent after its seal, 4 confirmed a fraud, 5 was absent, 6 could not judge.',
  ),
  VerifierSuspended: declareEvent(
    'VerifierSuspended(address indexed validator, uint64 height)',
    'Too many marks in an epoch: the validator gets no seats of sources it has attested up to this height.',
  ),
  AttemptEnded: declareEvent(
    'AttemptEnded(bytes32 indexed job, address indexed provider, uint8 indexed reason, uint8 attempt)',
    'An attempt has ended; the reasons are numbered in docs/spec/audit.md.',
  ),
  JobEnded: declareEvent(
    'JobEnded(bytes32 indexed job, address indexed client, uint8 indexed reason, uint8 phase)',
    'A job has ended: 2 settled, 3 refunded, 4 cancelled, 5 expired; the reasons are numbered in docs/spec/audit.md.',
  ),
} as const;

export const ERRORS = {
  UnknownJob: declareError('UnknownJob(bytes32 job)', 'No job has this id.'),
  JobForgotten: declareError(
    'JobForgotten(bytes32 job, uint8 phase, uint8 reason)',
    'The job has ended long ago: its key cannot be used again.',
  ),
  SourceNotOpen: declareError('SourceNotOpen(bytes32 source)', 'The source takes no jobs now.'),
  EscrowTooLow: declareError(
    'EscrowTooLow(uint256 requiredWei, uint256 providedWei)',
    'Price and audit fee of all jobs must be sent along, in wei; what is beyond it comes back.',
  ),
  AuditFeeTooLow: declareError(
    'AuditFeeTooLow(uint256 requiredWei, uint256 providedWei)',
    'The audit fee pays each seat for its metered work, in wei.',
  ),
  InvalidSegments: declareError(
    'InvalidSegments(uint16 maximum, uint16 provided)',
    'A job has 1 to this many segments; fewer when all are audited.',
  ),
  InvalidSegmentation: declareError(
    'InvalidSegmentation(string reason)',
    'How the input is cut: no segmentation, of a KIND that the source is not run by, or with another COUNT of segments.',
  ),
  InvalidSample: declareError(
    'InvalidSample(uint16 minimum, uint16 maximum, uint16 provided)',
    'So many segments are drawn at least and at most; 0 asks for the least.',
  ),
  InvalidValue: declareError(
    'InvalidValue(uint256 minimumWei, uint256 maximumWei)',
    'The declared value is no less than the price and no more than there is, in wei.',
  ),
  InvalidDeadline: declareError(
    'InvalidDeadline(uint64 earliestMs, uint64 latestMs)',
    'Quote and deadline, in Unix milliseconds, lie between these, the quote not after the deadline.',
  ),
  JobTooLarge: declareError(
    'JobTooLarge(uint64 maximumMs, uint64 requiredMs)',
    'The metered work of all segments takes too long, in milliseconds.',
  ),
  NotClient: declareError('NotClient(address client)', 'Only the client of the job can do this.'),
  NotProvider: declareError('NotProvider(address caller)', 'The caller does not stand for the provider.'),
  ProviderNotReady: declareError(
    'ProviderNotReady(address provider)',
    'The provider takes no new jobs, or has too little lockup.',
  ),
  PriceTooHigh: declareError(
    'PriceTooHigh(uint256 maximumWei, uint256 askedWei)',
    'The client pays no more, in wei.',
  ),
  ProviderIsClient: declareError(
    'ProviderIsClient(address client)',
    'Who stands for the provider is the client.',
  ),
  ClaimedBefore: declareError('ClaimedBefore(address provider)', 'A provider claims a job once.'),
  TooManyClaims: declareError(
    'TooManyClaims(uint256 maximum)',
    'No more claims are collected for this draw.',
  ),
  InsufficientLockup: declareError(
    'InsufficientLockup(uint256 requiredWei, uint256 availableWei)',
    'The bond is more than what is free of the lockup, in wei.',
  ),
  NoAttempt: declareError('NoAttempt(bytes32 job, uint8 attempt)', 'The job has no such attempt.'),
  Refused: declareError(
    'Refused(string code, uint8 phase, uint64 deadlineMs, uint64 deadlineHeight)',
    'The job or its attempt is in a phase, or past a moment, in which this changes nothing: docs/spec/audit.md.',
  ),
  NotAsked: declareError(
    'NotAsked(uint16 item)',
    'This item is not asked for, or stands on the chain already.',
  ),
  ItemMismatch: declareError('ItemMismatch(uint16 item, bytes32 stateId)', 'The data is not the item.'),
  TooMuchData: declareError(
    'TooMuchData(uint256 maximumBytes)',
    'A publication has no more bytes, and no more than 1,024 pieces.',
  ),
  InvalidRecord: declareError(
    'InvalidRecord(string reason)',
    'The bytes are no signed entry of a validator.',
  ),
} as const;

/** From where money comes, in `Paid`. */
export const PAID_FROM = { escrow: 0, bond: 1, stake: 2 } as const;

/** In `Marked`. */
export const MARK_NUMBERS = {
  DISSENT_LOST: 1,
  FALSE_UNAVAILABLE: 2,
  SILENT: 3,
  FALSE_VERDICT: 4,
  ABSENT: 5,
  CANNOT_JUDGE: 6,
} as const;
