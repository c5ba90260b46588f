import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { WEI_PER_OGPU } from '../../../protocol/amounts.js';
import { toHex } from '../../../protocol/bytes.js';
import { OgpuError, type ErrorData } from '../../../protocol/errors.js';
import type { Eip1559Transaction } from '../../../protocol/transactions/types.js';
import { changedAccounts } from '../../../node/mempool/changed-accounts.js';
import { DEFAULT_MEMPOOL_CONFIG } from '../../../node/mempool/config.js';
import { effectiveTipWei, pricesOf } from '../../../node/mempool/entry.js';
import type { Mempool } from '../../../node/mempool/mempool.js';
import type { RecoveredTransaction, Source } from '../../../node/mempool/entry.js';
import { effectiveGasPriceWei } from '../../../state/transition/execute-transaction.js';
import { transition } from '../../../state/transition/transition.js';
import { GWEI, nextInput } from '../../support/ledger.js';
import { baseFeeOf, fundedLedger, person, poolOn, sentBy, setBaseFee } from '../../support/mempool.js';
import { createPrng } from '../../support/prng.js';

const [ALICE, BOB, CAROL] = [person(0), person(1), person(2)];

/** The refusal of a transaction. */
function refusal(
  pool: Mempool,
  recovered: RecoveredTransaction,
  source: Source = 'peer',
): { code: string; data: ErrorData } {
  const before = pool.stats();
  try {
    pool.add(recovered, source);
  } catch (error) {
    assert.ok(error instanceof OgpuError, String(error));
    assert.deepEqual({ ...pool.stats(), refused: before.refused }, before);
    return { code: String(error.code), data: error.data };
  }
  return assert.fail('it was taken');
}

function block(
  ledger: ReturnType<typeof fundedLedger>,
  pool: Mempool,
  transactions: RecoveredTransaction[],
): void {
  const { changes } = transition(ledger, nextInput(ledger, { transactions }));
  ledger.apply(changes);
  pool.onBlock({
    state: ledger,
    touched: changedAccounts(changes),
    included: transactions.map(({ hash }) => hash),
  });
}

const hashes = (list: readonly RecoveredTransaction[]): string[] => list.map(({ hash }) => toHex(hash));

