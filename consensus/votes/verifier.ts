import { toHex } from '../../protocol/bytes.js';
import { MAX_BLS_BATCH, type SignedBy } from '../../protocol/crypto/bls.js';
import type { ChainIdentity } from '../../protocol/domains.js';
import { invariant } from '../../protocol/invariant.js';
import type { Committee } from '../committee.js';
import type { SignatureEngine } from './engine.js';
import { FairQueue } from './fair-queue.js';
import { VerifiedStatements } from './memory.js';
import { claimOf, heightOf, VoteError, type Claim, type ConsensusMessage } from './message.js';

export interface VerifierBounds {
  /** Messages that may wait. */
  readonly maxWaiting: number;
  readonly maxWaitingPerPeer: number;
  /** Messages of one batch; their signatures over one message must fit one call of the engine. */
  readonly maxBatch: number;
  readonly maxBatchPerPeer: number;
  /** Batches with the engine at the same time. While all are out messages gather, so that batches grow with the load. */
  readonly maxBatchesOut: number;
  readonly maxOpenHeights: number;
  /** Kinds and rounds remembered of each validator and height. */
  readonly maxSlots: number;
}

export const VERIFIER_BOUNDS: VerifierBounds = {
  maxWaiting: 8_192,
  maxWaitingPerPeer: 1_024,
  maxBatch: 512,
  maxBatchPerPeer: 64,
  maxBatchesOut: 2,
  maxOpenHeights: 4,
  maxSlots: 48,
};

/** @typeParam Message may carry more than what is verified */
export interface VerifierHandlers<Message extends ConsensusMessage = ConsensusMessage> {
  /** A message whose signatures all hold, and the peer it came from. Of equal ones only the first. */
  readonly onVerified: (message: Message, peer: string) => void;
  /** What a peer sent that no correct one sends. */
  readonly onInvalid: (peer: string, error: VoteError) => void;
}

interface OpenHeight {
  readonly committee: Committee;
  readonly chain: ChainIdentity;
  readonly verified: VerifiedStatements;
}

interface Waiting<Message> {
  /** Of the very bytes: equal names are equal messages. */
  readonly name: string;
  readonly message: Message;
  readonly claim: Claim;
  readonly open: OpenHeight;
}

interface Flight<Message = ConsensusMessage> extends Waiting<Message> {
  readonly peer: string;
  verdict: 'good' | 'bad' | 'unknown';
}

/** What became of a message on arrival. */
export type Arrival = 'queued' | 'duplicate' | 'full' | 'not-open' | 'invalid';

/**
 * Stands between the network and the consensus core: hands on no message before its signatures hold. Equal messages of many validators
 * are verified in one go; whoever spoils a batch is found and named. What the engine cannot tell is forgotten: peers send again.
 */
export class VoteVerifier<Message extends ConsensusMessage = ConsensusMessage> {
  readonly #engine: SignatureEngine;
  readonly #handlers: VerifierHandlers<Message>;
  readonly #bounds: VerifierBounds;
  readonly #heights = new Map<number, OpenHeight>();
  readonly #queue: FairQueue<Waiting<Message>>;
  readonly #inFlight = new Set<string>();
  #batchesOut = 0;
  #isDispatching = false;

