import { bytesEqual, toHex } from '../protocol/bytes.js';
import type { ChainIdentity } from '../protocol/domains.js';
import { OgpuError } from '../protocol/errors.js';
import { invariant } from '../protocol/invariant.js';
import { voteSignBytes } from '../protocol/sign-bytes.js';
import { BitArray } from '../protocol/ssz/types.js';
import type { Commit } from '../protocol/types/commit.js';
import { isNilBlockId, PRECOMMIT, type Vote, type VotePayload } from '../protocol/types/vote.js';
import { memberAt, type Committee } from './committee.js';
import { isQuorum, powerOf } from './power.js';

/** A commit that proves nothing. */
export class CommitError extends OgpuError<
  | 'COMMIT_NIL'
  | 'COMMIT_HEIGHT'
  | 'COMMIT_BLOCK'
  | 'COMMIT_BITMAP_LENGTH'
  | 'COMMIT_POWER'
  | 'COMMIT_SIGNATURE'
> {}

/**
 * One commit out of verified precommits for one block, verified again as a whole: what is stored or proposed is never trusted to
 * have been added up correctly.
 *
 * @param chain as active at the height of the precommits
 * @param precommits by members of the committee, one each, of equal payload
 * @throws CommitError; BlsError BLS_SIGNATURE_INVALID for a signature that was not verified before
 */
export function assembleCommit(
  committee: Committee,
  chain: ChainIdentity,
  precommits: readonly Vote[],
): Commit {
  const [first] = precommits;
  invariant(first !== undefined, 'a commit is made of precommits');
  const { payload } = first;
  const signed = new Array<boolean>(committee.set.length).fill(false);
  for (const vote of precommits) {
    const index = committee.indexOf(vote.validator);
    invariant(vote.kind === PRECOMMIT && samePayload(vote.payload, payload), 'a commit is of one payload');
    invariant(index !== undefined && signed[index] === false, 'a commit is of members, each once');
    signed[index] = true;
  }
  const signature = committee.bls.aggregateSignatures(precommits.map((vote) => vote.signature));
  const commit: Commit = { ...payload, signers: BitArray.fromBoolArray(signed), signature };
  verifyCommit(committee, chain, commit, payload);
  return commit;
}

/**
 * Checks that more than two thirds of the power of `committee`, which decided the height, precommitted `expected`.
 *
 * @param chain as active at that height
 * @throws CommitError
 */
export function verifyCommit(
  committee: Committee,
  chain: ChainIdentity,
  commit: Commit,
  expected: Pick<VotePayload, 'height' | 'blockId'>,
): void {
  const { height, round, blockId, signature } = commit;
  if (height !== expected.height) {
    throw new CommitError('COMMIT_HEIGHT', `a commit of height ${height}, not ${expected.height}`, {
      height,
    });
  }
  if (isNilBlockId(blockId)) throw new CommitError('COMMIT_NIL', 'a commit is for a block', { height });
  if (!bytesEqual(blockId, expected.blockId)) {
    throw new CommitError('COMMIT_BLOCK', `a commit of another block of height ${height}`, {
      height,
      committed: toHex(blockId),
      expected: toHex(expected.blockId),
    });
  }
  const signers = commitSigners(committee, commit);
  const power = powerOf(signers.map((index) => memberAt(committee, index)));
  const total = committee.totalPower;
  if (!isQuorum(power, total)) {
    throw new CommitError('COMMIT_POWER', `${power} of ${total} is not more than two thirds`, {
      ...{ height, power, total },
    });
  }
  const keys = signers.map((index) => memberAt(committee, index).key);
  const message = voteSignBytes(chain, PRECOMMIT, { height, round, blockId });
  if (!committee.bls.fastAggregateVerify(keys, message, signature)) {
    throw new CommitError(
      'COMMIT_SIGNATURE',
      `the signature of the commit of height ${height} is not its signers'`,
      {
        ...{ height, round, signers: signers.length },
      },
    );
  }
}

/**
 * Places of the signers in the set, ascending.
 *
 * @throws CommitError COMMIT_BITMAP_LENGTH when the bitmap is not one of this committee
 */
export function commitSigners(committee: Committee, { height, signers }: Commit): number[] {
  const members = committee.set.length;
  if (signers.bitLen !== members) {
    throw new CommitError('COMMIT_BITMAP_LENGTH', `${signers.bitLen} bits for ${members} members`, {
      ...{ height, bits: signers.bitLen, members },
    });
  }
  return committee.set.flatMap((_, index) => (signers.get(index) ? [index] : []));
}

function samePayload(a: VotePayload, b: VotePayload): boolean {
  return a.height === b.height && a.round === b.round && bytesEqual(a.blockId, b.blockId);
}