describe('a refusal says what to change, and changes nothing', () => {
  const cases: Record<string, [Partial<Eip1559Transaction> & { tipWei?: bigint }, ErrorData]> = {
    TX_CREATION_UNSUPPORTED: [{ to: undefined }, {}],
    TX_CHAIN_ID_WRONG: [{ chainId: 1n }, { expected: 64_782n, received: 1n }],
    TX_NONCE_TOO_LOW: [{ nonce: 4n }, { expected: 5n, received: 4n }],
    MEMPOOL_NONCE_TOO_FAR: [{ nonce: 5n + 128n }, { expected: 5, highest: 132, received: 133n }],
    TX_GAS_LIMIT_BELOW_INTRINSIC: [{ gasLimit: 20_999n }, { gasLimit: 20_999n, required: 21_000n }],
    TX_GAS_LIMIT_ABOVE_BLOCK: [
      { gasLimit: 120_000_001n, maxFeePerGas: GWEI },
      { gasLimit: 120_000_001n, available: 120_000_000 },
    ],
    TX_FEE_CAP_BELOW_BASE_FEE: [
      { maxFeePerGas: GWEI / 10n - 1n, tipWei: 1n },
      { feeCapPerGas: GWEI / 10n - 1n, baseFeeWei: GWEI / 10n },
    ],
    TX_INSUFFICIENT_FUNDS: [
      { value: WEI_PER_OGPU },
      { requiredWei: 21_000n * 100n * GWEI + WEI_PER_OGPU, availableWei: WEI_PER_OGPU },
    ],
    MEMPOOL_UNDERPRICED: [{ tipWei: 0n }, { maxPriorityFeePerGas: 0n, requiredMaxPriorityFeePerGas: 1n }],
    TX_TOO_LARGE: [
      { data: new Uint8Array(131_072), gasLimit: 600_000n },
      { bytes: 131_190, maxBytes: 131_072 },
    ],
  };
  for (const [code, [changes, data]] of Object.entries(cases)) {
    test(code, () => {
      const ledger = fundedLedger(1);
      ledger.setAccount(ALICE, { nonce: 5, balanceWei: WEI_PER_OGPU });
      const { pool } = poolOn(ledger);
      const refused = refusal(pool, sentBy(ALICE, { nonce: 5n, ...changes }));
      assert.equal(refused.code, code);
      if (code !== 'TX_TOO_LARGE') assert.deepEqual(refused.data, data);
      else assert.equal(refused.data['maxBytes'], 131_072);
    });
  }

  test('what is there already', () => {
    const { pool } = poolOn(fundedLedger(1));
    pool.add(sentBy(ALICE), 'peer');
    assert.equal(refusal(pool, sentBy(ALICE)).code, 'MEMPOOL_KNOWN');
  });

  test('an enormous nonce', () => {
    const { pool } = poolOn(fundedLedger(1));
    const { code, data } = refusal(pool, sentBy(ALICE, { nonce: 2n ** 64n - 2n }));
    assert.deepEqual([code, data['expected']], ['MEMPOOL_NONCE_TOO_FAR', 0]);
  });

  test('a balance that does not cover all of a sender’s transactions at once', () => {
    const { pool } = poolOn(fundedLedger(1));
    const value = (6n * WEI_PER_OGPU) / 10n;
    pool.add(sentBy(ALICE, { value }), 'peer');
    const one = 21_000n * 100n * GWEI + value;
    assert.deepEqual(refusal(pool, sentBy(ALICE, { nonce: 1n, value })), {
      code: 'MEMPOOL_OVERDRAFT',
      data: { requiredWei: 2n * one, availableWei: WEI_PER_OGPU, committedWei: one },
    });
    const replacement = sentBy(ALICE, { value, maxFeePerGas: 110n * GWEI, tipWei: 2n * GWEI });
    assert.equal(pool.add(replacement, 'peer').kind, 'replaced');
  });

  test('bounds that make no sense', () => {
    const ledger = fundedLedger(0);
    for (const config of [
      { maxCount: 0 },
      { maxAgeMs: 1.5 },
      { minTipWei: -1n },
      { maxSenderBytes: 1_000 },
      { maxSenderBytes: DEFAULT_MEMPOOL_CONFIG.maxBytes + 1 },
      { maxExemptCount: DEFAULT_MEMPOOL_CONFIG.maxCount },
      { maxExemptBytes: DEFAULT_MEMPOOL_CONFIG.maxBytes },
    ])
      assert.throws(() => poolOn(ledger, { config }), { code: 'MEMPOOL_CONFIG' });
  });
});

