import { OgpuError } from './errors.js';

/** A promise the code made to itself was broken: always a bug here, never bad input. */
export class InvariantError extends OgpuError<'INVARIANT_VIOLATED'> {
  constructor(message: string) {
    super('INVARIANT_VIOLATED', message);
  }
}

/** Asserts what must hold whatever the input is. Stays on in production. */
export function invariant(condition: boolean, message: string): asserts condition {
  if (!condition) throw new InvariantError(message);
}
