import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { stakingAddress } from '../../../interfaces/staking.js';
import type { Hex } from '../../../protocol/bytes.js';
import { RpcChain, until } from '../../support/rpc-chain.js';
import { RpcSocket } from '../../support/rpc-socket.js';
import { richOf, signedBy, stakingCallOf } from '../../support/rpc-wallet.js';

interface Told {
  readonly cursor: number;
  readonly height: number;
  readonly id: Hex;
  readonly events: readonly { readonly phase: string; readonly logIndex: Hex }[];
}

describe('being told over WebSocket', () => {
  let chain: RpcChain;
  let socket: RpcSocket;
  let nonce = 0;

  const sendAndMine = async (changes: object = {}): Promise<Hex> => {
    const hash = await chain.ask<Hex>('eth_sendRawTransaction', [
      signedBy(richOf(chain, 0), nonce++, changes),
    ]);
    await chain.mine();
    return hash;
  };
  const delegation = (): object =>
    stakingCallOf('delegate', [chain.members[0]?.owner ?? new Uint8Array(20)], 5n);

  before(async () => {
    chain = await RpcChain.start({ validators: 2, isAutomatic: false });
    socket = await RpcSocket.open(chain.server.url);
  });
  after(async () => {
    await socket.close();
    await chain.close();
  });

  test('requests and batches are answered as over HTTP', async () => {
    assert.equal(await socket.ask('eth_chainId'), '0xfd0e');
    assert.equal((await socket.call('eth_nothing')).error?.code, -32601);
    assert.equal((await chain.call('eth_subscribe', ['newHeads'])).error?.code, -32004);
  });

  test('new heads are the headers of the blocks, and end when they are ended', async () => {
    const id = await socket.ask<string>('eth_subscribe', ['newHeads']);
    await chain.mine();
    await chain.mine();
    const heads = await socket.toldAtLeast<Record<string, string>>(id, 2);
    for (const head of heads) {
      const block = await chain.ask<Record<string, unknown>>('eth_getBlockByNumber', [head['number'], false]);
      assert.deepEqual(head, Object.fromEntries(Object.keys(head).map((key) => [key, block[key]])));
    }
    assert.equal(await socket.ask('eth_unsubscribe', [id]), true);
    assert.equal(await socket.ask('eth_unsubscribe', [id]), false);
    await chain.mine();
    await socket.ask('eth_chainId');
    assert.equal(socket.told(id).length, 2);
  });

  test('logs are those of eth_getLogs, system phases included', async () => {
    const all = await socket.ask<string>('eth_subscribe', ['logs', {}]);
    const some = await socket.ask<string>('eth_subscribe', ['logs', { address: stakingAddress }]);
    const none = await socket.ask<string>('eth_subscribe', ['logs', { address: `0x${'11'.repeat(20)}` }]);
    const from = chain.height + 1;
    await sendAndMine(delegation());
    const expected = await chain.ask<object[]>('eth_getLogs', [{ fromBlock: `0x${from.toString(16)}` }]);
    assert.ok(expected.length >= 2);
    assert.deepEqual(await socket.toldAtLeast(all, expected.length), expected);
    assert.ok(socket.told(some).length > 0);
    assert.equal(socket.told(none).length, 0);
    for (const id of [all, some, none]) await socket.ask('eth_unsubscribe', [id]);
  });

  test('transactions that come into the mempool, by hash and whole', async () => {
    const hashes = await socket.ask<string>('eth_subscribe', ['newPendingTransactions']);
    const whole = await socket.ask<string>('eth_subscribe', ['newPendingTransactions', true]);
    const sent = await chain.ask<Hex>('eth_sendRawTransaction', [signedBy(richOf(chain, 0), nonce++)]);
    assert.deepEqual(await socket.toldAtLeast(hashes, 1), [sent]);
    const [told] = await socket.toldAtLeast<{ hash: Hex; blockHash: null }>(whole, 1);
    assert.deepEqual([told?.hash, told?.blockHash], [sent, null]);
    for (const id of [hashes, whole]) await socket.ask('eth_unsubscribe', [id]);
    await chain.mine();
  });

  test('the beginning and the end of catching up', async () => {
    const id = await socket.ask<string>('eth_subscribe', ['syncing']);
    const peers = { peers: [], validator: undefined };
    chain.status = { syncing: { startingHeight: 1, highestHeight: 9 }, ...peers };
    const [begun] = await socket.toldAtLeast<{ syncing: boolean; status: { highestBlock: Hex } }>(id, 1);
    assert.deepEqual([begun?.syncing, begun?.status.highestBlock], [true, '0x9']);
    chain.status = { syncing: undefined, ...peers };
    assert.equal((await socket.toldAtLeast(id, 2))[1], false);
  });

  test('every block is told of, from a cursor on and without a gap, across connections', async () => {
    const first = await RpcSocket.open(chain.server.url);
    const id = await first.ask<string>('ogpu_subscribe', ['blocks', { cursor: 1 }]);
    const before = chain.height;
    const replayed = await first.toldAtLeast<Told>(id, before);
    assert.deepEqual(
      replayed.map(({ height }) => height),
      Array.from({ length: before }, (_, i) => i + 1),
    );
    await first.close();
    for (let i = 0; i < 5; i++) await chain.mine();
    const second = await RpcSocket.open(chain.server.url);
    const again = await second.ask<string>('ogpu_subscribe', ['blocks', { cursor: replayed.at(-1)?.cursor }]);
    await second.toldAtLeast(again, 5);
    await chain.mine();
    const live = await second.toldAtLeast<Told>(again, 6);
    assert.deepEqual(
      live.map(({ height }) => height),
      Array.from({ length: 6 }, (_, i) => before + 1 + i),
    );
    for (const { height, id: blockId } of live) {
      const block = await chain.ask<{ hash: Hex }>('eth_getBlockByNumber', [
        `0x${height.toString(16)}`,
        false,
      ]);
      assert.equal(block.hash, blockId);
    }
    await second.close();
  });

  test('events of every phase of a block come in one piece', async () => {
    const id = await socket.ask<string>('ogpu_subscribe', ['events', {}]);
    await sendAndMine(delegation());
    const [told] = await socket.toldAtLeast<Told>(id, 1);
    assert.ok(told);
    assert.ok(told.events.some(({ phase }) => phase === 'transaction'));
    assert.deepEqual(
      told.events.map(({ logIndex }) => Number(logIndex)),
      told.events.map((_, index) => index),
    );
    const whole = await socket.ask<string>('ogpu_subscribe', ['events', { cursor: 1 }]);
    await until(() => socket.told<Told>(whole).at(-1)?.height === told.height, 'all is told');
    const phases = new Set(
      socket.told<Told>(whole).flatMap(({ events }) => events.map(({ phase }) => phase)),
    );
    assert.ok(phases.has('transaction') && (phases.has('begin') || phases.has('end')), [...phases].join());
    const expected = await chain.ask<object[]>('eth_getLogs', [{ fromBlock: '0x1' }]);
    assert.equal(socket.told<Told>(whole).flatMap(({ events }) => events).length, expected.length);
    for (const each of [id, whole]) assert.equal(await socket.ask('ogpu_unsubscribe', [each]), true);
  });

  test('a cursor of the future is refused', async () => {
    const { error } = await socket.call('ogpu_subscribe', ['blocks', { cursor: chain.height + 2 }]);
    assert.equal(error?.code, -32602);
  });
});

