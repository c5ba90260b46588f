import { OgpuError } from '../../protocol/errors.js';

/** An entry of a heap that the heap did not write: the state is damaged. */
export class QueueError extends OgpuError<'QUEUE_CORRUPT'> {}
