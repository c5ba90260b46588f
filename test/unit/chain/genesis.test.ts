import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { toHex } from '../../../protocol/bytes.js';
import { readHead } from '../../../state/chain/block-batch.js';
import {
  initializeLedger,
  LedgerGenesisError,
  type GenesisProgress,
  type LedgerGenesis,
} from '../../../state/chain/genesis.js';
import { treeNodes } from '../../../state/chain/state-root.js';
import { NODE_KEYS, STATE_KEYS } from '../../../state/store/keys.js';
import { MemoryStore } from '../../../state/store/memory.js';
import type { Change, Store } from '../../../state/store/store.js';
import { treeRoot } from '../../../state/tree/root.js';
import { naiveStateRoot, nextBlock, PEOPLE } from '../../support/chain.js';
import { Crash, FaultyDisk, type Fault } from '../../support/faulty-disk.js';
import { contentOf, expectedState, genesisOf, randomGenesis } from '../../support/genesis.js';
import { createPrng } from '../../support/prng.js';

const BEGUN_KEY = NODE_KEYS.meta.encode('genesis');

describe('the first state', () => {
  test('is the same whatever is done at a time: entries, nodes and root, also by the naive definition', () =>
    fc.assert(
      fc.asyncProperty(
        fc.record({
          prngSeed: fc.nat(),
          accounts: fc.oneof(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 4, max: 250 })),
          entriesPerBatch: fc.integer({ min: 1, max: 100 }),
          leavesPerBatch: fc.integer({ min: 1, max: 100 }),
          leavesPerPass: fc.integer({ min: 20, max: 300 }),
        }),
        async ({ prngSeed, accounts, ...chunks }) => {
          const genesis = randomGenesis(createPrng(prngSeed), accounts);
          const expected = expectedState(genesis);
          const store = new MemoryStore();
          const head = await initializeLedger(store, genesis, { chunks });
          assert.equal(toHex(head.stateRoot), expected.root);
          assert.equal(naiveStateRoot(expected.entries), expected.root);
          assert.deepEqual(await contentOf(store), expected.content);
          assert.deepEqual(readHead(store), head);
          assert.equal(store.has(BEGUN_KEY), false);
        },
      ),
      { seed: 11, numRuns: 60 },
    ));

  test('can be built upon: blocks go on from it', async () => {
    const genesis = genesisOf(PEOPLE.map((address) => ({ address, balanceWei: 10n ** 18n })));
    const store = new MemoryStore();
    const head = await initializeLedger(store, genesis, { chunks: { leavesPerBatch: 4 } });
    assert.deepEqual(
      { height: head.height, id: toHex(head.id) },
      { height: 0, id: toHex(genesis.genesisId) },
    );
    const prng = createPrng(3);
    for (let height = 1; height <= 5; height++) await store.write(nextBlock(store, prng, height).batch);
    const entries = Object.entries(await contentOf(store));
    assert.ok(entries.length > 0);
    assert.equal(readHead(store)?.height, 5);
    assert.deepEqual(treeRoot(treeNodes(store)), readHead(store)?.stateRoot);
  });

  test('without accounts is the system alone', async () => {
    const genesis = genesisOf([]);
    const head = await initializeLedger(new MemoryStore(), genesis);
    assert.equal(toHex(head.stateRoot), expectedState(genesis).root);
  });

  test('reports its progress, and no batch holds more than it may', async () => {
    const genesis = randomGenesis(createPrng(4), 200);
    const entries = expectedState(genesis).entries.length;
    const lines: GenesisProgress[] = [];
    const store = new RecordingStore();
    const chunks = { entriesPerBatch: 30, leavesPerBatch: 25, leavesPerPass: 60 };
    await initializeLedger(store, genesis, { chunks, onProgress: (line) => lines.push(line) });
    for (const step of ['entries', 'tree'] as const) {
      const done = lines.filter((line) => line.step === step).map((line) => line.done);
      assert.deepEqual(
        done,
        [...new Set(done)].sort((a, b) => a - b),
      );
      assert.equal(done.at(-1), entries);
      assert.ok(done.every((count, i) => count - (done[i - 1] ?? 0) <= 30));
    }
    assert.ok(lines.every(({ total }) => total === entries));
    const prefix = (key: Uint8Array): string => new TextDecoder().decode(key).split('/')[0] ?? '';
    const sizes = store.batches
      .map((batch) => batch.filter(({ key }) => prefix(key) !== 'tree'))
      .map(({ length }) => length);
    assert.ok(Math.max(...sizes) === 30);
  });
});

