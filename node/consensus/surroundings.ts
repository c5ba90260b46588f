import type { Message } from '../../consensus/messages.js';
import type { Change } from '../../state/store/store.js';
import type { OgpuError } from '../../protocol/errors.js';
import type { RecoveredTransaction } from '../mempool/entry.js';

/*
 * What a participant in consensus is given: in production sockets, a system clock and a mempool, in the simulator their models.
 */

export interface ConsensusNetwork {
  /** To every validator, and whoever else listens. */
  broadcast(message: Message): void;
  send(peer: string, message: Message): void;
  /** To a validator by its id, if there is a way. */
  sendToValidator(validator: Uint8Array, message: Message): void;
  /**
   * Passes a message on, that has come from a peer and was found good, to whomever the validator who signed it does not reach itself.
   * Absent where all validators reach each other.
   *
   * @param make called where there is such a peer
   */
  relay?(signer: Uint8Array, source: string, make: () => Message): void;
  /** What a peer has sent that no correct one sends. */
  blame(peer: string, error: OgpuError): void;
}

export interface Alarm {
  cancel(): void;
}

export interface Clock {
  /** Unix milliseconds. */
  nowMs(): number;
  setTimer(delayMs: number, run: () => void): Alarm;
}

/** Where transactions come from, and are known. */
export interface TransactionSource {
  /** Whether there is anything a block should hold. */
  readonly hasWork: boolean;
  /** Called when `hasWork` becomes true. */
  onWork: (() => void) | undefined;
  /** For a block of this base fee and these bounds, admissible on the state, in the order of execution. */
  select(limits: {
    readonly baseFeeWei: bigint;
    readonly gasLimit: number;
    readonly maxBytes: number;
  }): readonly RecoveredTransaction[];
  /** One that is known here, as compact blocks name it: by the first bytes of its hash. */
  find(shortId: Uint8Array): RecoveredTransaction | undefined;
  /** @throws OgpuError for an envelope that is no transaction of this chain */
  resolve(envelopes: readonly Uint8Array[]): Promise<readonly RecoveredTransaction[]>;
  /** A block is final: its transactions are gone, and the state is new. */
  onBlock(transactionHashes: readonly Uint8Array[], changes: readonly Change[]): void;
}
