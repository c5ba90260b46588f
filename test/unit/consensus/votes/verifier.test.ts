import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { synchronousEngine, type SignatureEngine } from '../../../../consensus/votes/engine.js';
import type { ConsensusMessage, VoteError } from '../../../../consensus/votes/message.js';
import { VoteVerifier, type VerifierBounds } from '../../../../consensus/votes/verifier.js';
import { bls } from '../../../../protocol/crypto/bls.js';
import { NO_ROUND } from '../../../../protocol/types/proposal.js';
import { NIL_BLOCK_ID, PREVOTE, type Vote } from '../../../../protocol/types/vote.js';
import { equalCommittee, TEST_CHAIN, TestMember } from '../../../support/committee.js';
import { createPrng } from '../../../support/prng.js';
import { cancellingPair } from '../../crypto/hostile-points.js';

const HEIGHT = 7;
const { committee, members } = equalCommittee(4);
const blockId: Uint8Array = new Uint8Array(32).fill(1);
const otherId: Uint8Array = new Uint8Array(32).fill(2);
const at = { height: HEIGHT, round: 0 };

const prevote = (by: TestMember, id = blockId, round = 0): ConsensusMessage => ({
  type: 'vote',
  vote: by.vote(PREVOTE, { height: HEIGHT, round, blockId: id }),
});
const precommit = (by: TestMember, id = blockId, content = 0): ConsensusMessage & { type: 'vote' } => ({
  type: 'vote',
  vote: by.precommit({ ...at, blockId: id }),
  extension: by.extension({ ...at, content: new Uint8Array(content) }),
});
const proposal = (by: TestMember): ConsensusMessage => ({
  type: 'proposal',
  proposal: by.proposal({ ...at, validRound: NO_ROUND, blockId }),
});
const withVote = (message: ConsensusMessage, changes: Partial<Vote>): ConsensusMessage => {
  assert.ok(message.type === 'vote');
  return { ...message, vote: { ...message.vote, ...changes } };
};

const [first, second, third, fourth] = members as readonly [TestMember, TestMember, TestMember, TestMember];

interface Setup {
  readonly verifier: VoteVerifier;
  readonly verified: { readonly message: ConsensusMessage; readonly peer: string }[];
  readonly blamed: string[];
}

function setup(
  engine: SignatureEngine = synchronousEngine(bls),
  bounds: Partial<VerifierBounds> = {},
): Setup {
  const verified: Setup['verified'] = [];
  const blamed: string[] = [];
  const handlers = {
    onVerified: (message: ConsensusMessage, peer: string) => verified.push({ message, peer }),
    onInvalid: (peer: string, error: VoteError) => blamed.push(`${peer} ${error.code}`),
  };
  const verifier = new VoteVerifier(engine, handlers, bounds);
  verifier.open(HEIGHT, committee, TEST_CHAIN);
  return { verifier, verified, blamed };
}

type Answer = (invalid?: readonly number[]) => void;

/** An engine that answers when told to; without an argument, truthfully. */
function slowEngine(): SignatureEngine & {
  readonly asked: { readonly size: number; readonly answer: Answer }[];
} {
  const asked: { size: number; answer: Answer }[] = [];
  return {
    asked,
    findInvalid: (entries, message, done) => {
      asked.push({
        size: entries.length,
        answer: (invalid) => {
          done(invalid ?? bls.findInvalid(entries, message));
        },
      });
    },
  };
}

test('good messages of every kind are handed on, once each', () => {
  const { verifier, verified, blamed } = setup();
  const messages = [proposal(first), prevote(second), prevote(third, NIL_BLOCK_ID), precommit(fourth)];
  for (const message of messages) assert.equal(verifier.submit('p', message), 'queued');
  for (const message of messages) assert.equal(verifier.submit('q', message), 'duplicate');
  const nilPrecommit: ConsensusMessage = {
    type: 'vote',
    vote: first.precommit({ ...at, blockId: NIL_BLOCK_ID }),
  };
  assert.equal(verifier.submit('q', nilPrecommit), 'queued');
  assert.deepEqual(
    verified.map(({ message, peer }) => [message, peer]),
    [...messages.map((message) => [message, 'p']), [nilPrecommit, 'q']],
  );
  assert.deepEqual(blamed, []);
});

