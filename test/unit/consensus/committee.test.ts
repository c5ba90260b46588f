import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCommittee, keyOf, memberAt } from '../../../consensus/committee.js';
import { MAX_VALIDATORS } from '../../../protocol/limits.js';
import { validatorSetCodec, type ValidatorSet } from '../../../protocol/types/validators.js';
import { codeOf } from '../../support/error-code.js';
import { testCommittee } from '../../support/committee.js';

const { committee, members } = testCommittee([5, 6, 7, 8]);

test('members are found by id, with their keys', () => {
  assert.equal(committee.totalPower, 26);
  assert.deepEqual(committee.hash, validatorSetCodec.root(committee.set));
  for (const [index, { id, validator }] of members.entries()) {
    assert.equal(committee.indexOf(Uint8Array.from(id)), index);
    assert.deepEqual(keyOf(committee, id)?.bytes, validator.blsPublicKey);
    assert.deepEqual(memberAt(committee, index).id, id);
  }
  assert.equal(committee.indexOf(new Uint8Array(20)), undefined);
  assert.equal(keyOf(committee, new Uint8Array(20)), undefined);
  assert.equal(
    codeOf(() => memberAt(committee, 4)),
    'INVARIANT_VIOLATED',
  );
});

test('what is no validator set is refused', () => {
  const [first, second, third] = committee.set;
  assert.ok(first && second && third);
  const cases: readonly (readonly [string, ValidatorSet])[] = [
    ['COMMITTEE_EMPTY', []],
    ['COMMITTEE_UNSORTED', [second, first]],
    ['COMMITTEE_UNSORTED', [first, first, second]],
    ['COMMITTEE_KEY', [first, { ...second, blsPublicKey: new Uint8Array(48).fill(1) }]],
    ['COMMITTEE_TOO_LARGE', Array.from({ length: MAX_VALIDATORS + 1 }, () => first)],
    ['POWER_OUT_OF_RANGE', [first, { ...second, votingPower: 0 }]],
  ];
  for (const [code, set] of cases)
    assert.equal(
      codeOf(() => createCommittee(set)),
      code,
    );
});
