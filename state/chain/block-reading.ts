import type { Address } from '../../protocol/address.js';
import { OgpuError } from '../../protocol/errors.js';
import { decodeTransaction } from '../../protocol/transactions/decode.js';
import type { TransactionSignature } from '../../protocol/transactions/types.js';
import type { Block } from '../../protocol/types/block.js';
import type { Body } from '../../protocol/types/body.js';
import type { HeardExtension } from '../jobs/hearing.js';
import type { Commit } from '../../protocol/types/commit.js';
import type { Evidence } from '../../protocol/types/evidence.js';
import { validatorsAt } from '../staking/active-set.js';
import type { Offence } from '../staking/evidence.js';
import type { Reader } from '../store/store.js';
import { chainRecord, paramsRecord } from '../system/chain.js';
import type { BlockInput } from '../transition/block-input.js';

/** The signer of a digest, as `recoverSender`. @throws TransactionError TX_SENDER_UNRECOVERABLE */
export type RecoverSender = (digest: Uint8Array, signature: TransactionSignature) => Address;

/** A block as execution takes it. */
export interface ReadBlock {
  readonly input: BlockInput;
  /** keccak-256 of each envelope, in order. */
  readonly transactionHashes: readonly Uint8Array[];
}

/** A block whose parts do not fit the state it follows. */
export class BlockReadingError extends OgpuError<'BLOCK_COMMIT_SIGNERS'> {}

/**
 * What execution needs to know of a block. Signatures of validators are not checked: only those of transactions give something that is
 * needed, their senders.
 *
 * @param view the state before it
 * @throws BlockReadingError; TransactionError and RlpError for a transaction that is none of this chain
 */
export function readBlock(view: Reader, { header, body }: Block, recover: RecoverSender): ReadBlock {
  const { chainId } = chainRecord.read(view);
  const { maxTransactionBytes } = paramsRecord.read(view).blocks;
  const options = { chainId: BigInt(chainId), maxBytes: maxTransactionBytes };
  const decoded = body.transactions.map((envelope) => decodeTransaction(envelope, options));
  const input: BlockInput = {
    height: header.height,
    timeMs: header.timeMs,
    proposer: header.proposer,
    beaconReveal: header.beaconReveal,
    absent: absentFrom(view, header.height, body.parentCommit.signers),
    evidence: body.evidence.map(offenceOf),
    extensions: heardIn(body),
    transactions: decoded.map(({ transaction, signingHash }) => ({
      transaction,
      sender: recover(signingHash, transaction.signature),
    })),
  };
  return { input, transactionHashes: decoded.map(({ hash }) => hash) };
}

/** Members of the set that decided the parent which are not in its commit. The genesis was decided by nobody. */
export function absentFrom(view: Reader, height: number, signers: Commit['signers']): Address[] {
  const set = height === 1 ? [] : validatorsAt(view, height - 1);
  if (signers.bitLen !== set.length) {
    throw new BlockReadingError('BLOCK_COMMIT_SIGNERS', 'the commit of the parent is not one of its set', {
      height,
      members: set.length,
      bits: signers.bitLen,
    });
  }
  return set.filter((_, index) => !signers.get(index)).map(({ id }) => id);
}

/** What validators say in the extensions that a body carries. */
export function heardIn({ parentExtensions }: Pick<Body, 'parentExtensions'>): HeardExtension[] {
  return parentExtensions.map(({ validator, payload }) => ({ validator, content: payload.content }));
}

/** Who contradicted itself, and at which height. */
export function offenceOf({ value: { first } }: Evidence): Offence {
  return { validator: 'proposer' in first ? first.proposer : first.validator, height: first.payload.height };
}
