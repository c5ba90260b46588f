import type { AbiParameter } from '../../protocol/abi/types.js';
import { declareError, declareEvent } from '../modules/declare.js';

/** What a client asks for, as a struct of the interface. */
export const ORDER: AbiParameter = {
  name: 'order',
  type: 'tuple',
  internalType: 'struct IJobs.Order',
  components: [
    { name: 'key', type: 'bytes32' },
    { name: 'source', type: 'bytes32' },
    { name: 'input', type: 'bytes32' },
    { name: 'segmentation', type: 'bytes' },
    { name: 'maxPriceWei', type: 'uint256' },
    { name: 'valueWei', type: 'uint256' },
    { name: 'deadlineMs', type: 'uint64' },
    { name: 'quoteUntilMs', type: 'uint64' },
    { name: 'full', type: 'bool' },
  ],
};

export const ORDERS: AbiParameter = {
  ...ORDER,
  name: 'orders',
  type: 'tuple[]',
  internalType: 'struct IJobs.Order[]',
};

export const EVENTS = {
  JobPosted: declareEvent(
    'JobPosted(bytes32 indexed job, address indexed client, bytes32 indexed source, bytes32 input, uint16 segments, uint256 maxPriceWei, uint256 auditFeeWei, uint64 deadlineMs)',
    'A job waits for providers; its price and audit fee, in wei, lie in escrow. The input is a content id.',
  ),
  JobClaimed: declareEvent(
    'JobClaimed(bytes32 indexed job, address indexed provider, uint256 priceWei, uint256 bondWei)',
    'A provider wants to do a job at this price, in wei; its bond is locked until the draw.',
  ),
  JobAssigned: declareEvent(
    'JobAssigned(bytes32 indexed job, address indexed provider, uint8 attempt, uint256 priceWei, uint256 bondWei, uint64 commitByMs)',
    'A claim was drawn; the bonds of the others are free again. Amounts are in wei.',
  ),
  AttemptMoved: declareEvent(
    'AttemptMoved(bytes32 indexed job, uint8 indexed attempt, uint8 indexed phase, uint8 round, uint64 deadlineMs, uint64 deadlineHeight)',
    'An attempt is in another phase or round: what is waited for now, and until when.',
  ),
  AttemptEnded: declareEvent(
    'AttemptEnded(bytes32 indexed job, uint8 indexed attempt, uint8 indexed reason, address provider)',
    'An attempt is over; the reasons stand in the specification of the audit.',
  ),
  OutputAnnounced: declareEvent(
    'OutputAnnounced(bytes32 indexed job, uint8 indexed attempt, bytes32 outputId, bytes32 outputRoot)',
    'The provider has unsealed: the output is the blob of this id, by its word.',
  ),
  DataPublished: declareEvent(
    'DataPublished(bytes32 indexed job, uint8 indexed attempt, bytes32 dataId)',
    'Data that was called unavailable stands in the calldata of this transaction.',
  ),
  JobEnded: declareEvent(
    'JobEnded(bytes32 indexed job, address indexed client, uint8 indexed reason, uint256 refundWei)',
    'A job is final: what of its escrow went back to the client, in wei. The reasons stand in the specification of the audit.',
  ),
} as const;

export const ERRORS = {
  UnknownJob: declareError('UnknownJob(bytes32 job)', 'There is no such job, or it was forgotten.'),
  UnknownAttempt: declareError(
    'UnknownAttempt(bytes32 job, uint8 attempt)',
    'The job has no such attempt under way.',
  ),
  NotClient: declareError('NotClient(address client)', 'Only the client of the job can do this.'),
  NotProvider: declareError('NotProvider(address provider)', 'Only the provider of the attempt can do this.'),
  SourceClosed: declareError(
    'SourceClosed(bytes32 source)',
    'The source takes no jobs now: it is unknown, retired, or too few verifiers can run it.',
  ),
  SegmentationRefused: declareError(
    'SegmentationRefused(string code)',
    'The source cannot be cut so: the code says why.',
  ),
  TooManySegments: declareError(
    'TooManySegments(uint256 segments, uint256 maximum)',
    'A job that is audited in full has fewer segments.',
  ),
  ValueBelowPrice: declareError(
    'ValueBelowPrice(uint256 valueWei, uint256 maxPriceWei)',
    'A wrong result is worth at least the price to a cheat, in wei.',
  ),
  EscrowTooLow: declareError(
    'EscrowTooLow(uint256 requiredWei, uint256 providedWei)',
    'Price and audit fee are paid in with the order, in wei; what is sent beyond them comes back.',
  ),
  QuoteExpired: declareError(
    'QuoteExpired(uint64 quoteUntilMs, uint64 nowMs)',
    'The order was to be taken until then, in Unix milliseconds.',
  ),
  DeadlineUnfit: declareError(
    'DeadlineUnfit(uint64 deadlineMs, uint64 earliestMs, uint64 latestMs)',
    'A deadline leaves time to claim, and comes within a year, in Unix milliseconds.',
  ),
  TooManyOrders: declareError(
    'TooManyOrders(uint256 orders, uint256 maximum)',
    'Post them in several calls.',
  ),
  JobNotOpen: declareError(
    'JobNotOpen(bytes32 job, uint8 phase)',
    'The job takes no claims and cannot be cancelled now.',
  ),
  TooManyClaims: declareError('TooManyClaims(bytes32 job, uint256 maximum)', 'Others want this job already.'),
  ClaimedBefore: declareError(
    'ClaimedBefore(bytes32 job, address provider)',
    'A provider claims a job once, and does not begin it twice.',
  ),
  PriceTooHigh: declareError(
    'PriceTooHigh(uint256 priceWei, uint256 maxPriceWei)',
    'The client pays less than is asked, in wei.',
  ),
  CannotClaim: declareError(
    'CannotClaim(address provider)',
    'The provider is unknown, takes no jobs, or has too little lockup.',
  ),
  PartyConflict: declareError('PartyConflict(address account)', 'Client and provider are the same.'),
  EventRefused: declareError(
    'EventRefused(string code)',
    'The attempt does not take this now; the codes stand in the specification of the audit.',
  ),
  DataMismatch: declareError(
    'DataMismatch(bytes32 expected, bytes32 found)',
    'The data published is not what is called unavailable.',
  ),
  RecordRefused: declareError(
    'RecordRefused(string code)',
    'A signed audit record that is malformed, of no validator, or not signed by it.',
  ),
} as const;
