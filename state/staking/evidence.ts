import type { Address } from '../../protocol/address.js';
import { bytesEqual } from '../../protocol/bytes.js';
import { OgpuError } from '../../protocol/errors.js';
import type { BlockContext, Scope } from '../transition/block-context.js';
import { epochOfHeight, isUnprovable, readEpoch } from './epoch-record.js';
import { tombstone } from './slashing.js';
import { isTombstoned, keyAt, validators } from './validator.js';
import type { Reader } from '../store/store.js';

/** A signed contradiction whose signatures have been checked against the validator's key of that height. */
export interface Offence {
  readonly validator: Address;
  readonly height: number;
}

/** Evidence that a block may not carry. `reason` of the data says why. */
export class EvidenceError extends OgpuError<
  'EVIDENCE_VALIDATOR_UNKNOWN' | 'EVIDENCE_TOO_OLD' | 'EVIDENCE_FROM_FUTURE' | 'EVIDENCE_PUNISHED_BEFORE'
> {}

/**
 * Punishes an offence, and pays the proposer for the proof unless it is its own.
 *
 * @throws EvidenceError
 */
export function punish(scope: Scope, offence: Offence): void {
  const { state, block } = scope;
  const { height } = offence;
  const epoch = punishableEpoch(state, block, offence);
  const isOwn = bytesEqual(offence.validator, block.proposer);
  const finder = isOwn ? undefined : validators.read(state, block.proposer).payout;
  tombstone(scope, offence.validator, { epoch, height }, finder);
}

/** Whether a block at `moment` may carry evidence of an offence. */
export function isPunishable(state: Reader, moment: EvidenceMoment, offence: Offence): boolean {
  try {
    punishableEpoch(state, moment, offence);
    return true;
  } catch (error) {
    if (error instanceof EvidenceError) return false;
    throw error;
  }
}

/** The block that carries evidence. */
export type EvidenceMoment = Pick<BlockContext, 'height' | 'timeMs' | 'params'>;

/**
 * The epoch of an offence that can still be punished. Its age, in time and in blocks, is counted from the beginning of its epoch, so that
 * everything that answers for it is still there.
 *
 * @throws EvidenceError
 */
function punishableEpoch(state: Reader, moment: EvidenceMoment, offence: Offence): number {
  const validator = validators.find(state, offence.validator);
  if (validator === undefined)
    throw evidenceError('EVIDENCE_VALIDATOR_UNKNOWN', 'no such validator', offence);
  if (isTombstoned(validator)) {
    throw evidenceError('EVIDENCE_PUNISHED_BEFORE', 'the validator has been punished for ever', offence);
  }
  if (offence.height > moment.height) {
    throw evidenceError('EVIDENCE_FROM_FUTURE', 'its height has not been reached', offence);
  }
  const epoch = epochOfHeight(state, offence.height);
  if (epoch === undefined || isUnprovable(readEpoch(state, epoch), moment, moment.params)) {
    throw evidenceError('EVIDENCE_TOO_OLD', 'its epoch began too long ago', offence);
  }
  return epoch;
}

/** The key with which a validator's signatures of `height` are to be checked; undefined where nothing can be proved any more. */
export function signingKeyAt(state: Reader, id: Address, height: number): Uint8Array | undefined {
  const validator = validators.find(state, id);
  const epoch = epochOfHeight(state, height);
  return validator === undefined || epoch === undefined ? undefined : keyAt(validator, epoch);
}

function evidenceError(code: EvidenceError['code'], message: string, offence: Offence): EvidenceError {
  return new EvidenceError(code, message, { ...offence });
}
