import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PendingBlocks } from '../../../node/sync/pending-blocks.js';
import { readHead } from '../../../state/chain/marks.js';
import { MemoryStore } from '../../../state/store/memory.js';
import { StoreError } from '../../../state/store/errors.js';
import type { Change, Reader } from '../../../state/store/store.js';
import { progressRecord } from '../../../state/system/chain.js';
import { simulatedChain } from '../../sim/consensus/chain.js';
import { FinalChain } from '../../support/final-chain.js';
import { assertSameContent } from '../../support/sync.js';

/** A store whose writes end when a test says so. */
class HeldStore extends MemoryStore {
  readonly held: (() => void)[] = [];
  batches = 0;
  failure: StoreError | undefined;

  override async write(batch: readonly Change[]): Promise<void> {
    await new Promise<void>((resolve) => this.held.push(resolve));
    if (this.failure !== undefined) throw this.failure;
    this.batches++;
    await super.write(batch);
  }
}

async function madeOf(blocks: number): Promise<{
  readonly source: FinalChain<MemoryStore>;
  readonly made: readonly Awaited<ReturnType<FinalChain['produce']>>[];
  readonly begun: MemoryStore;
}> {
  const chain = await simulatedChain(4, false);
  const begun = chain.store.snapshot();
  const source = await FinalChain.open(chain.store.snapshot(), chain);
  const made = [];
  for (let height = 1; height <= blocks; height++) made.push(await source.produce());
  return { source, made, begun };
}

const heightIn = (view: Reader): number => progressRecord.read(view).height;

async function held(begun: MemoryStore): Promise<HeldStore> {
  const store = new HeldStore();
  const all = { gte: Uint8Array.of(0), lt: Uint8Array.of(255), limit: 1_000_000 };
  for await (const page of begun.range(all)) await MemoryStore.prototype.write.call(store, page);
  return store;
}

test('blocks that wait for the disk are seen at once, written together, and told of when they are durable', async () => {
  const { source, made, begun } = await madeOf(6);
  const store = await held(begun);
  const told: number[] = [];
  const pending = new PendingBlocks(store, ({ local }) => told.push(local.block.header.height));
  for (const [i, block] of made.entries()) {
    await pending.add(block);
    assert.equal(heightIn(pending), i + 1);
    assert.equal(heightIn(store), 0);
  }
  assert.deepEqual(told, []);
  const flushed = pending.flush();
  store.held.shift()?.();
  while (store.held.length === 0) await Promise.resolve();
  assert.equal(readHead(store)?.height, 1, 'the first went alone');
  assert.deepEqual(told, [1]);
  assert.equal(heightIn(pending), 6);
  store.held.shift()?.();
  await flushed;
  assert.deepEqual(told, [1, 2, 3, 4, 5, 6]);
  assert.equal(store.batches, 2);
  await assertSameContent(source.store, store);
});

test('a store that fails is heard of, and nothing is written after it', async () => {
  const { made, begun } = await madeOf(3);
  const store = await held(begun);
  const pending = new PendingBlocks(store, () => undefined);
  const [first, second] = made;
  assert.ok(first && second);
  store.failure = new StoreError('STORE_WRITE_FAILED', 'the disk is full');
  await pending.add(first);
  store.held.shift()?.();
  await assert.rejects(pending.flush(), { code: 'STORE_WRITE_FAILED' });
  await assert.rejects(pending.add(second), { code: 'STORE_WRITE_FAILED' });
  assert.equal(store.held.length, 0);
});
