import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { SnapshotShelf } from '../../../node/sync/snapshots/shelf.js';
import { StateSync, type StateSyncParts } from '../../../node/sync/state-sync.js';
import { snapshotPageCodec, type SnapshotPage, type SnapshotSource } from '../../../p2p/snapshot-requests.js';
import type { OgpuError } from '../../../protocol/errors.js';
import { toHex } from '../../../protocol/bytes.js';
import { blockId } from '../../../protocol/types/header.js';
import { readTip } from '../../../node/consensus/chain-tip.js';
import { storedBlock } from '../../../node/consensus/stored-blocks.js';
import { Joining } from '../../../node/sync/snapshots/joining.js';
import { initializeLedger } from '../../../state/chain/genesis.js';
import { readHead, readTail } from '../../../state/chain/marks.js';
import { readPastState } from '../../../state/chain/past-state.js';
import { Pruner } from '../../../state/chain/retention.js';
import { hasBlock } from '../../../state/chain/window.js';
import { progressRecord } from '../../../state/system/chain.js';
import { checkStateRoot } from '../../../state/diagnosis/check-ledger.js';
import type { MemoryStore } from '../../../state/store/memory.js';
import type { Store } from '../../../state/store/store.js';
import { GENESIS_TIME_MS, simulatedChain, type SimulatedChain } from '../../sim/consensus/chain.js';
import { FinalChain } from '../../support/final-chain.js';
import type { TestNode } from '../../support/p2p.js';
import {
  assertSameContent,
  blockSyncOf,
  heightOf,
  Scene,
  snapshotServer,
  withAccounts,
} from '../../support/sync.js';

const LIMIT = { timeout: 60_000 };
const SNAPSHOT_HEIGHT = 20;

test('a node without a genesis takes the state from a snapshot, then the blocks after it', LIMIT, () =>
  Scene.play(async (scene) => {
    const { chain, servers, source } = await served(scene, undefined, true);
    const client = await scene.client(9, servers);
    const store = await scene.emptyLedger(chain);
    const warnings: OgpuError[] = [];
    const sync = stateSyncOf(store, client, chain, { onWarning: (error) => warnings.push(error) });
    const head = await sync.run();
    assert.deepEqual(warnings, []);
    assert.equal(head?.height, SNAPSHOT_HEIGHT);
    const check = await checkStateRoot(store, head.stateRoot);
    assert.deepEqual([check.faultCount, check.entries > 30], [0, true]);
    assert.equal((await blockSyncOf(store, client, chain).run()).height, source.height);
    await assertSameState(source.store, store);
  }),
);

test('a page that is not of the state costs its peer the connection; another one gives it', LIMIT, () =>
  (async () => {
    for (const [name, lie] of Object.entries(LIES)) {
      await Scene.play(async (inner) => {
        const { chain, servers } = await served(inner, (real, number) =>
          number === 1 ? lying(real, lie) : real,
        );
        const client = await inner.client(9, servers);
        const store = await inner.emptyLedger(chain);
        assert.equal((await stateSyncOf(store, client, chain).run())?.height, SNAPSHOT_HEIGHT, name);
        const blamed = client.events.items.filter((event) => event.kind === 'peer-blamed');
        assert.equal(blamed[0]?.error.code, 'SYNC_PAGE_WRONG', name);
        assert.ok(
          blamed.every(({ peer, isBanned }) => peer === servers[0]?.network.id && isBanned),
          name,
        );
        assert.equal(
          (await checkStateRoot(store, readHead(store)?.stateRoot ?? new Uint8Array(32))).faultCount,
          0,
        );
      });
    }
  })(),
);

