import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { ConsensusMessage } from '../../../consensus/votes/message.js';
import { VoteVerifier } from '../../../consensus/votes/verifier.js';
import { poolEngine } from '../../../node/signatures/engine.js';
import { SignaturePool } from '../../../node/signatures/pool.js';
import { PREVOTE, type Vote } from '../../../protocol/types/vote.js';
import { equalCommittee, TEST_CHAIN } from '../../support/committee.js';
import { cancellingPair } from './hostile-points.js';

const pool = new SignaturePool({ workers: 1 });
after(() => pool.close());

const { committee, members } = equalCommittee(7);
const votes = members.map((member) =>
  member.vote(PREVOTE, { height: 3, round: 0, blockId: new Uint8Array(32).fill(1) }),
);

/** What becomes of these votes, each from a peer of its own, once all are decided. */
function verifyAll(
  engine: ReturnType<typeof poolEngine>,
  sent: readonly Vote[],
  decided: number,
): Promise<string[]> {
  return new Promise((resolve) => {
    const results: string[] = [];
    const note = (result: string): void => {
      results.push(result);
      if (results.length === decided) resolve(results.sort());
    };
    const verifier = new VoteVerifier(engine, {
      onVerified: (_: ConsensusMessage, peer) => {
        note(`${peer} good`);
      },
      onInvalid: (peer, { code }) => {
        note(`${peer} ${code}`);
      },
    });
    verifier.open(3, committee, TEST_CHAIN);
    for (const [index, vote] of sent.entries()) verifier.submit(`p${index}`, { type: 'vote', vote });
  });
}

test('votes are verified on worker threads, and those who cancel each other out are named', async () => {
  const [one, two] = votes;
  assert.ok(one && two);
  const [left, right] = cancellingPair(one.signature, two.signature, 3n);
  const sent = [{ ...one, signature: left }, { ...two, signature: right }, ...votes.slice(2)];
  const results = await verifyAll(poolEngine(pool), sent, 7);
  assert.deepEqual(results.slice(0, 2), ['p0 VOTE_SIGNATURE', 'p1 VOTE_SIGNATURE']);
  assert.ok(results.slice(2).every((result) => result.endsWith('good')));
});

test('a pool that fails tells nothing, and what comes again is verified', async () => {
  let failures = 1;
  const flaky = poolEngine({
    findInvalid: (entries, message) =>
      failures-- > 0 ? Promise.reject(new Error('queue full')) : pool.findInvalid(entries, message),
  });
  const [one, two] = votes;
  assert.ok(one && two);
  assert.deepEqual(await verifyAll(flaky, [one, two], 1), ['p1 good']);
});
