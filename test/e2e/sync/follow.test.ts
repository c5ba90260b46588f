import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytesEqual } from '../../../protocol/bytes.js';
import { storedCommit } from '../../../node/consensus/stored-blocks.js';
import type { MemoryStore } from '../../../state/store/memory.js';
import { simulatedChain } from '../../sim/consensus/chain.js';
import { FinalChain } from '../../support/final-chain.js';
import { diskOfPresent, LiveNode } from '../../support/live-node.js';
import { connect } from '../../support/p2p.js';
import { Scene } from '../../support/sync.js';

const LIMIT = { timeout: 60_000 };

test('a validator that was away catches up, and votes again within a block or two', LIMIT, () =>
  Scene.play(async (scene) => {
    const chain = await simulatedChain(4, false);
    const source = await FinalChain.open(chain.store.snapshot(), chain);
    const validator = chain.validators[3];
    assert.ok(validator);
    await source.growTo(60, { absent: [source.tip.committee.indexOf(validator.id) ?? 0] });
    const present = await Promise.all(
      [0, 1, 2].map(async (index) => {
        const disk = await diskOfPresent(chain, index, source);
        return LiveNode.create(scene, index + 1, copyOf(source), chain, { index, disk });
      }),
    );
    const away = await LiveNode.create(scene, 4, chain.store.snapshot(), chain, { index: 3 });
    const all = [...present, away];
    for (const [i, one] of all.entries()) {
      for (const other of all.slice(i + 1)) await connect(one.node, other.node);
    }
    for (const { follower } of all) follower.start();
    await away.states.first((state) => state === 'participating');
    const joined = away.height;
    assert.ok(joined >= 59, `it joins at ${joined}`);
    await away.finals.first(({ block }) => block.header.height >= joined + 3);
    const isIn = [1, 2, 3].filter((after) =>
      storedCommit(away.store, joined + after)?.extensions.some((one) =>
        bytesEqual(one.validator, validator.id),
      ),
    );
    assert.ok(isIn.length > 0, 'its votes are in the commits');
    for (const { stops } of all) assert.deepEqual(stops, []);
  }),
);

function copyOf(source: FinalChain<MemoryStore>): MemoryStore {
  return source.store.snapshot();
}

test('a validator that is cut off leaves consensus when others are far ahead, and comes back', LIMIT, () =>
  Scene.play(async (scene) => {
    const { source, nodes } = await liveChain(scene, 30);
    for (const { follower } of nodes) follower.start();
    const [victim] = nodes;
    assert.ok(victim);
    await victim.finals.first(({ block }) => block.header.height > source.height);
    // The others go on without it: blocks that its own consensus never hears of are in their stores.
    victim.isDeaf = true;
    const others = nodes.slice(1);
    const start = victim.height;
    await Promise.all(others.map((other) => other.keepBusy()));
    await others[0]?.finals.first(({ block }) => block.header.height >= start + 20);
    await victim.states.first((state) => state === 'syncing' && victim.states.items.length > 2);
    victim.isDeaf = false;
    await victim.states.first((state) => state === 'participating' && victim.states.items.length > 3);
    assert.ok(victim.height >= start + 16);
    const joined = victim.height;
    await victim.finals.first(({ block }) => block.header.height >= joined + 2);
    for (const { stops } of nodes) assert.deepEqual(stops, []);
  }),
);

test('who only claims to be far ahead does not move a validator', LIMIT, () =>
  Scene.play(async (scene) => {
    const { source, nodes } = await liveChain(scene, 10);
    const [victim] = nodes;
    assert.ok(victim);
    const liar = await scene.server(77, source.store, ({ status, ...rest }) => ({
      ...rest,
      status: () => ({ ...status(), headHeight: 1_000_000 }),
    }));
    await connect(liar, victim.node);
    for (const { follower } of nodes) follower.start();
    const blamed = await victim.node.events.first((event) => event.kind === 'peer-blamed');
    assert.ok(blamed.kind === 'peer-blamed' && blamed.peer === liar.network.id);
    assert.equal(blamed.error.code, 'SYNC_WITHHELD');
    await victim.states.first((state) => state === 'participating');
    const { height } = victim;
    await victim.finals.first(({ block }) => block.header.height >= height + 2);
    assert.deepEqual(victim.states.items, ['syncing', 'participating']);
  }),
);

/** Four validators of a chain with some blocks, which all of them have signed, connected and not begun. */
async function liveChain(
  scene: Scene,
  height: number,
): Promise<{ source: FinalChain<MemoryStore>; nodes: readonly LiveNode[] }> {
  const chain = await simulatedChain(4, false);
  const source = await FinalChain.open(chain.store.snapshot(), chain);
  await source.growTo(height);
  const nodes = await Promise.all(
    [0, 1, 2, 3].map(async (index) => {
      const disk = await diskOfPresent(chain, index, source);
      return LiveNode.create(scene, index + 1, copyOf(source), chain, { index, disk });
    }),
  );
  for (const [i, one] of nodes.entries()) {
    for (const other of nodes.slice(i + 1)) await connect(one.node, other.node);
  }
  return { source, nodes };
}
