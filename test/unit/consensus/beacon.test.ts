import assert from 'node:assert/strict';
import { test } from 'node:test';
import { beaconAfter, genesisBeacon, verifyReveal } from '../../../consensus/beacon.js';
import { toHex } from '../../../protocol/bytes.js';
import { NO_GENESIS_ID } from '../../../protocol/domains.js';
import { equalCommittee, TEST_CHAIN, TestMember } from '../../support/committee.js';

const { committee, members } = equalCommittee(3);
const [first, second] = members;
const start = genesisBeacon(TEST_CHAIN);

test('only the proposer reveals, for its height and the beacon before it', () => {
  assert.ok(first && second);
  const proposer = first.id;
  const beaconReveal = first.reveal(5, start);
  const verify = (
    changes: Partial<{ height: number; proposer: Uint8Array; beaconReveal: Uint8Array }>,
  ): boolean => verifyReveal(committee, TEST_CHAIN, { height: 5, proposer, beaconReveal, ...changes }, start);
  assert.equal(verify({}), true);
  assert.equal(verify({ height: 6 }), false);
  assert.equal(verify({ proposer: second.id }), false);
  assert.equal(verify({ beaconReveal: second.reveal(5, start) }), false);
  assert.equal(verify({ beaconReveal: new Uint8Array(96) }), false);
  const stranger = new TestMember(99);
  assert.equal(verify({ proposer: stranger.id, beaconReveal: stranger.reveal(5, start) }), false);
  const fields = { height: 5, proposer, beaconReveal };
  assert.equal(verifyReveal(committee, { ...TEST_CHAIN, chainId: 1 }, fields, start), false);
  assert.equal(verifyReveal(committee, TEST_CHAIN, fields, new Uint8Array(32)), false);
});

test('a beacon depends on genesis, the beacon before and the reveal', () => {
  assert.ok(first && second);
  const chainId = TEST_CHAIN.chainId;
  const beacons = [
    start,
    genesisBeacon({ ...TEST_CHAIN, genesisId: NO_GENESIS_ID }),
    genesisBeacon({ ...TEST_CHAIN, chainId: 1 }),
    beaconAfter({ chainId, beaconReveal: first.reveal(1, start) }, start),
    beaconAfter({ chainId, beaconReveal: second.reveal(1, start) }, start),
    beaconAfter({ chainId, beaconReveal: first.reveal(1, start) }, new Uint8Array(32)),
  ].map(toHex);
  assert.equal(new Set(beacons).size, beacons.length);
});