describe('what no correct peer sends is blamed on who sent it', () => {
  const good = precommit(first, blockId, 3);
  const { vote, extension } = good;
  assert.ok(extension);
  const stranger = new TestMember(99);
  const cases: readonly (readonly [string, ConsensusMessage, string])[] = [
    ['a stranger', prevote(stranger), 'VOTE_STRANGER'],
    ['a stranger’s proposal', proposal(stranger), 'VOTE_STRANGER'],
    ['no round', prevote(first, blockId, NO_ROUND), 'VOTE_ROUND'],
    ['an unknown kind', withVote(prevote(first), { kind: 3 }), 'VOTE_KIND'],
    [
      'a prevote as precommit',
      withVote(good, { signature: first.vote(PREVOTE, vote.payload).signature }),
      'VOTE_SIGNATURE',
    ],
    ['somebody else’s signature', withVote(prevote(first), { validator: second.id }), 'VOTE_SIGNATURE'],
    ['a vote without its extension', { type: 'vote', vote }, 'VOTE_EXTENSION_MISSING'],
    [
      'an extension on nil',
      withVote(good, { payload: { ...at, blockId: NIL_BLOCK_ID } }),
      'VOTE_EXTENSION_UNEXPECTED',
    ],
    ['an extension on a prevote', withVote(good, { kind: PREVOTE }), 'VOTE_EXTENSION_UNEXPECTED'],
    [
      'an extension of another round',
      { type: 'vote', vote, extension: first.extension({ ...at, round: 1, content: new Uint8Array(0) }) },
      'VOTE_EXTENSION_PLACE',
    ],
    [
      'an extension of another validator',
      { type: 'vote', vote, extension: second.extension(extension.payload) },
      'VOTE_EXTENSION_PLACE',
    ],
    [
      'an extension with a bad signature',
      { type: 'vote', vote, extension: { ...extension, signature: vote.signature } },
      'VOTE_SIGNATURE',
    ],
    [
      'an extension with changed content',
      { type: 'vote', vote, extension: { ...extension, payload: { ...at, content: new Uint8Array(4) } } },
      'VOTE_SIGNATURE',
    ],
    [
      'a proposal with a bad signature',
      {
        type: 'proposal',
        proposal: { ...first.proposal({ ...at, validRound: 0, blockId }), signature: vote.signature },
      },
      'VOTE_SIGNATURE',
    ],
  ];
  for (const [name, message, code] of cases) {
    test(name, () => {
      const { verifier, verified, blamed } = setup();
      verifier.submit('bad', message);
      assert.deepEqual(blamed, [`bad ${code}`]);
      assert.deepEqual(verified, []);
      assert.equal(verifier.submit('good', good), 'queued', 'the true message is still welcome');
      assert.equal(verified.length, 1);
    });
  }
});

test('a relay that spoils an extension costs the validator nothing', () => {
  const engine = slowEngine();
  const { verifier, verified, blamed } = setup(engine, { maxBatchesOut: 1 });
  verifier.submit('other', prevote(second));
  const good = precommit(first, blockId, 3);
  const spoiled = {
    ...good,
    extension: { ...second.extension({ ...at, content: new Uint8Array(3) }), validator: first.id },
  };
  verifier.submit('relay', spoiled);
  verifier.submit('honest', good);
  while (engine.asked.length > 0) engine.asked.shift()?.answer();
  assert.deepEqual(blamed, ['relay VOTE_SIGNATURE']);
  assert.deepEqual(
    verified.map(({ peer }) => peer),
    ['other', 'honest'],
  );
});

test('votes that gather are verified together, and two bad ones that cancel out are both found', () => {
  const engine = slowEngine();
  const { verifier, verified, blamed } = setup(engine, { maxBatchesOut: 1 });
  verifier.submit('start', proposal(first));
  const [a, b] = [prevote(first), prevote(second)];
  assert.ok(a.type === 'vote' && b.type === 'vote');
  const [left, right] = cancellingPair(a.vote.signature, b.vote.signature, 5n);
  verifier.submit('p', withVote(a, { signature: left }));
  verifier.submit('q', withVote(b, { signature: right }));
  verifier.submit('r', prevote(third));
  verifier.submit('s', prevote(fourth));
  assert.equal(engine.asked.length, 1, 'one batch is out, the others gather');
  engine.asked.shift()?.answer();
  assert.equal(engine.asked[0]?.size, 4, 'equal messages are one question');
  engine.asked.shift()?.answer();
  assert.deepEqual(blamed.sort(), ['p VOTE_SIGNATURE', 'q VOTE_SIGNATURE']);
  assert.deepEqual(
    verified.map(({ peer }) => peer),
    ['start', 'r', 's'],
  );
});