describe('a replacement', () => {
  test('must raise both fees by a tenth, rounded up: the minimum it names is taken, one wei less is not', () => {
    const { pool } = poolOn(fundedLedger(1));
    const first = sentBy(ALICE, { maxFeePerGas: 10n * GWEI + 1n, tipWei: 1n });
    pool.add(first, 'peer');
    const same = { maxFeePerGas: 10n * GWEI + 1n, tipWei: 1n, value: 2n };
    const { code, data } = refusal(pool, sentBy(ALICE, same));
    assert.equal(code, 'MEMPOOL_REPLACEMENT_UNDERPRICED');
    assert.equal(data['replaces'], toHex(first.hash));
    const [cap, tip] = [data['requiredMaxFeePerGas'], data['requiredMaxPriorityFeePerGas']];
    assert.ok(typeof cap === 'bigint' && typeof tip === 'bigint');
    assert.deepEqual([cap, tip], [11n * GWEI + 2n, 2n]);
    for (const [maxFeePerGas, tipWei] of [
      [cap - 1n, tip],
      [cap, tip - 1n],
    ])
      assert.equal(
        refusal(pool, sentBy(ALICE, { maxFeePerGas: maxFeePerGas ?? 0n, tipWei: tipWei ?? 0n, value: 3n }))
          .code,
        'MEMPOOL_REPLACEMENT_UNDERPRICED',
      );
    const second = sentBy(ALICE, { maxFeePerGas: cap, tipWei: tip });
    assert.deepEqual(pool.add(second, 'peer'), { kind: 'replaced', hash: first.hash });
    assert.deepEqual([pool.has(first.hash), pool.get(second.hash), pool.stats().count], [false, second, 1]);
  });

  test('raises even what is nothing', () => {
    const { pool } = poolOn(fundedLedger(1), { config: { minTipWei: 0n } });
    pool.add(sentBy(ALICE, { maxFeePerGas: GWEI, tipWei: 0n }), 'peer');
    const { data } = refusal(pool, sentBy(ALICE, { maxFeePerGas: 2n * GWEI, tipWei: 0n }));
    assert.equal(data['requiredMaxPriorityFeePerGas'], 1n);
  });

  test('counts in place of what it replaces, for the bound of its sender too', () => {
    const ledger = fundedLedger(1, 1_000n * WEI_PER_OGPU);
    const { pool } = poolOn(ledger, { config: { maxSenderCount: 2, maxSenderBytes: 131_072 } });
    const large = { data: new Uint8Array(90_000), gasLimit: 400_000n };
    pool.add(sentBy(ALICE, large), 'peer');
    pool.add(sentBy(ALICE, { nonce: 1n }), 'peer');
    const raised = { ...large, maxFeePerGas: 110n * GWEI, tipWei: 2n * GWEI };
    assert.equal(pool.add(sentBy(ALICE, raised), 'peer').kind, 'replaced');
    assert.equal(pool.stats().count, 2);
  });

  test('of one in the middle leaves the run whole', () => {
    const { pool } = poolOn(fundedLedger(1));
    for (let nonce = 0n; nonce < 4n; nonce++) pool.add(sentBy(ALICE, { nonce }), 'peer');
    pool.add(sentBy(ALICE, { nonce: 1n, maxFeePerGas: 110n * GWEI, tipWei: 2n * GWEI }), 'peer');
    assert.equal(pool.pendingNonce(ALICE), 4);
    assert.deepEqual([pool.stats().pending, pool.contentOf(ALICE).queued], [4, []]);
  });
});

describe('nonces', () => {
  test('what waits for an earlier nonce is queued, and pending as soon as that comes', () => {
    const ledger = fundedLedger(1);
    const { pool } = poolOn(ledger);
    const [zero, one, two] = [0n, 1n, 2n].map((nonce) => sentBy(ALICE, { nonce }));
    assert.ok(zero && one && two);
    pool.add(two, 'peer');
    pool.add(zero, 'peer');
    assert.deepEqual(pool.contentOf(ALICE), { pending: [zero], queued: [two] });
    assert.equal(pool.pendingNonce(ALICE), 1);
    pool.add(one, 'peer');
    assert.deepEqual(pool.contentOf(ALICE), { pending: [zero, one, two], queued: [] });
    assert.equal(pool.pendingNonce(ALICE), 3);
    assert.equal(pool.pendingNonce(BOB), 0);
  });

  test('money that comes makes pending what waited for it, money that goes makes it wait', () => {
    const ledger = fundedLedger(1);
    const { pool } = poolOn(ledger);
    pool.add(sentBy(ALICE), 'peer');
    ledger.setAccount(ALICE, { balanceWei: 1n });
    pool.onBlock({ state: ledger, touched: [ALICE], included: [] });
    assert.deepEqual([pool.stats().pending, pool.stats().queued], [0, 1]);
    ledger.setAccount(ALICE, { balanceWei: WEI_PER_OGPU });
    pool.onBlock({ state: ledger, touched: [ALICE], included: [] });
    assert.deepEqual([pool.stats().pending, pool.stats().queued], [1, 0]);
  });

  test('a block takes out what it included and what it made void', () => {
    const ledger = fundedLedger(2);
    const { pool } = poolOn(ledger);
    const [mine, other] = [sentBy(ALICE), sentBy(ALICE, { value: 7n })];
    pool.add(mine, 'peer');
    pool.add(sentBy(ALICE, { nonce: 1n }), 'peer');
    const bobs = sentBy(BOB);
    pool.add(bobs, 'peer');
    block(ledger, pool, [other, bobs]);
    assert.deepEqual([pool.has(mine.hash), pool.has(bobs.hash), pool.stats().included], [false, false, 1]);
    assert.deepEqual([pool.stats().count, pool.pendingNonce(ALICE), pool.pendingNonce(BOB)], [1, 2, 1]);
  });
});

