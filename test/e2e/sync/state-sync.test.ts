import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { storeLightSource } from '../../../node/sync/light-source.js';
import { storeChainSource } from '../../../node/sync/chain-source.js';
import { SnapshotShelf } from '../../../node/sync/snapshots/shelf.js';
import { StateSync, type StateSyncParts } from '../../../node/sync/state-sync.js';
import { chainHandlers } from '../../../p2p/chain-requests.js';
import { lightHandler } from '../../../p2p/light-requests.js';
import { snapshotHandlers, type SnapshotSource } from '../../../p2p/snapshot-requests.js';
import type { OgpuError } from '../../../protocol/errors.js';
import { checkStateRoot } from '../../../state/diagnosis/check-ledger.js';
import type { MemoryStore } from '../../../state/store/memory.js';
import type { Store } from '../../../state/store/store.js';
import { GENESIS_TIME_MS, simulatedChain, type SimulatedChain } from '../../sim/consensus/chain.js';
import { FinalChain } from '../../support/final-chain.js';
import type { TestNode } from '../../support/p2p.js';
import { assertSameContent, blockSyncOf, heightOf, Scene } from '../../support/sync.js';

const LIMIT = { timeout: 60_000 };
const SNAPSHOT_HEIGHT = 20;

test('a node without a genesis takes the state from a snapshot, then the blocks after it', LIMIT, () =>
  Scene.play(async (scene) => {
    const { chain, servers, source } = await served(scene);
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

interface Served {
  readonly chain: SimulatedChain;
  readonly source: FinalChain;
  readonly servers: readonly TestNode[];
}

async function served(
  scene: Scene,
  change: (source: SnapshotSource, number: number) => SnapshotSource = (real) => real,
): Promise<Served> {
  const chain = await simulatedChain(4, true);
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

function snapshotServer(
  scene: Scene,
  number: number,
  store: MemoryStore,
  snapshots: SnapshotSource,
): Promise<TestNode> {
  return scene.node(number, {
    serve: [
      ...chainHandlers(storeChainSource(store)),
      lightHandler(storeLightSource(store)),
      ...snapshotHandlers(snapshots),
    ],
    headHeight: () => heightOf(store),
  });
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
