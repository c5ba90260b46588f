import {
  compactBody,
  compactBodyCodec,
  type BlockPremise,
  type CompactBlock,
  type CompactBody,
} from '../../consensus/compact-block.js';
import type { ConsensusEngine } from '../../consensus/engine/engine.js';
import type { Input } from '../../consensus/engine/input.js';
import type { OpenHeight } from '../../consensus/engine/open-height.js';
import type {
  BlockRequest,
  BodyTransactions,
  Message,
  SignedProposal,
  TransactionsRequest,
} from '../../consensus/messages.js';
import { bytesEqual, fromHex, toHex } from '../../protocol/bytes.js';
import { keccak256 } from '../../protocol/crypto/hash.js';
import { OgpuError } from '../../protocol/errors.js';
import type { Block } from '../../protocol/types/block.js';
import { bodyRoots, type Body } from '../../protocol/types/body.js';
import { blockId, type Header } from '../../protocol/types/header.js';
import { BlockAssembly, isNamedBy, type AssembledBody, type NamedTransaction } from './block-assembly.js';
import { blockSources } from './block-sources.js';
import type { ConsensusNetwork } from './surroundings.js';

export interface ExchangeParts {
  readonly engine: ConsensusEngine;
  readonly network: ConsensusNetwork;
  /** Takes a block, unless it is underway to the engine. */
  readonly submit: (input: Input) => void;
  /** Whether a block, by its id in hex, is on its way to the engine. */
  readonly isUnderway: (name: string) => boolean;
  /** Whether this node should still work on what a peer has sent; counts it if so. */
  readonly mayCheck: (peer: string, thing: string) => boolean;
  /** Blames a peer for what no correct one sends; nothing of it is checked for a while. */
  readonly reject: (peer: string, error: BlockExchangeError) => void;
  /** A block that is final here. */
  readonly finalBlock: (height: number) => Block | undefined;
  /** A body is whole before its header is here: it can be executed meanwhile. */
  readonly anticipate: (premise: BlockPremise, assembled: AssembledBody) => void;
  /** A transaction that this node has, by its short id. */
  readonly findTransaction: (shortId: Uint8Array) => NamedTransaction | undefined;
}

export type BlockMessage = Message & {
  readonly kind: 'block' | 'compactBody' | 'compactBlock' | 'transactions' | 'wantBlock' | 'wantTransactions';
};

/** A body that is none. */
export class BlockExchangeError extends OgpuError<'BLOCK_BODY_FOREIGN' | 'BLOCK_TRANSACTIONS_FOREIGN'> {}

/** Headers of one height that are remembered, and bodies that are given. */
const MAX_BLOCKS = 16;

/** Whole blocks that came before what names them, one of each peer. */
const MAX_PARKED = 16;

/** Peers of whom a body is put together at the same time: the latest of each. */
const MAX_ASSEMBLIES = 64;

/** Who is asked for a block at a time, and how often before everybody is. */
const ASKED_AT_ONCE = 2;
const ATTEMPTS_BEFORE_ALL = 3;

/** A body being put together, and what it came to. */
interface Draft {
  readonly assembly: BlockAssembly;
  /** Where it came with a header. */
  readonly header: Header | undefined;
  assembled: AssembledBody | undefined;
}

/** What is given to who asks. */
interface Offer {
  readonly root: string;
  readonly transactions: readonly Uint8Array[];
}

/**
 * Blocks of the open height, from validator to validator. A proposer sends the body before it executes it, with names in the place of
 * transactions; the header follows with the proposal. Receivers put the body together out of their pools meanwhile, and ask the sender
 * for the rest. Nothing goes on to the engine before a verified proposal, or the engine, has named its header.
 */
