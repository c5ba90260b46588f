import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { toHex } from '../../../protocol/bytes.js';
import { changedAccounts } from '../../../node/mempool/changed-accounts.js';
import { DEFAULT_MEMPOOL_CONFIG, type MempoolConfig } from '../../../node/mempool/config.js';
import type { Mempool } from '../../../node/mempool/mempool.js';
import type { RecoveredTransaction, Source } from '../../../node/mempool/entry.js';
import type { SelectRequest } from '../../../node/mempool/select.js';
import { OgpuError } from '../../../protocol/errors.js';
import { readAccount } from '../../../state/accounts/account.js';
import { transition } from '../../../state/transition/transition.js';
import { GWEI, nextInput, type TestLedger } from '../../support/ledger.js';
import { baseFeeOf, fundedLedger, person, poolOn, sentBy, setBaseFee } from '../../support/mempool.js';
import { createPrng, type Prng } from '../../support/prng.js';
import { NaivePool } from './naive-pool.js';

const PEOPLE = 14;
const STEPS = 500;
const MAX_BYTES = 140_000;
const CONFIG: MempoolConfig = {
  ...DEFAULT_MEMPOOL_CONFIG,
  maxCount: 36,
  maxBytes: MAX_BYTES,
  maxSenderCount: 6,
  maxSenderBytes: 131_072,
  maxExemptCount: 8,
  maxExemptBytes: 8_000,
  maxAgeMs: 5_000,
};

interface World {
  readonly prng: Prng;
  readonly ledger: TestLedger;
  readonly pool: Mempool;
  readonly clock: { ms: number };
  readonly naive: NaivePool;
  readonly seen: Record<string, number>;
}

function createWorld(seed: number): World {
  const ledger = fundedLedger(PEOPLE, 10n ** 17n);
  const { pool, clock } = poolOn(ledger, { config: CONFIG });
  const naive = new NaivePool(CONFIG, ledger, baseFeeOf(ledger));
  return { prng: createPrng(seed), ledger, pool, clock, naive, seen: {} };
}

/** Around the base fee, so that some pay their tip, some less, some cannot be included. */
function randomTransaction({ prng, ledger }: World): RecoveredTransaction {
  const sender = person(prng.below(PEOPLE));
  const { nonce } = readAccount(ledger, sender);
  const maxFeePerGas = (BigInt(5 + prng.below(60)) * GWEI) / 10n;
  const tip = BigInt(prng.below(30)) * (GWEI / 10n);
  const bytes = prng.pick([0, 0, 0, 40, 2_000, 9_000, 30_000]);
  return sentBy(sender, {
    nonce: BigInt(Math.max(0, nonce + prng.pick([-1, 0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7]))),
    maxFeePerGas,
    tipWei: tip < maxFeePerGas ? tip : maxFeePerGas,
    data: new Uint8Array(bytes),
    gasLimit: 21_000n + 4n * BigInt(bytes) - (prng.chance(1, 40) ? 1n : 0n),
    value: prng.chance(1, 10) ? 6n * 10n ** 16n : BigInt(prng.below(1_000)),
  });
}

function addToBoth(world: World, recovered: RecoveredTransaction, source: Source): void {
  let outcome: string;
  try {
    outcome = world.pool.add(recovered, source).kind;
  } catch (error) {
    if (!(error instanceof OgpuError)) throw error;
    outcome = String(error.code);
  }
  world.seen[outcome] = (world.seen[outcome] ?? 0) + 1;
  assert.equal(outcome, world.naive.add(recovered, source, world.clock.ms));
}

function randomRequest({ prng, ledger }: World): SelectRequest {
  return {
    state: ledger,
    baseFeeWei: baseFeeOf(ledger),
    gasLimit: prng.pick([120_000_000, 500_000, 150_000]),
    maxBytes: prng.pick([1_000_000, 20_000, 1_000]),
    maxCount: prng.pick([1_000, 5]),
  };
}

