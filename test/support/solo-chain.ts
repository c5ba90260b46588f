import { compareBytes, toHex } from '../../protocol/bytes.js';
import { bls } from '../../protocol/crypto/bls.js';
import { beaconPayloadCodec, nextBeacon, signingRoot, type ChainIdentity } from '../../protocol/domains.js';
import { OgpuError } from '../../protocol/errors.js';
import { BitArray } from '../../protocol/ssz/types.js';
import { recoverSender } from '../../protocol/transactions/recover.js';
import type { Block } from '../../protocol/types/block.js';
import { bodyRoots } from '../../protocol/types/body.js';
import { emptyCommit, type Commit } from '../../protocol/types/commit.js';
import { DUPLICATE_VOTE, type Evidence } from '../../protocol/types/evidence.js';
import { blockId, type Header } from '../../protocol/types/header.js';
import type { ValidatorSet } from '../../protocol/types/validators.js';
import { PRECOMMIT, votePayloadCodec, type Vote } from '../../protocol/types/vote.js';
import { blockBatch } from '../../state/chain/block-batch.js';
import { readBlock } from '../../state/chain/block-reading.js';
import { executeBlock, type ExecutedBlock } from '../../state/chain/ledger.js';
import { nextValidators } from '../../state/staking/active-set.js';
import type { Store } from '../../state/store/store.js';
import { chainIdentityAt, chainRecord, paramsRecord, progressRecord } from '../../state/system/chain.js';

/** A validator of the demonstration, with its keys. */
export interface Member {
  readonly owner: Uint8Array;
  readonly ownerSecretKey: Uint8Array;
  readonly blsSecretKey: Uint8Array;
  readonly blsPublicKey: Uint8Array;
}

export interface BlockPlan {
  /** Header time after the block before. */
  readonly stepMs?: number;
  readonly envelopes?: readonly Uint8Array[];
  readonly evidence?: readonly Evidence[];
  /** Makes the commit; all members of the set sign unless told otherwise. */
  readonly sign?: (place: CommitPlace) => Commit;
}

/** What a commit is about and who may sign it. */
export interface CommitPlace {
  readonly identity: ChainIdentity;
  readonly height: number;
  readonly blockId: Uint8Array;
  readonly set: ValidatorSet;
}

export interface ProducedBlock {
  readonly block: Block;
  readonly executed: ExecutedBlock;
  readonly commit: Commit;
}

/** A ledger that holds another chain, or blocks already. */
export class SoloChainError extends OgpuError<'DEMO_CHAIN_BEGUN' | 'DEMO_CHAIN_MEMBER_UNKNOWN'> {}

const DEFAULT_STEP_MS = 1_000;

/** All validators of a chain in one process, agreeing without a network: makes blocks on a ledger and writes them for good. */
export class SoloChain {
  readonly #store: Store;
  readonly #members: ReadonlyMap<string, Member>;
  #parentId: Uint8Array;
  #parentCommit: Commit = emptyCommit();
  #beacon: Uint8Array;

  /** @param store with the genesis and no block */
  constructor(store: Store, members: readonly Member[]) {
    const { height } = progressRecord.read(store);
    if (height !== 0)
      throw new SoloChainError('DEMO_CHAIN_BEGUN', 'the ledger has blocks already', { height });
    this.#store = store;
    this.#members = new Map(members.map((member) => [toHex(member.owner), member]));
    this.#parentId = chainRecord.read(store).genesisId;
    this.#beacon = this.#parentId;
  }

