import { setTimeout } from 'node:timers/promises';
import { beaconAfter } from '../../consensus/beacon.js';
import { commitSigners } from '../../consensus/commit.js';
import type { Committee } from '../../consensus/committee.js';
import { keyOf, memberAt } from '../../consensus/committee.js';
import { toHex } from '../../protocol/bytes.js';
import type { ChainIdentity } from '../../protocol/domains.js';
import { OgpuError } from '../../protocol/errors.js';
import { beaconSignBytes, extensionSignBytes, voteSignBytes } from '../../protocol/sign-bytes.js';
import type { Commit } from '../../protocol/types/commit.js';
import type { VoteExtension } from '../../protocol/types/extension.js';
import { PRECOMMIT } from '../../protocol/types/vote.js';
import { isFaultOfBlock } from '../consensus/block-workshop.js';
import type { ChainTip } from '../consensus/chain-tip.js';
import type { RecoveredTransaction } from '../mempool/entry.js';
import type { Statement } from '../signatures/wire.js';
import type { FetchedBlock } from './block-download.js';
import type { VerifiedSignatures } from './verified-signatures.js';

/** Blocks whose signatures are looked at ahead of execution, and transactions in them. */
const MAX_BLOCKS = 32;
const MAX_TRANSACTIONS = 16_384;

/** Where signatures cannot be verified for a reason of this node's own. */
const MAX_ATTEMPTS = 100;
const ATTEMPT_EVERY_MS = 50;

export interface PreparationParts {
  /** @throws OgpuError for an envelope that is no transaction of this chain */
  readonly resolve: (envelopes: readonly Uint8Array[]) => Promise<readonly RecoveredTransaction[]>;
  /** Verifies on other threads; without it everything is verified where it is needed. */
  readonly verifyStatements: ((statements: readonly Statement[]) => Promise<readonly boolean[]>) | undefined;
  readonly verified: VerifiedSignatures;
}

/** The transactions of a block with their senders, or why there are none. */
export type PreparedTransactions = readonly RecoveredTransaction[] | OgpuError;

/**
 * Looks at the signatures of blocks before it is their turn to be executed: of transactions, and of validators as far as it is known who they
 * are. Nothing is decided here: what is not found true ahead of time is looked at again when its turn comes.
 */
export class BlockPreparation {
  readonly #parts: PreparationParts;
  readonly #begun = new WeakMap<FetchedBlock, Begun>();
  #transactions = 0;

  constructor(parts: PreparationParts) {
    this.#parts = parts;
  }

  /** Begins with the blocks after a tip that are there, as many as may be in work. */
  lookAhead(tip: ChainTip, peek: (height: number) => FetchedBlock | undefined): void {
    const first = tip.parent.height + 1;
    let place = placeOf(tip);
    for (let height = first; height < first + MAX_BLOCKS; height++) {
      const fetched = peek(height);
      if (fetched === undefined) return;
      let begun = this.#begun.get(fetched);
      if (begun === undefined) {
        const count = fetched.block.body.transactions.length;
        if (this.#transactions > 0 && this.#transactions + count > MAX_TRANSACTIONS) return;
        begun = this.#begin(tip, fetched, place);
      }
      place = begun.after;
    }
  }

  /** When the signatures of the block after a tip have been looked at: its transactions. */
  async of(tip: ChainTip, fetched: FetchedBlock): Promise<PreparedTransactions> {
    const begun = this.#begun.get(fetched) ?? this.#begin(tip, fetched, placeOf(tip));
    return begun.transactions;
  }

  #begin(tip: ChainTip, fetched: FetchedBlock, place: Place): Begun {
    const transactions = Promise.all([this.#resolve(fetched), this.#verify(tip, fetched, place)]).then(
      ([resolved]) => resolved,
    );
    // Whoever waits for it hears of a failure; of a block that was thrown away nobody wants to.
    transactions.catch(() => undefined);
    const begun = { transactions, after: placeAfter(fetched, place) };
    this.#begun.set(fetched, begun);
    return begun;
  }

  async #resolve({ block }: FetchedBlock): Promise<PreparedTransactions> {
    const { transactions } = block.body;
    if (transactions.length === 0) return [];
    this.#transactions += transactions.length;
    try {
      for (let attempt = 1; ; attempt++) {
        try {
          return await this.#parts.resolve(transactions);
        } catch (error) {
          if (isFaultOfBlock(error)) return error;
          // Too much waits to be verified, or a worker has died: nothing is known of the block by that.
          if (!(error instanceof OgpuError) || attempt === MAX_ATTEMPTS) throw error;
          await setTimeout(ATTEMPT_EVERY_MS);
        }
      }
    } finally {
      this.#transactions -= transactions.length;
    }
  }

