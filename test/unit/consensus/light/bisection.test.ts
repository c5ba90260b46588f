import assert from 'node:assert/strict';
import { test } from 'node:test';
import { verifyToHeight, type BisectionOptions } from '../../../../consensus/light/bisection.js';
import { LightError } from '../../../../consensus/light/errors.js';
import { trustGenesis } from '../../../../consensus/light/trust.js';
import type { LightBlock } from '../../../../consensus/light/verify.js';
import { committeeOf, TEST_CHAIN, TestMember } from '../../../support/committee.js';
import { LIGHT_BLOCK_MS, LIGHT_START_MS, LightChain, possessionOf } from '../../../support/light-chain.js';

const people = Array.from({ length: 12 }, (_, i) => new TestMember(i + 1));

/** One of four is replaced every ten heights. */
const membersAt = (height: number): readonly TestMember[] => {
  const start = Math.min(8, Math.floor(height / 10));
  return people.slice(start, start + 4);
};
const chain = new LightChain(membersAt);
const genesis = trustGenesis(
  LIGHT_START_MS,
  committeeOf(membersAt(1)).committee.set,
  membersAt(1).map(possessionOf),
);
const nowMs = LIGHT_START_MS + 200 * LIGHT_BLOCK_MS;
const options: BisectionOptions = {
  chainAt: () => TEST_CHAIN,
  trustingPeriodMs: 3_600_000,
  maxClockDriftMs: 10_000,
};

function server(serve: (height: number) => LightBlock = (height) => chain.block(height)): {
  fetched: number[];
  fetch: (height: number) => Promise<LightBlock>;
} {
  const fetched: number[] = [];
  return {
    fetched,
    fetch: (height) => {
      fetched.push(height);
      return Promise.resolve(serve(height));
    },
  };
}

const codeOfRejection = (promise: Promise<unknown>): Promise<LightError['code'] | 'none'> =>
  promise.then(
    () => 'none' as const,
    (error: unknown) => {
      assert.ok(error instanceof LightError, String(error));
      return error.code;
    },
  );

test('one header is enough while the validators stay', async () => {
  const { fetch, fetched } = server();
  const trusted = await verifyToHeight(genesis, 9, fetch, nowMs, options);
  assert.equal(trusted.header.height, 9);
  assert.deepEqual(fetched, [9]);
});

test('over many changes of the set as few headers as they need, each asked for once', async () => {
  const { fetch, fetched } = server();
  const trusted = await verifyToHeight(genesis, 90, fetch, nowMs, options);
  assert.deepEqual(trusted.nextCommittee.set, committeeOf(membersAt(91)).committee.set);
  assert.deepEqual(fetched, [90, 45, 22, 67]);
  const further = server();
  assert.equal((await verifyToHeight(trusted, 91, further.fetch, nowMs, options)).height, 91);
  assert.deepEqual(further.fetched, [91]);
});

test('a set replaced as a whole between two heights is followed through the height between', async () => {
  const replaced = new LightChain((height) => (height <= 50 ? people.slice(0, 4) : people.slice(6, 10)));
  const { fetch, fetched } = server((height) => replaced.block(height));
  assert.equal((await verifyToHeight(genesis, 100, fetch, nowMs, options)).height, 100);
  assert.ok(fetched.includes(50) || fetched.includes(51), fetched.join());
});

test('a lie on the way is fatal', async () => {
  const stranger = new LightChain(() => people.slice(8, 12));
  const { fetch } = server((height) => (height === 90 ? chain.block(90) : stranger.block(height)));
  assert.equal(
    await codeOfRejection(verifyToHeight(genesis, 90, fetch, nowMs, options)),
    'LIGHT_SET_UNEXPECTED',
  );
});

test('steps are bounded, and a server answers what it was asked', async () => {
  const { fetch, fetched } = server();
  const bounded = { ...options, maxSteps: 3 };
  assert.equal(
    await codeOfRejection(verifyToHeight(genesis, 90, fetch, nowMs, bounded)),
    'LIGHT_TOO_MANY_STEPS',
  );
  assert.equal(fetched.length, 3);
  const other = server(() => chain.block(8));
  assert.equal(
    await codeOfRejection(verifyToHeight(genesis, 9, other.fetch, nowMs, options)),
    'LIGHT_HEIGHT',
  );
  assert.equal(await codeOfRejection(verifyToHeight(genesis, 0, fetch, nowMs, options)), 'LIGHT_HEIGHT');
});

test('what a server fails with comes through', async () => {
  const failure = new Error('connection lost');
  await assert.rejects(
    verifyToHeight(genesis, 9, () => Promise.reject(failure), nowMs, options),
    failure,
  );
});
