import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { compareBytes, fromHex, toHex } from '../../../protocol/bytes.js';
import { InvariantError } from '../../../protocol/invariant.js';
import { rankValidator, topValidators, unrankValidator } from '../../../state/queues/ranking.js';
import { STATE_KEYS } from '../../../state/store/keys.js';
import { CountedState } from '../../support/counted-state.js';
import { createPrng } from '../../support/prng.js';

const addressOf = (n: number): Uint8Array => fromHex(`0x${n.toString(16).padStart(40, '0')}`);
const MAX_STAKE_WEI = (1n << 128n) - 1n;

describe('the ranking of validators', () => {
  test('is by stake, most first, then by address, smallest first', () => {
    const state = new CountedState();
    const order = [
      { address: addressOf(9), stakeWei: MAX_STAKE_WEI },
      { address: addressOf(3), stakeWei: 1n << 64n },
      { address: addressOf(1), stakeWei: (1n << 64n) - 1n },
      { address: addressOf(2), stakeWei: 7n },
      { address: addressOf(256), stakeWei: 7n },
      { address: addressOf(0), stakeWei: 0n },
    ];
    state.block((overlay) => {
      for (const { address, stakeWei } of order.toReversed()) rankValidator(overlay, address, stakeWei);
    });
    for (let count = 0; count < 8; count++) {
      assert.deepEqual(topValidators(state, count), order.slice(0, count));
    }
  });

  test('moves who gains or loses stake, and forgets who leaves', () => {
    const state = new CountedState();
    const [a, b, c] = [addressOf(1), addressOf(2), addressOf(3)];
    state.block((overlay) => {
      rankValidator(overlay, a, 10n);
      rankValidator(overlay, b, 20n);
      rankValidator(overlay, c, 30n);
      rankValidator(overlay, a, 40n);
      rankValidator(overlay, c, 5n);
      assert.equal(unrankValidator(overlay, b), true);
      assert.equal(unrankValidator(overlay, b), false);
    });
    assert.deepEqual(topValidators(state, 9), [
      { address: a, stakeWei: 40n },
      { address: c, stakeWei: 5n },
    ]);
    state.block((overlay) => {
      unrankValidator(overlay, a);
      unrankValidator(overlay, c);
    });
    assert.equal(state.size, 0);
  });

  test('keeps the entries of the specification', () => {
    const state = new CountedState();
    const address = fromHex(`0x${'ab'.repeat(20)}`);
    state.block((overlay) => rankValidator(overlay, address, 0x0102n));
    const name = '0a76616c696461746f7273';
    assert.deepEqual(state.dump(), [
      `0x686561702f${name}00000000 = 0x${'ff'.repeat(14)}fefd${'ab'.repeat(20)}`,
      `0x68706c632f${name}00 = 0x00000001`,
      `0x68706c632f${name}14${'ab'.repeat(20)} = 0x00000000`,
    ]);
  });

  test('agrees with a sorted list, at the cost of who is asked for', () => {
    const prng = createPrng(7);
    const state = new CountedState();
    const stakes = new Map<string, bigint>();
    for (let block = 0; block < 60; block++) {
      state.block((overlay) => {
        for (let step = 0; step < 40; step++) {
          const address = addressOf(prng.below(500));
          if (prng.chance(1, 4)) {
            assert.equal(unrankValidator(overlay, address), stakes.delete(toHex(address)));
          } else {
            const stakeWei = prng.bigint(prng.pick([2, 64, 128]));
            rankValidator(overlay, address, stakeWei);
            stakes.set(toHex(address), stakeWei);
          }
        }
      });
      const sorted = [...stakes]
        .map(([text, stakeWei]) => ({ address: fromHex(text), stakeWei }))
        .sort((a, b) =>
          a.stakeWei === b.stakeWei ? compareBytes(a.address, b.address) : a.stakeWei < b.stakeWei ? 1 : -1,
        );
      const count = prng.below(sorted.length + 2);
      const reads = state.countReads(() => {
        assert.deepEqual(topValidators(state, count), sorted.slice(0, count));
      });
      assert.ok(reads <= 8 * count + 1);
    }
    assert.ok(stakes.size > 200);
  });

  test('refuses what is no address and no stake, and an item that is neither', () => {
    const state = new CountedState();
    const rank = (length: number, stakeWei: bigint) => (): unknown =>
      state.block((overlay) => rankValidator(overlay, new Uint8Array(length), stakeWei));
    for (const run of [rank(19, 1n), rank(21, 1n), rank(20, -1n), rank(20, MAX_STAKE_WEI + 1n)]) {
      assert.throws(run, InvariantError);
    }
    state.set(STATE_KEYS.heapItem.encode('validators', 0), new Uint8Array(16 + 19));
    state.set(STATE_KEYS.heapPlace.encode('validators', new Uint8Array(0)), fromHex('0x00000001'));
    assert.throws(() => topValidators(state, 1), { code: 'QUEUE_CORRUPT' });
  });
});
