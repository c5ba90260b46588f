import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { MultiaddrConnection } from '@libp2p/interface';
import { multiaddr } from '@multiformats/multiaddr';
import { connectionGate } from '../../../p2p/gate.js';

/** A gate for two connections at once and one more each second, on a clock that is set by hand. */
function gate() {
  const clock = { nowMs: 0 };
  const gater = connectionGate({
    limits: { maxPeers: 8, maxPerAddress: 8, maxPerPeer: 2, newPerAddress: { perSecond: 1, burst: 2 } },
    isStatic: () => false,
    isBanned: () => false,
    connections: () => [],
    clock: { nowMs: () => clock.nowMs },
  });
  const letsIn = (address: string): boolean => {
    const connection = { remoteAddr: multiaddr(address) } as MultiaddrConnection;
    return gater.denyInboundConnection?.(connection) === false;
  };
  return { clock, letsIn };
}

describe('new connections', () => {
  test('of one address are let in as often as its rate allows, whatever their port', () => {
    const { clock, letsIn } = gate();
    const come = (): boolean[] => [1, 2, 3].map((port) => letsIn(`/ip4/198.18.0.1/tcp/${port}`));
    assert.deepEqual(come(), [true, true, false]);
    assert.ok(letsIn('/ip4/198.18.0.2/tcp/1'));
    clock.nowMs = 1_000;
    assert.deepEqual(come(), [true, false, false]);
    clock.nowMs = 60_000;
    assert.deepEqual(come(), [true, true, false]);
  });

  test('of one /64 count together', () => {
    const { letsIn } = gate();
    const come = (host: string): boolean => letsIn(`/ip6/2001:470:1:1::${host}/tcp/1`);
    assert.deepEqual(['1', '2', '3'].map(come), [true, true, false]);
    assert.ok(letsIn('/ip6/2001:470:1:2::1/tcp/1'));
  });

  test('of ever other addresses are remembered boundedly, those that came last longest', () => {
    const { letsIn } = gate();
    const exhaust = (): boolean[] => [1, 2, 3].map((port) => letsIn(`/ip4/198.18.0.1/tcp/${port}`));
    const others = (count: number): void => {
      for (let i = 0; i < count; i++) letsIn(`/ip4/198.19.${i >> 8}.${i & 255}/tcp/1`);
    };
    assert.deepEqual(exhaust(), [true, true, false]);
    others(1_023);
    assert.deepEqual(exhaust(), [false, false, false]);
    others(1_024);
    assert.deepEqual(exhaust(), [true, true, false]);
  });
});
