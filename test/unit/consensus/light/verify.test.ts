import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { bls12_381 } from '@noble/curves/bls12-381.js';
import { createCommittee } from '../../../../consensus/committee.js';
import { shouldBisect } from '../../../../consensus/light/errors.js';
import { trustGenesis, trustHeader, type LightOptions } from '../../../../consensus/light/trust.js';
import { verifyHeader, type LightBlock } from '../../../../consensus/light/verify.js';
import { compareBytes } from '../../../../protocol/bytes.js';
import { bls } from '../../../../protocol/crypto/bls.js';
import { sha256 } from '../../../../protocol/crypto/hash.js';
import { voteSignBytes } from '../../../../protocol/sign-bytes.js';
import { BitArray } from '../../../../protocol/ssz/types.js';
import { blockId } from '../../../../protocol/types/header.js';
import type { ValidatorSet } from '../../../../protocol/types/validators.js';
import { PRECOMMIT } from '../../../../protocol/types/vote.js';
import { committeeOf, TEST_CHAIN, TestMember } from '../../../support/committee.js';
import { codeOf } from '../../../support/error-code.js';
import { LIGHT_BLOCK_MS, LIGHT_START_MS, LightChain, possessionOf } from '../../../support/light-chain.js';

const people = Array.from({ length: 9 }, (_, i) => new TestMember(i + 1));
const membersAt = (height: number): readonly TestMember[] => {
  if (height < 10) return people.slice(0, 4);
  return height < 20 ? people.slice(2, 6) : people.slice(5, 9);
};
const chain = new LightChain(membersAt);
const genesisSet = committeeOf(membersAt(1)).committee.set;
const genesis = trustGenesis(LIGHT_START_MS, genesisSet, membersAt(1).map(possessionOf));

const NOW_MS = LIGHT_START_MS + 60 * LIGHT_BLOCK_MS;
const options: LightOptions = {
  chainAt: () => TEST_CHAIN,
  trustingPeriodMs: 3_600_000,
  maxClockDriftMs: 10_000,
};

const judge = (
  block: LightBlock,
  changes: Partial<LightOptions> = {},
  from = genesis,
  nowMs = NOW_MS,
): string =>
  codeOf(() => {
    verifyHeader(from, block, nowMs, { ...options, ...changes });
  });

test('headers are believed one after another, over changes of the set', () => {
  let trusted = genesis;
  for (let height = 1; height <= 21; height++) {
    trusted = verifyHeader(trusted, chain.block(height), NOW_MS, options);
    assert.equal(trusted.height, height);
    assert.deepEqual(trusted.nextCommittee.set, committeeOf(membersAt(height + 1)).committee.set);
  }
});

test('a later header is believed when enough of those trusted signed it, else one in between may help', () => {
  assert.equal(judge(chain.block(5)), 'none');
  assert.equal(judge(chain.block(12)), 'none', 'two of four are more than a third');
  assert.equal(judge(chain.block(25)), 'LIGHT_TRUST_INSUFFICIENT');
  const two = membersAt(12).slice(0, 2);
  assert.ok(two.every((member) => membersAt(1).includes(member)));
  const without = chain.block(12, { signers: membersAt(12).slice(1) });
  assert.equal(judge(without), 'LIGHT_TRUST_INSUFFICIENT', 'one of four is not');
  for (const height of [5, 25]) {
    try {
      verifyHeader(genesis, chain.block(height), NOW_MS, options);
    } catch (error) {
      assert.ok(shouldBisect(error));
    }
  }
});

test('the next height is decided by those who were to decide it, enough or not', () => {
  const others = new LightChain(() => people.slice(1, 5));
  assert.equal(judge(others.block(1)), 'LIGHT_SET_UNEXPECTED');
  assert.equal(judge(others.block(2)), 'none');
});

describe('what does not hang together is refused, and no bisection helps', () => {
  const good = chain.block(12);
  const early = chain.block(5);
  const wrongId = chain.block(12, { changes: { gasUsed: 1 } });
  const { header, commit } = good;
  const cases: readonly (readonly [string, string, LightBlock, Partial<LightOptions>?])[] = [
    ['another chain', 'LIGHT_CHAIN', chain.block(12, { changes: { chainId: 1 } })],
    ['another version', 'LIGHT_CHAIN', chain.block(12, { changes: { protocolVersion: 2 } })],
    ['the height it has', 'LIGHT_HEIGHT', { ...good, header: { ...header, height: 0 } }],
    ['a time no later', 'LIGHT_TIME', chain.block(12, { changes: { timeMs: LIGHT_START_MS } })],
    [
      'a time beyond the drift',
      'LIGHT_FROM_FUTURE',
      chain.block(12, { changes: { timeMs: NOW_MS + 10_001 } }),
    ],
    ['trust that has run out', 'LIGHT_TRUST_EXPIRED', good, { trustingPeriodMs: 60 * LIGHT_BLOCK_MS }],
    ['another set', 'LIGHT_SET_HASH', { ...good, validators: genesisSet }],
    ['another next set', 'LIGHT_SET_HASH', { ...chain.block(19), nextValidators: genesisSet }],
    ['no set', 'LIGHT_SET_INVALID', { ...good, validators: [] }],
    ['a missing proof', 'LIGHT_POSSESSION', { ...good, possessions: [] }],
    ['the commit of another block', 'LIGHT_COMMIT', { ...good, commit: wrongId.commit }],
    ['a changed header', 'LIGHT_COMMIT', { ...good, header: wrongId.header }],
    [
      'too few signers',
      'LIGHT_COMMIT',
      { ...early, commit: { ...early.commit, signers: BitArray.fromBoolArray([true, true, false, false]) } },
    ],
    [
      'a signature of others',
      'LIGHT_COMMIT',
      { ...good, commit: { ...commit, signature: chain.block(13).commit.signature } },
    ],
  ];
  for (const [name, code, block, changes] of cases) {
    test(name, () => {
      assert.equal(judge(block, changes), code);
      try {
        verifyHeader(genesis, block, NOW_MS, { ...options, ...changes });
      } catch (error) {
        assert.equal(shouldBisect(error), false);
      }
    });
  }
});