describe('order', () => {
  test('goes by what the proposer gets at the base fee, and by arrival', () => {
    const ledger = fundedLedger(3);
    const { pool } = poolOn(ledger);
    const early = sentBy(ALICE, { maxFeePerGas: 3n * GWEI, tipWei: 3n * GWEI });
    const late = sentBy(BOB, { maxFeePerGas: 9n * GWEI, tipWei: 2n * GWEI });
    const tipper = sentBy(CAROL, { maxFeePerGas: 4n * GWEI, tipWei: (5n * GWEI) / 2n });
    for (const each of [early, late, tipper]) pool.add(each, 'peer');
    const select = (baseFeeWei: bigint): string[] =>
      hashes(pool.select({ state: ledger, baseFeeWei, gasLimit: 10 ** 8, maxBytes: 10 ** 6, maxCount: 10 }));
    assert.deepEqual(select(GWEI), hashes([tipper, early, late]));
    assert.deepEqual(select(2n * GWEI), hashes([late, tipper, early]));
    assert.deepEqual(select(5n * GWEI), hashes([late]));
    assert.deepEqual(select(1n), hashes([early, tipper, late]));
  });

  test('the tip is what the state transition pays', () => {
    const prng = createPrng(3);
    for (let i = 0; i < 500; i++) {
      const maxFeePerGas = prng.bigint(40);
      const maxPriorityFeePerGas = prng.bigint(40) % (maxFeePerGas + 1n);
      const baseFeeWei = prng.bigint(39);
      const { transaction } = sentBy(ALICE, { maxFeePerGas, tipWei: maxPriorityFeePerGas });
      assert.equal(
        effectiveTipWei(pricesOf(transaction), baseFeeWei),
        effectiveGasPriceWei(transaction, baseFeeWei) - baseFeeWei,
      );
    }
  });

  test('a selection fits its bounds, and a sender that does not fit holds up nobody', () => {
    const ledger = fundedLedger(3);
    const { pool } = poolOn(ledger);
    const large = sentBy(ALICE, { gasLimit: 90_000n, tipWei: 9n * GWEI });
    const small = [sentBy(BOB), sentBy(CAROL)];
    for (const each of [large, sentBy(ALICE, { nonce: 1n }), ...small]) pool.add(each, 'peer');
    const request = { state: ledger, baseFeeWei: GWEI, gasLimit: 50_000, maxBytes: 10_000, maxCount: 10 };
    assert.deepEqual(hashes(pool.select(request)), hashes(small));
    assert.deepEqual(hashes(pool.select({ ...request, gasLimit: 95_000 })), hashes([large]));
    const bytes = (small[0]?.bytes.length ?? 0) + 4;
    assert.equal(pool.select({ ...request, maxBytes: 2 * bytes }).length, 2);
    assert.equal(pool.select({ ...request, maxBytes: 2 * bytes - 1 }).length, 1);
    assert.equal(pool.select({ ...request, maxCount: 1 }).length, 1);
  });

  test('a new base fee moves the few whose tip it changes, in blocks and in eviction', () => {
    const ledger = fundedLedger(70);
    const { pool } = poolOn(ledger, { config: { maxCount: 60, maxExemptCount: 1 } });
    const all = Array.from({ length: 60 }, (_, i) => {
      const isCapped = i % 12 === 5;
      const maxFeePerGas = (isCapped ? 50n : 1_000n) * GWEI + BigInt(i);
      return sentBy(person(i), { maxFeePerGas, tipWei: BigInt(20 + ((i * 7) % 60)) * GWEI });
    });
    for (const each of all) pool.add(each, 'peer');
    for (const baseFee of [1n, 25n, 39n, 12n, 45n]) {
      const baseFeeWei = baseFee * GWEI;
      setBaseFee(ledger, baseFeeWei);
      pool.onBlock({ state: ledger, touched: [], included: [] });
      const tip = ({ transaction }: RecoveredTransaction): bigint =>
        effectiveGasPriceWei(transaction, baseFeeWei) - baseFeeWei;
      const sorted = all.toSorted((a, b) => (tip(a) === tip(b) ? 0 : tip(a) > tip(b) ? -1 : 1));
      const request = { state: ledger, baseFeeWei, gasLimit: 10 ** 8, maxBytes: 10 ** 6, maxCount: 99 };
      assert.deepEqual(hashes(pool.select(request)), hashes(sorted));
    }
    const capped = all.filter((_, i) => i % 12 === 5);
    for (const [i, victim] of capped.entries()) {
      pool.add(sentBy(person(60 + i), { tipWei: 10n * GWEI }), 'peer');
      assert.ok(!pool.has(victim.hash));
    }
  });

  test('a selection spends the balance of the state it is given once', () => {
    const ledger = fundedLedger(1);
    const { pool } = poolOn(ledger);
    const [first, second] = [sentBy(ALICE), sentBy(ALICE, { nonce: 1n })];
    for (const each of [first, second]) pool.add(each, 'peer');
    const poorer = fundedLedger(1, 2n * 21_000n * 100n * GWEI + 1n);
    const request = { baseFeeWei: GWEI, gasLimit: 10 ** 6, maxBytes: 10_000, maxCount: 10 };
    assert.deepEqual(hashes(pool.select({ ...request, state: poorer })), hashes([first]));
  });

  test('a selection goes by the state it is given, newer than the pool', () => {
    const ledger = fundedLedger(2);
    const { pool } = poolOn(ledger);
    pool.add(sentBy(ALICE), 'peer');
    pool.add(sentBy(BOB), 'peer');
    const newer = fundedLedger(2);
    newer.setAccount(ALICE, { nonce: 1, balanceWei: WEI_PER_OGPU });
    const request = { baseFeeWei: GWEI, gasLimit: 10 ** 6, maxBytes: 10_000, maxCount: 10 };
    assert.deepEqual(hashes(pool.select({ ...request, state: newer })), hashes([sentBy(BOB)]));
  });
});