describe('a ledger that has a head is left alone', () => {
  test('and its genesis not even read', async () => {
    const store = new MemoryStore();
    const head = await initializeLedger(store, randomGenesis(createPrng(5), 20));
    const before = await contentOf(store);
    const unreadable: LedgerGenesis = {
      ...genesisOf([]),
      accounts: () => {
        throw new RangeError('read');
      },
    };
    assert.deepEqual(await initializeLedger(store, unreadable), head);
    assert.deepEqual(await contentOf(store), before);
  });

  test('one that has lost it is refused and not cleared', async () => {
    for (const key of [
      STATE_KEYS.account.encode(new Uint8Array(20)),
      NODE_KEYS.block.encode(7),
      NODE_KEYS.treeNode.encode(new Uint8Array(0)),
    ]) {
      const store = new MemoryStore();
      await store.write([{ key, value: Uint8Array.of(1) }]);
      const run = initializeLedger(store, genesisOf([]));
      await assert.rejects(run, { code: 'STORE_CORRUPT' });
      assert.deepEqual(await contentOf(store), { [toHex(key)]: '0x01' });
    }
  });
});

describe('a genesis that is not in order is refused, and nothing is written', () => {
  const address = (last: number): Uint8Array => new Uint8Array(20).fill(last, 19);
  const cases: readonly [LedgerGenesisError['code'], readonly [number, bigint][]][] = [
    [
      'GENESIS_ACCOUNT_DUPLICATE',
      [
        [1, 1n],
        [2, 1n],
        [2, 1n],
      ],
    ],
    [
      'GENESIS_ACCOUNTS_UNSORTED',
      [
        [1, 1n],
        [3, 1n],
        [2, 1n],
      ],
    ],
    ['GENESIS_ACCOUNT_EMPTY', [[1, 0n]]],
    ['GENESIS_ACCOUNT_EMPTY', [[1, -1n]]],
  ];
  for (const [code, accounts] of cases) {
    test(`${code}: ${accounts.map(([last, balanceWei]) => `${last} has ${balanceWei.toString()}`).join(', ')}`, async () => {
      const store = new MemoryStore();
      const genesis = genesisOf(
        accounts.map(([last, balanceWei]) => ({ address: address(last), balanceWei })),
      );
      await assert.rejects(initializeLedger(store, genesis), (error) => {
        assert.ok(error instanceof LedgerGenesisError);
        assert.equal(error.code, code);
        assert.equal(error.data['address'], toHex(address(accounts.at(-1)?.[0] ?? 0)));
        return true;
      });
      assert.deepEqual(await contentOf(store), {});
      assert.equal(store.has(BEGUN_KEY), false);
    });
  }
});

describe('after a crash at any write', () => {
  const genesis = randomGenesis(createPrng(6), 60);
  const expected = expectedState(genesis);
  const chunks = { entriesPerBatch: 12, leavesPerBatch: 10, leavesPerPass: 35 };
  const start = (store: Store): Promise<unknown> => initializeLedger(store, genesis, { chunks });

  /** Complete, and stays so when the power fails. */
  async function assertComplete(disk: FaultyDisk, context: string): Promise<void> {
    disk.failPower();
    const store = await disk.open();
    const head = readHead(store);
    assert.ok(head !== undefined, context);
    assert.equal(toHex(head.stateRoot), expected.root, context);
    assert.deepEqual(await contentOf(store), expected.content, context);
  }

  for (const fault of ['process-dies', 'power-fails', 'disk-full'] satisfies Fault[]) {
    test(`(${fault}) the next start does it again, and a head means that all of it is there`, async () => {
      let crashes = 0;
      let finished = false;
      for (let write = 1; !finished; write++) {
        for (let repeat = 0; repeat < 6; repeat++) {
          const disk = new FaultyDisk(createPrng(100 * write + repeat));
          const store = await disk.open();
          disk.plan(fault, write);
          finished = await succeeds(start(store));
          if (!finished) crashes++;
          disk.killProcess();
          const again = await disk.open();
          const context = `write ${write}, repeat ${repeat}`;
          if (readHead(again) !== undefined) assert.deepEqual(await contentOf(again), expected.content);
          assert.ok(await succeeds(start(again)), context);
          await assertComplete(disk, context);
        }
      }
      assert.ok(crashes > 6 * 14, `${crashes} crashes`);
    });
  }

  test('and at further ones, while it is cleared or done again', async () => {
    for (let run = 0; run < 60; run++) {
      const prng = createPrng(run);
      const disk = new FaultyDisk(prng);
      for (let crash = 0; crash < 4; crash++) {
        const store = await disk.open();
        disk.plan(prng.pick(['process-dies', 'power-fails']), 1 + prng.below(150));
        if (await succeeds(start(store))) disk.killProcess();
      }
      await start(await disk.open());
      await assertComplete(disk, `run ${run}`);
    }
  });
});

/** False if a fault of the disk ended it. */
async function succeeds(work: Promise<unknown>): Promise<boolean> {
  try {
    await work;
    return true;
  } catch (error) {
    if (error instanceof Crash) return false;
    assert.equal((error as { code?: unknown }).code, 'STORE_WRITE_FAILED');
    return false;
  }
}

class RecordingStore extends MemoryStore {
  readonly batches: (readonly Change[])[] = [];

  override async write(batch: readonly Change[]): Promise<void> {
    this.batches.push(batch);
    await super.write(batch);
  }
}
