import assert from 'node:assert/strict';
import { performance } from 'node:perf_hooks';
import { after, before, describe, test } from 'node:test';
import { RpcError } from '../../../rpc/errors/rpc-error.js';
import { Deadline } from '../../../rpc/transport/deadline.js';
import { Gate } from '../../../rpc/transport/gate.js';
import { RateLimit } from '../../../rpc/transport/rate-limit.js';
import { Turns } from '../../../rpc/transport/turns.js';
import { Pruner } from '../../../state/chain/retention.js';
import { RpcChain } from '../../support/rpc-chain.js';
import { richOf, signedBy, stakingCallOf } from '../../support/rpc-wallet.js';

describe('hostile requests', () => {
  let chain: RpcChain;
  before(async () => {
    chain = await RpcChain.start();
  });
  after(() => chain.close());

  test('each is answered with an error, soon, and the node goes on', async () => {
    const one = '{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}';
    const nested = (open: string, close: string, depth: number): string =>
      open.repeat(depth) + close.repeat(depth);
    const call = (params: string): string =>
      `{"jsonrpc":"2.0","id":1,"method":"eth_call","params":${params}}`;
    const bodies: [string, string][] = [
      ['a batch of 100,000', `[${new Array(100_000).fill(one).join(',')}]`],
      ['a batch of 100,000 nothings', `[${new Array(100_000).fill('1').join(',')}]`],
      ['arrays 1,000,000 deep', nested('[', ']', 1_000_000)],
      ['parameters 200,000 deep', call(nested('[', ']', 200_000))],
      ['objects 200,000 deep', call(`[${'{"a":'.repeat(200_000)}1${'}'.repeat(200_000)}]`)],
      ['a number of a million digits', call(`[${'9'.repeat(1_000_000)}]`)],
      ['a huge exponent', `{"jsonrpc":"2.0","id":1e999,"method":"eth_chainId"}`],
      ['a quantity of a million digits', call(`[{"value":"0x${'f'.repeat(1_000_000)}"}]`)],
      ['data of two megabytes', call(`[{"to":"0x${'11'.repeat(20)}","data":"0x${'00'.repeat(2_000_000)}"}]`)],
      ['a method of a megabyte', `{"jsonrpc":"2.0","id":1,"method":"${'x'.repeat(1_000_000)}"}`],
      [
        '100,000 topics',
        `{"jsonrpc":"2.0","id":1,"method":"eth_getLogs","params":[{"topics":[[${new Array(50_000).fill(`"0x${'00'.repeat(32)}"`).join(',')}]]}]}`,
      ],
      [
        '100,000 overrides',
        call(
          `[{},"latest",{${Array.from({ length: 50_000 }, (_, i) => `"0x${i.toString(16).padStart(40, '0')}":{}`).join(',')}}]`,
        ),
      ],
      ['a prototype', `{"jsonrpc":"2.0","id":1,"method":"eth_call","params":{"__proto__":{"a":1}}}`],
      ['a method of the prototype', `{"jsonrpc":"2.0","id":1,"method":"__proto__"}`],
      ['bytes that are no UTF-8', Buffer.from([0x7b, 0xff, 0xfe, 0x7d]).toString('latin1')],
      ['more than a request may have', ' '.repeat(6 * 1024 * 1024)],
    ];
    for (const [name, body] of bodies) {
      const startMs = performance.now();
      const answer = await chain.post(body);
      assert.ok(performance.now() - startMs < 5_000, name);
      const [parsed] = [JSON.parse(answer.body) as unknown].flat() as { error?: { code: number } }[];
      assert.ok(
        parsed?.error !== undefined && parsed.error.code < 0,
        `${name}: ${answer.body.slice(0, 200)}`,
      );
      assert.ok(answer.body.length < 4_000, `${name}: an error is short`);
    }
    assert.equal(await chain.ask('eth_chainId'), '0xfd0e');
    assert.deepEqual(
      chain.logged.filter(({ level }) => level === 'error'),
      [],
    );
  });

  test('of a key that is there twice the last counts', async () => {
    const { body } = await chain.post(
      '{"jsonrpc":"2.0","id":1,"method":"eth_nothing","method":"eth_chainId","id":2}',
    );
    assert.deepEqual(JSON.parse(body), { jsonrpc: '2.0', id: 2, result: '0xfd0e' });
  });

  test('what is wrong with the node is logged, and told to nobody', async () => {
    const broken = await RpcChain.start();
    broken.pool.stats = () => {
      throw new Error('the password is 1234');
    };
    const { error } = await broken.call('txpool_status');
    assert.deepEqual(error, { code: -32603, message: 'internal error', data: { code: 'RPC_INTERNAL' } });
    assert.equal(broken.logged.filter(({ level }) => level === 'error').length, 1);
    await broken.close();
  });
});

describe('heavy calls', () => {
  test('those of one batch have one place at the gate between them', async () => {
    const chain = await RpcChain.start({ server: { limits: { maxHeavyCalls: 1, maxHeavyWaiting: 3 } } });
    const one = { jsonrpc: '2.0', id: 1, method: 'eth_getLogs', params: [{ fromBlock: '0x0' }] };
    await chain.mine();
    const batch = JSON.stringify(new Array(50).fill(one));
    const answers = await Promise.all([1, 2, 3].map(() => chain.post(batch)));
    for (const { body } of answers) assert.ok(!body.includes('"error"'), body.slice(0, 300));
    await chain.close();
  });
});

