import type { Contradiction } from '../../consensus/engine/effect.js';
import type { ConsensusEngine } from '../../consensus/engine/engine.js';
import { FutureMessages } from '../../consensus/engine/future-messages.js';
import type { Input } from '../../consensus/engine/input.js';
import type { EvidencePool } from '../../consensus/evidence-pool.js';
import {
  duplicateExtension,
  duplicateProposal,
  duplicateVote,
  type EvidenceContext,
  type Offence,
} from '../../consensus/evidence.js';
import { verifyExtendedCommit } from '../../consensus/extended-commit.js';
import type { Message, SignedVote } from '../../consensus/messages.js';
import { verifyPolka } from '../../consensus/polka.js';
import type { SignatureEngine } from '../../consensus/votes/engine.js';
import type { ConsensusMessage } from '../../consensus/votes/message.js';
import { VoteVerifier } from '../../consensus/votes/verifier.js';
import { bytesEqual, toHex } from '../../protocol/bytes.js';
import { OgpuError } from '../../protocol/errors.js';
import type { Block } from '../../protocol/types/block.js';
import type { Evidence } from '../../protocol/types/evidence.js';
import { blockId, type Header } from '../../protocol/types/header.js';
import type { NamedTransaction } from './block-assembly.js';
import { BlockExchange } from './block-exchange.js';
import type { ChainTip } from './chain-tip.js';
import type { Alarm, Clock, ConsensusNetwork } from './surroundings.js';

export interface InboxParts {
  readonly engine: ConsensusEngine;
  readonly evidence: EvidencePool;
  readonly signatures: SignatureEngine;
  readonly network: ConsensusNetwork;
  readonly clock: Clock;
  readonly submit: (input: Input) => void;
  /** Sends a peer the commit and the block of a final height. */
  readonly help: (peer: string, height: number) => void;
  /** A block that is final here. */
  readonly finalBlock: (height: number) => Block | undefined;
  /** A transaction that this node has, by its short id. */
  readonly findTransaction: (shortId: Uint8Array) => NamedTransaction | undefined;
  /** Whether the next block may carry evidence of an offence. */
  readonly isPunishable: (offence: Offence) => boolean;
}

/** What the verifier hands back: with the header and the moment it came, for proposals. */
type Unverified = ConsensusMessage & { readonly header?: Header; readonly receivedMs: number };

/** Peers whose place in the chain is remembered. */
const MAX_PEERS = 1024;

/** How long this node waits for a height to end by itself when others are further, before it asks; and how often one peer is helped. */
const CATCH_UP_MS = 300;

/**
 * Where messages come in: verifies them and tells the engine; keeps what is early; answers who asks. Everybody whose message is no correct
 * node's is blamed for it.
 */
export class Inbox {
  /** Where blocks of the open height go out and come in. */
  readonly blocks: BlockExchange;
  readonly #parts: InboxParts;
  readonly #verifier: VoteVerifier<Unverified>;
  readonly #future = new FutureMessages();
  /** Heights peers are known to be at. */
  readonly #heights = new Map<string, number>();
  readonly #helpedMs = new Map<string, number>();
  readonly #opened: number[] = [];
  #tip: ChainTip | undefined;
  #openedMs = 0;
  #catchUp: Alarm | undefined;