test('the same message from many peers is verified once, whoever is first', () => {
  const engine = slowEngine();
  const { verifier, verified } = setup(engine, { maxBatchesOut: 1 });
  const vote = prevote(first);
  for (const peer of ['a', 'b', 'c']) verifier.submit(peer, vote);
  assert.equal(verifier.submit('d', vote), 'duplicate', 'it is with the engine');
  while (engine.asked.length > 0) engine.asked.shift()?.answer();
  assert.equal(verified.length, 1);
  assert.equal(verifier.submit('e', vote), 'duplicate');
});

test('a copy behind a flood does not delay the original', () => {
  const engine = slowEngine();
  const { verifier, verified } = setup(engine, { maxBatchesOut: 1, maxBatch: 8, maxBatchPerPeer: 4 });
  verifier.submit('start', proposal(first));
  for (let round = 1; round <= 20; round++)
    verifier.submit('flood', withVote(prevote(first, blockId, round), { signature: blockId }));
  const vote = prevote(second);
  verifier.submit('flood', vote);
  verifier.submit('honest', vote);
  engine.asked.shift()?.answer();
  for (const question of engine.asked.splice(0)) question.answer();
  assert.deepEqual(
    verified.map(({ peer }) => peer),
    ['start', 'honest'],
  );
});

test('what the engine cannot tell is not handed on, not blamed, and may come again', () => {
  let isBroken = true;
  const engine: SignatureEngine = {
    findInvalid: (entries, message, done) => {
      done(isBroken ? undefined : bls.findInvalid(entries, message));
    },
  };
  const { verifier, verified, blamed } = setup(engine);
  assert.equal(verifier.submit('p', precommit(first)), 'queued');
  assert.deepEqual([verified, blamed], [[], []]);
  isBroken = false;
  assert.equal(verifier.submit('p', precommit(first)), 'queued');
  assert.equal(verified.length, 1);
});

test('of a slot two statements are handed on: that is a contradiction, and more is noise', () => {
  const { verifier, verified } = setup();
  const ids = [1, 2, 3, 4].map((byte) => new Uint8Array(32).fill(byte));
  const arrivals = ids.map((id) => verifier.submit('p', prevote(first, id)));
  assert.deepEqual(arrivals, ['queued', 'queued', 'duplicate', 'duplicate']);
  assert.equal(verified.length, 2);
  assert.equal(verifier.submit('p', prevote(first, blockId, 1)), 'queued', 'another round');
  assert.equal(verifier.submit('p', precommit(first, otherId)), 'queued', 'another kind');
  assert.equal(verifier.submit('p', precommit(first, otherId, 5)), 'queued', 'another extension');
});

test('what is remembered of a validator is bounded', () => {
  const { verifier, verified } = setup(synchronousEngine(bls), { maxSlots: 2 });
  for (const round of [0, 1, 2]) verifier.submit('p', prevote(first, blockId, round));
  assert.equal(verifier.submit('p', prevote(first, blockId, 2)), 'duplicate');
  assert.equal(verifier.submit('p', prevote(first, blockId, 0)), 'queued', 'forgotten, and verified again');
  assert.equal(verified.length, 4);
});

test('heights that are not open are left alone, and what is closed in flight goes nowhere', () => {
  const engine = slowEngine();
  const { verifier, verified, blamed } = setup(engine, { maxBatchesOut: 1 });
  assert.equal(
    verifier.submit('p', { type: 'vote', vote: first.vote(PREVOTE, { ...at, height: 8, blockId }) }),
    'not-open',
  );
  verifier.submit('p', prevote(first));
  verifier.submit('p', prevote(second));
  assert.equal(verifier.waiting, 1);
  verifier.close(HEIGHT);
  assert.equal(verifier.waiting, 0);
  verifier.open(HEIGHT, committee, TEST_CHAIN);
  engine.asked.shift()?.answer();
  assert.deepEqual([verified, blamed], [[], []]);
  verifier.submit('p', prevote(third));
  engine.asked.shift()?.answer();
  assert.equal(verified.length, 1);
});

