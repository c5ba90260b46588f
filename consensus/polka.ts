import type { ChainIdentity } from '../protocol/domains.js';
import { OgpuError } from '../protocol/errors.js';
import { invariant } from '../protocol/invariant.js';
import { voteSignBytes } from '../protocol/sign-bytes.js';
import { BitArray } from '../protocol/ssz/types.js';
import { PREVOTE, type Vote } from '../protocol/types/vote.js';
import { commitSigners } from './commit.js';
import { memberAt, type Committee } from './committee.js';
import type { Polka } from './messages.js';
import { isQuorum, powerOf } from './power.js';

/** A polka that proves nothing. */
export class PolkaError extends OgpuError<'POLKA_POWER' | 'POLKA_SIGNATURE'> {}

/**
 * One certificate out of verified prevotes for one block, or for nil. Shows who comes late that a block may be voted for again.
 *
 * @param prevotes by members of the committee, one each, of equal payload
 */
export function assemblePolka(committee: Committee, prevotes: readonly Vote[]): Polka {
  const [first] = prevotes;
  invariant(first !== undefined, 'a polka is made of prevotes');
  const signed = new Array<boolean>(committee.set.length).fill(false);
  for (const { validator } of prevotes) {
    const index = committee.indexOf(validator);
    invariant(index !== undefined, 'a polka is of members');
    signed[index] = true;
  }
  const signature = committee.bls.aggregateSignatures(prevotes.map((vote) => vote.signature));
  return { ...first.payload, signers: BitArray.fromBoolArray(signed), signature };
}

/**
 * Checks that more than two thirds of the power of the committee prevoted what the polka says.
 *
 * @param chain as active at its height
 * @throws PolkaError; CommitError COMMIT_BITMAP_LENGTH
 */
export function verifyPolka(committee: Committee, chain: ChainIdentity, polka: Polka): void {
  const { height, round, blockId, signature } = polka;
  const members = commitSigners(committee, polka).map((index) => memberAt(committee, index));
  const [power, total] = [powerOf(members), committee.totalPower];
  if (!isQuorum(power, total)) {
    throw new PolkaError('POLKA_POWER', `${power} of ${total} is not more than two thirds`, {
      height,
      round,
    });
  }
  const keys = members.map(({ key }) => key);
  const message = voteSignBytes(chain, PREVOTE, { height, round, blockId });
  if (committee.bls.fastAggregateVerify(keys, message, signature)) return;
  throw new PolkaError('POLKA_SIGNATURE', 'the signature of a polka is not its signers’', { height, round });
}