describe('age', () => {
  test('takes a transaction and the later nonces of its sender, and nothing else', () => {
    const ledger = fundedLedger(2);
    const { pool, clock } = poolOn(ledger, { config: { maxAgeMs: 1_000 } });
    pool.add(sentBy(ALICE, { nonce: 1n }), 'local');
    clock.ms += 500;
    pool.add(sentBy(ALICE, { nonce: 0n }), 'peer');
    pool.add(sentBy(ALICE, { nonce: 2n }), 'peer');
    pool.add(sentBy(BOB), 'peer');
    clock.ms += 499;
    pool.expire();
    assert.equal(pool.stats().count, 4);
    clock.ms += 1;
    pool.expire();
    assert.deepEqual([pool.stats().count, pool.stats().expired], [2, 2]);
    assert.deepEqual([pool.pendingNonce(ALICE), pool.pendingNonce(BOB)], [1, 1]);
  });

  test('a clock that runs back or time from the future keeps nothing for ever', () => {
    const { pool, clock } = poolOn(fundedLedger(2), { config: { maxAgeMs: 1_000 } });
    pool.add(sentBy(ALICE), 'peer', clock.ms + 10 ** 9);
    clock.ms -= 100;
    pool.add(sentBy(BOB), 'peer');
    clock.ms += 1_100;
    pool.expire();
    assert.equal(pool.stats().count, 0);
  });
});

