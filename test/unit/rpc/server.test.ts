import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { exposureOf } from '../../../rpc/server.js';
import { RpcChain } from '../../support/rpc-chain.js';

describe('JSON-RPC over HTTP', () => {
  let chain: RpcChain;
  const calls: { method: string; ok: boolean }[] = [];

  before(async () => {
    chain = await RpcChain.start({
      server: {
        limits: { maxRequestBytes: 65_536, maxBatch: 10 },
        onRequest: (method, elapsedMs, ok) => {
          assert.ok(elapsedMs >= 0);
          calls.push({ method, ok });
        },
        ready: () => ({ ok: false, reason: 'syncing' }),
      },
    });
  });
  after(() => chain.close());

  const answerTo = async (body: string): Promise<unknown> => JSON.parse((await chain.post(body)).body);
  const codesOf = (answers: unknown): unknown[] =>
    (Array.isArray(answers) ? answers : [answers]).map(
      (answer: { error?: { code: number } }) => answer.error?.code,
    );

  test('a request is answered with its id, whatever it is', async () => {
    for (const id of [1, 0, -1.5, 'text', '', null, '\ud800'])
      assert.deepEqual(await answerTo(JSON.stringify({ jsonrpc: '2.0', id, method: 'eth_chainId' })), {
        jsonrpc: '2.0',
        id,
        result: '0xfd0e',
      });
  });

  test('what is no request is told so', async () => {
    const cases: [string, number][] = [
      ['', -32700],
      ['{', -32700],
      ['"text"', -32600],
      ['null', -32600],
      ['[]', -32600],
      ['{"jsonrpc":"1.0","id":1,"method":"eth_chainId"}', -32600],
      ['{"jsonrpc":"2.0","id":1}', -32600],
      ['{"jsonrpc":"2.0","id":{},"method":"eth_chainId"}', -32600],
      ['{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":3}', -32600],
      ['{"jsonrpc":"2.0","id":1,"method":"eth_nothing"}', -32601],
      ['{"jsonrpc":"2.0","id":1,"method":"toString"}', -32601],
      ['{"jsonrpc":"2.0","id":1,"method":"eth_getBalance","params":[]}', -32602],
      ['{"jsonrpc":"2.0","id":1,"method":"eth_getBalance","params":["0x1"]}', -32602],
      ['{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":[1]}', -32602],
      ['{"jsonrpc":"2.0","id":1,"method":"eth_getBalance","params":{"who":"0x1"}}', -32602],
    ];
    for (const [body, code] of cases) assert.deepEqual(codesOf(await answerTo(body)), [code], body);
  });

  test('what was read before is read the same, and a text that looks like an object is none', async () => {
    const filter = { fromBlock: '0x0', address: chain.rich[0]?.address };
    for (let i = 0; i < 2; i++) {
      assert.deepEqual(await chain.ask('eth_getLogs', [filter]), []);
      assert.equal((await chain.call('eth_getLogs', [JSON.stringify(filter)])).error?.code, -32602);
      assert.equal((await chain.call('eth_getLogs', [{ ...filter, address: '0x1' }])).error?.code, -32602);
      const deep = `${'['.repeat(20_000)}${']'.repeat(20_000)}`;
      assert.deepEqual(
        codesOf(await answerTo(`{"jsonrpc":"2.0","id":1,"method":"eth_getLogs","params":[${deep}]}`)),
        [-32602],
      );
    }
  });

  test('parameters may be given by name', async () => {
    const address = chain.rich[0]?.address;
    const { result } = await chain.call('eth_getBalance', { address, block: 'latest' });
    assert.equal(BigInt(String(result)), 10n ** 24n);
  });

  test('a batch is answered in its order, and notifications not at all', async () => {
    const request = (id: number | undefined, method = 'eth_chainId'): object => ({
      jsonrpc: '2.0',
      id,
      method,
    });
    const answers = await answerTo(
      JSON.stringify([request(2), request(undefined), 7, request(1, 'eth_nothing'), request(3)]),
    );
    assert.ok(Array.isArray(answers));
    assert.deepEqual(
      answers.map(({ id }: { id: unknown }) => id),
      [2, null, 1, 3],
    );
    assert.deepEqual(codesOf(answers), [undefined, -32600, -32601, undefined]);
    const { status, body } = await chain.post(JSON.stringify([request(undefined), request(undefined)]));
    assert.deepEqual([status, body], [204, '']);
  });

  test('a batch and a body have bounds', async () => {
    const request = { jsonrpc: '2.0', id: 1, method: 'eth_chainId' };
    assert.deepEqual(codesOf(await answerTo(JSON.stringify(new Array(11).fill(request)))), [-32005]);
    const { status, body } = await chain.post(' '.repeat(65_537));
    assert.equal(status, 413);
    assert.deepEqual(codesOf(JSON.parse(body)), [-32005]);
  });

  test('health, readiness, other paths and other methods', async () => {
    const get = async (path: string): Promise<[number, unknown]> => {
      const response = await fetch(`${chain.server.url}${path}`);
      return [response.status, await response.json()];
    };
    assert.deepEqual(await get('/health'), [200, { ok: true }]);
    assert.deepEqual(await get('/ready'), [503, { ok: false, reason: 'syncing' }]);
    assert.deepEqual(codesOf((await get('/nowhere'))[1]), [-32600]);
    assert.equal((await get('/'))[0], 405);
  });

  test('pages of any origin may ask', async () => {
    const response = await fetch(chain.server.url, {
      method: 'OPTIONS',
      headers: {
        origin: 'https://wallet.example',
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'content-type',
      },
    });
    assert.equal(response.status, 204);
    assert.equal(response.headers.get('access-control-allow-origin'), '*');
    assert.equal(response.headers.get('access-control-allow-headers'), 'content-type');
  });

  test('each call is counted by its name', async () => {
    calls.length = 0;
    await chain.call('eth_chainId');
    await chain.call('eth_nothing');
    await chain.call('eth_getBalance', ['no']);
    assert.deepEqual(calls, [
      { method: 'eth_chainId', ok: true },
      { method: 'unknown', ok: false },
      { method: 'eth_getBalance', ok: false },
    ]);
  });
});

describe('who may ask how much', () => {
  test('a client that asks too much is told when to come back', async () => {
    const chain = await RpcChain.start({
      server: { limits: { requestsPerSecond: 1, burst: 3, limitsLoopback: true } },
    });
    const statuses: number[] = [];
    for (let i = 0; i < 5; i++) {
      const { status, body } = await chain.post('{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}');
      statuses.push(status);
      if (status === 200) continue;
      const { error } = JSON.parse(body) as { error: { code: number; data: Record<string, unknown> } };
      assert.equal(error.code, -32005);
      assert.equal(error.data['code'], 'RPC_RATE_LIMITED');
      assert.ok(Number(error.data['retryAfterMs']) > 0);
    }
    assert.deepEqual(statuses, [200, 200, 200, 429, 429]);
    await chain.close();
  });

  test('beyond the loopback interface the operator is warned, on it not', async () => {
    for (const host of ['0.0.0.0', '::', '192.0.2.1', 'node.example']) assert.ok(exposureOf(host), host);
    for (const host of ['127.0.0.1', '127.8.9.1', '::1', 'localhost'])
      assert.equal(exposureOf(host), undefined);
    const chain = await RpcChain.start();
    assert.equal(chain.logged.filter(({ level }) => level === 'warn').length, 0);
    await chain.close();
  });
});
