import {
  compactBodyCodec,
  expandedBody,
  shortIdOf,
  type CompactBody,
} from '../../consensus/compact-block.js';
import { bytesEqual } from '../../protocol/bytes.js';
import { keccak256 } from '../../protocol/crypto/hash.js';
import { BitArray } from '../../protocol/ssz/types.js';
import { bodyRoots, type Body, type BodyRoots } from '../../protocol/types/body.js';
import type { Header } from '../../protocol/types/header.js';
import type { RecoveredTransaction } from '../mempool/entry.js';

/** An envelope and its hash; with its sender where it comes from this node's pool. */
export type NamedTransaction = Pick<RecoveredTransaction, 'bytes' | 'hash'> & Partial<RecoveredTransaction>;

/** What became of a compact body. */
export interface AssembledBody {
  readonly body: Body;
  /** Those of the body, in order. */
  readonly transactions: readonly NamedTransaction[];
  readonly roots: BodyRoots;
}

/** A compact body on its way to be a body again. */
export class BlockAssembly {
  /** Who sent it, and is asked for what is missing. */
  readonly peer: string;
  readonly compact: CompactBody;
  readonly #found: (NamedTransaction | undefined)[];
  #asked: readonly number[];
  #isDistrusted = false;

  /** @param find a transaction by its short id, where this node has it */
  constructor(
    peer: string,
    compact: CompactBody,
    find: (shortId: Uint8Array) => NamedTransaction | undefined,
  ) {
    this.peer = peer;
    this.compact = compact;
    this.#found = compact.shortIds.map(find);
    this.#asked = this.#found.flatMap((found, place) => (found === undefined ? [place] : []));
  }

  /** Names it in requests: 32 bytes. */
  root(): Uint8Array {
    return compactBodyCodec.root(this.compact);
  }

  /** How many transactions are awaited. */
  get missing(): number {
    return this.#asked.length;
  }

  /** Which ones: bit i is transaction i. */
  get missingPlaces(): BitArray {
    const places = BitArray.fromBitLen(this.compact.shortIds.length);
    for (const place of this.#asked) places.set(place, true);
    return places;
  }

  /** Whether every transaction comes from the peer. */
  get isDistrusted(): boolean {
    return this.#isDistrusted;
  }

  /** Awaits every transaction anew: a name was taken for another transaction's. */
  distrust(): void {
    this.#isDistrusted = true;
    this.#asked = this.compact.shortIds.map((_, place) => place);
  }

  /** Takes the envelopes of the missing places. @returns whether they are what was asked for */
  add(envelopes: readonly Uint8Array[]): boolean {
    if (envelopes.length !== this.#asked.length) return false;
    const named = envelopes.map((bytes) => ({ bytes, hash: keccak256(bytes) }));
    const isNamed = this.#asked.every((place, index) => {
      const [hash, shortId] = [named[index]?.hash, this.compact.shortIds[place]];
      return hash !== undefined && shortId !== undefined && bytesEqual(shortIdOf(hash), shortId);
    });
    if (!isNamed) return false;
    for (const [index, place] of this.#asked.entries()) this.#found[place] = named[index];
    this.#asked = [];
    return true;
  }

  /** Undefined while something is missing. */
  assembled(): AssembledBody | undefined {
    if (this.#asked.length > 0) return undefined;
    const transactions = this.#found.flatMap((found) => found ?? []);
    const hashes = transactions.map(({ hash }) => hash);
    const envelopes = transactions.map(({ bytes }) => bytes);
    const body = expandedBody(this.compact, envelopes);
    return { body, transactions, roots: bodyRoots(body, hashes) };
  }
}

/** Whether its signature was verified when it came into the pool. */
export function isRecovered(named: Partial<RecoveredTransaction>): named is RecoveredTransaction {
  return named.sender !== undefined && named.transaction !== undefined;
}

export function isNamedBy(header: Header, roots: BodyRoots): boolean {
  return (Object.keys(roots) as (keyof BodyRoots)[]).every((field) =>
    bytesEqual(roots[field], header[field]),
  );
}