describe('local transactions', () => {
  const config = { maxCount: 4, maxExemptCount: 2 };

  test('are not preferred in a block, but not evicted either, nor what they wait for', () => {
    const ledger = fundedLedger(9);
    const { pool } = poolOn(ledger, { config });
    pool.add(sentBy(ALICE, { tipWei: 2n }), 'peer');
    pool.add(sentBy(ALICE, { nonce: 1n, tipWei: 2n }), 'local');
    for (let i = 1; i < 9; i++) pool.add(sentBy(person(i), { tipWei: BigInt(10 + i) }), 'peer');
    assert.deepEqual([pool.stats().count, pool.contentOf(ALICE).pending.length], [4, 2]);
    const request = { state: ledger, baseFeeWei: baseFeeOf(ledger), gasLimit: 10 ** 6, maxBytes: 10 ** 6 };
    assert.deepEqual(
      pool.select({ ...request, maxCount: 9 }).map(({ sender }) => toHex(sender)),
      [person(8), person(7), ALICE, ALICE].map((sender) => toHex(sender)),
    );
  });

  test('make way for themselves in a full pool up to their bound, beyond it the price decides', () => {
    const { pool } = poolOn(fundedLedger(9), { config });
    for (let i = 0; i < 4; i++) pool.add(sentBy(person(i), { tipWei: 100n }), 'peer');
    pool.add(sentBy(person(4), { tipWei: 1n }), 'local');
    pool.add(sentBy(person(5), { tipWei: 1n }), 'local');
    assert.equal(refusal(pool, sentBy(person(6), { tipWei: 1n }), 'local').code, 'MEMPOOL_FULL');
    pool.add(sentBy(person(6), { tipWei: 101n }), 'local');
    assert.deepEqual([pool.stats().protectedCount, pool.stats().count, pool.stats().evicted], [2, 4, 3]);
  });
});

describe('announcements', () => {
  test('each reader goes its own pace; one that lags is told what it missed', () => {
    const { pool } = poolOn(fundedLedger(6), { config: { maxAnnouncements: 4 } });
    let woken = 0;
    const end = pool.subscribe(() => woken++);
    const all = Array.from({ length: 6 }, (_, i) => sentBy(person(i)));
    for (const each of all.slice(0, 3)) pool.add(each, 'peer');
    const first = pool.announced(0, 2);
    assert.deepEqual([first.hashes, first.missed], [all.slice(0, 2).map(({ hash }) => hash), 0]);
    end();
    for (const each of all.slice(3)) pool.add(each, 'peer');
    const next = pool.announced(first.cursor, 10);
    assert.deepEqual([next.hashes, next.missed], [all.slice(2).map(({ hash }) => hash), 0]);
    assert.deepEqual(pool.announced(0, 10), { ...next, missed: 2 });
    assert.deepEqual(pool.announced(next.cursor, 10), { hashes: [], cursor: 6, missed: 0 });
    assert.equal(pool.announced(10 ** 9, 10).cursor, 6);
    assert.equal(woken, 3);
  });

  test('listeners are bounded', () => {
    const { pool } = poolOn(fundedLedger(0));
    for (let i = 0; i < 16; i++) pool.subscribe(() => undefined);
    assert.throws(() => pool.subscribe(() => undefined), { code: 'MEMPOOL_TOO_MANY_SUBSCRIBERS' });
  });
});

test('the base fee comes from the state with each block', () => {
  const ledger = fundedLedger(1);
  const { pool } = poolOn(ledger);
  setBaseFee(ledger, 77n * GWEI);
  pool.onBlock({ state: ledger, touched: [], included: [] });
  assert.equal(pool.stats().baseFeeWei, 77n * GWEI);
});
