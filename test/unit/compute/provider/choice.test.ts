import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chooseClaims, type ProviderPolicy } from '../../../../compute/provider/choice.js';
import type { MarketView, Offer } from '../../../../compute/provider/market.js';
import { toHex } from '../../../../protocol/bytes.js';
import { AuditWorld } from '../../../support/audit-world.js';

const POLICY: ProviderPolicy = {
  ...{ minPriceWeiPerGiga: 0n, maxJobs: 10, maxExposureWei: 1_000n, maxMemoryBytes: 100 },
};

const DATA = {
  ...{ source: new Uint8Array(32), input: new Uint8Array(32) },
  segmentation: { kind: 'rows', count: 16 },
} as const;

function offer(number: number, rest: Partial<Offer> = {}): Offer {
  return {
    ...{ job: new Uint8Array(32).fill(number), ...DATA, maxPriceWei: 10n },
    ...{ bondWei: 100n, workUnits: 1_000_000_000n, memoryBytes: 1, ...rest },
  };
}

function chosen(
  view: Partial<MarketView>,
  policy: Partial<ProviderPolicy> = {},
  unfit: string[] = [],
): number[] {
  const now = { timeMs: 0, height: 0 };
  const whole = { now, freeLockupWei: 10_000n, offers: [], claims: [], assignments: [], ...view };
  return chooseClaims(whole, { ...POLICY, ...policy }, new Set(unfit)).map(({ job }) => job[0] ?? -1);
}

test('claims what pays best for its work first', () => {
  const offers = [offer(1), offer(2, { maxPriceWei: 30n }), offer(3, { workUnits: 500_000_000n })];
  assert.deepEqual(chosen({ offers }), [2, 3, 1]);
  assert.deepEqual(chosen({ offers }, { minPriceWeiPerGiga: 20n }), [2, 3]);
  assert.deepEqual(chosen({ offers }, { minPriceWeiPerGiga: 31n }), []);
});

test('takes no more than it has room, lockup and appetite for', () => {
  const offers = [1, 2, 3, 4].map((number) => offer(number));
  assert.deepEqual(chosen({ offers }, { maxJobs: 2 }), [1, 2]);
  assert.deepEqual(chosen({ offers, freeLockupWei: 350n }), [1, 2, 3]);
  assert.deepEqual(chosen({ offers }, { maxExposureWei: 199n }), [1]);
  const claims = [{ job: offer(1).job, bondWei: 100n }];
  assert.deepEqual(
    chosen({ offers, claims, freeLockupWei: 350n }),
    [2, 3],
    'a claim may lock its bond at any time',
  );
  const { attempt } = new AuditWorld({ terms: { bondWei: 900n } });
  const assignments = [{ attempt, ...DATA, publishedItems: [] }];
  assert.deepEqual(chosen({ offers, assignments }), [1]);
  assert.deepEqual(chosen({ offers, assignments, claims }), []);
});

test('a dear offer that is too much leaves room for smaller ones', () => {
  const offers = [offer(1, { maxPriceWei: 99n, bondWei: 5_000n }), offer(2)];
  assert.deepEqual(chosen({ offers }), [2]);
});

test('leaves what it cannot or will not run', () => {
  const offers = [
    offer(1, { memoryBytes: 101 }),
    offer(2, { source: new Uint8Array(32).fill(7) }),
    offer(3),
    offer(4),
  ];
  const sources = new Set([toHex(new Uint8Array(32))]);
  assert.deepEqual(chosen({ offers }, { sources }, [toHex(offer(3).job)]), [4]);
});
