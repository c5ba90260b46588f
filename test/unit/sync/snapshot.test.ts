import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { checkPage } from '../../../node/sync/snapshots/page-check.js';
import { hashAfter, segmentRange } from '../../../node/sync/snapshots/segments.js';
import { SnapshotShelf } from '../../../node/sync/snapshots/shelf.js';
import { snapshotPageCodec, type SnapshotPage } from '../../../p2p/snapshot-requests.js';
import { compareBytes, toHex } from '../../../protocol/bytes.js';
import { readHead } from '../../../state/chain/marks.js';
import { allEntries } from '../../../state/diagnosis/check-ledger.js';
import { hashKey } from '../../../state/tree/leaf.js';
import { simulatedChain } from '../../sim/consensus/chain.js';
import { withFolder } from '../../support/faulty-stores.js';
import { FinalChain } from '../../support/final-chain.js';
import { withAccounts } from '../../support/sync.js';

describe('segments', () => {
  test('cover all hashes without a gap', () => {
    for (let bits = 0; bits <= 8; bits++) {
      let next = new Uint8Array(32);
      for (let segment = 0; segment < 2 ** bits; segment++) {
        const { from, to } = segmentRange(segment, bits);
        assert.deepEqual(from, next);
        assert.ok(compareBytes(from, to) < 0);
        next = Uint8Array.from(hashAfter(to));
      }
      assert.deepEqual(next, new Uint8Array(32), 'after the last comes the first');
    }
  });
});

describe('a shelf of snapshots', () => {
  test('holds all of the state once, in pages that prove it, while the chain goes on', () =>
    withFolder(async (folder) => {
      const chain = await withAccounts(await simulatedChain(4, false), 3_000);
      const source = await FinalChain.open(chain.store.snapshot(), chain);
      await source.growTo(5);
      const shelf = await SnapshotShelf.open({ store: source.store, folder, intervalBlocks: 5 });
      const then = source.store.snapshot();
      shelf.onBlock(5);
      await source.growTo(7);
      await shelf.whenIdle();
      const [offer] = shelf.offers();
      assert.ok(offer);
      const head = readHead(then);
      assert.ok(head);
      assert.deepEqual([offer.height, toHex(offer.blockId), offer.segmentBits], [5, toHex(head.id), 2]);
      const found = new Map<string, string>();
      for (let segment = 0; segment < 4; segment++) {
        let rest = segmentRange(segment, 2);
        for (let page = 0; ; page++) {
          const bytes = await shelf.page({ height: 5, segment, page });
          if (bytes === undefined) break;
          const decoded = snapshotPageCodec.decode(bytes);
          const leaves = checkPage(head.stateRoot, rest, decoded);
          for (const [i, { key, value }] of decoded.entries.entries()) {
            assert.deepEqual(leaves[i]?.keyHash, hashKey(key));
            found.set(toHex(key), toHex(value));
          }
          rest = { ...rest, from: hashAfter(decoded.to) };
        }
      }
      const expected = new Map<string, string>();
      for await (const { key, value } of allEntries(then)) expected.set(toHex(key), toHex(value));
      assert.equal(found.size, offer.entries);
      assert.deepEqual([...found].sort(), [...expected].sort());
    }));

  test('keeps the latest, forgets what was not finished, and skips what is not due', () =>
    withFolder(async (folder) => {
      const chain = await simulatedChain(4, false);
      const source = await FinalChain.open(chain.store.snapshot(), chain);
      const open = (): Promise<SnapshotShelf> =>
        SnapshotShelf.open({
          store: source.store,
          folder: join(folder, 'shelf'),
          intervalBlocks: 3,
          keep: 2,
        });
      const shelf = await open();
      for (let height = 1; height <= 10; height++) {
        await source.growTo(height);
        shelf.onBlock(height);
        shelf.onBlock(height - 1);
        await shelf.whenIdle();
      }
      const heights = (of: SnapshotShelf): number[] => of.offers().map(({ height }) => height);
      assert.deepEqual(heights(shelf), [6, 9]);
      assert.equal(await shelf.page({ height: 3, segment: 0, page: 0 }), undefined);
      assert.equal(await shelf.page({ height: 9, segment: 1, page: 0 }), undefined);
      assert.equal(await shelf.page({ height: 9, segment: 0, page: 7 }), undefined);
      await source.growTo(12);
      shelf.onBlock(12);
      await shelf.close();
      const again = await open();
      assert.deepEqual(heights(again), [6, 9]);
      assert.deepEqual((await readdir(join(folder, 'shelf'))).sort(), ['6', '9']);
      assert.ok(await again.page({ height: 9, segment: 0, page: 0 }));
    }));
});

test('a page is refused that is not the next one, not full, or not of the state', () =>
  withFolder(async (folder) => {
    const chain = await withAccounts(await simulatedChain(4, false), 1_200);
    const source = await FinalChain.open(chain.store.snapshot(), chain);
    await source.growTo(2);
    const shelf = await SnapshotShelf.open({ store: source.store, folder, intervalBlocks: 2 });
    shelf.onBlock(2);
    await shelf.whenIdle();
    const bytes = await shelf.page({ height: 2, segment: 0, page: 0 });
    assert.ok(bytes);
    const page = snapshotPageCodec.decode(bytes);
    const root = readHead(source.store)?.stateRoot ?? new Uint8Array(32);
    const rest = segmentRange(0, 1);
    const isRefused = (changes: Partial<SnapshotPage>, of = rest, stateRoot = root): void =>
      assert.throws(() => checkPage(stateRoot, of, { ...page, ...changes }), { code: 'SYNC_PAGE_WRONG' });
    checkPage(root, rest, page);
    isRefused({ from: hashAfter(page.from) });
    isRefused({}, { ...rest, from: hashAfter(rest.from) });
    isRefused({}, { ...rest, to: new Uint8Array(32).fill(0x11) });
    isRefused({ entries: page.entries.slice(0, -1) });
    isRefused({ entries: [...page.entries].reverse() });
    isRefused({
      entries: page.entries.map((entry, i) => (i === 9 ? { ...entry, value: Uint8Array.of(1) } : entry)),
    });
    isRefused({
      entries: page.entries.map((entry, i) => (i === 9 ? { ...entry, key: new Uint8Array(0) } : entry)),
    });
    isRefused({ proof: new Uint8Array(0) });
    isRefused({}, rest, new Uint8Array(32).fill(1));
    // Proved, but a single entry: the rest would be asked for one by one.
    const [first] = page.entries;
    assert.ok(first);
    isRefused({ entries: [first], to: hashKey(first.key) });
  }));
