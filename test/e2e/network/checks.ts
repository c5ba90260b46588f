import assert from 'node:assert/strict';
import type { Cluster } from './cluster.js';

interface BlockAnswer {
  readonly hash: string;
  readonly stateRoot: string;
}

/** Every node has the same block at every height that all of them have. @returns that many heights */
export async function assertNoFork(cluster: Cluster, nodes: readonly number[], from = 1): Promise<number> {
  const heights = await Promise.all(nodes.map((index) => cluster.height(index)));
  const last = Math.min(...heights.map((height) => height ?? 0));
  for (let height = from; height <= last; height++) {
    const blocks = await Promise.all(
      nodes.map(async (index) => {
        const block = await cluster.rpc(index, 'eth_getBlockByNumber', [`0x${height.toString(16)}`, false]);
        const { hash, stateRoot } = block as BlockAnswer;
        return `${hash} ${stateRoot}`;
      }),
    );
    assert.equal(new Set(blocks).size, 1, `one block at height ${height}: ${blocks.join(', ')}`);
  }
  return last - from + 1;
}

/** A node that was killed starts again by itself: nothing in its log says that somebody has to help it. */
export async function assertNoFatal(cluster: Cluster, index: number): Promise<void> {
  const fatal = (await cluster.logOf(index)).split('\n').filter((line) => line.includes('"level":"fatal"'));
  assert.deepEqual(fatal, [], `node ${index} came to no trouble of its own`);
}
