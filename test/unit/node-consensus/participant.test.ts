import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { toHex } from '../../../protocol/bytes.js';
import { Town } from '../../support/participants.js';

describe('participants on a ledger', () => {
  test('decide the same blocks, with every signer in the commit of each parent', async () => {
    const town = await Town.create(4);
    await town.openAll();
    await town.runTo(5);
    const [first] = town.nodes;
    for (const node of town.nodes) {
      assert.deepEqual(node.stops, []);
      assert.deepEqual(node.blamed, []);
      for (const [index, { local }] of node.finals.entries()) {
        const same = first?.finals[index]?.local;
        if (same !== undefined) assert.equal(toHex(local.id), toHex(same.id));
      }
    }
    for (const { local } of first?.finals.slice(1) ?? []) {
      const { signers } = local.block.body.parentCommit;
      assert.deepEqual(signers.toBoolArray(), [true, true, true, true]);
    }
  });
});
