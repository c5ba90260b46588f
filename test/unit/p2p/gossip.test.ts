import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Judging, type Verdict } from '../../../p2p/gossip/judging.js';
import { MessageCache } from '../../../p2p/gossip/message-cache.js';
import { RpcMeter } from '../../../p2p/gossip/rpc-meter.js';
import { transactionBatchCodec, TransactionBatches } from '../../../p2p/gossip/transaction-batches.js';
import { concatBytes, toHex } from '../../../protocol/bytes.js';
import { codeOf } from '../../support/error-code.js';
import { nextTick } from '../../support/next-tick.js';
import { encodeRpc, varint } from '../../support/p2p.js';
import { HandClock } from '../../support/hand-clock.js';
import { createPrng } from '../../support/prng.js';

const topic = 'topic';

test('what is in a stream is counted the same, however it is cut', () => {
  const data = createPrng(1).bytes(300);
  const stream = concatBytes(
    encodeRpc({ subscriptions: [{ topic, subscribe: true }], messages: [] }),
    encodeRpc({
      subscriptions: [],
      messages: [
        { topic, data },
        { topic, data },
      ],
    }),
    varint(0),
    encodeRpc({ subscriptions: [], messages: [], control: control(['a'], 5) }),
  );
  for (const size of [1, 2, 3, 7, 100, stream.length]) {
    const meter = new RpcMeter(1000);
    let count = 0;
    for (let at = 0; at < stream.length; at += size) count += meter.push(stream.subarray(at, at + size));
    // Four RPCs with one, two, no and one field.
    assert.equal(count, 8, `in pieces of ${size}`);
  }
});

function control(
  ids: readonly string[],
  times: number,
): NonNullable<Parameters<typeof encodeRpc>[0]['control']> {
  const messageIDs = Array.from({ length: times }, () => Buffer.from(ids[0] ?? ''));
  return { ihave: [{ topicID: topic, messageIDs }], iwant: [], graft: [], prune: [], idontwant: [] };
}

test('what no RPC is made of is refused at its first byte', () => {
  const cases: readonly (readonly [string, Uint8Array, string])[] = [
    ['too long', varint(1001), 'FRAME_TOO_LONG'],
    ['a length without end', new Uint8Array(6).fill(0xff), 'FRAME_MALFORMED'],
    ['a number in the place of a field', Uint8Array.of(2, 0x08, 1), 'FRAME_MALFORMED'],
    ['a field longer than its RPC', Uint8Array.of(3, 0x12, 2, 0, 0), 'FRAME_MALFORMED'],
    ['an RPC that ends in a tag', Uint8Array.of(1, 0x12, 1), 'FRAME_MALFORMED'],
    ['an RPC that ends in a length', Uint8Array.of(2, 0x12, 0x80), 'FRAME_MALFORMED'],
  ];
  for (const [what, bytes, code] of cases) {
    assert.equal(
      codeOf(() => new RpcMeter(1000).push(bytes)),
      code,
      what,
    );
  }
  assert.equal(new RpcMeter(1000).push(Uint8Array.of(2, 0x12, 0, 2, 0x12, 0)), 4);
});

test('any bytes are counted or refused, and never more is counted than there are bytes', () => {
  const prng = createPrng(7);
  const codes = new Set<string>();
  for (let i = 0; i < 3000; i++) {
    const bytes = prng.bytes(1 + prng.below(40));
    const meter = new RpcMeter(prng.below(2000));
    codes.add(codeOf(() => assert.ok(meter.push(bytes) <= bytes.length)));
  }
  assert.deepEqual([...codes].sort(), ['FRAME_MALFORMED', 'FRAME_TOO_LONG', 'none']);
});

const LIMITS = { maxBytes: 1000, maxCount: 5, maxGivenBytes: 250, maxGivenCount: 3, maxToldIds: 2 };

function cacheOf(count: number, bytes: number): MessageCache {
  const cache = new MessageCache(LIMITS, toHex, 2, 1);
  for (let i = 0; i < count; i++) put(cache, i, bytes);
  return cache;
}

function put(cache: MessageCache, mark: number, bytes: number, isValid = true): string {
  const msgId = Uint8Array.of(mark);
  const msgIdStr = toHex(msgId);
  cache.put({ msgId, msgIdStr }, { topic, data: new Uint8Array(bytes).fill(mark) }, isValid);
  return msgIdStr;
}

test('the cache is bounded in messages and bytes, and the oldest go', () => {
  assert.deepEqual([...cacheOf(9, 10).msgs.keys()], ['0x04', '0x05', '0x06', '0x07', '0x08']);
  const large = cacheOf(4, 400);
  assert.deepEqual([...large.msgs.keys(), large.bytes], ['0x02', '0x03', 800]);
  put(large, 9, 3000);
  assert.deepEqual([large.size, large.bytes], [0, 0]);
  const old = cacheOf(2, 10);
  old.shift();
  put(old, 5, 10);
  old.shift();
  assert.deepEqual([...old.msgs.keys(), old.bytes], ['0x05', 10]);
});

