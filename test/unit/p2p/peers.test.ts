import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressGroup } from '../../../p2p/addresses.js';
import { Conduct } from '../../../p2p/conduct.js';
import type { Clock } from '../../../p2p/clock.js';
import { P2pError } from '../../../p2p/errors.js';
import { Outbox } from '../../../p2p/outbox.js';
import { StaticPeers } from '../../../p2p/static-peers.js';
import { TokenBucket } from '../../../p2p/token-bucket.js';

const MINUTE_MS = 60_000;

test('one impossible message bans, for longer each time, and bans expire', () => {
  let nowMs = 0;
  const conduct = new Conduct({ nowMs: () => nowMs });
  const impossible = new P2pError('FRAME_TOO_LONG', 'test');
  assert.equal(conduct.blame('a', impossible, false), true);
  assert.equal(conduct.banLeftMs('a'), 10 * MINUTE_MS);
  nowMs = 10 * MINUTE_MS;
  assert.equal(conduct.isBanned('a'), false);
  conduct.blame('a', impossible, false);
  assert.equal(conduct.banLeftMs('a'), 20 * MINUTE_MS);
  assert.equal(conduct.isBanned('b'), false);
  conduct.blame('named', impossible, true);
  assert.equal(conduct.banLeftMs('named'), 30_000);
});

test('misfortunes ban only as a habit, and are forgotten', () => {
  let nowMs = 0;
  const conduct = new Conduct({ nowMs: () => nowMs });
  const slow = new P2pError('LINK_STALLED', 'test');
  for (let i = 0; i < 30; i++) {
    assert.equal(conduct.blame('rarely', slow, false), false);
    nowMs += 20 * MINUTE_MS;
  }
  const verdicts = Array.from({ length: 10 }, () => conduct.blame('often', slow, false));
  assert.deepEqual(verdicts.indexOf(true), 9);
});

test('who is remembered is bounded', () => {
  const conduct = new Conduct({ nowMs: () => 0 });
  for (let i = 0; i < 5000; i++) conduct.blame(`peer ${i}`, new P2pError('FRAME_TOO_LONG', 'test'), false);
  assert.equal(conduct.size, 4096);
  assert.deepEqual([conduct.isBanned('peer 0'), conduct.isBanned('peer 4999')], [false, true]);
});

test('votes overtake blocks, and the oldest of a lane make way', () => {
  const outbox = new Outbox({ maxCount: 3, maxBytes: 50_000 });
  const large = (mark: number): Uint8Array => new Uint8Array(20_000).fill(mark);
  for (const mark of [1, 2, 3]) outbox.push(large(mark));
  for (const mark of [4, 5, 6, 7]) outbox.push(Uint8Array.of(mark));
  assert.deepEqual([outbox.count, outbox.bytes, outbox.dropped], [5, 40_003, 2]);
  const order = Array.from({ length: 6 }, () => outbox.shift()?.[0]);
  assert.deepEqual(order, [5, 6, 7, 2, 3, undefined]);
  outbox.push(new Uint8Array(90_000));
  assert.equal(outbox.count, 1);
});

test('a rate allows its burst at once and its pace for ever', () => {
  let nowMs = 0;
  const bucket = new TokenBucket({ perSecond: 10, burst: 5 }, { nowMs: () => nowMs });
  assert.deepEqual([bucket.take(5), bucket.take(1)], [true, false]);
  nowMs = 100;
  assert.deepEqual([bucket.take(1), bucket.take(1)], [true, false]);
  nowMs = 1_000_000;
  assert.deepEqual([bucket.take(6), bucket.take(5)], [false, true]);
});

test('connections are counted by IPv4 address and by IPv6 /64', () => {
  assert.equal(addressGroup('/ip4/10.0.0.1/tcp/5'), addressGroup('/ip4/10.0.0.1/tcp/6'));
  assert.notEqual(addressGroup('/ip4/10.0.0.1/tcp/5'), addressGroup('/ip4/10.0.0.2/tcp/5'));
  assert.equal(addressGroup('/ip6/2001:db8::1/tcp/5'), addressGroup('/ip6/2001:db8:0:0:9::2/tcp/5'));
  assert.notEqual(addressGroup('/ip6/2001:db8:0:1::1/tcp/5'), addressGroup('/ip6/2001:db8::1/tcp/5'));
  assert.equal(addressGroup('/ip6/::1/tcp/5'), 'ip6/0:0:0:0');
});

test('static peers are dialled ever less often, and never while they are banned', async () => {
  const delays: number[] = [];
  let due: (() => void) | undefined;
  const clock: Clock = {
    nowMs: () => 0,
    setTimer: (delayMs, run) => {
      delays.push(delayMs);
      due = run;
      return { cancel: () => undefined };
    },
  };
  let dials = 0;
  let waitMs = 0;
  const peers = new StaticPeers({
    peers: [{ id: 'a', address: '/ip4/127.0.0.1/tcp/1/p2p/a' }],
    clock,
    dial: () => {
      dials++;
      return Promise.reject(new Error('nobody there'));
    },
    isConnected: () => false,
    waitMs: () => waitMs,
    minBackoffMs: 10,
    maxBackoffMs: 40,
  });
  peers.start();
  for (let i = 0; i < 4; i++) {
    await new Promise(setImmediate);
    due?.();
  }
  await new Promise(setImmediate);
  assert.deepEqual([dials, delays], [5, [10, 20, 40, 40, 40]]);
  peers.admitted('a');
  waitMs = 30_000;
  peers.lost('a');
  peers.lost('stranger');
  assert.deepEqual(delays.slice(5), [30_000]);
});
