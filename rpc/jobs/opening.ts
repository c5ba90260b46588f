import { toHex } from '../../protocol/bytes.js';
import type { AskNode, SourceStanding } from './answers.js';
import { JobError } from './errors.js';
import { sourceError, sourceStanding } from './prepare.js';
import { watchChanges, type WatchOptions } from './watch.js';

export interface OpeningOptions extends WatchOptions {
  /** Told at first and with every change of who can run it. */
  readonly onChange?: ((standing: SourceStanding) => void) | undefined;
}

/** @throws JobError SOURCE_UNKNOWN | SOURCE_RETIRED at once, SOURCE_NOT_OPEN after `timeoutMs`; what asking throws */
export async function sourceOpened(
  ask: AskNode,
  source: Uint8Array,
  { onChange, ...options }: OpeningOptions = {},
): Promise<void> {
  const id = toHex(source);
  let last: SourceStanding | undefined;
  const look = async (): Promise<SourceStanding> => {
    last = await sourceStanding(ask, source);
    if (last === undefined || last.status === 'retired') throw sourceError(id, last);
    return last;
  };
  try {
    for await (const standing of watchChanges(look, ({ takesJobs }) => takesJobs, options))
      onChange?.(standing);
  } catch (error) {
    if (error instanceof JobError && error.code === 'JOB_NOT_ENDED') throw sourceError(id, last);
    throw error;
  }
}
