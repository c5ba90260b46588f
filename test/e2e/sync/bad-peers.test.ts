import assert from 'node:assert/strict';
import { test } from 'node:test';
import { finalBlockCodec, type ChainSource, type FinalBlock } from '../../../p2p/chain-requests.js';
import { Pruner } from '../../../state/chain/retention.js';
import type { OgpuError } from '../../../protocol/errors.js';
import type { MemoryStore } from '../../../state/store/memory.js';
import { simulatedChain, type SimulatedChain } from '../../sim/consensus/chain.js';
import { FinalChain } from '../../support/final-chain.js';
import type { TestNode } from '../../support/p2p.js';
import { assertSameContent, blockSyncOf, Scene } from '../../support/sync.js';

const LIMIT = { timeout: 60_000 };
const BLOCKS = 150;

/** Serves another block than it has, from a height on. */
function lyingFrom(
  height: number,
  lie: (block: FinalBlock) => FinalBlock,
): (source: ChainSource) => ChainSource {
  return (source) => ({
    ...source,
    blocks: async function* (range) {
      for await (const bytes of source.blocks(range)) {
        const block = finalBlockCodec.decode(bytes);
        yield block.block.header.height < height ? bytes : finalBlockCodec.encode(lie(block));
      }
    },
  });
}

const LIES: Readonly<Record<string, { lie: (block: FinalBlock) => FinalBlock; code: string }>> = {
  'a commit that nobody signed': {
    lie: ({ block, commit }) => ({
      block,
      commit: { ...commit, commit: { ...commit.commit, round: commit.commit.round + 1 } },
    }),
    code: 'SYNC_COMMIT_WRONG',
  },
  'a commit of one signer': {
    lie: ({ block, commit }) => {
      const signers = commit.commit.signers.clone();
      for (let place = 1; place < signers.bitLen; place++) signers.set(place, false);
      return { block, commit: { ...commit, commit: { ...commit.commit, signers } } };
    },
    code: 'SYNC_COMMIT_WRONG',
  },
  'an extension that nobody signed': {
    lie: ({ block, commit }) => {
      const [first, ...rest] = commit.extensions;
      assert.ok(first);
      const payload = { ...first.payload, content: Uint8Array.of(1) };
      return { block, commit: { ...commit, extensions: [{ ...first, payload }, ...rest] } };
    },
    code: 'SYNC_COMMIT_WRONG',
  },
  'another header': {
    lie: ({ block, commit }) => ({
      block: { ...block, header: { ...block.header, timeMs: block.header.timeMs + 1 } },
      commit,
    }),
    code: 'SYNC_COMMIT_WRONG',
  },
  'another body': {
    lie: ({ block, commit }) => ({
      block: { ...block, body: { ...block.body, parentExtensions: [] } },
      commit,
    }),
    code: 'SYNC_BLOCK_WRONG',
  },
  'a transaction that is none': {
    lie: ({ block, commit }) => ({
      block: { ...block, body: { ...block.body, transactions: [Uint8Array.of(1, 2, 3)] } },
      commit,
    }),
    code: 'SYNC_BLOCK_WRONG',
  },
};

for (const [name, { lie, code }] of Object.entries(LIES)) {
  test(`${name}: the peer is blamed and let go, another one gives the block`, LIMIT, () =>
    Scene.play(async (scene) => {
      const { chain, source } = await grown();
      const liar = await scene.server(1, source.store, lyingFrom(70, lie));
      const honest = await scene.server(2, source.store);
      const client = await scene.client(9, [liar, honest]);
      const store = chain.store.snapshot();
      assert.equal((await blockSyncOf(store, client, chain).run()).height, BLOCKS);
      assert.deepEqual(blamesOf(client), [[liar.network.id, code]]);
      assert.ok(client.network.peers.every(({ id }) => id !== liar.network.id));
      await assertSameContent(source.store, store);
    }),
  );
}

test('who claims a great height and gives no block is not believed for long', LIMIT, () =>
  Scene.play(async (scene) => {
    const { chain, source } = await grown();
    const liar = await scene.server(1, source.store, ({ status, ...rest }) => ({
      ...rest,
      status: () => ({ ...status(), headHeight: 1_000_000_000 }),
    }));
    const honest = await scene.server(2, source.store);
    const client = await scene.client(9, [liar, honest]);
    const store = chain.store.snapshot();
    const start = performance.now();
    assert.equal((await blockSyncOf(store, client, chain).run()).height, BLOCKS);
    assert.ok(performance.now() - start < 10_000);
    assert.deepEqual(blamesOf(client), [[liar.network.id, 'SYNC_WITHHELD']]);
  }),
);

