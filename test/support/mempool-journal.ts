import { recoverSender } from '../../protocol/transactions/recover.js';
import { PRESETS } from '../../protocol/presets.js';
import { encodeTransaction } from '../../protocol/transactions/encode.js';
import { signTransaction } from '../../protocol/transactions/sign.js';
import type { Eip1559Transaction } from '../../protocol/transactions/types.js';
import type { Recovery } from '../../node/signatures/wire.js';
import type { JournalFile } from '../../node/mempool/journal.js';
import type { RecoverAddresses } from '../../node/mempool/recovery.js';
import { joinBytes } from '../../protocol/bytes.js';
import { GWEI } from './ledger.js';

/** A signed envelope of this chain; keys are numbers from 1. */
export function signedEnvelope(key: number, changes: Partial<Eip1559Transaction> = {}): Uint8Array {
  const transaction: Eip1559Transaction = {
    type: 'eip1559',
    chainId: BigInt(PRESETS.devnet.chainId),
    nonce: 0n,
    gasLimit: 21_000n,
    maxFeePerGas: 10n * GWEI,
    maxPriorityFeePerGas: GWEI,
    to: new Uint8Array(20).fill(0xaa),
    value: 1n,
    data: new Uint8Array(0),
    accessList: [],
    ...changes,
  };
  return encodeTransaction(signTransaction(transaction, new Uint8Array(32).fill(key)));
}

/** Recovery that counts what it is asked for. */
export function countedRecovery(): { readonly recover: RecoverAddresses; readonly batches: number[] } {
  const batches: number[] = [];
  const one = ({ digest, signature, yParity }: Recovery): Uint8Array | undefined => {
    try {
      return recoverSender(digest, { rs: signature, yParity: yParity === 1 ? 1 : 0 });
    } catch {
      return undefined;
    }
  };
  return {
    batches,
    recover: async (batch) => {
      batches.push(batch.length);
      await Promise.resolve();
      return batch.map(one);
    },
  };
}

/** A journal in memory; `fails` makes its writes fail, after a part of them where there is one. */
export class MemoryJournalFile implements JournalFile {
  bytes: Uint8Array;
  replaced = 0;
  fails = false;

  constructor(bytes: Uint8Array = new Uint8Array(0)) {
    this.bytes = bytes;
  }

  async read(maxBytes: number): Promise<Uint8Array> {
    await Promise.resolve();
    return this.bytes.slice(0, maxBytes);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  async append(bytes: Uint8Array): Promise<void> {
    await Promise.resolve();
    const written = this.fails ? bytes.subarray(0, bytes.length >> 1) : bytes;
    this.bytes = joinBytes([this.bytes, written]);
    if (this.fails) throw new Error('no space left');
  }

  async replace(chunks: Iterable<Uint8Array>): Promise<void> {
    const parts = [...chunks];
    await Promise.resolve();
    if (this.fails) throw new Error('no space left');
    this.replaced++;
    this.bytes = joinBytes(parts);
  }
}
