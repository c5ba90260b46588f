import type { Address } from '../../protocol/address.js';
import type { ChainParams } from '../../protocol/params.js';
import type { SignedTransaction } from '../../protocol/transactions/types.js';

/** What execution may know of the block it is in: all of it stands in the header. */
export interface BlockContext {
  readonly chainId: number;
  readonly height: number;
  /** Header time in Unix milliseconds: the only clock. */
  readonly timeMs: number;
  readonly baseFeeWei: bigint;
  readonly gasLimit: number;
  /** Receives the tips. */
  readonly tipRecipient: Address;
  readonly params: ChainParams;
}

/** A decoded transaction whose sender is known: signature recovery has happened elsewhere, once. */
export interface SenderTransaction {
  readonly transaction: SignedTransaction;
  readonly sender: Address;
}
