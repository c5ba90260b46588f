import { OgpuError } from '../../protocol/errors.js';

/** Something simulated asked the real machine for time or chance, and would make two runs of one seed differ. */
export class ImpureError extends OgpuError<'SIM_IMPURE'> {
  constructor(name: string) {
    super('SIM_IMPURE', `${name} was called in a simulation`);
  }
}

const SEALS: readonly { readonly holder: object; readonly name: string; readonly label: string }[] = [
  { holder: Date, name: 'now', label: 'Date.now' },
  { holder: Math, name: 'random', label: 'Math.random' },
  { holder: performance, name: 'now', label: 'performance.now' },
  { holder: globalThis, name: 'setTimeout', label: 'setTimeout' },
  { holder: globalThis, name: 'setInterval', label: 'setInterval' },
  { holder: globalThis, name: 'setImmediate', label: 'setImmediate' },
];

let depth = 0;
let restore: () => void = () => undefined;

/**
 * Runs `task` while the real clock, timers and randomness throw `ImpureError` when called. It cannot see everything (`new Date()`,
 * real files, worker threads): two runs of one seed, compared, see the rest.
 */
export async function sealed<T>(task: () => Promise<T>): Promise<T> {
  if (depth === 0) restore = seal();
  depth++;
  try {
    return await task();
  } finally {
    depth--;
    if (depth === 0) restore();
  }
}

function seal(): () => void {
  const undo = SEALS.map(({ holder, name, label }) => {
    const own = Object.getOwnPropertyDescriptor(holder, name);
    const banned = (): never => {
      throw new ImpureError(label);
    };
    Object.defineProperty(holder, name, { value: banned, configurable: true, writable: true });
    return () => {
      if (own === undefined) Reflect.deleteProperty(holder, name);
      else Object.defineProperty(holder, name, own);
    };
  });
  return () => undo.forEach((one) => one());
}
