import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SignedVote } from '../../../consensus/messages.js';
import { extendedCommitOf } from '../../../node/consensus/block-execution.js';
import { hashBls } from '../../sim/consensus/hash-bls.js';
import { TEST_CHAIN, testCommittee } from '../../support/committee.js';

const { members, committee } = testCommittee([50, 30, 5, 5, 5, 5], 1, hashBls);
const PLACE = { height: 4, round: 1, blockId: new Uint8Array(32).fill(7) };

/** Precommits of the members with at least, or less than, a power. */
function precommits(isSigner: (power: number) => boolean): SignedVote[] {
  const { height, round } = PLACE;
  return members
    .filter(({ validator }) => isSigner(validator.votingPower))
    .map((member) => ({
      vote: member.precommit(PLACE),
      extension: [member.extension({ height, round, content: new Uint8Array(0) })],
    }));
}

test('many small precommits do not take the place of a certificate of few large ones', () => {
  const large = precommits((power) => power >= 30);
  const certificate = extendedCommitOf(committee, TEST_CHAIN, {
    ...PLACE,
    certificate: undefined,
    votes: large,
  });
  const small = precommits((power) => power < 30);
  assert.equal(extendedCommitOf(committee, TEST_CHAIN, { ...PLACE, certificate, votes: small }), certificate);
  const all = extendedCommitOf(committee, TEST_CHAIN, {
    ...PLACE,
    certificate,
    votes: precommits(() => true),
  });
  assert.equal(all.extensions.length, 6);
});
