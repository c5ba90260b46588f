import { compareBytes, toHex } from '../../protocol/bytes.js';
import { OgpuError } from '../../protocol/errors.js';
import { keyText } from '../store/key-text.js';
import { spaceOf } from '../store/state-spaces.js';
import type { Change, Reader } from '../store/store.js';

/** Remembers everything that is read through it, absences included: entries of the state and nodes of its tree alike. */
export class ReadRecorder implements Reader {
  readonly #source: Reader;
  readonly #reads = new Map<string, Change>();

  constructor(source: Reader) {
    this.#source = source;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    const text = keyText(key);
    const known = this.#reads.get(text);
    if (known !== undefined) return known.value;
    const value = this.#source.get(key);
    this.#reads.set(text, { key, value });
    return value;
  }

  /** In key order. */
  reads(): Change[] {
    return [...this.#reads.values()].sort((a, b) => compareBytes(a.key, b.key));
  }
}

/** Of recorded reads, those of the state. */
export function stateReads(reads: readonly Change[]): Change[] {
  return reads.filter(({ key }) => spaceOf(key) !== undefined);
}

/** Execution wants to read what a record does not hold. */
export class RecordError extends OgpuError<'RECORD_ENTRY_MISSING'> {}

/**
 * A state of which only recorded reads are known.
 *
 * @throws RecordError when anything else is read
 */
export function recordedView(reads: readonly Change[]): Reader {
  const values = new Map(reads.map(({ key, value }) => [keyText(key), value]));
  return {
    get: (key) => {
      const text = keyText(key);
      if (values.has(text)) return values.get(text);
      throw new RecordError('RECORD_ENTRY_MISSING', 'the record does not hold what execution reads', {
        key: toHex(key),
      });
    },
  };
}
