import { OgpuError } from '../errors.js';

/** Meanings and sources: docs/spec/transactions.md. */
export type TransactionErrorCode =
  // envelope
  | 'TX_EMPTY'
  | 'TX_TOO_LARGE'
  | 'TX_TYPE_BLOB_UNSUPPORTED'
  | 'TX_TYPE_SET_CODE_UNSUPPORTED'
  | 'TX_TYPE_UNKNOWN'
  | 'TX_ENVELOPE_MISPLACED'
  | 'TX_UNSIGNED'
  | 'TX_EXTRA_FIELDS'
  // fields
  | 'TX_CHAIN_ID_WRONG'
  | 'TX_NOT_REPLAY_PROTECTED'
  | 'TX_NONCE_TOO_HIGH'
  | 'TX_GAS_LIMIT_TOO_HIGH'
  | 'TX_TIP_ABOVE_FEE_CAP'
  | 'TX_COST_OVERFLOW'
  | 'TX_TO_LENGTH'
  | 'TX_INIT_CODE_TOO_LARGE'
  | 'TX_ACCESS_LIST_ENTRY'
  | 'TX_ACCESS_LIST_ADDRESS_LENGTH'
  | 'TX_ACCESS_LIST_KEY_LENGTH'
  | 'TX_INTEGER_RANGE'
  | 'TX_GAS_LIMIT_BELOW_INTRINSIC'
  // signature
  | 'TX_LEGACY_V_INVALID'
  | 'TX_Y_PARITY_INVALID'
  | 'TX_SIGNATURE_R_RANGE'
  | 'TX_SIGNATURE_S_RANGE'
  | 'TX_SIGNATURE_HIGH_S'
  | 'TX_SENDER_UNRECOVERABLE';

/** A transaction this chain refuses, whatever the state. */
export class TransactionError extends OgpuError<TransactionErrorCode> {}