  /** For signatures about the next block. */
  get identity(): ChainIdentity {
    const { height } = progressRecord.read(this.#store);
    return chainIdentityAt(this.#store, paramsRecord.read(this.#store), height + 1);
  }

  /** Makes, executes, signs and writes the next block. */
  async produce({
    stepMs = DEFAULT_STEP_MS,
    envelopes = [],
    evidence = [],
    sign,
  }: BlockPlan = {}): Promise<ProducedBlock> {
    const set = nextValidators(this.#store);
    const body: Block['body'] = {
      transactions: [...envelopes],
      evidence: [...evidence],
      parentCommit: this.#parentCommit,
      parentExtensions: [],
    };
    const draft = this.#draft(set, stepMs);
    const { input, transactionHashes } = readBlock(this.#store, { header: draft, body }, recoverSender);
    const executed = executeBlock(this.#store, input, { checkInvariants: true });
    const header = { ...draft, ...bodyRoots(body, transactionHashes), ...executed.commitments };
    const block: Block = { header, body };
    const place = { identity: this.identity, height: header.height, blockId: blockId(header), set };
    const commit = sign === undefined ? this.#signedByAll(place) : sign(place);
    const { receipts, changes } = executed.outcome;
    await this.#store.write(
      blockBatch({
        block,
        commit: { commit, extensions: [] },
        transactionHashes,
        receipts,
        changes,
        treeNodes: executed.treeNodes,
      }),
    );
    this.#parentId = place.blockId;
    this.#parentCommit = commit;
    this.#beacon = nextBeacon(header.chainId, this.#beacon, header.beaconReveal);
    return { block, executed, commit };
  }

  /** The header of the next block without what follows from body and execution. */
  #draft(set: ValidatorSet, stepMs: number): Header {
    const { height, timeMs } = progressRecord.read(this.#store);
    const { chainId, protocolVersion } = this.identity;
    const [proposer] = set.map(({ id }) => this.#member(id));
    if (proposer === undefined) throw new SoloChainError('DEMO_CHAIN_MEMBER_UNKNOWN', 'nobody is in the set');
    const reveal = beaconPayloadCodec.root({ height: height + 1, previousBeacon: this.#beacon });
    return {
      protocolVersion,
      chainId,
      height: height + 1,
      round: 0,
      timeMs: timeMs + stepMs,
      parentId: this.#parentId,
      proposer: proposer.owner,
      beaconReveal: bls.sign(proposer.blsSecretKey, signingRoot(this.identity, 'beacon', reveal)),
      transactionsRoot: NO_HASH,
      evidenceRoot: NO_HASH,
      parentCommitRoot: NO_HASH,
      extensionsRoot: NO_HASH,
      receiptsRoot: NO_HASH,
      logsBloom: new Uint8Array(256),
      stateRoot: NO_HASH,
      validatorsHash: NO_HASH,
      nextValidatorsHash: NO_HASH,
      gasUsed: 0,
      gasLimit: 0,
      baseFeeWei: 0n,
      extraData: new Uint8Array(0),
    };
  }

  #signedByAll({ identity, height, blockId: id, set }: CommitPlace): Commit {
    const payload = { height, round: 0, blockId: id };
    const message = signingRoot(identity, 'precommit', votePayloadCodec.root(payload));
    const signatures = set.map((member) => bls.sign(this.#member(member.id).blsSecretKey, message));
    return {
      ...payload,
      signers: BitArray.fromBoolArray(set.map(() => true)),
      signature: bls.aggregateSignatures(signatures),
    };
  }

  #member(id: Uint8Array): Member {
    const member = this.#members.get(toHex(id));
    if (member !== undefined) return member;
    throw new SoloChainError('DEMO_CHAIN_MEMBER_UNKNOWN', 'no such member', { id: toHex(id) });
  }
}

const NO_HASH = new Uint8Array(32);

/** Two precommits of one member for different blocks of one height. */
export function doublePrecommit(identity: ChainIdentity, member: Member, height: number): Evidence {
  const votes = [1, 2].map((byte): Vote => {
    const payload = { height, round: 0, blockId: new Uint8Array(32).fill(byte) };
    const message = signingRoot(identity, 'precommit', votePayloadCodec.root(payload));
    const signature = bls.sign(member.blsSecretKey, message);
    return { kind: PRECOMMIT, payload, validator: member.owner, signature };
  });
  const [first, second] = votes.sort((a, b) =>
    compareBytes(votePayloadCodec.root(a.payload), votePayloadCodec.root(b.payload)),
  );
  if (first === undefined || second === undefined)
    throw new SoloChainError('DEMO_CHAIN_MEMBER_UNKNOWN', 'two votes are needed');
  return { selector: DUPLICATE_VOTE, value: { first, second } };
}
