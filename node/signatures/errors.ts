import { OgpuError } from '../../protocol/errors.js';

export class SignaturePoolError extends OgpuError<
  'QUEUE_FULL' | 'BATCH_TOO_LARGE' | 'POOL_CLOSED' | 'WORKER_DIED' | 'WORKERS_EXHAUSTED'
> {}