  constructor(parts: InboxParts) {
    this.#parts = parts;
    this.blocks = new BlockExchange(parts);
    this.#verifier = new VoteVerifier<Unverified>(parts.signatures, {
      onVerified: (message, peer) => {
        this.#takeVerified(message, peer);
      },
      onInvalid: (peer, error) => {
        parts.network.blame(peer, error);
      },
    });
  }

  /** A block has become the tip: messages of the height after it are welcome, and late ones of the two before. */
  open(tip: ChainTip): void {
    const isFirst = this.#tip === undefined;
    this.#tip = tip;
    this.#openedMs = this.#parts.clock.nowMs();
    const height = tip.parent.height + 1;
    const { parentCommittee } = tip;
    if (isFirst && parentCommittee !== undefined) this.#openHeight(height - 1, parentCommittee);
    this.#openHeight(height, tip.committee);
    this.blocks.open(height);
    while (this.#opened.length > OPEN_HEIGHTS) this.#verifier.close(this.#opened.shift() ?? 0);
    if (this.#catchUp !== undefined) this.#askForCommit();
  }

  /** Messages of the present height that came before it did. */
  takeFuture(): void {
    for (const { peer, message, receivedMs } of this.#future.take(this.#height)) {
      this.#take(peer, message, receivedMs);
    }
  }

  receive(peer: string, message: Message): void {
    this.#take(peer, message, this.#parts.clock.nowMs());
  }

  forgetPeer(peer: string): void {
    this.#verifier.forgetPeer(peer);
    this.#future.forgetPeer(peer);
    this.blocks.forgetPeer(peer);
    this.#heights.delete(peer);
    this.#helpedMs.delete(peer);
  }

  stop(): void {
    this.#catchUp?.cancel();
    this.#catchUp = undefined;
  }

  /** Keeps the proof of a contradiction for a block, and tells others. */
  keepEvidence(contradiction: Contradiction): void {
    const evidence = evidenceOf(contradiction);
    if (evidence !== undefined && this.#addEvidence(evidence)) {
      this.#parts.network.broadcast({ kind: 'evidence', evidence });
    }
  }

  get #height(): number {
    return (this.#tip?.parent.height ?? 0) + 1;
  }

  #take(peer: string, message: Message, receivedMs: number): void {
    if (this.#isEarly(peer, message, receivedMs)) return;
    switch (message.kind) {
      case 'proposal': {
        const { proposal, header } = message.proposal;
        // The header is under no signature: with another one the proposal would count as seen.
        if (!bytesEqual(proposal.payload.blockId, blockId(header))) {
          const error = new InboxError(
            'PROPOSAL_HEADER_FOREIGN',
            'a proposal with the header of another block',
          );
          this.#parts.network.blame(peer, error);
          return;
        }
        this.#verify(peer, { type: 'proposal', proposal, header, receivedMs });
        return;
      }
      case 'vote':
        this.#verifyVote(peer, message.vote, receivedMs);
        return;
      case 'votes':
        for (const vote of message.votes) this.#verifyVote(peer, vote, receivedMs);
        return;
      case 'block':
      case 'compactBody':
      case 'compactBlock':
      case 'transactions':
        this.blocks.receive(peer, message);
        return;
      case 'wantBlock':
        if (this.#mayHelp(`${peer} ${toHex(message.wantBlock.blockId)}`)) this.blocks.receive(peer, message);
        return;
      case 'wantTransactions':
        if (this.#mayHelp(`${peer} ${toHex(message.wantTransactions.bodyRoot)}`))
          this.blocks.receive(peer, message);
        return;
      case 'polka':
      case 'commit':
      case 'evidence':
        this.#blaming(peer, () => {
          this.#takeProof(message);
        });
        return;
      case 'work':
        this.#parts.submit({ kind: 'work-notice', height: message.work.height });
        return;
      case 'wantCommit':
        this.#help(peer, message.wantCommit.height);
        return;
    }
  }

  /** Keeps a message of a later height. Whoever sends one has decided the present height, and can help if it does not end here soon. */
  #isEarly(peer: string, message: Message, receivedMs: number): boolean {
    const height = heightOf(message);
    if (height === undefined || height <= this.#height) return false;
    if (this.#heights.has(peer) || this.#heights.size < MAX_PEERS) this.#heights.set(peer, height);
    if (height === this.#height + 1) this.#future.add(peer, { height, message, receivedMs });
    this.#catchUp ??= this.#parts.clock.setTimer(CATCH_UP_MS, () => {
      this.#askForCommit();
    });
    return true;
  }

  /** Asks somebody who is further for the commit of the present height, as long as there is somebody. */
  #askForCommit(): void {
    this.#catchUp?.cancel();
    this.#catchUp = undefined;
    const height = this.#height;
    const ahead = [...this.#heights].filter(([, known]) => known > height);
    const [peer] = ahead[0] ?? [];
    if (peer === undefined) return;
    // The next one is asked the next time: this one may be silent.
    this.#heights.delete(peer);
    if (ahead.length > 1) this.#heights.set(peer, ahead[0]?.[1] ?? height);
    this.#parts.network.send(peer, { kind: 'wantCommit', wantCommit: { height } });
    this.#catchUp = this.#parts.clock.setTimer(CATCH_UP_MS, () => {
      this.#askForCommit();
    });
  }

  #openHeight(height: number, committee: ChainTip['committee']): void {
    if (this.#tip === undefined) return;
    this.#verifier.open(height, committee, this.#tip.chainAt(height));
    this.#opened.push(height);
  }

  #verify(peer: string, message: Unverified): void {
    const { height } = message.type === 'proposal' ? message.proposal.payload : message.vote.payload;
    if (this.#isStuckAt(height)) this.#help(peer, height);
    this.#verifier.submit(peer, message);
  }

  #verifyVote(peer: string, { vote, extension: [extension] }: SignedVote, receivedMs: number): void {
    this.#verify(peer, { type: 'vote', vote, ...(extension === undefined ? {} : { extension }), receivedMs });
  }

  #takeVerified(message: Unverified, peer: string): void {
    if (message.type === 'proposal') {
      const { proposal, header, receivedMs } = message;
      if (header !== undefined) {
        this.#parts.submit({ kind: 'proposal', proposal: { proposal, header }, receivedMs });
        this.blocks.propose({ proposal, header });
      }
      return;
    }
    const { vote, extension } = message;
    const signed = { vote, extension: extension === undefined ? [] : [extension] };
    this.#parts.submit({ kind: 'vote', vote: signed, from: peer });
  }

  #takeProof(message: Message & { readonly kind: 'polka' | 'commit' | 'evidence' }): void {
    const { engine, submit } = this.#parts;
    const tip = this.#tip;
    const open = engine.current;
    if (tip === undefined) return;
    if (message.kind === 'evidence') {
      this.#addEvidence(message.evidence);
      return;
    }
    const height = this.#height;
    const chain = tip.chainAt(height);
    if (message.kind === 'polka') {
      const { polka } = message;
      if (polka.height !== height || open?.driver.votes.quorum('prevote', polka.round) !== undefined) return;
      verifyPolka(tip.committee, chain, polka);
      submit({ kind: 'polka', polka });
      return;
    }
    const { commit } = message;
    if (commit.commit.height !== height || open?.certificate !== undefined) return;
    verifyExtendedCommit(tip.committee, chain, commit, commit.commit);
    submit({ kind: 'commit', commit });
  }

  /** Signatures are looked at only where they could be of use. */
  #addEvidence(evidence: Evidence): boolean {
    const { first } = evidence.value;
    const offence = {
      validator: 'proposer' in first ? first.proposer : first.validator,
      height: first.payload.height,
    };
    if (!this.#parts.isPunishable(offence)) return false;
    return this.#parts.evidence.add(this.#evidenceContext(), evidence);
  }

  /** Whether somebody who is still at a height will not leave it by itself: the last one just takes its time. */
  #isStuckAt(height: number): boolean {
    const isLast = height === this.#height - 1;
    const sinceMs = this.#parts.clock.nowMs() - this.#openedMs;
    return height < this.#height && (!isLast || sinceMs >= CATCH_UP_MS);
  }

  /** One peer is helped with few heights at a time: what it gets is large. */
  #help(peer: string, height: number): void {
    if (height >= this.#height || height < 1) return;
    if (this.#mayHelp(`${peer} ${height}`)) this.#parts.help(peer, height);
  }

  #mayHelp(name: string): boolean {
    const nowMs = this.#parts.clock.nowMs();
    const lastMs = this.#helpedMs.get(name);
    if (lastMs !== undefined && nowMs >= lastMs && nowMs - lastMs < CATCH_UP_MS) return false;
    if (this.#helpedMs.size >= MAX_PEERS) this.#helpedMs.clear();
    this.#helpedMs.set(name, nowMs);
    return true;
  }

  #evidenceContext(): EvidenceContext {
    const tip = this.#tip;
    if (tip === undefined)
      throw new InboxError('INBOX_CLOSED', 'nothing is taken in before the first height');
    return { bls: tip.committee.bls, chainAt: tip.chainAt, keyAt: tip.keyAt };
  }

  #blaming(peer: string, take: () => void): void {
    try {
      take();
    } catch (error) {
      if (!isOgpuError(error)) throw error;
      this.#parts.network.blame(peer, error);
    }
  }
}

