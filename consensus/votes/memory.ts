import { toHex } from '../../protocol/bytes.js';
import type { Claim } from './message.js';

/** Two statements for one slot are a contradiction; a third proves nothing more. */
const MAX_STATEMENTS_PER_SLOT = 2;

/** What was verified of one height: bounded for each signer, of whom the oldest slots are forgotten first. */
export class VerifiedStatements {
  readonly #maxSlots: number;
  readonly #bySigner = new Map<string, Map<string, string[]>>();

  /** @param maxSlots kept of each signer; forgetting one costs a verification, nothing else */
  constructor(maxSlots: number) {
    this.#maxSlots = maxSlots;
  }

  /** Whether verifying the claim would tell nothing new. */
  isCovered({ signer, slot, statement }: Claim): boolean {
    const known = this.#bySigner.get(toHex(signer))?.get(slot) ?? [];
    return known.length >= MAX_STATEMENTS_PER_SLOT || known.includes(statement);
  }

  /** As if nothing had been verified of this slot. */
  forget({ signer, slot }: Claim): void {
    this.#bySigner.get(toHex(signer))?.delete(slot);
  }

  /** Of a verified claim of a member that is not covered. */
  add({ signer, slot, statement }: Claim): void {
    const name = toHex(signer);
    const slots = this.#bySigner.get(name) ?? new Map<string, string[]>();
    this.#bySigner.set(name, slots);
    const known = slots.get(slot) ?? [];
    known.push(statement);
    slots.set(slot, known);
    const [oldest] = slots.keys();
    if (slots.size > this.#maxSlots && oldest !== undefined) slots.delete(oldest);
  }
}
