import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { toChecksumAddress } from '../../../protocol/address.js';
import { toHex } from '../../../protocol/bytes.js';
import { sha256 } from '../../../protocol/crypto/hash.js';
import { chainParamsCodec } from '../../../protocol/params-codec.js';
import { blockCodec } from '../../../protocol/types/block.js';
import { receiptCodec } from '../../../protocol/types/receipt.js';
import { decodeAccount, encodeAccount } from '../../../state/accounts/account.js';
import { addToPool } from '../../../state/accounts/pools.js';
import { Pruner } from '../../../state/chain/retention.js';
import { treeNodes } from '../../../state/chain/state-root.js';
import { readable } from '../../../state/diagnosis/describe.js';
import { replay, type ReplayedBlock } from '../../../state/diagnosis/replay.js';
import { ReplayError, rewindBefore } from '../../../state/diagnosis/rewind.js';
import { NODE_KEYS, STATE_KEYS } from '../../../state/store/keys.js';
import { MemoryStore } from '../../../state/store/memory.js';
import { treeRoot } from '../../../state/tree/root.js';
import { naiveStateRoot, stateEntries } from '../../support/chain.js';
import { DELEGATION_HEIGHT, growChain, member, RULES, withDelegate } from '../../support/diagnosis.js';

const HEAD = 6;
const chain = new MemoryStore();
/** Roots of the states after each height, by the naive definition. */
const roots: string[] = [];
{
  const writing = chain.write.bind(chain);
  // Looks at the whole state whenever the head has moved.
  chain.write = async (batch) => {
    await writing(batch);
    if (batch.some(({ key }) => toHex(key) === toHex(NODE_KEYS.meta.encode('head'))))
      roots.push(naiveStateRoot(await stateEntries(chain)));
  };
  await growChain(chain);
}

async function run(store: MemoryStore, from: number, to = from): Promise<ReplayedBlock[]> {
  const blocks: ReplayedBlock[] = [];
  for await (const block of replay(store, { from, to }, RULES)) blocks.push(block);
  return blocks;
}

function valueOf(store: MemoryStore, key: Uint8Array): Uint8Array {
  const value = store.get(key);
  assert.ok(value !== undefined);
  return value;
}

async function only(store: MemoryStore, height: number): Promise<ReplayedBlock> {
  const [block] = await run(store, height);
  assert.ok(block);
  return block;
}

/** A copy in which one value was changed behind the back of the ledger. */
async function tampered(
  key: Uint8Array,
  change: (value: Uint8Array) => Uint8Array | undefined,
): Promise<MemoryStore> {
  const store = chain.snapshot();
  await store.write([{ key, value: change(valueOf(store, key)) }]);
  return store;
}

test('the state before each block is what it was, and so is its tree', async () => {
  for (let height = 1; height <= HEAD; height++) {
    const { state, root } = await rewindBefore(chain, height);
    assert.equal(toHex(root), roots[height - 1], `height ${height}`);
    assert.equal(toHex(treeRoot(treeNodes(state))), roots[height - 1]);
  }
});

test('each block replays as it was, alone and in a range, and the store stays as it is', async () => {
  const before = await stateEntries(chain);
  for (let height = 1; height <= HEAD; height++)
    assert.deepEqual((await only(chain, height)).differences, []);
  const blocks = await run(chain, 1, HEAD);
  assert.deepEqual(
    blocks.map(({ height }) => height),
    [1, 2, 3, 4, 5, 6],
  );
  assert.ok(
    blocks.every(({ differences, diagnosis }) => differences.length === 0 && diagnosis === undefined),
  );
  assert.deepEqual(await stateEntries(chain), before);
});