test('a snapshot of a block that the chain does not have is refused', LIMIT, () =>
  Scene.play(async (scene) => {
    const { chain, servers } = await served(scene, (real) => ({
      page: (request) => real.page(request),
      offers: () => real.offers().map((offer) => ({ ...offer, blockId: new Uint8Array(32).fill(1) })),
    }));
    const client = await scene.client(9, servers);
    const store = await scene.emptyLedger(chain);
    assert.equal(await stateSyncOf(store, client, chain).run(), undefined);
    const codes = client.events.items.flatMap((event) =>
      event.kind === 'peer-blamed' ? [event.error.code] : [],
    );
    assert.deepEqual(codes, ['SYNC_SNAPSHOT_WRONG', 'SYNC_SNAPSHOT_WRONG']);
    assert.equal(readHead(store), undefined);
    // The genesis can be written instead.
    await initializeLedger(store, chain.genesis);
    assert.equal(heightOf(store), 0);
  }),
);

test('trust that has expired is not used; a checkpoint takes its place, and only the right one', LIMIT, () =>
  Scene.play(async (scene) => {
    const { chain, source, servers } = await served(scene);
    const client = await scene.client(9, servers);
    const store = await scene.emptyLedger(chain);
    // Three seconds after the genesis it is too old, and block 12 is not.
    const nowMs = (): number => GENESIS_TIME_MS + 4_000;
    const warnings: string[] = [];
    const onWarning = ({ code }: OgpuError): number => warnings.push(code);
    const options = { nowMs, onWarning, patienceMs: 2_000 };
    assert.equal(await stateSyncOf(store, client, chain, options).run(), undefined);
    assert.deepEqual([...new Set(warnings)], ['LIGHT_TRUST_EXPIRED']);
    const id = storedBlock(source.store, 12);
    assert.ok(id);
    const checkpoint = { height: 12, id: blockId(id.header) };
    const head = await stateSyncOf(store, client, chain, { ...options, checkpoint }).run();
    assert.equal(head?.height, SNAPSHOT_HEIGHT);
    const other = await scene.emptyLedger(chain, 'other');
    const wrong = { height: 12, id: new Uint8Array(32).fill(3) };
    assert.equal(await stateSyncOf(other, client, chain, { ...options, checkpoint: wrong }).run(), undefined);
  }),
);

test('an interrupted run goes on where it was; what it left is never taken for a ledger', LIMIT, () =>
  Scene.play(async (scene) => {
    const { chain, servers, source } = await served(scene);
    const client = await scene.client(9, servers);
    const folder = 'interrupted';
    const first = await scene.emptyLedger(chain, folder);
    const stop = new AbortController();
    const interrupted = stateSyncOf(first, client, chain, { onProgress: () => stop.abort() });
    assert.equal(await interrupted.run(stop.signal), undefined);
    assert.equal(readHead(first), undefined);
    const left = Joining.read(first);
    assert.ok(left !== undefined && left.pages > 0);
    await first.close();
    const second = await scene.emptyLedger(chain, folder);
    assert.equal(Joining.read(second)?.pages, left.pages);
    assert.equal((await stateSyncOf(second, client, chain).run())?.height, SNAPSHOT_HEIGHT);
    assert.equal(Joining.read(second), undefined);
    assert.equal((await blockSyncOf(second, client, chain).run()).height, source.height);
    await assertSameState(source.store, second);
  }),
);

test('a validator that was never there joins from a snapshot, and takes part in the next blocks', LIMIT, () =>
  Scene.play(async (scene) => {
    const { chain, servers, source } = await served(scene);
    const client = await scene.client(9, servers);
    const store = await scene.emptyLedger(chain);
    await stateSyncOf(store, client, chain).run();
    await blockSyncOf(store, client, chain).run();
    const there = await readTip(store, chain.bls);
    const expected = await readTip(source.store, chain.bls);
    assert.deepEqual(there.parent, expected.parent);
    for (const name of ['committee', 'parentCommittee', 'grandparentCommittee'] as const) {
      assert.equal(
        there[name] && toHex(there[name].hash),
        expected[name] && toHex(expected[name].hash),
        name,
      );
    }
  }),
);

