import { OgpuError } from '../../protocol/errors.js';
import { chooseAdapter, findAdapters } from '../../compute/gpu/adapters.js';
import type { Executor, SegmentsResult } from '../../compute/run-segments.js';

export class ModelRunError extends OgpuError<
  /** No device of this machine opens. */
  | 'NO_DEVICE'
  /** The process that ran the program did not complete: `data.outcome` says how it ended. */
  | 'RUN_FAILED'
  /** A device computed something else than the reference. The report has been printed. */
  | 'RESULTS_DIFFER'
  /** An input is not what the program takes. */
  | 'INPUT_UNFIT'
> {}

export const EXECUTORS = ['reference', 'gpu'] as const;
export type ExecutorName = (typeof EXECUTORS)[number];

/** What computes. @throws ModelRunError NO_DEVICE */
export async function openExecutor(name: ExecutorName): Promise<Executor> {
  if (name === 'reference') return 'reference';
  const found = chooseAdapter(await findAdapters());
  if (found !== undefined) return found.choice;
  throw new ModelRunError('NO_DEVICE', 'no device of this machine opens', {
    cure: 'ogpu doctor says what is missing',
  });
}

/** @throws ModelRunError RUN_FAILED unless the job completed */
export function checkCompleted({ outcome }: SegmentsResult): void {
  if (outcome.kind === 'completed') return;
  const { log: _log, ...how } = outcome;
  throw new ModelRunError('RUN_FAILED', `the program ended as ${outcome.kind}`, { outcome: how });
}

export function describeRan(ranOn: SegmentsResult['ranOn']): string {
  if (ranOn === undefined || ranOn === 'reference') return 'the reference';
  const name = [ranOn.vendor, ranOn.device].filter((word) => word !== '').join(' ');
  return `${name === '' ? 'a device' : name} (${ranOn.backend}${ranOn.isSoftware ? ', software' : ''})`;
}