describe('what is damaged is found and named', () => {
  const alice = member(0).owner;
  const richer = (value: Uint8Array): Uint8Array => {
    const account = decodeAccount(value);
    return encodeAccount({ ...account, balanceWei: account.balanceWei + 1n });
  };

  test('an entry that the block only reads: what is stored is not what the tree says', async () => {
    const store = await tampered(STATE_KEYS.system.encode('params'), (value) => {
      const params = chainParamsCodec.decode(value);
      return chainParamsCodec.encode({ ...params, blocks: { ...params.blocks, gasLimit: 5_000_000 } });
    });
    const { differences, diagnosis } = await only(store, HEAD);
    assert.deepEqual(differences[0], { where: 'header.gasLimit', expected: '120000000', got: '5000000' });
    assert.equal(diagnosis?.verdict, 'damaged');
    const [damage] = diagnosis.damage;
    assert.equal(damage?.where, 'sys/ params');
    assert.equal(damage.storedHash, toHex(sha256(valueOf(store, STATE_KEYS.system.encode('params')))));
    assert.equal(damage.treeHash, toHex(sha256(valueOf(chain, STATE_KEYS.system.encode('params')))));
  });

  test('an entry the block changed: found through history and through the tree', async () => {
    // Block 3 changes the account again after block 2, so history of 3 is what the replay of 3 starts from.
    const key = NODE_KEYS.history.encode(STATE_KEYS.account.encode(alice), 3);
    const store = await tampered(key, richer);
    const { differences, diagnosis } = await only(store, 3);
    assert.ok(differences.some(({ where }) => where.startsWith('state root before block 3')));
    assert.equal(diagnosis?.verdict, 'damaged');
    assert.deepEqual(
      diagnosis.damage.map(({ where }) => where),
      ['the state tree'],
    );
  });

  test('the present value of an entry that the last block changed', async () => {
    const changedKey = STATE_KEYS.account.encode(alice);
    const store = await tampered(changedKey, richer);
    const { differences, diagnosis } = await only(store, HEAD);
    assert.equal(diagnosis, undefined, 'the block itself comes to what its header says');
    assert.deepEqual(
      differences.map(({ where }) => where),
      [`acct/ ${toChecksumAddress(alice)} (after)`],
    );
    const [stored, right] = [store, chain].map((from) => decodeAccount(valueOf(from, changedKey)));
    assert.deepEqual(differences[0]?.expected, readable(stored));
    assert.deepEqual(differences[0].got, readable(right));
  });

  test('a receipt', async () => {
    const store = await tampered(NODE_KEYS.receipt.encode(2, 0), (value) =>
      receiptCodec.encode({ ...receiptCodec.decode(value), cumulativeGasUsed: 7 }),
    );
    const { differences } = await only(store, 2);
    assert.deepEqual(
      differences.map(({ where, expected }) => [where, expected]),
      [['receipts.receipts[0].cumulativeGasUsed', 7]],
    );
  });

  test('another body, another parent', async () => {
    const key = NODE_KEYS.block.encode(DELEGATION_HEIGHT + 1);
    const store = await tampered(key, (value) => {
      const { header, body } = blockCodec.decode(value);
      const signature = new Uint8Array(96).fill(1);
      return blockCodec.encode({
        header,
        body: { ...body, parentCommit: { ...body.parentCommit, signature } },
      });
    });
    const wheres = async (height: number): Promise<string[]> =>
      (await only(store, height)).differences.map(({ where }) => where);
    assert.deepEqual(await wheres(DELEGATION_HEIGHT + 1), ['header.parentCommitRoot']);
    for (const height of [1, DELEGATION_HEIGHT + 1]) {
      const other = await tampered(NODE_KEYS.block.encode(height), (value) => {
        const { header, body } = blockCodec.decode(value);
        return blockCodec.encode({ header: { ...header, parentId: new Uint8Array(32) }, body });
      });
      const { differences, diagnosis } = await only(other, height);
      assert.deepEqual(
        differences.map(({ where }) => where),
        ['header.parentId'],
      );
      assert.equal(diagnosis, undefined);
    }
  });

  test('a range ends with the first block that differs', async () => {
    const store = await tampered(NODE_KEYS.receipt.encode(2, 0), (value) =>
      receiptCodec.encode({ ...receiptCodec.decode(value), status: 0 }),
    );
    const blocks = await run(store, 1, HEAD);
    assert.deepEqual(
      blocks.map(({ differences }) => differences.length),
      [0, 1],
    );
  });
});

describe('heights that cannot be replayed are refused', () => {
  const refused = async (store: MemoryStore, from: number, to: number, code: string): Promise<void> => {
    await assert.rejects(
      () => run(store, from, to),
      (error) => error instanceof ReplayError && error.code === code,
    );
  };

  test('the genesis, above the head, a range in reverse, a missing block', async () => {
    await refused(chain, 0, 0, 'REPLAY_OF_GENESIS');
    await refused(chain, HEAD + 1, HEAD + 1, 'REPLAY_ABOVE_HEAD');
    await refused(chain, HEAD, HEAD + 1, 'REPLAY_ABOVE_HEAD');
    await refused(chain, 3, 2, 'REPLAY_RANGE_REVERSED');
    const holed = await tampered(NODE_KEYS.block.encode(3), () => undefined);
    await refused(holed, 3, 3, 'REPLAY_BLOCK_MISSING');
  });

  test('outside of the retention window; the lowest height in it is replayed', async () => {
    const store = chain.snapshot();
    const pruner = new Pruner(store, { mode: 'pruned', blocks: 3 });
    while (await pruner.step());
    await refused(store, 3, 3, 'REPLAY_PRUNED');
    await refused(store, 3, 5, 'REPLAY_PRUNED');
    assert.deepEqual(
      (await run(store, 4, HEAD)).map(({ differences }) => differences),
      [[], [], []],
    );
  });

  test('further back than memory allows', async () => {
    await assert.rejects(
      () => rewindBefore(chain, 1, { maxBytes: 2_000 }),
      (error) => error instanceof ReplayError && error.code === 'REPLAY_TOO_FAR',
    );
  });
});

test('a block that cannot be executed in one of two runs is told as nondeterminism', async () => {
  let runs = 0;
  const modules = withDelegate((delegate) => ({
    ...delegate,
    run: (context, values) => {
      if (++runs === 1) throw new ReplayError('REPLAY_TOO_FAR', 'only this once');
      return delegate.run(context, values);
    },
  }));
  const range = { from: DELEGATION_HEIGHT, to: DELEGATION_HEIGHT };
  for await (const block of replay(chain, range, { ...RULES, modules })) {
    assert.equal(block.diagnosis?.verdict, 'nondeterministic');
    assert.equal(block.differences[0]?.where, 'execution');
  }
  assert.equal(runs, 2);
});

test('with invariants checked, a block that makes money differs there too', async () => {
  const modules = withDelegate((delegate) => ({
    ...delegate,
    run: (context, values) => {
      addToPool(context.state, 'verifierPool', 1n);
      return delegate.run(context, values);
    },
  }));
  for (const checkInvariants of [true, false]) {
    const range = { from: DELEGATION_HEIGHT, to: DELEGATION_HEIGHT };
    for await (const block of replay(chain, range, { ...RULES, modules, checkInvariants })) {
      const wheres = block.differences.map(({ where }) => where);
      assert.equal(wheres.includes('invariants'), checkInvariants);
      assert.ok(wheres.includes('header.stateRoot'));
      assert.equal(block.diagnosis?.verdict, 'other-rules');
    }
  }
});