export class BlockExchange {
  readonly #parts: ExchangeParts;
  /** Of blocks that are wanted, by id. */
  readonly #headers = new Map<string, Header>();
  /** By peer. */
  readonly #drafts = new Map<string, Draft>();
  /** Blocks that nothing names yet, by peer. */
  readonly #parked = new Map<string, Block>();
  /** Of the open height and the one before. */
  readonly #offers = new Map<string, Offer>();
  readonly #attempts = new Map<string, number>();
  #height = 0;
  #shared: Offer | undefined;

  constructor(parts: ExchangeParts) {
    this.#parts = parts;
  }

  /** Forgets the height before, but for what others may still ask for. */
  open(height: number): void {
    this.#height = height;
    this.#shared = undefined;
    for (const map of [this.#headers, this.#drafts, this.#attempts]) map.clear();
    for (const [peer, { header }] of this.#parked) if (header.height !== height) this.#parked.delete(peer);
  }

  /** Sends everybody the body of a block to come. @param hashes of its transactions */
  shareBody(premise: BlockPremise, body: Body, hashes: readonly Uint8Array[]): void {
    const compact = compactBody(premise, body, hashes);
    this.#shared = this.#offer(compact, body);
    this.#parts.network.broadcast({ kind: 'compactBody', compactBody: compact });
  }

  /** Sends everybody a block, unless its body is the last that was shared. @param hashes of its transactions */
  shareBlock({ header, body }: Block, hashes: readonly Uint8Array[]): void {
    const compact = compactBody(header, body, hashes);
    if (this.#shared?.root === toHex(compactBodyCodec.root(compact))) return;
    this.#shared = this.#offer(compact, body);
    this.#parts.network.broadcast({ kind: 'compactBlock', compactBlock: { header, body: compact } });
  }

  /** Asks for a block: a few of those who must have it, others every time. */
  fetch(height: number, id: Uint8Array): void {
    const { network, engine } = this.#parts;
    const name = toHex(id);
    const attempt = this.#attempts.get(name) ?? 0;
    keep(this.#attempts, name, attempt + 1, MAX_BLOCKS);
    const message: Message = { kind: 'wantBlock', wantBlock: { height, blockId: id } };
    const sources = engine.current === undefined ? [] : blockSources(engine.current, name);
    if (sources.length === 0 || attempt % (ATTEMPTS_BEFORE_ALL + 1) === ATTEMPTS_BEFORE_ALL) {
      network.broadcast(message);
      return;
    }
    for (let i = 0; i < Math.min(ASKED_AT_ONCE, sources.length); i++) {
      const source = sources[(attempt * ASKED_AT_ONCE + i) % sources.length];
      if (source !== undefined) network.sendToValidator(fromHex(source), message);
    }
  }

  /** A verified proposal: its body may have come before it. */
  propose(signed: SignedProposal): void {
    const { height, blockId: id } = signed.proposal.payload;
    if (height !== this.#height || this.#open?.isWellPlaced(signed) === false) return;
    keep(this.#headers, toHex(id), signed.header, MAX_BLOCKS);
    for (const draft of this.#drafts.values()) this.#match(draft);
  }

  /** The engine may want blocks that it did not know of: they may have come before. */
  named(): void {
    for (const [peer, block] of this.#parked) {
      if (!this.#isWanted(toHex(blockId(block.header)))) continue;
      this.#parked.delete(peer);
      this.#takeBlock(peer, block);
    }
    for (const draft of this.#drafts.values()) {
      const { header } = draft;
      const name = header && toHex(blockId(header));
      if (header === undefined || name === undefined || this.#headers.has(name) || !this.#isWanted(name))
        continue;
      keep(this.#headers, name, header, MAX_BLOCKS);
      this.#match(draft);
    }
  }

  receive(peer: string, message: BlockMessage): void {
    switch (message.kind) {
      case 'block':
        this.#takeBlock(peer, message.block);
        return;
      case 'compactBody':
        if (message.compactBody.height === this.#height) this.#takeBody(peer, message.compactBody, undefined);
        return;
      case 'compactBlock':
        this.#takeCompact(peer, message.compactBlock);
        return;
      case 'transactions':
        this.#takeTransactions(peer, message.transactions);
        return;
      case 'wantBlock':
        this.#giveBlock(peer, message.wantBlock);
        return;
      case 'wantTransactions':
        this.#giveTransactions(peer, message.wantTransactions);
        return;
    }
  }

  forgetPeer(peer: string): void {
    this.#drafts.delete(peer);
    this.#parked.delete(peer);
  }

  /** A block with the body its header names. One that nothing names yet is kept for a moment. */
  #takeBlock(peer: string, block: Block): void {
    const { header, body } = block;
    const name = toHex(blockId(header));
    if (!this.#isWanted(name)) {
      if (!this.#isKnown(name)) this.#park(peer, block);
      return;
    }
    if (!this.#parts.mayCheck(peer, `block ${name}`)) return;
    const hashes = body.transactions.map(keccak256);
    const roots = bodyRoots(body, hashes);
    if (isNamedBy(header, roots))
      this.#finish(peer, { header, body }, () => compactBody(header, body, hashes));
    else this.#blame(peer, 'BLOCK_BODY_FOREIGN', 'a header with another body');
  }

  #park(peer: string, block: Block): void {
    if (block.header.height !== this.#height) return;
    if (this.#parked.has(peer) || this.#parked.size < MAX_PARKED) this.#parked.set(peer, block);
  }

  #takeCompact(peer: string, { header, body }: CompactBlock): void {
    if (header.height !== this.#height || body.height !== this.#height) return;
    const name = toHex(blockId(header));
    if (this.#isWanted(name)) keep(this.#headers, name, header, MAX_BLOCKS);
    this.#takeBody(peer, body, header);
  }

  #takeBody(peer: string, compact: CompactBody, header: Header | undefined): void {
    const root = compactBodyCodec.root(compact);
    if (!this.#parts.mayCheck(peer, `${header === undefined ? 'body' : 'compact block'} ${toHex(root)}`))
      return;
    const assembly = new BlockAssembly(peer, compact, this.#parts.findTransaction);
    const draft: Draft = { assembly, header, assembled: assembly.assembled() };
    keep(this.#drafts, peer, draft, MAX_ASSEMBLIES);
    if (draft.assembled === undefined) this.#ask(assembly);
    else this.#matchOrAnticipate(draft);
  }

  #takeTransactions(peer: string, { bodyRoot, transactions }: BodyTransactions): void {
    const draft = this.#drafts.get(peer);
    if (draft === undefined || draft.assembly.missing === 0) return;
    const root = toHex(draft.assembly.root());
    if (root !== toHex(bodyRoot)) return;
    const thing = `${draft.assembly.isDistrusted ? 'all transactions' : 'transactions'} ${root}`;
    if (!this.#parts.mayCheck(peer, thing)) return;
    if (draft.assembly.add(transactions)) {
      draft.assembled = draft.assembly.assembled();
      this.#matchOrAnticipate(draft);
    } else this.#blame(peer, 'BLOCK_TRANSACTIONS_FOREIGN', 'transactions that are not those of the body');
  }

  #matchOrAnticipate(draft: Draft): void {
    const { assembly, assembled, header } = draft;
    const isMatched = this.#match(draft);
    if (isMatched || header !== undefined || assembled === undefined) return;
    this.#parts.anticipate(assembly.compact, assembled);
  }

  /** Hands on what is put together and has a header that is wanted. @returns whether a header names it */
  #match(draft: Draft): boolean {
    const { assembly, header: own, assembled } = draft;
    if (assembled === undefined) return false;
    let isNamed = own !== undefined && isNamedBy(own, assembled.roots);
    // Blocks of several rounds may have one body.
    for (const [name, header] of this.#headers) {
      if (!isNamedBy(header, assembled.roots)) continue;
      isNamed = true;
      if (this.#isWanted(name)) {
        this.#finish(assembly.peer, { header, body: assembled.body }, () => assembly.compact);
      }
    }
    if (isNamed || own === undefined) return isNamed;
    if (assembly.isDistrusted) {
      this.#drafts.delete(assembly.peer);
      this.#blame(assembly.peer, 'BLOCK_BODY_FOREIGN', 'a header with another body');
      return false;
    }
    assembly.distrust();
    draft.assembled = undefined;
    this.#ask(assembly);
    return false;
  }

  #ask(assembly: BlockAssembly): void {
    const places = assembly.missingPlaces;
    const wantTransactions = { height: this.#height, bodyRoot: assembly.root(), places };
    this.#parts.network.send(assembly.peer, { kind: 'wantTransactions', wantTransactions });
  }

  /** Hands a block on: one that is proposed also to whom its proposer does not reach. */
  #finish(peer: string, block: Block, compact: () => CompactBody): void {
    const { header } = block;
    const id = blockId(header);
    this.#parts.submit({ kind: 'block', id, block });
    if (!this.#headers.has(toHex(id))) return;
    this.#parts.network.relay?.(header.proposer, peer, () => {
      const body = compact();
      this.#offer(body, block.body);
      return { kind: 'compactBlock', compactBlock: { header, body } };
    });
  }

  /** What is open goes out with names, what is final as it is: who is behind may not have its transactions. */
  #giveBlock(peer: string, { height, blockId: id }: BlockRequest): void {
    const { network } = this.#parts;
    const open = this.#parts.engine.current?.blocks.get(toHex(id));
    if (open !== undefined) {
      const body = compactBody(open.header, open.body, open.body.transactions.map(keccak256));
      this.#offer(body, open.body);
      network.send(peer, { kind: 'compactBlock', compactBlock: { header: open.header, body } });
      return;
    }
    const block = this.#finalBlock(height, id);
    if (block !== undefined) network.send(peer, { kind: 'block', block });
  }

  #finalBlock(height: number, id: Uint8Array): Block | undefined {
    if (height >= this.#height) return undefined;
    const block = this.#parts.finalBlock(height);
    return block !== undefined && bytesEqual(blockId(block.header), id) ? block : undefined;
  }

  #giveTransactions(peer: string, { height, bodyRoot, places }: TransactionsRequest): void {
    const all = this.#offers.get(toHex(bodyRoot))?.transactions;
    if (places.bitLen !== all?.length) return;
    const transactions = all.filter((_, place) => places.get(place));
    const answer = { height, bodyRoot, transactions };
    this.#parts.network.send(peer, { kind: 'transactions', transactions: answer });
  }

  #offer(compact: CompactBody, { transactions }: Body): Offer {
    const root = toHex(compactBodyCodec.root(compact));
    const offer = { root, transactions };
    keep(this.#offers, root, offer, MAX_BLOCKS);
    return offer;
  }

  /** The height that the engine has open, unless it is still at the one before, or not begun. */
  get #open(): OpenHeight | undefined {
    const { current } = this.#parts.engine;
    return current?.context.height === this.#height ? current : undefined;
  }

  /** Whether the engine has a block, or will have it. */
  #isKnown(name: string): boolean {
    return this.#open?.blocks.has(name) === true || this.#parts.isUnderway(name);
  }

  #isWanted(name: string): boolean {
    if (this.#isKnown(name)) return false;
    return this.#headers.has(name) || this.#open?.admits(name) === true;
  }

  #blame(peer: string, code: BlockExchangeError['code'], message: string): void {
    this.#parts.reject(peer, new BlockExchangeError(code, message));
  }
}

/** Sets an entry as the newest; the oldest makes room. */
function keep<Value>(map: Map<string, Value>, name: string, value: Value, most: number): void {
  map.delete(name);
  const [oldest] = map.keys();
  if (map.size >= most && oldest !== undefined) map.delete(oldest);
  map.set(name, value);
}
