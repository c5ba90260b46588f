import { keccak256 } from '../../protocol/crypto/hash.js';
import { invariant } from '../../protocol/invariant.js';
import { decodeTransaction, type DecodedTransaction } from '../../protocol/transactions/decode.js';
import { recoverSender } from '../../protocol/transactions/recover.js';
import type { Block } from '../../protocol/types/block.js';
import type { Header } from '../../protocol/types/header.js';

/** A final block, read; its transactions are decoded, and their senders recovered, one by one as they are asked for. */
export class StoredBlock {
  readonly block: Block;
  readonly id: Uint8Array;
  /** Of its encoding. */
  readonly sizeBytes: number;
  readonly #hashes: (Uint8Array | undefined)[];
  readonly #decoded: (DecodedTransaction | undefined)[] = [];
  readonly #senders: (Uint8Array | undefined)[] = [];

  /** @param hashes of its transactions, where they are known */
  constructor(block: Block, id: Uint8Array, sizeBytes: number, hashes: readonly Uint8Array[] = []) {
    this.block = block;
    this.id = id;
    this.sizeBytes = sizeBytes;
    this.#hashes = [...hashes];
  }

  get header(): Header {
    return this.block.header;
  }

  get height(): number {
    return this.block.header.height;
  }

  get transactionCount(): number {
    return this.block.body.transactions.length;
  }

  envelope(index: number): Uint8Array {
    const envelope = this.block.body.transactions[index];
    invariant(envelope !== undefined, 'a transaction of the block');
    return envelope;
  }

  hash(index: number): Uint8Array {
    return (this.#hashes[index] ??= keccak256(this.envelope(index)));
  }

  transaction(index: number): DecodedTransaction['transaction'] {
    return this.#decode(index).transaction;
  }

  sender(index: number): Uint8Array {
    const known = this.#senders[index];
    if (known !== undefined) return known;
    const { signingHash, transaction } = this.#decode(index);
    return (this.#senders[index] = recoverSender(signingHash, transaction.signature));
  }

  #decode(index: number): DecodedTransaction {
    const chainId = BigInt(this.header.chainId);
    return (this.#decoded[index] ??= decodeTransaction(this.envelope(index), { chainId }));
  }
}