test('a peer has its bound and can be forgotten', () => {
  const engine = slowEngine();
  const { verifier } = setup(engine, { maxBatchesOut: 1, maxWaitingPerPeer: 3 });
  verifier.submit('start', proposal(first));
  const arrivals = [1, 2, 3, 4].map((round) => verifier.submit('p', prevote(first, blockId, round)));
  assert.deepEqual(arrivals, ['queued', 'queued', 'queued', 'full']);
  assert.equal(verifier.submit('q', prevote(first, blockId, 4)), 'queued');
  verifier.forgetPeer('p');
  assert.equal(verifier.waiting, 1);
});

test('handlers may submit and close from within, without recursion', () => {
  const seen: ConsensusMessage[] = [];
  const verifier: VoteVerifier = new VoteVerifier(synchronousEngine(bls), {
    onVerified: (message) => {
      seen.push(message);
      if (seen.length < 100) verifier.submit('p', prevote(first, blockId, seen.length));
      else verifier.close(HEIGHT);
    },
    onInvalid: () => assert.fail('nothing bad was sent'),
  });
  verifier.open(HEIGHT, committee, TEST_CHAIN);
  verifier.submit('p', prevote(first, blockId, 0));
  assert.equal(seen.length, 100);
});

test('in whatever order messages and answers come, exactly the good ones are handed on, each once', () => {
  const good = members.flatMap((by) => [0, 1, 2].map((round) => prevote(by, blockId, round)));
  const more = members.map((by) => precommit(by, blockId, 2));
  const [spare] = more;
  assert.ok(spare?.extension);
  const { extension: copied } = spare;
  const { signature } = copied;
  const bad = [
    ...good.map((message) => withVote(message, { signature })),
    ...more
      .slice(1)
      .map(({ type, vote }) => ({ type, vote, extension: { ...copied, validator: vote.validator } })),
  ];
  const isGood = new Set<ConsensusMessage>([...good, ...more]);
  const truth = new Map<string, readonly number[]>();
  for (let seed = 1; seed <= 30; seed++) {
    const prng = createPrng(seed);
    const answers: (() => void)[] = [];
    const engine: SignatureEngine = {
      findInvalid: (entries, message, done) => {
        const name = [message, ...entries.flatMap(({ key, signature: by }) => [key.bytes, by])].join();
        const invalid = truth.get(name) ?? bls.findInvalid(entries, message);
        truth.set(name, invalid);
        answers.push(() => {
          done(prng.chance(1, 10) ? undefined : invalid);
        });
      },
    };
    const { verifier, verified, blamed } = setup(engine, { maxBatch: 5, maxBatchPerPeer: 2 });
    const answer = (): void => {
      answers.splice(prng.below(answers.length), 1)[0]?.();
    };
    for (let i = 0; i < 150; i++) {
      const [source, peer] = prng.chance(1, 2)
        ? [bad, 'liar']
        : [[...good, ...more], prng.pick(['a', 'b', 'c'])];
      verifier.submit(peer, prng.pick(source));
      if (prng.chance(1, 2)) answer();
    }
    while (answers.length > 0) answer();
    for (const message of isGood) {
      for (let tries = 0; tries < 20 && verifier.submit('a', message) !== 'duplicate'; tries++) {
        while (answers.length > 0) answer();
      }
    }
    assert.ok(
      verified.every(({ message, peer }) => isGood.has(message) && peer !== 'liar'),
      `seed ${seed}`,
    );
    assert.equal(new Set(verified.map(({ message }) => message)).size, verified.length, `seed ${seed}`);
    assert.equal(verified.length, good.length + more.length, `seed ${seed}`);
    assert.ok(blamed.length > 0 && blamed.every((line) => line === 'liar VOTE_SIGNATURE'), `seed ${seed}`);
    assert.equal(verifier.waiting, 0);
  }
});

test('a vote that was forgotten is verified and handed on once more', () => {
  const { verifier, verified } = setup();
  const vote = prevote(first);
  assert.equal(verifier.submit('a', vote), 'queued');
  assert.equal(verifier.submit('b', vote), 'duplicate');
  verifier.forget(vote);
  assert.equal(verifier.submit('b', vote), 'queued');
  assert.deepEqual(
    verified.map(({ peer }) => peer),
    ['a', 'b'],
  );
});
