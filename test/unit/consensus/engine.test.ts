import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ConsensusCluster } from '../../support/consensus-cluster.js';

describe('engines together', () => {
  test('four nodes decide the same blocks', async () => {
    const cluster = new ConsensusCluster(4);
    await Promise.all(cluster.nodes.map((node) => node.start()));
    assert.ok(await cluster.runUntil(() => cluster.nodes.every(({ chain }) => chain.length >= 5)));
    assertAgreement(cluster);
    assert.ok(cluster.nodes[0]?.chain.every(({ precommits }) => precommits.round === 0));
  });

  test('a silent validator costs the rounds it proposes in', async () => {
    const cluster = new ConsensusCluster(4);
    cluster.filter = (from, to) => from !== 1 && to !== 1;
    await Promise.all(cluster.nodes.map((node) => node.start()));
    const others = cluster.nodes.filter((_, index) => index !== 1);
    assert.ok(await cluster.runUntil(() => others.every(({ chain }) => chain.length >= 5)));
    assertAgreement(cluster);
    cluster.filter = () => true;
    assert.ok(await cluster.runUntil(() => cluster.nodes.every(({ chain }) => chain.length >= 7)));
    assertAgreement(cluster);
  });

  test('a node that crashes at any effect comes back with its log and goes on', async () => {
    for (let point = 1; point <= 40; point++) {
      const cluster = new ConsensusCluster(4);
      const [victim] = cluster.nodes;
      assert.ok(victim);
      let left = point;
      victim.onEffect = (kind) => {
        if (--left === 0) throw new Error(`crash at ${kind}`);
      };
      await Promise.all(cluster.nodes.map((node) => node.start()));
      assert.ok(await cluster.runUntil(() => victim.failure !== undefined), `no crash at ${point}`);
      await victim.restart();
      assert.ok(
        await cluster.runUntil(() => cluster.nodes.every(({ chain }) => chain.length >= 3)),
        `stuck after ${point}`,
      );
      assertAgreement(cluster);
      assert.ok(
        cluster.nodes.every(({ evidence }) => evidence.length === 0),
        `evidence after ${point}`,
      );
    }
  });
});

function assertAgreement({ nodes }: ConsensusCluster): void {
  const [first] = nodes;
  for (const { chain, failure } of nodes) {
    assert.equal(failure, undefined);
    for (const [index, { id }] of chain.entries()) {
      const other = first?.chain[index];
      if (other !== undefined) assert.equal(id, other.id);
    }
  }
}