describe('sockets have bounds', () => {
  test('so many subscriptions, and no more', async () => {
    const chain = await RpcChain.start({ server: { limits: { maxSubscriptions: 3 } } });
    const socket = await RpcSocket.open(chain.server.url);
    for (let i = 0; i < 3; i++) await socket.ask('eth_subscribe', ['newHeads']);
    assert.equal((await socket.call('eth_subscribe', ['newHeads'])).error?.code, -32005);
    await socket.close();
    await chain.close();
  });

  test('a client that does not read is dropped, and costs no memory until then', async () => {
    const maxSocketBacklogBytes = 256 * 1024;
    const chain = await RpcChain.start({
      validators: 1,
      isAutomatic: false,
      server: { limits: { maxSocketBacklogBytes } },
    });
    const socket = await RpcSocket.open(chain.server.url);
    socket.socket.pause();
    for (let i = 0; i < 400; i++) {
      socket.socket.send('{"jsonrpc":"2.0","id":1,"method":"rpc.discover"}');
    }
    await until(
      () => socket.socket.readyState !== socket.socket.OPEN || chain.openSockets === 0,
      'it is dropped',
    );
    assert.equal(chain.openSockets, 0);
    socket.socket.terminate();
    await chain.close();
  });

  test('a follower that does not read is neither dropped nor buffered for: it is told when it reads', async () => {
    const chain = await RpcChain.start({
      isAutomatic: false,
      server: { limits: { maxSocketBacklogBytes: 4_096 } },
    });
    const socket = await RpcSocket.open(chain.server.url);
    const id = await socket.ask<string>('ogpu_subscribe', ['blocks', {}]);
    socket.socket.pause();
    for (let i = 0; i < 30; i++) await chain.mine();
    socket.socket.resume();
    const told = await socket.toldAtLeast<Told>(id, 30);
    assert.deepEqual(
      told.map(({ height }) => height),
      Array.from({ length: 30 }, (_, i) => i + 1),
    );
    await socket.close();
    await chain.close();
  });

  test('a silent socket is asked for a sign of life, and closed without one', async () => {
    const chain = await RpcChain.start({ server: { limits: { pingMs: 30 } } });
    const alive = await RpcSocket.open(chain.server.url);
    const mute = connect(chain.server.port, '127.0.0.1');
    mute.write(
      'GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    );
    mute.resume();
    await new Promise<void>((resolve) => mute.once('close', () => resolve()));
    assert.equal(await alive.ask('eth_chainId'), '0xfd0e');
    await alive.close();
    await chain.close();
  });

  test('a server that stops says so', async () => {
    const chain = await RpcChain.start();
    const socket = await RpcSocket.open(chain.server.url);
    await chain.close();
    await until(() => socket.closed !== undefined);
    assert.equal(socket.closed?.code, 1001);
  });
});

describe('filters', () => {
  test('collect what comes after them, and forget themselves', async () => {
    const chain = await RpcChain.start({
      isAutomatic: false,
      server: { limits: { filterIdleMs: 300, maxFilters: 3 } },
    });
    const blocks = await chain.ask<string>('eth_newBlockFilter');
    const pending = await chain.ask<string>('eth_newPendingTransactionFilter');
    const logs = await chain.ask<string>('eth_newFilter', [{ address: stakingAddress }]);
    assert.equal((await chain.call('eth_newBlockFilter')).error?.code, -32005);
    const call = stakingCallOf('delegate', [chain.members[0]?.owner ?? new Uint8Array(20)], 5n);
    const hash = await chain.ask<Hex>('eth_sendRawTransaction', [signedBy(richOf(chain, 0), 0, call)]);
    await chain.mine();
    await chain.mine();
    const changes = (id: string): Promise<unknown[]> => chain.ask<unknown[]>('eth_getFilterChanges', [id]);
    const hashes = await Promise.all(
      ['0x1', '0x2'].map((height) => chain.ask<{ hash: Hex }>('eth_getBlockByNumber', [height, false])),
    );
    assert.deepEqual(
      await changes(blocks),
      hashes.map((block) => block.hash),
    );
    assert.deepEqual(await changes(blocks), []);
    assert.deepEqual(await changes(pending), [hash]);
    const expected = await chain.ask<unknown[]>('eth_getLogs', [
      { fromBlock: '0x1', address: stakingAddress },
    ]);
    assert.deepEqual(await changes(logs), expected);
    assert.deepEqual(await changes(logs), []);
    assert.equal((await chain.call('eth_getFilterLogs', [blocks])).error?.code, -32000);
    assert.deepEqual(
      await chain.ask('eth_getFilterLogs', [logs]),
      await chain.ask('eth_getLogs', [{ address: stakingAddress }]),
    );
    assert.equal(await chain.ask('eth_uninstallFilter', [blocks]), true);
    assert.equal((await chain.call('eth_getFilterChanges', [blocks])).error?.code, -32000);
    const made = Date.now();
    await until(() => Date.now() > made + 320);
    assert.equal((await chain.call('eth_getFilterChanges', [logs])).error?.code, -32000);
    await chain.close();
  });

  test('logs in small portions are all the logs', async () => {
    const chain = await RpcChain.start({ isAutomatic: false, server: { limits: { maxLogs: 4 } } });
    const filter = await chain.ask<string>('eth_newFilter', [{ address: stakingAddress }]);
    const call = stakingCallOf('delegate', [chain.members[0]?.owner ?? new Uint8Array(20)], 5n);
    for (let nonce = 0; nonce < 6; nonce++) {
      await chain.ask('eth_sendRawTransaction', [signedBy(richOf(chain, 0), nonce, call)]);
      await chain.mine();
    }
    const whole: unknown[] = [];
    for (let asked = 0; asked < 20; asked++)
      whole.push(...(await chain.ask<unknown[]>('eth_getFilterChanges', [filter])));
    const byBlock: unknown[] = [];
    for (let height = 1; height <= chain.height; height++) {
      const block = `0x${height.toString(16)}`;
      byBlock.push(
        ...(await chain.ask<unknown[]>('eth_getLogs', [
          { address: stakingAddress, fromBlock: block, toBlock: block },
        ])),
      );
    }
    assert.deepEqual(whole, byBlock);
    const { error } = await chain.call('eth_getLogs', [{ address: stakingAddress, fromBlock: '0x1' }]);
    assert.equal(error?.code, -32005);
    const data = error.data as { code: string; from: number; to: number };
    assert.equal(data.code, 'RPC_TOO_MANY_LOGS');
    const range = { fromBlock: `0x${data.from.toString(16)}`, toBlock: `0x${data.to.toString(16)}` };
    const advised = await chain.ask<unknown[]>('eth_getLogs', [{ address: stakingAddress, ...range }]);
    assert.ok(advised.length > 0);
    await chain.close();
  });
});
