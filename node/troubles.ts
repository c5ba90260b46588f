import type { OgpuError } from '../protocol/errors.js';
import type { Logger } from './logging/logger.js';

/** What a trouble is about. */
export type TroubleTopic = 'validator' | 'sync';

/** What an operator should do something about, for as long as it lasts. Each is logged when it begins and when it is over. */
export class Troubles {
  readonly #log: Logger;
  readonly #present = new Map<TroubleTopic, OgpuError>();

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Whether there is one now, and which. @returns whether that has changed */
  tell(topic: TroubleTopic, error: OgpuError | undefined): boolean {
    const before = this.#present.get(topic);
    if (before?.code === error?.code && before?.message === error?.message) return false;
    if (error === undefined) {
      this.#present.delete(topic);
      this.#log.info({ topic, code: before?.code }, 'a trouble is over');
    } else {
      this.#present.set(topic, error);
      this.#log.warn({ topic, err: error }, error.message);
    }
    return true;
  }

  about(topic: TroubleTopic): OgpuError | undefined {
    return this.#present.get(topic);
  }

  get all(): readonly OgpuError[] {
    return [...this.#present.values()];
  }
}

/** What to do about an error, where it says so. */
export function cureOf({ data }: OgpuError): string | undefined {
  const { cure } = data as { readonly cure?: unknown };
  return typeof cure === 'string' ? cure : undefined;
}
