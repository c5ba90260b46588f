import { OgpuError } from '../../protocol/errors.js';

/** Why nothing was signed, with the `cure` in the data where a person can do something. */
export class SignerError extends OgpuError<
  /** Other bytes have been signed at the same (height, round, step): both are in the data. */
  | 'SIGNER_CONFLICT'
  /** A later (height, round, step) has been signed. */
  | 'SIGNER_REGRESSION'
  | 'SIGNER_BUSY'
  /** The record is damaged; what was signed last is unknown. */
  | 'SIGNER_RECORD_CORRUPT'
  /** There is no record where there was one, or none was allowed to be made. */
  | 'SIGNER_RECORD_MISSING'
  /** Of another chain or key. */
  | 'SIGNER_RECORD_FOREIGN'
  /** Of a format this software does not know. */
  | 'SIGNER_RECORD_VERSION'
  /** A new record was asked for where there is one. */
  | 'SIGNER_RECORD_EXISTS'
  /** The chain holds signatures of this key that the record does not know. */
  | 'SIGNER_SIGNED_ELSEWHERE'
  /** A document of signer state that means nothing. */
  | 'SIGNER_DOCUMENT_INVALID'
> {}
