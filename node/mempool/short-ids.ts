import { shortIdOf } from '../../consensus/compact-block.js';
import { keyText } from '../../state/store/key-text.js';
import type { RecoveredTransaction } from './entry.js';

/** Transactions by short id. Of two with the same one, which nobody meets by chance, the first is found. */
export class ShortIds {
  readonly #transactions = new Map<string, RecoveredTransaction>();

  add(transaction: RecoveredTransaction): void {
    const name = keyText(shortIdOf(transaction.hash));
    if (!this.#transactions.has(name)) this.#transactions.set(name, transaction);
  }

  delete(transaction: RecoveredTransaction): void {
    const name = keyText(shortIdOf(transaction.hash));
    if (this.#transactions.get(name) === transaction) this.#transactions.delete(name);
  }

  get(shortId: Uint8Array): RecoveredTransaction | undefined {
    return this.#transactions.get(keyText(shortId));
  }
}
