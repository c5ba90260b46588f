import type { RpcClient } from './rpc-client.js';
import { settle, submit, type Intent, type Outcome } from './transact.js';
import type { Wallet } from './wallet.js';

/** Sends the transactions of one account: several may wait to be final at a time, but each is sent after the one before, for its nonce. */
export class Sender {
  readonly #rpc: RpcClient;
  readonly #wallet: Wallet;
  readonly #waitMs: number;
  #last: Promise<unknown> = Promise.resolve();

  /** @param waitMs for a transaction to become final */
  constructor(rpc: RpcClient, wallet: Wallet, waitMs: number) {
    this.#rpc = rpc;
    this.#wallet = wallet;
    this.#waitMs = waitMs;
  }

  /** Resolves when it is final. @throws ClientError, as `transact` */
  async send(intent: Intent): Promise<Outcome> {
    const sent = this.#last.then(() => submit(this.#rpc, this.#wallet, intent));
    // Whether it was refused is its sender's trouble: the next one goes on.
    this.#last = sent.catch(() => undefined);
    return settle(this.#rpc, this.#wallet, intent, await sent, this.#waitMs);
  }
}
