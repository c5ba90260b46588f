import { addressFromPublicKey } from '../protocol/address.js';
import { toHex } from '../protocol/bytes.js';
import { secp256k1 } from '../protocol/crypto/secp256k1.js';
import { encodeTransaction } from '../protocol/transactions/encode.js';
import { signTransaction } from '../protocol/transactions/sign.js';
import { readAccount } from '../state/accounts/account.js';
import { chainRecord, progressRecord } from '../state/system/chain.js';
import type { Faucet, RpcBackend } from './backend.js';
import { RPC } from './errors/codes.js';
import { RpcError } from './errors/rpc-error.js';

const TRANSFER_GAS = 21_000n;

/** Addresses that are remembered as served; of more, who was served longest ago may ask again early. */
const MAX_SERVED = 65_536;

export interface Gift {
  readonly transactionHash: Uint8Array;
  readonly from: Uint8Array;
  readonly amountWei: bigint;
}

/** Gives coins away, one gift after the other: each takes the next nonce of one account. */
export class FaucetDesk {
  readonly #backend: RpcBackend;
  readonly #faucet: Faucet;
  readonly #address: Uint8Array;
  /** When each address was served. */
  readonly #served = new Map<string, number>();
  #before: Promise<unknown> = Promise.resolve();

  constructor(backend: RpcBackend, faucet: Faucet) {
    this.#backend = backend;
    this.#faucet = faucet;
    this.#address = addressFromPublicKey(secp256k1.publicKey(faucet.secretKey));
  }

  /**
   * @param wantedWei as much as is given at a time, unless told otherwise
   * @throws RpcError RPC_FAUCET_TOO_SOON | RPC_FAUCET_EMPTY; as submitting does
   */
  async give(to: Uint8Array, wantedWei = this.#faucet.amountWei): Promise<Gift> {
    const { amountWei: maxWei } = this.#faucet;
    const amountWei = wantedWei < maxWei ? wantedWei : maxWei;
    const key = toHex(to);
    this.#reserve(key);
    const gift = this.#before.then(() => this.#send(to, amountWei));
    this.#before = gift.catch(() => undefined);
    try {
      return { transactionHash: await gift, from: this.#address, amountWei };
    } catch (error) {
      this.#served.delete(key);
      throw error;
    }
  }

  #reserve(key: string): void {
    const nowMs = this.#backend.nowMs();
    const nextMs = (this.#served.get(key) ?? -Infinity) + this.#faucet.intervalMs;
    if (nowMs < nextMs) {
      throw new RpcError(RPC.limitExceeded, 'RPC_FAUCET_TOO_SOON', 'this address was given coins lately', {
        retryAfterMs: Math.ceil(nextMs - nowMs),
      });
    }
    this.#served.delete(key);
    this.#served.set(key, nowMs);
    if (this.#served.size <= MAX_SERVED) return;
    const [oldest] = this.#served.keys();
    if (oldest !== undefined) this.#served.delete(oldest);
  }

  async #send(to: Uint8Array, amountWei: bigint): Promise<Uint8Array> {
    const { store, pool } = this.#backend;
    const { baseFeeWei } = progressRecord.read(store);
    const { balanceWei } = readAccount(store, this.#address);
    const requiredWei = amountWei + TRANSFER_GAS * 3n * baseFeeWei;
    if (balanceWei < requiredWei) {
      throw new RpcError(RPC.resourceUnavailable, 'RPC_FAUCET_EMPTY', 'the faucet has run dry', {
        availableWei: balanceWei,
        requiredWei,
      });
    }
    const transaction = signTransaction(
      {
        type: 'eip1559',
        chainId: BigInt(chainRecord.read(store).chainId),
        nonce: BigInt(pool.pendingNonce(this.#address)),
        gasLimit: TRANSFER_GAS,
        maxFeePerGas: 3n * baseFeeWei,
        maxPriorityFeePerGas: baseFeeWei,
        to,
        value: amountWei,
        data: new Uint8Array(0),
        accessList: [],
      },
      this.#faucet.secretKey,
    );
    return this.#backend.submit(encodeTransaction(transaction));
  }
}
