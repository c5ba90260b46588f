import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Joining } from '../../../node/sync/snapshots/joining.js';
import { readHead } from '../../../state/chain/marks.js';
import { checkStateRoot } from '../../../state/diagnosis/check-ledger.js';
import { simulatedChain } from '../../sim/consensus/chain.js';
import { FinalChain } from '../../support/final-chain.js';
import type { TestNode } from '../../support/p2p.js';
import { assertSameContent, Scene, snapshotServer, withAccounts } from '../../support/sync.js';
import { CRASH_ACCOUNTS } from '../../support/sync-client.js';
import { SnapshotShelf } from '../../../node/sync/snapshots/shelf.js';

const CLIENT = fileURLToPath(new URL('../../support/sync-client.js', import.meta.url));
const LIMIT = { timeout: 120_000 };
const BLOCKS = 120;
const SNAPSHOT_HEIGHT = 10;

test('a node killed with SIGKILL while it syncs blocks has whole blocks, and goes on', LIMIT, () =>
  Scene.play(async (scene) => {
    const chain = await withAccounts(await simulatedChain(4, false), CRASH_ACCOUNTS);
    const source = await FinalChain.open(chain.store.snapshot(), chain);
    await source.growTo(BLOCKS);
    const server = await scene.server(1, source.store);
    let before = 0;
    for (const steps of [3, 40]) {
      await runClient('blocks', scene.folder, server, steps);
      const store = await scene.emptyLedger(chain);
      const head = readHead(store);
      assert.ok(head !== undefined && head.height >= before + steps && head.height <= BLOCKS);
      before = head.height;
      assert.equal((await checkStateRoot(store, head.stateRoot)).faultCount, 0);
      await store.close();
    }
    await runClient('blocks', scene.folder, server);
    await assertSameContent(source.store, await scene.emptyLedger(chain));
  }),
);

test('a node killed with SIGKILL while it takes over a state has none, and goes on where it was', LIMIT, () =>
  Scene.play(async (scene) => {
    const chain = await withAccounts(await simulatedChain(4, false), CRASH_ACCOUNTS);
    const source = await FinalChain.open(chain.store.snapshot(), chain);
    const shelf = await SnapshotShelf.open({
      ...{ store: source.store, folder: join(scene.folder, 'snapshots'), intervalBlocks: SNAPSHOT_HEIGHT },
    });
    await source.growTo(SNAPSHOT_HEIGHT, { stepMs: 100 });
    shelf.onBlock(SNAPSHOT_HEIGHT);
    await shelf.whenIdle();
    const server = await snapshotServer(scene, 1, source.store, shelf);
    let pages = 0;
    for (const steps of [1, 2]) {
      await runClient('state', scene.folder, server, steps);
      const store = await scene.emptyLedger(chain);
      assert.equal(readHead(store), undefined);
      const left = Joining.read(store)?.pages ?? 0;
      assert.ok(left > pages, 'it came further');
      pages = left;
      await store.close();
    }
    await runClient('state', scene.folder, server);
    const store = await scene.emptyLedger(chain);
    const head = readHead(store);
    assert.equal(head?.height, SNAPSHOT_HEIGHT);
    assert.equal((await checkStateRoot(store, head.stateRoot)).faultCount, 0);
  }),
);

/** Runs a client, to its end or until it has made some steps and dies. */
async function runClient(what: string, folder: string, server: TestNode, steps?: number): Promise<void> {
  const args = [CLIENT, what, folder, server.address, ...(steps === undefined ? [] : [String(steps)])];
  const run = promisify(execFile)(process.execPath, args);
  if (steps === undefined) assert.equal((await run).stdout, 'done');
  else await assert.rejects(run, { signal: 'SIGKILL' });
}