/** Executes what was selected, or a part of it: the transition refuses nothing. */
function runBlock(world: World): void {
  const { prng, ledger, pool, naive, clock } = world;
  const selected = pool.select(randomRequest(world));
  const transactions = selected.slice(0, prng.below(selected.length + 1));
  const { changes, receipts } = transition(ledger, nextInput(ledger, { transactions }));
  assert.equal(receipts.receipts.length, transactions.length);
  ledger.apply(changes);
  const touched = [...changedAccounts(changes)];
  if (prng.chance(1, 3)) {
    const someone = person(prng.below(PEOPLE));
    const { nonce } = readAccount(ledger, someone);
    const balanceWei = BigInt(prng.below(100)) * 10n ** 15n;
    ledger.setAccount(someone, { nonce: nonce + (prng.chance(1, 3) ? 1 : 0), balanceWei });
    touched.push(someone);
  }
  if (prng.chance(1, 2)) setBaseFee(ledger, (BigInt(1 + prng.below(50)) * GWEI) / 10n);
  pool.onBlock({ state: ledger, touched, included: transactions.map(({ hash }) => hash) });
  naive.onBlock(ledger, baseFeeOf(ledger), clock.ms);
}

function assertSame(world: World): void {
  const { pool, naive } = world;
  const hashes = (list: Iterable<{ readonly recovered: RecoveredTransaction }>): string[] =>
    [...list].map(({ recovered }) => toHex(recovered.hash));
  assert.deepEqual(hashes(pool.entries()), hashes(naive.entries));
  const stats = pool.stats();
  const pending = naive.senders().flatMap((sender) => naive.pending(sender));
  assert.deepEqual(
    [stats.count, stats.sizeBytes, stats.pending, stats.queued, stats.senders, stats.protectedCount],
    [
      naive.entries.length,
      naive.totalBytes(),
      pending.length,
      naive.entries.length - pending.length,
      naive.senders().length,
      naive.protected().length,
    ],
  );
  assert.ok(stats.count <= CONFIG.maxCount && stats.sizeBytes <= CONFIG.maxBytes);
  assert.ok(stats.protectedCount <= CONFIG.maxExemptCount);
  assert.ok(stats.protectedBytes <= CONFIG.maxExemptBytes);
  for (let number = 0; number < PEOPLE; number++) {
    const address = person(number);
    const sender = toHex(address);
    const content = pool.contentOf(address);
    const own = naive.of(sender).map(({ recovered }) => toHex(recovered.hash));
    assert.deepEqual(
      [...content.pending, ...content.queued].map(({ hash }) => toHex(hash)),
      own,
    );
    assert.equal(content.pending.length, naive.pending(sender).length);
    assert.equal(pool.pendingNonce(address), naive.account(sender).nonce + naive.run(sender).length);
  }
  const request = randomRequest(world);
  const text = (list: readonly RecoveredTransaction[]): string[] => list.map(({ hash }) => toHex(hash));
  assert.deepEqual(text(pool.select(request)), text(naive.select(request)));
}

describe('the pool is at every step what a naive one is', () => {
  const seen: Record<string, number> = {};
  for (let seed = 1; seed <= 6; seed++) {
    test(`seed ${seed}`, () => {
      const world = createWorld(seed);
      for (let step = 0; step < STEPS; step++) {
        world.clock.ms += world.prng.below(40);
        if (world.prng.chance(1, 12)) runBlock(world);
        else addToBoth(world, randomTransaction(world), world.prng.chance(1, 6) ? 'local' : 'peer');
        assertSame(world);
      }
      const { evicted, expired, included } = world.pool.stats();
      for (const [name, count] of Object.entries({ ...world.seen, evicted, expired, included }))
        seen[name] = (seen[name] ?? 0) + count;
    });
  }

  test('everything that can happen has happened', () => {
    for (const name of [
      ...['accepted', 'replaced', 'evicted', 'expired', 'included'],
      ...['MEMPOOL_NONCE_TOO_FAR', 'MEMPOOL_UNDERPRICED', 'MEMPOOL_REPLACEMENT_UNDERPRICED'],
      ...['MEMPOOL_OVERDRAFT', 'MEMPOOL_FULL', 'TX_NONCE_TOO_LOW', 'TX_INSUFFICIENT_FUNDS'],
      'TX_GAS_LIMIT_BELOW_INTRINSIC',
    ])
      assert.ok((seen[name] ?? 0) > 0, `${name}: ${JSON.stringify(seen)}`);
  });
});
