import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Message } from '../../../consensus/messages.js';
import { PRECOMMIT, PREVOTE } from '../../../protocol/types/vote.js';
import { subjectOf } from '../../sim/consensus/subject.js';
import { drawTwinSchedule } from '../../sim/consensus/twins.js';
import { createPrng } from '../../support/prng.js';

const [validator, signature, blockId] = [new Uint8Array(20), new Uint8Array(96), new Uint8Array(32)];

function vote(kind: typeof PREVOTE | typeof PRECOMMIT, height: number, round: number): Message {
  const payload = { height, round, blockId };
  return { kind: 'vote', vote: { vote: { kind, payload, validator, signature }, extension: [] } };
}

test('messages have the topic and the place of their votes; requests have none', () => {
  assert.deepEqual(subjectOf(vote(PREVOTE, 3, 4)), { topic: 'prevote', height: 3, round: 4 });
  assert.deepEqual(subjectOf(vote(PRECOMMIT, 3, 4)), { topic: 'precommit', height: 3, round: 4 });
  assert.equal(subjectOf({ kind: 'wantCommit', wantCommit: { height: 3 } }), undefined);
  assert.equal(subjectOf({ kind: 'votes', votes: [] }), undefined);
});

test('each round divides the peers between the twins anew, all its messages alike, and some peers hear both', () => {
  const schedule = drawTwinSchedule(createPrng(1));
  const seen = new Map<string, number>();
  const divisions = new Set<string>();
  for (let round = 0; round < 200; round++) {
    const sides = [0, 1, 2].map((peer) => schedule(vote(PREVOTE, 1, round), peer).join());
    for (const side of sides) seen.set(side, (seen.get(side) ?? 0) + 1);
    divisions.add(sides.join(' '));
    assert.deepEqual(
      [0, 1, 2].map((peer) => schedule(vote(PRECOMMIT, 1, round), peer).join()),
      sides,
    );
  }
  assert.deepEqual([...seen.keys()].sort(), ['0', '0,1', '1']);
  assert.ok([...seen.values()].every((count) => count > 30));
  assert.ok(divisions.size > 20);
  assert.deepEqual(schedule({ kind: 'wantCommit', wantCommit: { height: 1 } }, 0), [0, 1]);
});
