import type { Attempt, Commitment } from '../../consensus/verification/attempt.js';
import type { Unsealing } from '../../consensus/verification/step.js';
import type { AuditSubject, Opening } from '../../protocol/audit/commitment.js';
import type { Segmentation } from '../../protocol/graph/segmentation.js';
import type { BlockMoment } from '../../protocol/moment.js';
import type { Piece } from './pieces.js';

/** What a job runs, and on what. */
export interface JobData {
  /** Id of the source that it runs, 32 bytes. */
  readonly source: Uint8Array;
  /** Id of the blob that holds its whole input. */
  readonly input: Uint8Array;
  readonly segmentation: Segmentation;
}

/** A job that can be claimed now. */
export interface Offer extends JobData {
  /** Its id, 32 bytes. */
  readonly job: Uint8Array;
  /** The most the client pays. */
  readonly maxPriceWei: bigint;
  /** What a claim at that price locks. */
  readonly bondWei: bigint;
  /** Metered multiply-accumulates and elementary steps of the whole job. */
  readonly workUnits: bigint;
  /** Of the largest moment of one segment, as metered. */
  readonly memoryBytes: number;
}

/** A job this provider has been given. */
export interface Assignment extends JobData {
  /** Without what others have said: a provider acts by its phase alone. */
  readonly attempt: Attempt;
  /** Pieces of the publication under way that stand on the chain already, ascending. */
  readonly publishedItems: readonly number[];
}

/** What the chain says to a provider: asked for anew every time, for no event is trusted to arrive. */
export interface MarketView {
  /** The time at the node, and the height of the last block. */
  readonly now: BlockMoment;
  readonly freeLockupWei: bigint;
  /** None where the provider may claim nothing now. */
  readonly offers: readonly Offer[];
  /** Jobs it has claimed and that have not been drawn yet, with the bonds they would lock. */
  readonly claims: readonly { readonly job: Uint8Array; readonly bondWei: bigint }[];
  /** Attempts of this provider that have not ended. */
  readonly assignments: readonly Assignment[];
}

/** The chain as a provider acts on it. Each act resolves when it is final. @throws OgpuError where it is refused */
export interface Market {
  look(): Promise<MarketView>;
  claim(job: Uint8Array, priceWei: bigint): Promise<void>;
  release(subject: AuditSubject): Promise<void>;
  commit(subject: AuditSubject, commitment: Commitment & { readonly input?: Opening }): Promise<void>;
  unseal(subject: AuditSubject, unsealing: Unsealing): Promise<void>;
  /** Puts data that is called unavailable on the chain; a piece that is there already is passed over. */
  publish(subject: AuditSubject, pieces: readonly Piece[]): Promise<void>;
}
