/** Messages each node broadcasts in a run. */
export const GOAL = 5;

const MAX_VALUE_LENGTH = 64;

/** One broadcast of one node: `sequence` counts its broadcasts from 0. */
export interface Slot {
  readonly origin: number;
  readonly sequence: number;
}

export type Step = 'send' | 'echo' | 'ready';

export type Message =
  | (Slot & { readonly kind: Step; readonly value: string })
  /** How many broadcasts of each origin the sender has delivered without a gap. */
  | { readonly kind: 'have'; readonly delivered: readonly number[] };

/** What came, when it is a message; anything may come. */
export function parseMessage(raw: unknown, nodes: number): Message | undefined {
  if (typeof raw !== 'object' || raw === null) return undefined;
  const { kind, origin, sequence, value, delivered } = raw as Readonly<Record<string, unknown>>;
  if (kind === 'have') {
    const isVector = Array.isArray(delivered) && delivered.length === nodes;
    return isVector && delivered.every((count) => isBelow(count, GOAL + 1)) ? { kind, delivered } : undefined;
  }
  if (kind !== 'send' && kind !== 'echo' && kind !== 'ready') return undefined;
  if (!isBelow(origin, nodes) || !isBelow(sequence, GOAL)) return undefined;
  if (typeof value !== 'string' || value.length > MAX_VALUE_LENGTH) return undefined;
  return { kind, origin, sequence, value };
}

function isBelow(value: unknown, bound: number): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0 && Number(value) < bound;
}
