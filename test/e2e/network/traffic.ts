import { toHex } from '../../../protocol/bytes.js';
import { PRESETS } from '../../../protocol/presets.js';
import { encodeTransaction } from '../../../protocol/transactions/encode.js';
import { signTransaction } from '../../../protocol/transactions/sign.js';
import { developmentAccounts, type DevelopmentAccount } from '../../../node/devnet/accounts.js';
import type { Prng } from '../../support/prng.js';
import type { Cluster } from './cluster.js';
import { RpcFailure } from './rpc-client.js';
import { sleep, waitFor } from './wait.js';

const GWEI = 10n ** 9n;

/** Transactions of one sender that may wait at once: a pool takes no nonce that is too far ahead. */
const MAX_WAITING = 64;

interface Sender {
  readonly account: DevelopmentAccount;
  nextNonce: number;
  /** As the chain last said. */
  finalNonce: number;
}

export interface TrafficReport {
  readonly accepted: number;
  /** Asked of a node that was not there, or answered an error: not accepted by anybody. */
  readonly failed: number;
}

/** Clients that send transfers to nodes at random, and remember which were accepted: none of those may be lost. */
export class Traffic {
  readonly #cluster: Cluster;
  readonly #prng: Prng;
  readonly #senders: readonly Sender[];
  readonly #accepted = new Set<string>();
  #failed = 0;
  #isRunning = false;
  #loops: Promise<void>[] = [];

  private constructor(cluster: Cluster, prng: Prng, accounts: readonly DevelopmentAccount[]) {
    this.#cluster = cluster;
    this.#prng = prng;
    this.#senders = accounts.map((account) => ({ account, nextNonce: 0, finalNonce: 0 }));
  }

  static async create(cluster: Cluster, prng: Prng): Promise<Traffic> {
    const { developers } = await developmentAccounts(1);
    return new Traffic(cluster, prng, developers);
  }

  get report(): TrafficReport {
    return { accepted: this.#accepted.size, failed: this.#failed };
  }

  /** @param pauseMs between two transfers of one sender */
  start(pauseMs: number): void {
    this.#isRunning = true;
    this.#loops = this.#senders.map((sender) => this.#loop(sender, pauseMs));
  }

  async stop(): Promise<void> {
    this.#isRunning = false;
    await Promise.all(this.#loops);
  }

  /** Waits until every transaction that any node accepted is in a block at `index`. */
  async settle(index: number, timeoutMs: number): Promise<void> {
    const missing = new Set(this.#accepted);
    await waitFor('all accepted transactions in blocks', timeoutMs, async () => {
      for (const hash of missing) {
        const receipt = await this.#cluster.rpc(index, 'eth_getTransactionReceipt', [hash]).catch(() => null);
        if (receipt === null) return false;
        missing.delete(hash);
      }
      return true;
    });
  }

  async #loop(sender: Sender, pauseMs: number): Promise<void> {
    while (this.#isRunning) {
      if (sender.nextNonce - sender.finalNonce < MAX_WAITING) await this.#send(sender);
      else await this.#look(sender);
      await sleep(1 + this.#prng.below(2 * pauseMs));
    }
  }

  /** The same transaction goes to one node after the other until one takes it. */
  async #send(sender: Sender): Promise<void> {
    const envelope = this.#transfer(sender);
    while (this.#isRunning) {
      const index = this.#prng.below(this.#cluster.size);
      try {
        const hash = await this.#cluster.rpc(index, 'eth_sendRawTransaction', [toHex(envelope)]);
        this.#accepted.add(String(hash));
        sender.nextNonce++;
        return;
      } catch (error) {
        this.#failed++;
        // A node that died after it had told others: then it was accepted, though nobody said so.
        if (error instanceof RpcFailure && /already known|nonce too low/i.test(error.message)) {
          sender.nextNonce++;
          return;
        }
        await sleep(50);
      }
    }
  }

  async #look(sender: Sender): Promise<void> {
    const index = this.#prng.below(this.#cluster.size);
    const address = toHex(sender.account.address);
    const count = await this.#cluster
      .rpc(index, 'eth_getTransactionCount', [address, 'latest'])
      .catch(() => undefined);
    if (count !== undefined) sender.finalNonce = Math.max(sender.finalNonce, Number(count));
  }

  #transfer({ account, nextNonce }: Sender): Uint8Array {
    const to = this.#senders[this.#prng.below(this.#senders.length)]?.account.address ?? account.address;
    const transaction = signTransaction(
      {
        ...{ type: 'eip1559', chainId: BigInt(PRESETS.devnet.chainId), nonce: BigInt(nextNonce) },
        ...{ gasLimit: 21_000n, maxFeePerGas: 100n * GWEI, maxPriorityFeePerGas: GWEI },
        ...{ to, value: 1n, data: new Uint8Array(0), accessList: [] },
      },
      account.secretKey,
    );
    return encodeTransaction(transaction);
  }
}
