import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { nextBaseFeeWei } from '../../../protocol/base-fee.js';
import { bloomMayContain, bloomOf } from '../../../protocol/bloom.js';
import { fromHex, toHex } from '../../../protocol/bytes.js';
import { createPrng } from '../../support/prng.js';
import { SAMPLES } from '../../support/samples.js';

const ETHEREUM = { gasElasticity: 2, baseFeeChangeDenominator: 8, minBaseFeeWei: 1n };
const GWEI = 10n ** 9n;

describe('base fee (cases of go-ethereum, consensus/misc/eip1559)', () => {
  const cases: [number, bigint][] = [
    [10_000_000, 1_000_000_000n],
    [9_000_000, 987_500_000n],
    [11_000_000, 1_012_500_000n],
  ];
  for (const [gasUsed, expected] of cases) {
    test(`${gasUsed} of 20,000,000 gas`, () => {
      assert.equal(nextBaseFeeWei({ gasUsed, gasLimit: 20_000_000, baseFeeWei: GWEI }, ETHEREUM), expected);
    });
  }
  test('rises by at least one wei, falls no lower than the minimum', () => {
    assert.equal(nextBaseFeeWei({ gasUsed: 20, gasLimit: 20, baseFeeWei: 1n }, ETHEREUM), 2n);
    const params = { ...ETHEREUM, minBaseFeeWei: GWEI };
    assert.equal(nextBaseFeeWei({ gasUsed: 0, gasLimit: 20, baseFeeWei: GWEI + 1n }, params), GWEI);
  });
  test('moves by at most one eighth', () => {
    const prng = createPrng(1);
    for (let i = 0; i < 500; i++) {
      const gasLimit = 2 + prng.below(2 ** 30);
      const parent = { gasLimit, gasUsed: prng.below(gasLimit + 1), baseFeeWei: GWEI + prng.bigint(60) };
      const next = nextBaseFeeWei(parent, ETHEREUM);
      const change = next > parent.baseFeeWei ? next - parent.baseFeeWei : parent.baseFeeWei - next;
      assert.ok(change <= parent.baseFeeWei / 8n + 1n);
    }
  });
});

describe('logs bloom', () => {
  test('the bits of one address (example of the Ethereum wiki: 1323, 431 and 1319)', () => {
    const address = fromHex('0x0f572e5295c57f15886f9b263e2f6d2d6c7b5ec6');
    const bloom = bloomOf([{ address, topics: [], data: new Uint8Array(0) }]);
    const bits = Array.from({ length: 2048 }, (_, bit) => bit).filter(
      (bit) => ((bloom[255 - (bit >> 3)] ?? 0) >> (bit & 7)) & 1,
    );
    assert.deepEqual(bits, [431, 1319, 1323]);
    assert.ok(bloomMayContain(bloom, address));
    assert.ok(!bloomMayContain(bloom, fromHex('0x0000000000000000000000000000000000000002')));
  });
  test('finds every address and topic of a block, and hardly any other', () => {
    const prng = createPrng(2);
    const logs = SAMPLES.blockReceipts(prng).endLogs;
    const bloom = bloomOf(logs);
    for (const { address, topics } of logs) {
      for (const item of [address, ...topics]) assert.ok(bloomMayContain(bloom, item), toHex(item));
    }
    const strangers = Array.from({ length: 1000 }, () => prng.bytes(20)).filter((item) =>
      bloomMayContain(bloom, item),
    );
    assert.ok(strangers.length < 20, `${strangers.length} of 1000 strangers`);
  });
});
