import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { HeightDriver } from '../../../consensus/core/driver.js';
import type { CoreVote, VoteKind, VoteTarget } from '../../../consensus/core/types.js';
import { MAX_PAST_ROUNDS } from '../../../consensus/core/vote-keeper.js';

const FAR = MAX_PAST_ROUNDS + 10;

function started(): HeightDriver<CoreVote> {
  const powers = new Map(['a', 'b', 'c', 'd'].map((name) => [name, 1]));
  const driver = new HeightDriver({ own: 'd', powers, proposerOf: () => 'a' });
  driver.start();
  return driver;
}

function castAll(driver: HeightDriver<CoreVote>, kind: VoteKind, round: number, target: VoteTarget): void {
  for (const validator of ['a', 'b', 'c']) driver.addVote({ kind, round, target, validator });
}

describe('what a driver keeps through many rounds', () => {
  test('nothing that is old, but for the lock and the valid block', () => {
    const driver = started();
    driver.setValidity('X', 'valid');
    driver.setValidity('Y', 'valid');
    driver.timeoutElapsed('propose', 0);
    castAll(driver, 'prevote', 0, 'X');
    driver.timeoutElapsed('precommit', 0);
    driver.timeoutElapsed('propose', 1);
    driver.timeoutElapsed('prevote', 1);
    castAll(driver, 'prevote', 1, 'Y');
    assert.deepEqual(driver.state.locked, { round: 0, block: 'X' });
    assert.deepEqual(driver.state.valid, { round: 1, block: 'Y' });
    for (let round = 1; round < FAR; round++) {
      driver.addProposal({ round, block: `B${round}`, validRound: null, isTimely: false });
      castAll(driver, 'precommit', round, null);
      driver.timeoutElapsed('precommit', round);
    }
    assert.equal(driver.state.round, FAR);
    assert.equal(driver.votes.quorum('prevote', 0), 'X');
    assert.equal(driver.votes.quorum('prevote', 1), 'Y');
    assert.equal(driver.votes.roundCount, 2 + MAX_PAST_ROUNDS);
    assert.equal(driver.proposal(FAR - MAX_PAST_ROUNDS - 1), undefined);
    assert.notEqual(driver.proposal(FAR - MAX_PAST_ROUNDS), undefined);
  });

  test('no proposal of long ago or far ahead', () => {
    const driver = started();
    castAll(driver, 'prevote', FAR, null);
    const kept = [0, FAR - MAX_PAST_ROUNDS - 1, FAR - MAX_PAST_ROUNDS, FAR, FAR + 8, FAR + 9].filter(
      (round) => {
        driver.addProposal({ round, block: 'X', validRound: null, isTimely: true });
        return driver.proposal(round) !== undefined;
      },
    );
    assert.deepEqual(kept, [FAR - MAX_PAST_ROUNDS, FAR, FAR + 8]);
  });
});