  async #verify(tip: ChainTip, fetched: FetchedBlock, place: Place): Promise<void> {
    const { verifyStatements, verified } = this.#parts;
    if (verifyStatements === undefined) return;
    try {
      await verified.learn(statementsOf(tip, fetched, place), verifyStatements);
    } catch (error) {
      // Workers that are gone or too busy: it is verified when its turn comes.
      if (!(error instanceof OgpuError)) throw error;
    }
  }
}

interface Begun {
  readonly transactions: Promise<PreparedTransactions>;
  readonly after: Place;
}

/** What the signatures in a block depend on: the block before it. */
interface Place {
  readonly height: number;
  readonly beacon: Uint8Array;
  readonly validatorsHash: string;
}

function placeOf({ parent, previousBeacon, parentCommittee }: ChainTip): Place {
  const validatorsHash = parentCommittee === undefined ? '' : toHex(parentCommittee.hash);
  return { height: parent.height, beacon: previousBeacon, validatorsHash };
}

function placeAfter({ block: { header } }: FetchedBlock, { beacon }: Place): Place {
  return {
    height: header.height,
    beacon: beaconAfter(header, beacon),
    validatorsHash: toHex(header.validatorsHash),
  };
}

/** What validators have signed in a block and in its commit, as far as the tip knows these validators. */
function statementsOf(tip: ChainTip, { block, commit }: FetchedBlock, before: Place): Statement[] {
  const { header, body } = block;
  const known = [tip.committee, tip.parentCommittee].filter((one) => one !== undefined);
  const committeeOf = (hash: string): Committee | undefined => known.find((one) => toHex(one.hash) === hash);
  const committee = committeeOf(toHex(header.validatorsHash));
  const parentCommittee = committeeOf(before.validatorsHash);
  const statements: Statement[] = [];
  if (committee !== undefined) {
    const chain = tip.chainAt(header.height);
    statements.push(...commitStatement(committee, chain, commit.commit));
    statements.push(...extensionStatements(committee, chain, commit.extensions));
    const key = keyOf(committee, header.proposer);
    const message = beaconSignBytes(chain, header.height, before.beacon);
    if (key !== undefined) statements.push({ keys: [key], message, signature: header.beaconReveal });
  }
  if (parentCommittee !== undefined) {
    const chain = tip.chainAt(before.height);
    const ofParent = body.parentExtensions.filter(({ payload }) => payload.height === before.height);
    statements.push(...commitStatement(parentCommittee, chain, body.parentCommit));
    statements.push(...extensionStatements(parentCommittee, chain, ofParent));
  }
  return statements;
}

function commitStatement(committee: Committee, chain: ChainIdentity, commit: Commit): Statement[] {
  if (commit.signers.bitLen !== committee.set.length) return [];
  const { height, round, blockId, signature } = commit;
  const keys = commitSigners(committee, commit).map((place) => memberAt(committee, place).key);
  return [{ keys, message: voteSignBytes(chain, PRECOMMIT, { height, round, blockId }), signature }];
}

function extensionStatements(
  committee: Committee,
  chain: ChainIdentity,
  extensions: readonly VoteExtension[],
): Statement[] {
  return extensions.flatMap(({ payload, validator, signature }) => {
    const key = keyOf(committee, validator);
    return key === undefined ? [] : [{ keys: [key], message: extensionSignBytes(chain, payload), signature }];
  });
}
