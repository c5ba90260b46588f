import {
  compactBody,
  compactBodyCodec,
  type CompactBlock,
  type CompactBody,
} from '../../consensus/compact-block.js';
import type { ConsensusEngine } from '../../consensus/engine/engine.js';
import type { Input } from '../../consensus/engine/input.js';
import type {
  BlockRequest,
  BodyTransactions,
  Message,
  SignedProposal,
  TransactionsRequest,
} from '../../consensus/messages.js';
import { fromHex, toHex } from '../../protocol/bytes.js';
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
  readonly submit: (input: Input) => void;
  /** A block that is final here. */
  readonly finalBlock: (height: number) => Block | undefined;
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
  }

  /** Sends everybody the body of a block to come. @param hashes of its transactions */
  shareBody(height: number, body: Body, hashes: readonly Uint8Array[]): void {
    const compact = compactBody(height, body, hashes);
    this.#shared = this.#offer(compact, body);
    this.#parts.network.broadcast({ kind: 'compactBody', compactBody: compact });
  }

  /** Sends everybody a block, unless its body is the last that was shared. @param hashes of its transactions */
  shareBlock({ header, body }: Block, hashes: readonly Uint8Array[]): void {
    const compact = compactBody(header.height, body, hashes);
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
    if (height !== this.#height || this.#parts.engine.current?.isWellPlaced(signed) === false) return;
    keep(this.#headers, toHex(id), signed.header, MAX_BLOCKS);
    for (const draft of this.#drafts.values()) this.#match(draft);
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
  }

  #takeBlock(peer: string, { header, body }: Block): void {
    if (!this.#isWanted(toHex(blockId(header)))) return;
    const hashes = body.transactions.map(keccak256);
    const roots = bodyRoots(body, hashes);
    if (isNamedBy(header, roots)) this.#finish(header, body);
    else this.#blame(peer, 'BLOCK_BODY_FOREIGN', 'a header with another body');
  }

  #takeCompact(peer: string, { header, body }: CompactBlock): void {
    if (header.height !== this.#height || body.height !== this.#height) return;
    const name = toHex(blockId(header));
    if (this.#isWanted(name)) keep(this.#headers, name, header, MAX_BLOCKS);
    this.#takeBody(peer, body, header);
  }

  #takeBody(peer: string, compact: CompactBody, header: Header | undefined): void {
    const assembly = new BlockAssembly(peer, compact, this.#parts.findTransaction);
    const draft: Draft = { assembly, header, assembled: assembly.assembled() };
    keep(this.#drafts, peer, draft, MAX_ASSEMBLIES);
    if (draft.assembled === undefined) this.#ask(assembly);
    else this.#match(draft);
  }

  #takeTransactions(peer: string, { bodyRoot, transactions }: BodyTransactions): void {
    const draft = this.#drafts.get(peer);
    if (draft === undefined || draft.assembly.missing === 0) return;
    if (toHex(draft.assembly.root()) !== toHex(bodyRoot)) return;
    if (draft.assembly.add(transactions)) {
      draft.assembled = draft.assembly.assembled();
      this.#match(draft);
    } else this.#blame(peer, 'BLOCK_TRANSACTIONS_FOREIGN', 'transactions that are not those of the body');
  }

  /** Hands on what is put together and has a header that is wanted. */
  #match({ assembly, header: own, assembled }: Draft): void {
    if (assembled === undefined) return;
    for (const [name, header] of this.#headers) {
      if (!isNamedBy(header, assembled.roots)) continue;
      if (this.#isWanted(name)) this.#finish(header, assembled.body);
      return;
    }
    if (own === undefined || isNamedBy(own, assembled.roots)) return;
    if (assembly.isDistrusted) {
      this.#drafts.delete(assembly.peer);
      this.#blame(assembly.peer, 'BLOCK_BODY_FOREIGN', 'a header with another body');
      return;
    }
    assembly.distrust();
    this.#ask(assembly);
  }

  #ask(assembly: BlockAssembly): void {
    const places = assembly.missingPlaces;
    const wantTransactions = { height: this.#height, bodyRoot: assembly.root(), places };
    this.#parts.network.send(assembly.peer, { kind: 'wantTransactions', wantTransactions });
  }

  #finish(header: Header, body: Body): void {
    this.#parts.submit({ kind: 'block', id: blockId(header), block: { header, body } });
  }

  /** What is open goes out with names, what is final as it is: who is behind may not have its transactions. */
  #giveBlock(peer: string, { height, blockId: id }: BlockRequest): void {
    const { network, finalBlock } = this.#parts;
    const open = this.#openBlock(toHex(id));
    if (open !== undefined) {
      const body = compactBody(open.header.height, open.body, open.body.transactions.map(keccak256));
      this.#offer(body, open.body);
      network.send(peer, { kind: 'compactBlock', compactBlock: { header: open.header, body } });
      return;
    }
    const block = height < this.#height ? finalBlock(height) : undefined;
    if (block !== undefined) network.send(peer, { kind: 'block', block });
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

  #openBlock(name: string): Block | undefined {
    return this.#parts.engine.current?.blocks.get(name);
  }

  #isWanted(name: string): boolean {
    if (this.#openBlock(name) !== undefined) return false;
    return this.#headers.has(name) || this.#parts.engine.current?.admits(name) === true;
  }

  #blame(peer: string, code: BlockExchangeError['code'], message: string): void {
    this.#parts.network.blame(peer, new BlockExchangeError(code, message));
  }
}

/** Sets an entry as the newest; the oldest makes room. */
function keep<Value>(map: Map<string, Value>, name: string, value: Value, most: number): void {
  map.delete(name);
  const [oldest] = map.keys();
  if (map.size >= most && oldest !== undefined) map.delete(oldest);
  map.set(name, value);
}