test('the limits of time are exact', () => {
  const at = (timeMs: number): LightBlock => chain.block(12, { changes: { timeMs } });
  assert.equal(judge(at(LIGHT_START_MS + 1)), 'none');
  assert.equal(judge(at(NOW_MS + 10_000)), 'none');
  assert.equal(judge(chain.block(12), { trustingPeriodMs: 60 * LIGHT_BLOCK_MS + 1 }), 'none');
});

test('a rotated key does not count as trusted', () => {
  const rotated = people.slice(0, 4).map((_, i) => new TestMember(i + 1, 1, { keyNumber: i + 60 }));
  const block = new LightChain(() => rotated).block(5);
  assert.deepEqual(
    block.validators.map(({ id }) => id),
    genesisSet.map(({ id }) => id),
  );
  assert.equal(judge(block), 'LIGHT_TRUST_INSUFFICIENT');
});

test('a proof of possession is of its very key', () => {
  const good = chain.block(12);
  const [first, ...rest] = good.possessions;
  assert.ok(first);
  const mixed = good.possessions.map(({ blsPublicKey }, i, all) => ({
    blsPublicKey,
    proof: all[(i + 1) % all.length]?.proof ?? first.proof,
  }));
  assert.equal(judge({ ...good, possessions: mixed }), 'LIGHT_POSSESSION');
  const known = new Set(genesisSet.map(({ blsPublicKey }) => String(blsPublicKey)));
  const onlyNew = [first, ...rest].filter(({ blsPublicKey }) => !known.has(String(blsPublicKey)));
  assert.ok(onlyNew.length < good.possessions.length);
  assert.equal(judge({ ...good, possessions: onlyNew }), 'none', 'known keys need no proof again');
});

/**
 * A commit by one attacker alone: its key is what makes the sum of all keys a key of its own, so that its signature counts as
 * everybody's.
 */
function rogueBlock(): LightBlock {
  const { G1, Fr } = { G1: bls12_381.G1.Point, Fr: bls12_381.fields.Fr };
  const secret = Fr.create(123_456_789n);
  const victims = people.slice(0, 4);
  const sum = victims.reduce(
    (total, { validator }) => total.add(G1.fromBytes(validator.blsPublicKey)),
    G1.ZERO,
  );
  const rogueKey = G1.BASE.multiply(secret).subtract(sum).toBytes();
  const rogue = { id: new Uint8Array(20).fill(0xff), blsPublicKey: rogueKey, votingPower: 1 };
  const validators: ValidatorSet = [...victims.map(({ validator }) => validator), rogue].sort((a, b) =>
    compareBytes(a.id, b.id),
  );
  const committee = createCommittee(validators);
  const header = chain.header(30, {
    validatorsHash: committee.hash,
    nextValidatorsHash: committee.hash,
    stateRoot: sha256(Uint8Array.of(1)),
  });
  const payload = { height: 30, round: 0, blockId: blockId(header) };
  const secretKey = Fr.toBytes(secret);
  const signature = bls.sign(secretKey, voteSignBytes(TEST_CHAIN, PRECOMMIT, payload));
  const signers = BitArray.fromBoolArray(validators.map(() => true));
  const possessions = [
    ...victims.map(possessionOf),
    { blsPublicKey: rogueKey, proof: bls.provePossession(secretKey) },
  ];
  return {
    header,
    commit: { ...payload, signers, signature },
    validators,
    nextValidators: validators,
    possessions,
  };
}

test('a commit forged with a rogue key is caught by the proof of possession, and by nothing else', () => {
  const forged = rogueBlock();
  assert.equal(judge(forged), 'LIGHT_POSSESSION');
  const careless = { ...bls, verifyPossession: () => true };
  assert.equal(judge(forged, { bls: careless }), 'none', 'the forgery is a good one');
});

test('trust begins with a genesis or with a header whose id is known', () => {
  const { header, nextValidators, possessions } = chain.block(12);
  const trusted = trustHeader(header, blockId(header), nextValidators, possessions);
  assert.equal(judge(chain.block(13), {}, trusted), 'none');
  assert.equal(judge(chain.block(12), {}, trusted), 'LIGHT_TIME');
  const begin = (...args: Parameters<typeof trustHeader>): string =>
    codeOf(() => {
      trustHeader(...args);
    });
  assert.equal(begin(header, new Uint8Array(32), nextValidators, possessions), 'LIGHT_HEADER_ID');
  assert.equal(begin(header, blockId(header), genesisSet, possessions), 'LIGHT_SET_HASH');
  assert.equal(begin(header, blockId(header), nextValidators, []), 'LIGHT_POSSESSION');
  assert.equal(
    codeOf(() => {
      trustGenesis(LIGHT_START_MS, genesisSet, []);
    }),
    'LIGHT_POSSESSION',
  );
});
