import type { Address } from '../../protocol/address.js';
import type { AbiValue } from '../../protocol/abi/types.js';
import type { ChainIdentity } from '../../protocol/domains.js';
import type { ChainParams } from '../../protocol/params.js';
import type { SignedTransaction } from '../../protocol/transactions/types.js';
import type { ModuleEvent } from '../modules/interface.js';
import type { Overlay } from '../store/overlay.js';

/** What execution may know of the block it is in: all of it follows from the header and the state before. */
export interface BlockContext {
  readonly identity: ChainIdentity;
  readonly height: number;
  /** Header time in Unix milliseconds: the only clock. */
  readonly timeMs: number;
  /** Number of the epoch at the beginning of the block. */
  readonly epoch: number;
  readonly baseFeeWei: bigint;
  readonly gasLimit: number;
  /** Validator id. */
  readonly proposer: Address;
  /** As they are at the beginning of the block. */
  readonly params: ChainParams;
}

export type Emit = (event: ModuleEvent, values: readonly AbiValue[]) => void;

/** Where a module's code runs: in a call, or in a system phase of a block. */
export interface Scope {
  readonly state: Overlay;
  readonly block: BlockContext;
  /** Logs an event of the module. */
  readonly emit: Emit;
}

/** A decoded transaction whose sender is known: signature recovery has happened elsewhere, once. */
export interface SenderTransaction {
  readonly transaction: SignedTransaction;
  readonly sender: Address;
}