test('one peer is given and told so much in a heartbeat, and nothing that was not judged', () => {
  const cache = cacheOf(5, 100);
  const given = (peer: string): boolean[] =>
    [0, 1, 2, 3].map((mark) => cache.getWithIWantCount(toHex(Uint8Array.of(mark)), peer) !== null);
  assert.deepEqual(given('a'), [true, true, false, false]);
  assert.deepEqual(given('b'), [true, true, false, false]);
  cache.shift();
  assert.deepEqual(given('a'), [true, true, false, false]);
  const large = cacheOf(2, 400);
  assert.ok(large.getWithIWantCount('0x00', 'a'), 'one that is larger than all that may be given');
  const unjudged = put(large, 7, 1, false);
  assert.equal(large.getWithIWantCount(unjudged, 'c'), null);
  assert.deepEqual(
    cacheOf(5, 10).getGossipIDs(new Set([topic])),
    new Map([[topic, [Uint8Array.of(4), Uint8Array.of(3)]]]),
  );
});

test('who sent a message while it was judged is not sent it', () => {
  const cache = cacheOf(0, 0);
  const name = put(cache, 1, 10, false);
  cache.observeDuplicate(name, 'a');
  assert.deepEqual(cache.validate(name)?.originatingPeers, new Set(['a']));
  cache.observeDuplicate(name, 'b');
  assert.deepEqual(cache.validate(name)?.originatingPeers, new Set());
  assert.deepEqual([cache.remove(name)?.message.topic, cache.remove(name), cache.bytes], [topic, null, 0]);
});

test('a few are judged at a time, few wait, and no peer takes all places', async () => {
  const judging = new Judging({ maxRunning: 1, maxWaiting: 3, maxWaitingOfPeer: 2 });
  const open: ((verdict: Verdict) => void)[] = [];
  const verdicts: string[] = [];
  const submit = (peer: string): boolean =>
    judging.submit(
      peer,
      () => new Promise((resolve) => open.push(resolve)),
      (verdict) => verdicts.push(`${peer} ${verdict}`),
    );
  assert.deepEqual(['a', 'a', 'a', 'a', 'b', 'c'].map(submit), [true, true, true, false, true, false]);
  assert.deepEqual(verdicts, ['a ignore', 'c ignore']);
  for (let i = 0; i < 4; i++) {
    assert.equal(open.length, i + 1);
    open[i]?.('accept');
    await nextTick();
  }
  assert.deepEqual(verdicts.slice(2), ['a accept', 'a accept', 'a accept', 'b accept']);
  assert.equal(judging.count, 0);
  judging.submit(
    'a',
    () => Promise.reject(new Error('of the test')),
    (verdict) => verdicts.push(verdict),
  );
  await nextTick();
  assert.deepEqual([verdicts.at(-1), judging.count], ['ignore', 0]);
});

test('in a flood batches wait longer for company, and after it no longer', () => {
  const clock = new HandClock();
  const sentMs: number[] = [];
  const writer = new TransactionBatches(
    { nowMs: () => clock.nowMs, setTimer: (...timer) => clock.setTimer(...timer) },
    20,
    () => sentMs.push(clock.nowMs - startMs),
  );
  const startMs = clock.nowMs;
  for (const count of [8, 7, 1]) {
    writer.add(Array.from({ length: count }, () => new Uint8Array(10)));
    clock.fireNext();
  }
  assert.deepEqual(sentMs, [0, 60, 80]);
  writer.stop();
});

test('a transaction alone goes at once, more go together, and a batch has its bounds', () => {
  const clock = new HandClock();
  const batches: Uint8Array[][] = [];
  const writer = new TransactionBatches(
    { nowMs: () => clock.nowMs, setTimer: (...timer) => clock.setTimer(...timer) },
    20,
    (batch) => {
      batches.push(transactionBatchCodec.decode(batch));
    },
  );
  const startMs = clock.nowMs;
  writer.add([Uint8Array.of(1)]);
  clock.fireNext();
  assert.deepEqual([batches, clock.nowMs], [[[Uint8Array.of(1)]], startMs]);
  writer.add([Uint8Array.of(2)]);
  writer.add([Uint8Array.of(3)]);
  clock.fireNext();
  assert.deepEqual([batches[1], clock.nowMs], [[Uint8Array.of(2), Uint8Array.of(3)], startMs + 20]);
  batches.length = 0;
  writer.add(Array.from({ length: 600 }, () => new Uint8Array(10)));
  assert.equal(batches.length, 1);
  clock.fireNext();
  writer.add(Array.from({ length: 3 }, () => new Uint8Array(30_000)));
  clock.fireNext();
  writer.add([new Uint8Array(131_072)]);
  clock.fireNext();
  assert.deepEqual(
    batches.map(({ length }) => length),
    [512, 88, 2, 1, 1],
  );
  writer.add([Uint8Array.of(1)]);
  writer.stop();
  assert.equal(clock.timers.size, 0);
});
