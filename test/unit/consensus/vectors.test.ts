import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { beaconAfter, genesisBeacon, verifyReveal } from '../../../consensus/beacon.js';
import { assembleExtendedCommit, verifyExtendedCommit } from '../../../consensus/extended-commit.js';
import { proposerOf } from '../../../consensus/proposer.js';
import { toHex } from '../../../protocol/bytes.js';
import type { Bls } from '../../../protocol/crypto/bls.js';
import { beaconSignBytes, extensionSignBytes, voteSignBytes } from '../../../protocol/sign-bytes.js';
import { commitCodec, extendedCommitCodec } from '../../../protocol/types/commit.js';
import { validatorSetCodec } from '../../../protocol/types/validators.js';
import { PRECOMMIT } from '../../../protocol/types/vote.js';
import { TEST_CHAIN, testCommittee } from '../../support/committee.js';
import { assertVector } from '../../support/vectors.js';
import { BLS_BACKENDS } from '../crypto/both-backends.js';

const FIXTURE = 'consensus.json';
const HEIGHTS = [1, 2, 3];

/** A few heights of four validators with real keys: reveals, beacons, proposers, a commit. */
function currentVectors(bls: Bls): unknown {
  const { committee, members } = testCommittee([10, 20, 30, 40], 1, bls);
  const heights: unknown[] = [];
  let beacon = genesisBeacon(TEST_CHAIN);
  for (const height of HEIGHTS) {
    const rounds = Array.from({ length: 6 }, (_, round) =>
      proposerOf(TEST_CHAIN.chainId, committee.set, beacon, round),
    );
    const [{ id: proposer } = { id: new Uint8Array(0) }] = rounds;
    const beaconReveal = members[committee.indexOf(proposer) ?? -1]?.reveal(height, beacon);
    assert.ok(beaconReveal);
    assert.ok(verifyReveal(committee, TEST_CHAIN, { height, proposer, beaconReveal }, beacon));
    heights.push({
      ...{ height, previousBeacon: toHex(beacon), proposers: rounds.map(({ id }) => toHex(id)) },
      ...{ signBytes: toHex(beaconSignBytes(TEST_CHAIN, height, beacon)), reveal: toHex(beaconReveal) },
    });
    beacon = beaconAfter({ ...TEST_CHAIN, beaconReveal }, beacon);
  }
  const payload = { height: 3, round: 1, blockId: new Uint8Array(32).fill(0xb1) };
  const content = Uint8Array.of(1, 2, 3);
  const extensionPayload = { height: 3, round: 1, content };
  const signers = members.filter(({ validator }) => validator.votingPower > 10);
  const precommits = signers.map((member) => ({
    vote: member.precommit(payload),
    extension: member.extension(extensionPayload),
  }));
  const extended = assembleExtendedCommit(committee, TEST_CHAIN, precommits);
  verifyExtendedCommit(committee, TEST_CHAIN, extended, payload);
  return {
    chain: { ...TEST_CHAIN, genesisId: toHex(TEST_CHAIN.genesisId) },
    secretKeys: members.map(({ secretKey }) => toHex(secretKey)),
    validatorSet: toHex(validatorSetCodec.encode([...committee.set])),
    validatorsHash: toHex(committee.hash),
    heights,
    lastBeacon: toHex(beacon),
    commit: {
      precommitSignBytes: toHex(voteSignBytes(TEST_CHAIN, PRECOMMIT, payload)),
      extensionSignBytes: toHex(extensionSignBytes(TEST_CHAIN, extensionPayload)),
      commit: toHex(commitCodec.encode(extended.commit)),
      extendedCommit: toHex(extendedCommitCodec.encode(extended)),
    },
  };
}

describe('beacons, draws and commits are what they were: changing one is an explicit act', () => {
  for (const bls of BLS_BACKENDS) {
    test(bls.name, () => {
      assertVector(FIXTURE, currentVectors(bls));
    });
  }
});
