import { declareError, declareEvent } from '../modules/declare.js';

/** Why a source has closed; numbers are for ever. */
export const CLOSED_BY_ATTESTATION = 1;
export const CLOSED_BY_SET = 2;
export const CLOSED_BY_OWNER = 3;

export const EVENTS = {
  SourceRegistered: declareEvent(
    'SourceRegistered(bytes32 indexed source, address indexed owner, bytes32 indexed weightsHash, uint256 bondWei)',
    'A program was registered; its weights are the file with this SHA-256, its bond is in wei.',
  ),
  SourceAttested: declareEvent(
    'SourceAttested(bytes32 indexed source, address indexed validator, uint8 indexed verdict)',
    'A validator says of a source that it can run it (1), that it cannot (2), or nothing any more (0).',
  ),
  SourceOpened: declareEvent(
    'SourceOpened(bytes32 indexed source, uint64 capablePower, uint64 totalPower)',
    'Enough verifiers can run a source: it takes jobs. Power is in millionths of OGPU.',
  ),
  SourceClosed: declareEvent(
    'SourceClosed(bytes32 indexed source, uint8 indexed reason, uint64 capablePower, uint64 totalPower)',
    'A source takes no jobs. Reasons: 1 an attestation, 2 the validators have changed, 3 its owner retired it.',
  ),
  SourceRetired: declareEvent(
    'SourceRetired(bytes32 indexed source, uint64 openJobs)',
    'The owner has retired a source; the jobs it has go on.',
  ),
  SourceTakenOver: declareEvent(
    'SourceTakenOver(bytes32 indexed source, address indexed owner, address indexed formerOwner, uint256 bondWei)',
    'A retired source has another owner and lives on; the bond of the former one, in wei, went back.',
  ),
  SourceRemoved: declareEvent(
    'SourceRemoved(bytes32 indexed source, address indexed owner, uint256 bondWei)',
    'A retired source is forgotten, and its bond went back, in wei.',
  ),
} as const;

export const ERRORS = {
  UnknownSource: declareError('UnknownSource(bytes32 source)', 'No program is registered under this hash.'),
  GraphRefused: declareError(
    'GraphRefused(string code, string path, uint256 faults)',
    'The bytes are no valid program: the first of its faults, where it is, and how many there are.',
  ),
  BondTooLow: declareError(
    'BondTooLow(uint256 requiredWei, uint256 providedWei)',
    'Registering a program locks a bond, in wei; what is sent beyond it comes back.',
  ),
  NotOwner: declareError('NotOwner(address owner)', 'Only the owner of the source can do this.'),
  SourceIsRetired: declareError('SourceIsRetired(bytes32 source)', 'The source takes no jobs any more.'),
  UnknownValidator: declareError(
    'UnknownValidator(address validator)',
    'Nobody is registered as a validator there.',
  ),
  NotOwnerOrOperator: declareError(
    'NotOwnerOrOperator(address caller)',
    'Only owner and operator of a validator can speak for it.',
  ),
  NotActive: declareError(
    'NotActive(address validator)',
    'Only a validator of the active set says what it can run.',
  ),
  InvalidVerdict: declareError(
    'InvalidVerdict(uint8 verdict)',
    'A verdict is 1 (can run), 2 (cannot judge) or 0 (takes back what was said).',
  ),
} as const;
