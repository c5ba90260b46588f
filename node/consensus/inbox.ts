import type { Contradiction } from '../../consensus/engine/effect.js';
import type { ConsensusEngine } from '../../consensus/engine/engine.js';
import { toEngineVote } from '../../consensus/engine/open-height.js';
import { FutureMessages } from '../../consensus/engine/future-messages.js';
import type { Input } from '../../consensus/engine/input.js';
import type { OpenHeight } from '../../consensus/engine/open-height.js';
import type { EvidencePool } from '../../consensus/evidence-pool.js';
import { CommitError } from '../../consensus/commit.js';
import type { BlockPremise } from '../../consensus/compact-block.js';
import {
  EvidenceProofError,
  duplicateExtension,
  duplicateProposal,
  duplicateVote,
  type EvidenceContext,
  type Offence,
} from '../../consensus/evidence.js';
import { ExtendedCommitError, verifyExtendedCommit } from '../../consensus/extended-commit.js';
import type { Message, Polka, SignedVote } from '../../consensus/messages.js';
import { PolkaError, verifyPolka } from '../../consensus/polka.js';
import type { SignatureEngine } from '../../consensus/votes/engine.js';
import type { ConsensusMessage } from '../../consensus/votes/message.js';
import { VoteVerifier } from '../../consensus/votes/verifier.js';
import { bytesEqual, toHex } from '../../protocol/bytes.js';
import { BlsError } from '../../protocol/crypto/bls.js';
import { OgpuError } from '../../protocol/errors.js';
import type { Block } from '../../protocol/types/block.js';
import type { ExtendedCommit } from '../../protocol/types/commit.js';
import { evidenceCodec, type Evidence } from '../../protocol/types/evidence.js';
import { blockId, type Header } from '../../protocol/types/header.js';
import type { Vote } from '../../protocol/types/vote.js';
import type { AssembledBody, NamedTransaction } from './block-assembly.js';
import { BlockExchange } from './block-exchange.js';
import type { ChainTip } from './chain-tip.js';
import { PeerBudget, type PeerBounds } from './peer-budget.js';
import { offenceOf } from '../../state/chain/block-reading.js';
import type { Alarm, Clock, ConsensusNetwork } from './surroundings.js';

export interface InboxParts {
  readonly engine: ConsensusEngine;
  readonly evidence: EvidencePool;
  readonly signatures: SignatureEngine;
  readonly network: ConsensusNetwork;
  readonly clock: Clock;
  /** False where there is no room for it. */
  readonly submit: (input: Input) => boolean;
  /** Sends a peer the commit and the block of a final height. */
  readonly help: (peer: string, height: number) => void;
  /** A block that is final here. */
  readonly finalBlock: (height: number) => Block | undefined;
  /** A body whose header is not here yet. */
  readonly anticipate: (premise: BlockPremise, assembled: AssembledBody) => void;
  /** A transaction that this node has, by its short id. */
  readonly findTransaction: (shortId: Uint8Array) => NamedTransaction | undefined;
  /** Whether the next block may carry evidence of an offence. */
  readonly isPunishable: (offence: Offence) => boolean;
}

/** What the verifier hands back: with the header and the moment it came, for proposals. */
type Unverified = ConsensusMessage & {
  readonly header?: Header;
  readonly receivedMs: number;
  /** Verified before, and passed on then. */
  readonly isRepeated?: boolean;
};

/** Peers whose place in the chain is remembered. */
const MAX_PEERS = 1024;

/** How long this node waits for a height to end by itself when others are further, before it asks; and how often one peer is helped. */
const CATCH_UP_MS = 300;

/** Blocks, and bodies' transactions, that one peer is given in that time: each may take megabytes. */
const HELP_BOUNDS: PeerBounds = { most: 16, windowMs: CATCH_UP_MS, silenceMs: 0 };

/** Proofs and bodies of one peer that are checked, on this thread; after one that does not hold none is for a while. */
const CHECK_BOUNDS: PeerBounds = { most: 64, windowMs: 300, silenceMs: 5_000 };

