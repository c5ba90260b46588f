import { OgpuError } from '../../protocol/errors.js';

export type ClientErrorCode =
  /** Nobody answers at the address. */
  | 'RPC_UNREACHABLE'
  /** Who answers is no node, or says what no node says. */
  | 'RPC_ANSWER_INVALID'
  /** The node refuses; its own code and data are in `data`. */
  | 'RPC_REFUSED'
  /** A call of a module would be undone; `data` has the error and its values. */
  | 'CALL_REVERTED'
  /** The transaction is in a block and did nothing but pay its fee. */
  | 'TRANSACTION_FAILED'
  /** The transaction is not in a block yet. */
  | 'TRANSACTION_PENDING'
  /** Another transaction of the account has taken its nonce. */
  | 'TRANSACTION_REPLACED'
  /** A file that cannot be read or written. */
  | 'FILE_UNUSABLE'
  /** What an earlier download left is of something else. */
  | 'BLOB_FILE_CHANGED'
  /** The job has ended without a result. */
  | 'JOB_NOT_SETTLED'
  /** The job has had no attempt yet. */
  | 'JOB_NOT_ASSIGNED'
  /** A key of another kind than the work needs. */
  | 'CLIENT_KEY_KIND';

/** What keeps a command from its answer. `data` has a `cure` where there is one. */
export class ClientError extends OgpuError<ClientErrorCode> {}

/** A file that cannot be read or written, and why. */
export function fileError(path: string, cause: unknown): ClientError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new ClientError('FILE_UNUSABLE', `the file cannot be used: ${reason}`, { path }, { cause });
}

/** What reads files, with errors of the disk typed. @throws ClientError FILE_UNUSABLE, and whatever else the work throws */
export async function readingFiles<Result>(work: Promise<Result>): Promise<Result> {
  return work.catch((error: unknown) => {
    if (error instanceof Error && 'path' in error && typeof error.path === 'string')
      throw fileError(error.path, error);
    throw error;
  });
}
