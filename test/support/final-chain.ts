import assert from 'node:assert/strict';
import { assembleExtendedCommit, type ExtendedPrecommit } from '../../consensus/extended-commit.js';
import { proposerOf } from '../../consensus/proposer.js';
import { draftBlock, makeBlock, type LocalBlock } from '../../node/consensus/block-execution.js';
import { nextTip, readTip, type ChainTip } from '../../node/consensus/chain-tip.js';
import { batchOf, writeBlock } from '../../node/consensus/stored-blocks.js';
import type { RecoveredTransaction } from '../../node/mempool/entry.js';
import { toHex } from '../../protocol/bytes.js';
import { beaconSignBytes, extensionSignBytes, voteSignBytes } from '../../protocol/sign-bytes.js';
import type { ExtendedCommit } from '../../protocol/types/commit.js';
import { PRECOMMIT } from '../../protocol/types/vote.js';
import type { Store } from '../../state/store/store.js';
import type { SimulatedChain } from '../sim/consensus/chain.js';

export interface FinalBlockPlan {
  readonly transactions?: readonly RecoveredTransaction[];
  /** After the parent. */
  readonly stepMs?: number;
  /** Places in the set of validators that do not sign. */
  readonly absent?: readonly number[];
  readonly extension?: Uint8Array;
}

/** All validators of a chain in one process: makes blocks that every rule accepts, signed as they must be, and writes them. */
export class FinalChain<Ledger extends Store = Store> {
  readonly store: Ledger;
  readonly #chain: SimulatedChain;
  #tip: ChainTip;

  private constructor(store: Ledger, chain: SimulatedChain, tip: ChainTip) {
    this.store = store;
    this.#chain = chain;
    this.#tip = tip;
  }

  /** @param store a ledger of the chain, at any height */
  static async open<Ledger extends Store>(store: Ledger, chain: SimulatedChain): Promise<FinalChain<Ledger>> {
    return new FinalChain(store, chain, await readTip(store, chain.bls));
  }

  get tip(): ChainTip {
    return this.#tip;
  }

  get height(): number {
    return this.#tip.parent.height;
  }

  async produce(plan: FinalBlockPlan = {}): Promise<{ local: LocalBlock; commit: ExtendedCommit }> {
    const made = this.make(plan);
    const { local, commit } = made;
    const { height, timeMs } = local.block.header;
    await writeBlock(this.store, batchOf(local), height, commit);
    const parent = { height, id: local.id, timeMs, extensions: local.block.body.parentExtensions };
    this.#tip = nextTip(this.store, this.#tip, parent, commit);
    return made;
  }

  /** Until the chain has that height. */
  async growTo(height: number, plan: FinalBlockPlan = {}): Promise<void> {
    while (this.height < height) await this.produce(plan);
  }

  /** The next block and its commit; nothing is written. */
  make({ transactions = [], stepMs = 1_000, absent = [], extension }: FinalBlockPlan = {}): {
    local: LocalBlock;
    commit: ExtendedCommit;
  } {
    const tip = this.#tip;
    const height = tip.parent.height + 1;
    const chain = tip.chainAt(height);
    const proposer = proposerOf(chain.chainId, tip.committee.set, tip.previousBeacon, 0).id;
    const draft = draftBlock(tip, {
      ...{ proposer, round: 0, timeMs: tip.parent.timeMs + stepMs, transactions },
      reveal: this.#sign(proposer, beaconSignBytes(chain, height, tip.previousBeacon)),
      parentCommit: tip.commit,
      lateExtensions: [],
      evidence: [],
      extraData: new Uint8Array(0),
    });
    const local = makeBlock(this.store, tip, draft);
    assert.equal(draft.body.transactions.length, transactions.length, 'all transactions fit');
    const payload = { height, round: 0, blockId: local.id };
    const extensionPayload = { height, round: 0, content: extension ?? new Uint8Array(0) };
    const precommits = tip.committee.set
      .filter((_, place) => !absent.includes(place))
      .map(({ id }): ExtendedPrecommit => ({
        vote: {
          ...{ kind: PRECOMMIT, payload, validator: id },
          signature: this.#sign(id, voteSignBytes(chain, PRECOMMIT, payload)),
        },
        extension: {
          ...{ payload: extensionPayload, validator: id },
          signature: this.#sign(id, extensionSignBytes(chain, extensionPayload)),
        },
      }));
    return { local, commit: assembleExtendedCommit(tip.committee, chain, precommits) };
  }

  #sign(id: Uint8Array, message: Uint8Array): Uint8Array {
    const validator = this.#chain.validators.find((one) => toHex(one.id) === toHex(id));
    assert.ok(validator, 'a member of the set has its key here');
    return this.#chain.bls.sign(validator.blsSecretKey, message);
  }
}
