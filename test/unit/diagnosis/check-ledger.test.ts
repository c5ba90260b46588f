import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readHead } from '../../../state/chain/marks.js';
import { checkStateRoot, type LedgerFault } from '../../../state/diagnosis/check-ledger.js';
import { describeKey, describeValue } from '../../../state/diagnosis/describe.js';
import { hashKey } from '../../../state/tree/leaf.js';
import { toChecksumAddress } from '../../../protocol/address.js';
import { toHex } from '../../../protocol/bytes.js';
import { NODE_KEYS, STATE_KEYS } from '../../../state/store/keys.js';
import { MemoryStore } from '../../../state/store/memory.js';
import { stateEntries } from '../../support/chain.js';
import { growChain, member } from '../../support/diagnosis.js';

const chain = new MemoryStore();
await growChain(chain);
const entries = await stateEntries(chain);
const alice = STATE_KEYS.account.encode(member(0).owner);
const aliceText = `acct/ ${toChecksumAddress(member(0).owner)}`;

async function faultsAfter(
  changes: { key: Uint8Array; value: Uint8Array | undefined }[],
  leavesPerPass = 1_000_000,
): Promise<readonly LedgerFault[]> {
  const store = chain.snapshot();
  await store.write(changes);
  const head = readHead(store);
  assert.ok(head);
  const { faults, faultCount } = await checkStateRoot(store, head.stateRoot, { leavesPerPass });
  assert.equal(faultCount, faults.length);
  return faults;
}

describe('a whole ledger against its state root', () => {
  test('sound, whatever is held at a time', async () => {
    for (const leavesPerPass of [1, 2, 7, 1_000]) assert.deepEqual(await faultsAfter([], leavesPerPass), []);
  });

  test('each single entry that is changed, gone or added is found and named', async () => {
    for (const leavesPerPass of [5, 1_000]) {
      const value = Uint8Array.of(1, 2, 3);
      assert.deepEqual(await faultsAfter([{ key: alice, value }], leavesPerPass), [
        { kind: 'entry-differs', where: aliceText },
      ]);
      assert.deepEqual(await faultsAfter([{ key: alice, value: undefined }], leavesPerPass), [
        { kind: 'entry-missing', where: `key hash ${toHex(hashKey(alice))}` },
      ]);
      const stranger = STATE_KEYS.account.encode(new Uint8Array(20).fill(9));
      assert.deepEqual(await faultsAfter([{ key: stranger, value }], leavesPerPass), [
        { kind: 'entry-unknown-to-root', where: `acct/ ${toChecksumAddress(new Uint8Array(20).fill(9))}` },
      ]);
    }
    for (const { key } of entries) assert.equal((await faultsAfter([{ key, value: undefined }])).length, 1);
  });

  test('every entry changed: all are counted', async () => {
    const all = entries.map(({ key }) => ({ key, value: Uint8Array.of(7) }));
    assert.equal((await faultsAfter(all)).length, entries.length);
  });

  test('a tree with a missing or altered node is damaged', async () => {
    const nodes: Uint8Array[] = [];
    for await (const page of chain.range({ ...NODE_KEYS.treeNode.range(), limit: 1_000 }))
      nodes.push(...page.map(({ key }) => key));
    assert.ok(nodes.length > 3);
    for (const key of nodes) {
      const node = chain.get(key);
      assert.ok(node);
      const flipped = [2, 5, 35, node.length - 1].map((at) =>
        node.map((byte, i) => (i === at ? byte ^ 1 : byte)),
      );
      for (const value of [undefined, ...flipped]) {
        const faults = await faultsAfter([{ key, value }]);
        assert.equal(faults.at(-1)?.kind, 'tree-damaged', `${toHex(key)}: ${JSON.stringify(faults)}`);
      }
    }
  });
});

describe('entries as people read them', () => {
  test('every entry of a real state has a readable key, and a decoded value where a form is known', () => {
    for (const { key, value } of entries) {
      assert.match(describeKey(key), /^[a-z]+\/( \S+)+$/);
      const text = JSON.stringify(describeValue(key, value));
      if (!/^(heap|hplc|delr)\//.test(describeKey(key))) assert.match(text, /^\{/, describeKey(key));
    }
    assert.equal(describeKey(alice), aliceText);
    assert.match(JSON.stringify(describeValue(alice, chain.get(alice))), /^\{"nonce":3,"balanceWei":"\d+"/);
  });

  test('what is damaged or of no space is hex; what is not there is null', () => {
    assert.equal(describeValue(alice, Uint8Array.of(1, 2)), '0x0102');
    assert.equal(describeValue(alice, undefined), null);
    assert.equal(describeKey(Uint8Array.of(1, 2)), '0x0102');
    assert.equal(describeKey(alice.subarray(0, 9)), toHex(alice.subarray(0, 9)));
  });
});