  constructor(
    engine: SignatureEngine,
    handlers: VerifierHandlers<Message>,
    bounds: Partial<VerifierBounds> = {},
  ) {
    this.#engine = engine;
    this.#handlers = handlers;
    this.#bounds = { ...VERIFIER_BOUNDS, ...bounds };
    invariant(this.#bounds.maxBatch <= MAX_BLS_BATCH, 'a batch fits the engine');
    const { maxWaiting, maxWaitingPerPeer } = this.#bounds;
    this.#queue = new FairQueue({ maxItems: maxWaiting, maxItemsPerPeer: maxWaitingPerPeer });
  }

  /** Messages that wait for a batch. */
  get waiting(): number {
    return this.#queue.size;
  }

  /** Lets in messages of a height. @param chain as active there */
  open(height: number, committee: Committee, chain: ChainIdentity): void {
    invariant(!this.#heights.has(height), 'a height is opened once');
    invariant(this.#heights.size < this.#bounds.maxOpenHeights, 'few heights are open at a time');
    const verified = new VerifiedStatements(this.#bounds.maxSlots);
    this.#heights.set(height, { committee, chain, verified });
  }

  /** Nothing of this height is handed on any more. */
  close(height: number): void {
    const open = this.#heights.get(height);
    this.#heights.delete(height);
    this.#queue.removeWhere((item) => item.open === open);
  }

  /** What was verified of the slot of this message is needed again: the next copy is verified like the first. */
  forget(message: Message): void {
    const open = this.#heights.get(heightOf(message));
    if (open !== undefined) open.verified.forget(claimOf(open.committee, open.chain, message));
  }

  /** Drops what waits from a peer. */
  forgetPeer(peer: string): void {
    this.#queue.removePeer(peer);
  }

  /** Takes a decoded message from a peer. With an engine that answers at once, handlers run before this returns. */
  submit(peer: string, message: Message): Arrival {
    const open = this.#heights.get(heightOf(message));
    if (open === undefined) return 'not-open';
    const claim = this.#claimOrBlame(peer, open, message);
    if (claim === undefined) return 'invalid';
    if (open.verified.isCovered(claim)) return 'duplicate';
    const name = nameOf(claim);
    if (this.#inFlight.has(name)) return 'duplicate';
    const arrival = this.#queue.push(peer, { name, message, claim, open });
    if (arrival === 'queued') this.#dispatch();
    return arrival;
  }

  #claimOrBlame(
    peer: string,
    { committee, chain }: OpenHeight,
    message: ConsensusMessage,
  ): Claim | undefined {
    try {
      return claimOf(committee, chain, message);
    } catch (error) {
      if (!(error instanceof VoteError)) throw error;
      this.#handlers.onInvalid(peer, error);
      return undefined;
    }
  }

  /** Sends batches out while there is something to send. A loop, not a recursion, however fast the engine answers. */
  #dispatch(): void {
    if (this.#isDispatching) return;
    this.#isDispatching = true;
    try {
      while (this.#batchesOut < this.#bounds.maxBatchesOut && this.#queue.size > 0) {
        const batch = this.#nextBatch();
        if (batch.length > 0) this.#send(batch);
      }
    } finally {
      this.#isDispatching = false;
    }
  }

  #nextBatch(): Flight<Message>[] {
    const { maxBatch, maxBatchPerPeer } = this.#bounds;
    const batch: Flight<Message>[] = [];
    for (const { peer, item } of this.#queue.take(maxBatch, maxBatchPerPeer)) {
      if (this.#inFlight.has(item.name) || item.open.verified.isCovered(item.claim)) continue;
      this.#inFlight.add(item.name);
      batch.push({ ...item, peer, verdict: 'good' });
    }
    return batch;
  }

  #send(batch: readonly Flight<Message>[]): void {
    const groups = groupByMessage(batch);
    let missing = groups.length;
    this.#batchesOut++;
    for (const { message, entries } of groups) {
      this.#engine.findInvalid(entries, message, (invalid) => {
        invariant(missing > 0, 'the engine answers once');
        judge(entries, invalid);
        if (--missing === 0) this.#land(batch);
      });
    }
  }

  #land(batch: readonly Flight<Message>[]): void {
    this.#batchesOut--;
    for (const flight of batch) this.#inFlight.delete(flight.name);
    for (const { peer, message, claim, open, verdict } of batch) {
      const isOpen = this.#heights.get(heightOf(message)) === open;
      if (verdict === 'bad') this.#handlers.onInvalid(peer, badSignature(claim));
      if (verdict !== 'good' || !isOpen || open.verified.isCovered(claim)) continue;
      open.verified.add(claim);
      this.#handlers.onVerified(message, peer);
    }
    this.#dispatch();
  }
}

interface Entry extends SignedBy {
  readonly flight: Flight;
}

function groupByMessage(batch: readonly Flight[]): { message: Uint8Array; entries: Entry[] }[] {
  const groups = new Map<string, { message: Uint8Array; entries: Entry[] }>();
  for (const flight of batch) {
    for (const { key, message, signature } of flight.claim.signatures) {
      const name = toHex(message);
      const group = groups.get(name) ?? { message, entries: [] };
      group.entries.push({ key, signature, flight });
      groups.set(name, group);
    }
  }
  return [...groups.values()];
}

/** A message is as good as the worst of its signatures. */
function judge(entries: readonly Entry[], invalid: readonly number[] | undefined): void {
  if (invalid === undefined) {
    for (const { flight } of entries) if (flight.verdict === 'good') flight.verdict = 'unknown';
  }
  for (const index of invalid ?? []) {
    const entry = entries[index];
    invariant(entry !== undefined, 'an invalid entry is one of those asked about');
    entry.flight.verdict = 'bad';
  }
}

function nameOf({ signer, statement, signatures }: Claim): string {
  return [toHex(signer), statement, ...signatures.map(({ signature }) => toHex(signature))].join(' ');
}

function badSignature({ signer, slot }: Claim): VoteError {
  return new VoteError('VOTE_SIGNATURE', `the signature of a ${slot} is bad`, {
    validator: toHex(signer),
    slot,
  });
}
