import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCommittee } from '../../../consensus/committee.js';
import { assembleExtendedCommit } from '../../../consensus/extended-commit.js';
import type { SignedVote } from '../../../consensus/messages.js';
import { extendedCommitOf } from '../../../node/consensus/block-execution.js';
import { extensionSignBytes, voteSignBytes } from '../../../protocol/sign-bytes.js';
import { PRECOMMIT } from '../../../protocol/types/vote.js';
import { hashBls } from '../../sim/consensus/hash-bls.js';

const CHAIN = { chainId: 7, genesisId: new Uint8Array(32), protocolVersion: 1 };
const PAYLOAD = { height: 3, round: 0, blockId: new Uint8Array(32).fill(9) };
/** The first has exactly a third. */
const POWERS = [30, 10, 10, 10, 10, 10, 10];

const keys = POWERS.map((_, node) => new Uint8Array(32).fill(node + 1));
const ids = POWERS.map((_, node) => new Uint8Array(20).fill(node + 1));
const committee = createCommittee(
  keys.map((key, node) => ({
    id: ids[node] ?? new Uint8Array(20),
    blsPublicKey: hashBls.publicKey(key),
    votingPower: POWERS[node] ?? 0,
  })),
  hashBls,
);

function precommit(node: number) {
  const validator = ids[node] ?? new Uint8Array(20);
  const sign = (message: Uint8Array): Uint8Array => hashBls.sign(keys[node] ?? new Uint8Array(32), message);
  const payload = { height: PAYLOAD.height, round: PAYLOAD.round, content: new Uint8Array(0) };
  const signature = sign(voteSignBytes(CHAIN, PRECOMMIT, PAYLOAD));
  return {
    vote: { kind: PRECOMMIT, payload: PAYLOAD, validator, signature },
    extension: { payload, validator, signature: sign(extensionSignBytes(CHAIN, payload)) },
  };
}

function commitFrom(certified: readonly number[], known: readonly number[]) {
  const certificate = assembleExtendedCommit(committee, CHAIN, certified.map(precommit));
  const votes: SignedVote[] = known
    .map(precommit)
    .map(({ vote, extension }) => ({ vote, extension: [extension] }));
  return { certificate, made: extendedCommitOf(committee, CHAIN, { ...PAYLOAD, certificate, votes }) };
}

test('six precommits of exactly two thirds do not take the place of a certificate of five with more', () => {
  const { certificate, made } = commitFrom([0, 1, 2, 3, 4], [1, 2, 3, 4, 5, 6]);
  assert.equal(made, certificate);
});

test('precommits of everybody take the place of a certificate of five', () => {
  const { made } = commitFrom([0, 1, 2, 3, 4], [0, 1, 2, 3, 4, 5, 6]);
  assert.equal(made.extensions.length, 7);
});
