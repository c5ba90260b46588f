import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { WEI_PER_OGPU } from '../../../protocol/amounts.js';
import { OgpuError } from '../../../protocol/errors.js';
import type { RecoveredTransaction } from '../../../node/mempool/entry.js';
import type { Mempool } from '../../../node/mempool/mempool.js';
import { GWEI } from '../../support/ledger.js';
import { fundedLedger, person, poolOn, sentBy } from '../../support/mempool.js';

/** The code of the refusal and its data, or undefined. */
function offer(pool: Mempool, recovered: RecoveredTransaction): OgpuError | undefined {
  try {
    pool.add(recovered, 'peer');
    return undefined;
  } catch (error) {
    assert.ok(error instanceof OgpuError, String(error));
    return error;
  }
}

const KILOBYTES = (count: number): Pick<RecoveredTransaction['transaction'], 'data' | 'gasLimit'> => ({
  data: new Uint8Array(1024 * count),
  gasLimit: 21_000n + 4n * 1024n * BigInt(count),
});

describe('floods', () => {
  test('one sender with many nonces has its bound, and takes no room from others', () => {
    const { pool } = poolOn(fundedLedger(1, 1_000n * WEI_PER_OGPU), { config: { maxSenderCount: 50 } });
    const codes = Array.from(
      { length: 500 },
      (_, i) => offer(pool, sentBy(person(0), { nonce: BigInt(i) }))?.code,
    );
    assert.equal(pool.stats().count, 50);
    assert.deepEqual(new Set(codes.slice(50)), new Set(['MEMPOOL_NONCE_TOO_FAR']));
  });

  test('one sender with large transactions has its bound in bytes', () => {
    const { pool } = poolOn(fundedLedger(1, 1_000n * WEI_PER_OGPU));
    const errors = Array.from({ length: 20 }, (_, i) =>
      offer(pool, sentBy(person(0), { nonce: BigInt(i), ...KILOBYTES(120) })),
    );
    assert.ok(pool.stats().sizeBytes <= 1024 * 1024);
    assert.equal(errors.at(-1)?.code, 'MEMPOOL_SENDER_FULL');
    assert.equal(errors.at(-1)?.data['waitForNonce'], 0);
  });

  test('many senders with one each fill the pool and no more; equal prices displace nobody', () => {
    const ledger = fundedLedger(200);
    const { pool } = poolOn(ledger, { config: { maxCount: 100, maxExemptCount: 10 } });
    const errors = Array.from({ length: 200 }, (_, i) => offer(pool, sentBy(person(i))));
    assert.deepEqual([pool.stats().count, pool.stats().evicted], [100, 0]);
    assert.deepEqual(new Set(errors.slice(100).map((error) => error?.code)), new Set(['MEMPOOL_FULL']));
    for (let i = 0; i < 100; i++) assert.equal(pool.pendingNonce(person(i)), 1);
  });

  test('dust does not get in, and the price a full pool names does', () => {
    const { pool } = poolOn(fundedLedger(200), { config: { maxCount: 100, maxExemptCount: 10 } });
    for (let i = 0; i < 100; i++) pool.add(sentBy(person(i), { tipWei: GWEI + BigInt(i) }), 'peer');
    for (let i = 100; i < 150; i++) {
      const dust = { maxFeePerGas: 2n * GWEI, tipWei: 1n };
      const { code, data } = offer(pool, sentBy(person(i), dust)) ?? assert.fail('dust was taken');
      assert.equal(code, 'MEMPOOL_FULL');
      const { requiredMaxPriorityFeePerGas: tip, requiredMaxFeePerGas: cap } = data;
      assert.ok(typeof tip === 'bigint' && typeof cap === 'bigint');
      assert.equal(offer(pool, sentBy(person(i), { maxFeePerGas: cap, tipWei: tip - 1n }))?.code, code);
      assert.equal(offer(pool, sentBy(person(i), { maxFeePerGas: cap - 1n, tipWei: tip }))?.code, code);
      assert.equal(offer(pool, sentBy(person(i), { maxFeePerGas: cap, tipWei: tip })), undefined);
      assert.equal(pool.stats().count, 100);
    }
  });

  test('a large transaction either displaces what pays less, or nothing at all; the price it is told is enough', () => {
    const { pool } = poolOn(fundedLedger(400), {
      config: { maxBytes: 1024 * 1024, maxSenderBytes: 131_072, maxExemptBytes: 1024, maxExemptCount: 1 },
    });
    let i = 0;
    while (i < 300 && pool.stats().sizeBytes < 1024 * 1024 - 5_000)
      pool.add(sentBy(person(i++), { tipWei: GWEI + BigInt(i), ...KILOBYTES(4) }), 'peer');
    const before = pool.stats();
    const large = (tipWei: bigint): RecoveredTransaction =>
      sentBy(person(399), { tipWei, ...KILOBYTES(120) });
    const { code, data } = offer(pool, large(GWEI + 5n)) ?? assert.fail('it was taken');
    assert.equal(code, 'MEMPOOL_FULL');
    assert.deepEqual({ ...pool.stats(), refused: 0 }, { ...before, refused: 0 });
    const tip = data['requiredMaxPriorityFeePerGas'];
    assert.ok(typeof tip === 'bigint');
    assert.equal(offer(pool, large(tip - 1n))?.code, 'MEMPOOL_FULL');
    assert.equal(offer(pool, large(tip)), undefined);
    assert.ok(pool.stats().sizeBytes <= 1024 * 1024);
    for (let person_ = 40; person_ < i; person_++) assert.equal(pool.pendingNonce(person(person_)), 1);
  });

  test('replacements of one nonce end when the money does', () => {
    const { pool } = poolOn(fundedLedger(1));
    let [cap, tip, taken] = [GWEI / 10n, 1n, 0];
    for (;;) {
      const error = offer(pool, sentBy(person(0), { maxFeePerGas: cap, tipWei: tip, value: BigInt(taken) }));
      if (error === undefined) taken++;
      else if (error.code === 'MEMPOOL_REPLACEMENT_UNDERPRICED') {
        [cap, tip] = [error.data['requiredMaxFeePerGas'], error.data['requiredMaxPriorityFeePerGas']] as [
          bigint,
          bigint,
        ];
        continue;
      } else break;
      assert.equal(pool.stats().count, 1);
    }
    assert.ok(taken > 50 && taken < 150, `${taken} replacements`);
  });

  test('a high price behind a low one protects nothing', () => {
    const { pool } = poolOn(fundedLedger(10), { config: { maxCount: 4, maxExemptCount: 1 } });
    pool.add(sentBy(person(0), { tipWei: 1n }), 'peer');
    pool.add(sentBy(person(0), { nonce: 1n, tipWei: 90n * GWEI }), 'peer');
    for (let i = 1; i < 5; i++) pool.add(sentBy(person(i), { tipWei: 10n }), 'peer');
    assert.equal(pool.contentOf(person(0)).pending.length, 0);
    const error = offer(pool, sentBy(person(0), { tipWei: 1n })) ?? assert.fail('it was taken');
    assert.equal(error.data['requiredMaxPriorityFeePerGas'], 11n);
  });

  test('what cannot be included yet displaces nothing that can, at any price, and makes way for it', () => {
    const { pool } = poolOn(fundedLedger(20), { config: { maxCount: 4, maxExemptCount: 1 } });
    for (let i = 0; i < 2; i++) pool.add(sentBy(person(i), { tipWei: 1n }), 'peer');
    for (let i = 2; i < 4; i++) pool.add(sentBy(person(i), { nonce: 3n, tipWei: 90n * GWEI }), 'peer');
    for (let i = 4; i < 6; i++) pool.add(sentBy(person(i), { tipWei: 1n }), 'peer');
    assert.deepEqual([pool.stats().pending, pool.stats().queued], [4, 0]);
    const error = offer(pool, sentBy(person(7), { nonce: 3n, tipWei: 90n * GWEI }));
    assert.deepEqual([error?.code, error?.data['expectedNonce']], ['MEMPOOL_FULL', 0]);
    assert.equal(error?.data['requiredMaxPriorityFeePerGas'], undefined);
  });

  test('eviction takes last nonces only: every run stays whole', () => {
    const { pool } = poolOn(fundedLedger(60, 100n * WEI_PER_OGPU), {
      config: { maxCount: 40, maxExemptCount: 1 },
    });
    for (let i = 0; i < 10; i++)
      for (let nonce = 0n; nonce < 4n; nonce++)
        pool.add(sentBy(person(i), { nonce, tipWei: 100n - 20n * nonce + BigInt(i) }), 'peer');
    for (let i = 10; i < 40; i++) {
      pool.add(sentBy(person(i), { tipWei: 1_000n }), 'peer');
      assert.equal(pool.stats().queued, 0);
      assert.equal(pool.stats().count, 40);
    }
    for (let i = 0; i < 10; i++) assert.ok(pool.contentOf(person(i)).pending.length <= 1);
  });
});
