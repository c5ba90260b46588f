import { OgpuError } from '../../protocol/errors.js';

/** What keeps a client from a job or its result. `data` has what to act on, and a `cure` where there is one. */
export class JobError extends OgpuError<
  /** The program is not registered. */
  | 'SOURCE_UNKNOWN'
  /** Too few validators can run the program, so far. */
  | 'SOURCE_NOT_OPEN'
  /** The program takes no more jobs. */
  | 'SOURCE_RETIRED'
  /** The bytes are not the weights that the program names. */
  | 'WEIGHTS_MISMATCH'
  /** The input has numbers that the program does not take. */
  | 'INPUT_OUT_OF_RANGE'
  /** The key names another job of this client. */
  | 'JOB_KEY_USED'
  /** No job has this id. */
  | 'JOB_UNKNOWN'
  /** The job has ended so long ago that its record is dropped. */
  | 'JOB_FORGOTTEN'
  /** The job has ended without a result, or not ended yet: see `phase`. */
  | 'JOB_NOT_SETTLED'
  /** The job has not ended in the time it was waited for. */
  | 'JOB_NOT_ENDED'
  /** A module would undo the call; nothing was sent, nothing is paid. `error` and `args` are the module's. */
  | 'CALL_REFUSED'
  /** The call is in a block and was undone: only its fee is paid. */
  | 'CALL_UNDONE'
  /** What was sent does not match what was accepted: see `what`. */
  | 'RESULT_MISMATCH'
  /** The output is larger than what this client takes. */
  | 'RESULT_TOO_LARGE'
  /** Not an answer of a node. */
  | 'NODE_ANSWER_INVALID'
> {}