/** A message that is of no use. */
export class InboxError extends OgpuError<'PROPOSAL_HEADER_FOREIGN' | 'INBOX_CLOSED'> {}

/** The present height and the two before it. */
const OPEN_HEIGHTS = 3;

function isOgpuError(error: unknown): error is OgpuError {
  return error instanceof OgpuError;
}

/** The height a message is of, where it can be early. */
function heightOf(message: Message): number | undefined {
  switch (message.kind) {
    case 'proposal':
      return message.proposal.proposal.payload.height;
    case 'vote':
      return message.vote.vote.payload.height;
    case 'votes':
      return message.votes[0]?.vote.payload.height;
    case 'polka':
      return message.polka.height;
    case 'block':
      return message.block.header.height;
    case 'compactBody':
      return message.compactBody.height;
    case 'compactBlock':
      return message.compactBlock.header.height;
    case 'work':
      return message.work.height;
    default:
      return undefined;
  }
}

function evidenceOf(contradiction: Contradiction): Evidence | undefined {
  switch (contradiction.kind) {
    case 'proposal':
      return duplicateProposal(contradiction.first, contradiction.second);
    case 'vote':
      return duplicateVote(contradiction.first, contradiction.second);
    case 'extension':
      return duplicateExtension(contradiction.first, contradiction.second);
  }
}