describe('a pruned node', () => {
  test('says what it does not keep, and never that it was not', async () => {
    const chain = await RpcChain.start({ isAutomatic: false });
    const validator = chain.members[0]?.owner ?? new Uint8Array(20);
    const call = stakingCallOf('delegate', [validator], 5n);
    const hashes: string[] = [];
    for (let nonce = 0; nonce < 6; nonce++) {
      hashes.push(
        await chain.ask<string>('eth_sendRawTransaction', [signedBy(richOf(chain, 0), nonce, call)]),
      );
      await chain.mine();
    }
    await new Pruner(chain.store, { mode: 'pruned', blocks: 3 }).step();
    await chain.serveAnew();
    const codeOf = async (method: string, params: unknown[]): Promise<unknown> => {
      const { error } = await chain.call(method, params);
      return (error?.data as { code?: string } | undefined)?.code;
    };
    assert.equal(await codeOf('eth_getBlockByNumber', ['0x2', false]), 'RPC_BLOCK_PRUNED');
    assert.equal(await codeOf('eth_getBlockReceipts', ['0x2']), 'RPC_BLOCK_PRUNED');
    assert.equal(await codeOf('eth_getLogs', [{ fromBlock: '0x0' }]), 'RPC_BLOCK_PRUNED');
    assert.equal(await codeOf('eth_getBalance', [richOf(chain, 0).address, '0x1']), 'PAST_STATE_PRUNED');
    assert.equal(await codeOf('ogpu_lightBlock', ['0x1']), 'RPC_BLOCK_PRUNED');
    assert.equal(await chain.ask('eth_getTransactionReceipt', [hashes[0]]), null);
    assert.ok(await chain.ask('eth_getTransactionReceipt', [hashes[5]]));
    assert.equal((await chain.ask<unknown[]>('eth_getLogs', [{ fromBlock: '0x4' }])).length > 0, true);
    const status = await chain.ask<{ lowestHeight: number }>('ogpu_status');
    assert.equal(status.lowestHeight, 4);
    await chain.close();
  });
});

describe('turns of the event loop', () => {
  const busy = (ms: number): void => {
    const endMs = performance.now() + ms;
    while (performance.now() < endMs);
  };

  test('all requests together have a share of each turn, first come, first served', async () => {
    const turns = new Turns(5);
    const order: number[] = [];
    let othersHadTurns = 0;
    let isOver = false;
    const others = (): void => {
      othersHadTurns++;
      if (!isOver) setImmediate(others);
    };
    setImmediate(others);
    await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        Promise.resolve(
          turns.run(() => {
            busy(3);
            order.push(i);
          }),
        ),
      ),
    );
    isOver = true;
    assert.deepEqual(
      order,
      Array.from({ length: 20 }, (_, i) => i),
    );
    assert.ok(othersHadTurns >= 9, `${othersHadTurns}`);
  });

  test('what is thrown goes to who asked', async () => {
    const turns = new Turns(1);
    const fail = (): never => {
      busy(2);
      throw new RangeError('mine');
    };
    assert.throws(() => turns.run(fail), RangeError);
    await assert.rejects(async () => turns.run(fail), RangeError);
    assert.equal(await turns.run(() => 7), 7);
  });

  test('long work is cut, and ends when its time is over', async () => {
    const turns = new Turns(5);
    const deadline = new Deadline(turns, 60);
    let slices = 0;
    await assert.rejects(
      async () => {
        for (;;) {
          busy(5);
          slices++;
          await deadline.slice();
        }
      },
      (error) => error instanceof RpcError && error.code === 'RPC_TIMEOUT',
    );
    assert.ok(slices >= 2 && slices <= 15, `${slices}`);
  });

  test('a gate lets so many in, has so many wait, and refuses the rest', async () => {
    const gate = new Gate(2, 1);
    const ends: (() => void)[] = [];
    const enter = (): Promise<string> =>
      gate.run(() => new Promise<string>((resolve) => ends.push(() => resolve('done'))));
    const first = [enter(), enter()];
    const waiting = enter();
    await assert.rejects(enter(), (error) => error instanceof RpcError && error.code === 'RPC_BUSY');
    assert.equal(ends.length, 2);
    ends[0]?.();
    await first[0];
    await Promise.resolve();
    assert.equal(ends.length, 3);
    for (const end of ends) end();
    assert.deepEqual(await Promise.all([...first, waiting]), ['done', 'done', 'done']);
    await assert.rejects(
      gate.run(() => Promise.reject(new RangeError('mine'))),
      RangeError,
    );
    assert.equal(await gate.run(() => 'after'), 'after');
  });

  test('a bucket of tokens for each client', () => {
    const rate = new RateLimit(10, 5);
    for (let i = 0; i < 5; i++) assert.equal(rate.take('a', 1, 0), 0);
    assert.equal(rate.take('a', 1, 0), 100);
    assert.equal(rate.take('b', 1, 0), 0);
    assert.equal(rate.take('a', 1, 100), 0);
    assert.equal(rate.take('a', 50, 10_000), 0, 'a batch beyond the bucket is let in when it is full');
    assert.ok(rate.take('a', 1, 10_000) > 4_000, 'and paid for');
  });
});
