import type { Address } from '../protocol/address.js';
import { compareBytes, toHex } from '../protocol/bytes.js';
import { MAX_BLOCK_EVIDENCE, MAX_VALIDATORS } from '../protocol/limits.js';
import type { Evidence } from '../protocol/types/evidence.js';
import { checkEvidence, type EvidenceContext, type Offence } from './evidence.js';

/** Pieces that wait for a block, unless told otherwise: every validator of a set at once. */
export const MAX_PENDING_EVIDENCE = MAX_VALIDATORS;

/** Where pieces outlast a restart. Names are the hex of the validator's address. */
export interface EvidenceArchive {
  keep(name: string, evidence: Evidence): void;
  drop(name: string): void;
}

interface Pending {
  readonly evidence: Evidence;
  readonly offence: Offence;
}

/** Checked evidence that waits for a block: one piece of each validator, for a tombstone is for ever and a second proof worth nothing. */
export class EvidencePool {
  readonly #archive: EvidenceArchive | undefined;
  readonly #limit: number;
  readonly #pending = new Map<string, Pending>();

  constructor(archive?: EvidenceArchive, limit = MAX_PENDING_EVIDENCE) {
    this.#archive = archive;
    this.#limit = limit;
  }

  get size(): number {
    return this.#pending.size;
  }

  /**
   * Whether the piece is kept: false, without a look at its signatures, when one of this validator waits already or the pool is full.
   *
   * @throws EvidenceProofError
   */
  add(context: EvidenceContext, evidence: Evidence): boolean {
    const { first } = evidence.value;
    const name = toHex('proposer' in first ? first.proposer : first.validator);
    if (this.#pending.has(name) || this.#pending.size >= this.#limit) return false;
    this.#pending.set(name, { evidence, offence: checkEvidence(context, evidence) });
    this.#archive?.keep(name, evidence);
    return true;
  }

  /** Forgets what a final block punished. */
  remove(punished: Iterable<Address>): void {
    for (const validator of punished) this.#drop(toHex(validator));
  }

  /** Forgets what the ledger would refuse now: too old, or punished before. */
  prune(isPunishable: (offence: Offence) => boolean): void {
    for (const [name, { offence }] of this.#pending) {
      if (!isPunishable(offence)) this.#drop(name);
    }
  }

  /** For a proposal: in the order of blocks, at most as many as fit. */
  select(isPunishable: (offence: Offence) => boolean, most = MAX_BLOCK_EVIDENCE): Evidence[] {
    return [...this.#pending.values()]
      .filter(({ offence }) => isPunishable(offence))
      .sort((a, b) => compareBytes(a.offence.validator, b.offence.validator))
      .slice(0, Math.min(most, MAX_BLOCK_EVIDENCE))
      .map(({ evidence }) => evidence);
  }

  #drop(name: string): void {
    if (this.#pending.delete(name)) this.#archive?.drop(name);
  }
}