test('the tip at the snapshot itself knows who decided the blocks before', LIMIT, () =>
  Scene.play(async (scene) => {
    const { chain, servers } = await served(scene);
    const client = await scene.client(9, servers);
    const store = await scene.emptyLedger(chain);
    await stateSyncOf(store, client, chain).run();
    const tip = await readTip(store, chain.bls);
    assert.equal(tip.parent.height, SNAPSHOT_HEIGHT);
    assert.equal(tip.grandparentCommittee?.set.length, 4);
    assert.equal(hasBlock(store, SNAPSHOT_HEIGHT), false);
    await assert.rejects(
      readPastState(store, SNAPSHOT_HEIGHT - 1, () => 0),
      { code: 'PAST_STATE_PRUNED' },
    );
    assert.equal(
      await readPastState(store, SNAPSHOT_HEIGHT, (view) => progressRecord.read(view).height),
      SNAPSHOT_HEIGHT,
    );
    // Dropping old blocks begins above it.
    await blockSyncOf(store, client, chain).run();
    const pruner = new Pruner(store, { mode: 'pruned', blocks: 3 });
    while (await pruner.step());
    assert.equal(readTail(store).height, SNAPSHOT_HEIGHT + 8);
  }),
);

const LIES: Readonly<Record<string, (page: SnapshotPage) => SnapshotPage>> = {
  'another value': (page) => ({
    ...page,
    entries: page.entries.map((entry, i) =>
      i === 3 ? { ...entry, value: new Uint8Array(40).fill(1) } : entry,
    ),
  }),
  'an entry less': (page) => ({ ...page, entries: page.entries.slice(1) }),
  'an end before the end': (page) => ({ ...page, to: new Uint8Array(32).fill(0x80) }),
  'another proof': (page) => ({ ...page, proof: page.proof.slice(0, -1) }),
};

/** Serves pages that are not what it has. */
function lying(real: SnapshotSource, lie: (page: SnapshotPage) => SnapshotPage): SnapshotSource {
  return {
    offers: () => real.offers(),
    page: async (request) => {
      const page = await real.page(request);
      return page && snapshotPageCodec.encode(lie(snapshotPageCodec.decode(page)));
    },
  };
}

interface Served {
  readonly chain: SimulatedChain;
  readonly source: FinalChain<MemoryStore>;
  readonly servers: readonly TestNode[];
}

async function served(
  scene: Scene,
  change: (source: SnapshotSource, number: number) => SnapshotSource = (real) => real,
  isReal = false,
): Promise<Served> {
  // Enough for eight segments.
  const chain = await withAccounts(await simulatedChain(4, isReal), 5_000);
  const source = await FinalChain.open(chain.store.snapshot(), chain);
  const shelf = await SnapshotShelf.open({
    ...{ store: source.store, folder: join(scene.folder, 'snapshots'), intervalBlocks: SNAPSHOT_HEIGHT },
  });
  await source.growTo(SNAPSHOT_HEIGHT, { stepMs: 100 });
  shelf.onBlock(source.height);
  await source.growTo(SNAPSHOT_HEIGHT + 10, { stepMs: 100 });
  await shelf.whenIdle();
  const servers = await Promise.all(
    [1, 2].map((number) => snapshotServer(scene, number, source.store, change(shelf, number))),
  );
  return { chain, source, servers };
}

function stateSyncOf(
  store: Store,
  { network }: TestNode,
  { bls, genesis }: SimulatedChain,
  parts: Partial<StateSyncParts> = {},
): StateSync {
  // Trust in the genesis of this chain ends after three seconds.
  const nowMs = (): number => GENESIS_TIME_MS + 2_500;
  return new StateSync({ store, bls, network, genesis, nowMs, patienceMs: 5_000, ...parts });
}

/** All that the state root commits to, and the tree. */
async function assertSameState(a: Store, b: Store): Promise<void> {
  await assertSameContent(a, b, [
    'blk/',
    'bid/',
    'com/',
    'hist/',
    'undo/',
    'slog/',
    'loga/',
    'logt/',
    'meta/',
  ]);
}