/** Votes of one validator for rounds nobody is near: what the engine takes in, it logs, and a log is bounded. */
const FAR_VOTE_BOUNDS: PeerBounds = { most: 8, windowMs: 1_000, silenceMs: 0 };

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
  readonly #helped = new PeerBudget(HELP_BOUNDS);
  readonly #checks = new PeerBudget(CHECK_BOUNDS);
  /** Of validators, not of peers. */
  readonly #farVotes = new PeerBudget(FAR_VOTE_BOUNDS);
  /** Large or costly inputs that the engine has not dealt with yet: another peer's are worth nothing. */
  readonly #underway = new Set<string>();
  readonly #opened: number[] = [];
  #tip: ChainTip | undefined;
  #openedMs = 0;
  #catchUp: Alarm | undefined;

  constructor(parts: InboxParts) {
    this.#parts = parts;
    this.blocks = new BlockExchange({
      ...parts,
      submit: (input) => {
        this.#submitOnce(input);
      },
      isUnderway: (name) => this.#underway.has(`block ${name}`),
      mayCheck: (peer, thing) => this.#mayCheck(peer, thing),
      reject: (peer, error) => {
        this.#reject(peer, error);
      },
    });
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

  /** The engine has dealt with an input: blocks that waited may be of use now. */
  handled(input: Input): void {
    const name = underwayName(input);
    if (name !== undefined) this.#underway.delete(name);
    if (NAMES_BLOCKS.has(input.kind)) this.blocks.named();
  }

  /** @throws StoreError and whatever else is this node's own trouble */
  receive(peer: string, message: Message): void {
    this.#take(peer, message, this.#parts.clock.nowMs());
  }

  forgetPeer(peer: string): void {
    this.#verifier.forgetPeer(peer);
    this.#future.forgetPeer(peer);
    this.blocks.forgetPeer(peer);
    this.#heights.delete(peer);
    this.#helped.forgetPeer(peer);
    this.#checks.forgetPeer(peer);
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

  /** Evidence of before a restart: what is not one or of no use any more is left out. */
  recallEvidence(saved: readonly Evidence[]): void {
    for (const evidence of saved) {
      try {
        this.#addEvidence(evidence);
      } catch (error) {
        if (!isFaultOfPeer(error)) throw error;
      }
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
        if (this.#mayHelp(peer, toHex(message.wantBlock.blockId))) this.blocks.receive(peer, message);
        return;
      case 'wantTransactions':
        if (this.#mayHelp(peer, toHex(message.wantTransactions.bodyRoot))) this.blocks.receive(peer, message);
        return;
      case 'polka':
      case 'commit':
      case 'evidence':
        this.#takeProof(peer, message);
        return;
      case 'work':
        if (message.work.height === this.#height) {
          this.#submitOnce({ kind: 'work-notice', height: message.work.height });
        }
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
    const [first, second] = [...this.#heights].filter(([, known]) => known > height);
    if (first === undefined) return;
    const [peer, known] = first;
    // The next one is asked the next time: this one may be silent.
    this.#heights.delete(peer);
    if (second !== undefined) this.#heights.set(peer, known);
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
    if (this.#verifier.submit(peer, message) === 'duplicate') this.#takeRepeated(peer, message);
  }

  /** A vote that was verified before: its peer has not got any further. Where it was dropped since, it is taken again. */
  #takeRepeated(peer: string, message: Unverified): void {
    const open = this.#parts.engine.current;
    if (message.type !== 'vote' || open === undefined) return;
    const { kind, round, validator } = toEngineVote({ vote: message.vote, extension: [] });
    const { height } = message.vote.payload;
    if (height !== open.context.height) return;
    if (open.driver.votes.has(kind, round, validator)) {
      this.#parts.submit({ kind: 'peer-round', height, round, from: peer });
    } else if (open.isNear(round)) {
      this.#verifier.forget(message);
      this.#verifier.submit(peer, { ...message, isRepeated: true });
    }
  }

  #verifyVote(peer: string, { vote, extension: [extension] }: SignedVote, receivedMs: number): void {
    this.#verify(peer, { type: 'vote', vote, ...(extension === undefined ? {} : { extension }), receivedMs });
  }

  #takeVerified(message: Unverified, peer: string): void {
    if (message.type === 'proposal') {
      const { proposal, header, receivedMs } = message;
      if (header === undefined) return;
      const signed = { proposal, header };
      this.#relay(proposal.proposer, peer, { kind: 'proposal', proposal: signed });
      this.#parts.submit({ kind: 'proposal', proposal: signed, receivedMs });
      this.blocks.propose(signed);
      return;
    }
    const { vote, extension, isRepeated = false } = message;
    if (!this.#mayGoAhead(vote)) {
      // Whoever sends it again is listened to again.
      this.#verifier.forget(message);
      return;
    }
    const signed = { vote, extension: extension === undefined ? [] : [extension] };
    if (!isRepeated) this.#relay(vote.validator, peer, { kind: 'vote', vote: signed });
    this.#parts.submit({ kind: 'vote', vote: signed, from: peer });
  }

  /** An honest validator is ahead round by round, each of which takes it a while. */
  #mayGoAhead({ kind, payload, validator }: Vote): boolean {
    const { height, round, blockId: target } = payload;
    const open = this.#open;
    if (open === undefined || height !== this.#height || round <= open.driver.state.round + 1) return true;
    const thing = `${kind} ${round} ${toHex(target)}`;
    return this.#farVotes.spend(toHex(validator), thing, this.#parts.clock.nowMs());
  }

  /** Of equal messages only the first comes here: none goes in circles. */
  #relay(signer: Uint8Array, source: string, message: Message): void {
    this.#parts.network.relay?.(signer, source, () => message);
  }

  #takeProof(peer: string, message: Message & { readonly kind: 'polka' | 'commit' | 'evidence' }): void {
    switch (message.kind) {
      case 'polka':
        this.#takePolka(peer, message.polka);
        return;
      case 'commit':
        this.#takeCommit(peer, message.commit);
        return;
      case 'evidence':
        this.#checking(peer, `evidence ${toHex(evidenceCodec.root(message.evidence))}`, () => {
          this.#addEvidence(message.evidence);
        });
        return;
    }
  }

  #takePolka(peer: string, polka: Polka): void {
    const tip = this.#tip;
    const input = { kind: 'polka', polka } as const;
    const isKnown = this.#open?.driver.votes.quorum('prevote', polka.round) !== undefined;
    if (tip === undefined || polka.height !== this.#height || isKnown || this.#isUnderway(input)) return;
    this.#checking(peer, `polka ${polka.round}`, () => {
      verifyPolka(tip.committee, tip.chainAt(polka.height), polka);
      this.#submitOnce(input);
    });
  }

  #takeCommit(peer: string, commit: ExtendedCommit): void {
    const tip = this.#tip;
    const { height } = commit.commit;
    const input = { kind: 'commit', commit } as const;
    const isKnown = this.#open?.certificate !== undefined;
    if (tip === undefined || height !== this.#height || isKnown || this.#isUnderway(input)) return;
    this.#checking(peer, `commit ${height}`, () => {
      verifyExtendedCommit(tip.committee, tip.chainAt(height), commit, commit.commit);
      this.#submitOnce(input);
    });
  }

  /** Signatures are looked at only where they could be of use. */
  #addEvidence(evidence: Evidence): boolean {
    if (!this.#parts.isPunishable(offenceOf(evidence))) return false;
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
    if (this.#mayHelp(peer, `${height}`)) this.#parts.help(peer, height);
  }

  #mayHelp(peer: string, thing: string): boolean {
    return this.#helped.spend(peer, thing, this.#parts.clock.nowMs());
  }

  #evidenceContext(): EvidenceContext {
    const tip = this.#tip;
    if (tip === undefined)
      throw new InboxError('INBOX_CLOSED', 'nothing is taken in before the first height');
    return { bls: tip.committee.bls, chainAt: tip.chainAt, keyAt: tip.keyAt };
  }

  /** The height that the engine has open, unless it is still at the one before the tip, or not begun. */
  get #open(): OpenHeight | undefined {
    const { current } = this.#parts.engine;
    return current?.context.height === this.#height ? current : undefined;
  }

  #isUnderway(input: Input): boolean {
    const name = underwayName(input);
    return name !== undefined && this.#underway.has(name);
  }

  /** Hands an input on unless an equal one waits already. */
  #submitOnce(input: Input): void {
    const name = underwayName(input);
    if (name === undefined || this.#underway.has(name)) return;
    if (this.#parts.submit(input)) this.#underway.add(name);
  }

  /** Checks what a peer has sent, if it has not made this node check too much; blames it where it does not hold. */
  #checking(peer: string, thing: string, check: () => void): void {
    if (!this.#mayCheck(peer, thing)) return;
    try {
      check();
    } catch (error) {
      if (!isFaultOfPeer(error)) throw error;
      this.#reject(peer, error);
    }
  }

  #mayCheck(peer: string, thing: string): boolean {
    return this.#checks.spend(peer, thing, this.#parts.clock.nowMs());
  }

  /** Blames a peer for what does not hold, and checks nothing of it for a while. */
  #reject(peer: string, error: OgpuError): void {
    this.#checks.silence(peer, this.#parts.clock.nowMs());
    this.#parts.network.blame(peer, error);
  }
}

/** A message that is of no use. */
export class InboxError extends OgpuError<'PROPOSAL_HEADER_FOREIGN' | 'INBOX_CLOSED'> {}

const FAULTS_OF_PEERS = [
  InboxError,
  PolkaError,
  CommitError,
  ExtendedCommitError,
  EvidenceProofError,
  BlsError,
] as const;

function isFaultOfPeer(error: unknown): error is OgpuError {
  return FAULTS_OF_PEERS.some((kind) => error instanceof kind);
}

/** Inputs after which the engine may want a block it did not know of. */
const NAMES_BLOCKS: ReadonlySet<Input['kind']> = new Set(['start', 'proposal', 'polka', 'commit', 'vote']);

/** What peers send again and again, and what is large: one of each waits for the engine at a time. */
function underwayName(input: Input): string | undefined {
  switch (input.kind) {
    case 'block':
      return `block ${toHex(input.id)}`;
    case 'polka':
      return `polka ${input.polka.height} ${input.polka.round}`;
    case 'commit':
      return `commit ${input.commit.commit.height}`;
    case 'work-notice':
      return `work ${input.height}`;
    default:
      return undefined;
  }
}

/** The present height and the two before it. */
const OPEN_HEIGHTS = 3;

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
