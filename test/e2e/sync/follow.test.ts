import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytesEqual } from '../../../protocol/bytes.js';
import { storedCommit } from '../../../node/consensus/stored-blocks.js';
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

function copyOf(source: FinalChain): typeof source.store {
  return source.store.snapshot();
}