test('who says nothing is passed over', LIMIT, () =>
  Scene.play(async (scene) => {
    const { chain, source } = await grown();
    const silent = await scene.server(1, source.store, (real) => ({
      ...real,
      // eslint-disable-next-line require-yield -- that is what it does
      blocks: async function* () {
        await new Promise(() => undefined);
      },
    }));
    const honest = await scene.server(2, source.store);
    const client = await scene.client(9, [silent, honest]);
    const store = chain.store.snapshot();
    const start = performance.now();
    assert.equal((await blockSyncOf(store, client, chain).run()).height, BLOCKS);
    assert.ok(performance.now() - start < 15_000);
    await assertSameContent(source.store, store);
  }),
);

test('answers that end too early are completed by others', LIMIT, () =>
  Scene.play(async (scene) => {
    const { chain, source } = await grown();
    const short = await scene.server(1, source.store, (real) => ({
      ...real,
      blocks: (range) => real.blocks({ ...range, count: Math.min(range.count, 7) }),
    }));
    const honest = await scene.server(2, source.store);
    const client = await scene.client(9, [short, honest]);
    const store = chain.store.snapshot();
    assert.equal((await blockSyncOf(store, client, chain).run()).height, BLOCKS);
    assert.ok(
      blamesOf(client).every(([peer, code]) => peer === short.network.id && code === 'SYNC_WITHHELD'),
    );
  }),
);

test('with nobody there it gives up after a while, and goes on from where it was with who comes', LIMIT, () =>
  Scene.play(async (scene) => {
    const { chain, source } = await grown();
    const client = await scene.client(9, []);
    const store = chain.store.snapshot();
    assert.equal((await blockSyncOf(store, client, chain, { patienceMs: 300 }).run()).height, 0);
    const running = blockSyncOf(store, client, chain).run();
    const server = await scene.server(2, source.store);
    await client.network.dial(server.address);
    assert.equal((await running).height, BLOCKS);
  }),
);

test(
  'that all peers have dropped what follows is told, and is over when somebody comes who has it',
  LIMIT,
  () =>
    Scene.play(async (scene) => {
      const { chain, source } = await grown();
      const short = source.store.snapshot();
      const pruner = new Pruner(short, { mode: 'pruned', blocks: 10 });
      while (await pruner.step());
      const client = await scene.client(9, [await scene.server(1, short)]);
      const store = chain.store.snapshot();
      const told: (string | undefined)[] = [];
      const onGap = (error: OgpuError | undefined): void => {
        if (told.length === 0 || told.at(-1) !== error?.code) told.push(error?.code);
      };
      assert.equal((await blockSyncOf(store, client, chain, { patienceMs: 1_000, onGap }).run()).height, 0);
      assert.deepEqual(told, ['SYNC_STATE_NEEDED']);
      const running = blockSyncOf(store, client, chain, { onGap }).run();
      await client.network.dial((await scene.server(2, source.store)).address);
      assert.equal((await running).height, BLOCKS);
      assert.equal(told.at(-1), undefined);
      assert.deepEqual(blamesOf(client), [], 'nobody has to keep everything');
    }),
);

test('told to stop it stops, and what it has is whole', LIMIT, () =>
  Scene.play(async (scene) => {
    const { chain, source } = await grown();
    const server = await scene.server(2, source.store);
    const client = await scene.client(9, [server]);
    const store = await scene.ledger(chain);
    const stop = new AbortController();
    const onFinal = ({ block }: { block: { header: { height: number } } }): void => {
      if (block.header.height === 40) stop.abort();
    };
    const { height } = await blockSyncOf(store, client, chain, { onFinal }).run(stop.signal);
    assert.ok(height >= 40 && height < BLOCKS, `it stopped at ${height}`);
    assert.equal((await blockSyncOf(store, client, chain).run()).height, BLOCKS);
    await assertSameContent(source.store, store);
  }),
);

async function grown(): Promise<{ chain: SimulatedChain; source: FinalChain<MemoryStore> }> {
  const chain = await simulatedChain(4, false);
  const source = await FinalChain.open(chain.store.snapshot(), chain);
  await source.growTo(BLOCKS);
  return { chain, source };
}

function blamesOf(node: TestNode): (readonly [peer: string, code: string])[] {
  return node.events.items.flatMap((event) =>
    event.kind === 'peer-blamed' ? [[event.peer, event.error.code] as const] : [],
  );
}
