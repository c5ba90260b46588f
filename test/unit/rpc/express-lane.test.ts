import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import { readPlainPost } from '../../../rpc/transport/plain-post.js';
import { startRpcServer, type RpcServer } from '../../../rpc/server.js';
import { RpcChain } from '../../support/rpc-chain.js';

const CALL = '{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}';
const NOTIFICATION = '{"jsonrpc":"2.0","method":"eth_chainId"}';

function post(body: string, headers: readonly string[] = [], length = Buffer.byteLength(body)): string {
  const lines = ['Host: node', 'Content-Type: application/json', `Content-Length: ${length}`, ...headers];
  return `POST / HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n${body}`;
}

/** Pieces of bytes, each sent when what came before had time to be read on its own; the last one ends the connection by what it asks. */
async function exchange(port: number, pieces: readonly string[]): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.setNoDelay(true);
  let received = '';
  socket.on('data', (part: Buffer) => (received += part.toString('latin1')));
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.on('error', () => undefined);
  for (const piece of pieces) {
    socket.write(piece, 'latin1');
    await new Promise((resolve) => setTimeout(resolve, 15));
  }
  // Whatever was not answered until here is answered to this, or refused.
  socket.end(post(CALL.replace('1,', '"last",'), ['Connection: close']));
  await closed;
  return received.replace(/^date: .*$/gim, 'date');
}

describe('the express lane answers as the general server does', () => {
  let chain: RpcChain;
  let general: RpcServer;

  before(async () => {
    const limits = { maxRequestBytes: 4_096 };
    chain = await RpcChain.start({ server: { limits } });
    const silent = (): void => undefined;
    const log = { info: silent, warn: silent, error: silent };
    // What a proxy says of clients is looked at by the general server alone.
    general = await startRpcServer({
      ...{ backend: chain.backend, log, port: 0, limits },
      trustedProxies: ['192.0.2.1'],
    });
  });
  after(async () => {
    await general.close();
    await chain.close();
  });

  const bothAnswer = async (pieces: readonly string[]): Promise<string> => {
    const [fast, plain] = await Promise.all(
      [chain.server.port, general.port].map((port) => exchange(port, pieces)),
    );
    assert.equal(fast?.toLowerCase(), plain?.toLowerCase(), JSON.stringify(pieces));
    return fast ?? '';
  };

  const FORMS: readonly (readonly string[])[] = [
    [post(CALL)],
    [post(CALL), post(`[${CALL},${CALL}]`), post(NOTIFICATION), post(CALL)],
    [post('{"jsonrpc":"2.0","id":"\xc3\xa9\xe2\x82\xac","method":"\xff\xfe"}', [], undefined)],
    [post(''), post('{'), post(' '.repeat(4_096))],
    [post(' '.repeat(4_097))],
    [post(CALL, ['Origin: https://page.example', 'sec-fetch-mode: cors', 'User-Agent: x'])],
    [post(CALL, ['Connection: keep-alive']), post(CALL, ['connection: Keep-Alive'])],
    [post(CALL, ['Connection: close'])],
    [post(CALL) + post(CALL)],
    [post(CALL), post(CALL) + post(CALL) + post(CALL)],
    [post(CALL, [], 0)],
    [post(CALL, [], 20)],
    [post(CALL.slice(0, 20), [], CALL.length), CALL.slice(20)],
    [post(CALL).slice(0, 30), post(CALL).slice(30)],
    [post(CALL), 'P', 'OST', post(CALL).slice(4)],
    [post(CALL, ['Content-Length: 3'])],
    [post(CALL, [`Content-Length: ${CALL.length}`])],
    [post(CALL, ['Transfer-Encoding: chunked'])],
    [
      'POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n',
      `${CALL.length.toString(16)}\r\n${CALL}\r\n0\r\n\r\n`,
    ],
    [post(CALL, ['Expect: 100-continue'])],
    [post(CALL, ['X-Forwarded-For: 203.0.113.9', 'Authorization: Basic eA=='])],
    [post(CALL, ['Content-Encoding: gzip'])],
    [post(CALL, ['User-Agent : x'])],
    [post(CALL, ['User-Agent:\tx', 'Accept:'])],
    [post(CALL, ['User-Agent: a', ' folded'])],
    [post(CALL, ['User-Agent: \x01'])],
    [post(CALL, ['User-Agent: caf\xe9'])],
    [post(CALL, ['no header'])],
    [post(CALL).replaceAll('\r\n', '\n')],
    [post(CALL).replace('Host: node\r\n', '')],
    [post(CALL).replace('Host: node', 'Host: a b')],
    [post(CALL).replace('Host: node', 'Host:')],
    [post(CALL).replace('application/json', 'text/plain')],
    [post(CALL).replace('application/json', 'application/json;charset=utf-8')],
    [post(CALL).replace('application/json', '?')],
    [post(CALL).replace('Content-Type: application/json\r\n', '')],
    [post(CALL).replace('POST /', 'POST /?a=b')],
    [post(CALL).replace('POST /', 'POST //')],
    [post(CALL).replace('POST /', 'post /')],
    [post(CALL).replace('POST /', 'PUT /')],
    [post(CALL).replace('HTTP/1.1', 'HTTP/1.0')],
    [post(CALL).replace(/Content-Length: (\d+)/, 'Content-Length: +$1')],
    [post(CALL).replace(/Content-Length: (\d+)/, 'Content-Length: 0$1')],
    [post(CALL).replace(/Content-Length: (\d+)/, 'Content-Length: 0x2f')],
    ['GET /health HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['GET / HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['OPTIONS / HTTP/1.1\r\nHost: a\r\nOrigin: https://a\r\nAccess-Control-Request-Method: POST\r\n\r\n'],
    [post(CALL), 'GET /health HTTP/1.1\r\nHost: a\r\n\r\n', post(CALL)],
    ['\r\n', post(CALL)],
    ['nonsense\r\n\r\n'],
    [''],
  ];

  test('to requests of every form, whole and in pieces, one after the other', async () => {
    const answers = await Promise.all(FORMS.map(bothAnswer));
    const okCount = answers.join('').split('HTTP/1.1 200').length - 1;
    assert.ok(okCount > FORMS.length, `${okCount} were answered`);
  });

  test('to a request cut anywhere, or with a byte changed', async () => {
    const whole = post(CALL, ['Connection: keep-alive']);
    const property = fc.asyncProperty(
      fc.nat(whole.length - 1),
      fc.integer({ min: 0, max: 255 }),
      async (at, byte) => {
        await bothAnswer([whole.slice(0, at), whole.slice(at)]);
        await bothAnswer([whole.slice(0, at) + String.fromCharCode(byte) + whole.slice(at + 1)]);
      },
    );
    await fc.assert(property, { numRuns: 60, seed: 7 });
  });

  test('who does not read is not read from, and has every answer when it reads', async () => {
    const large = post('{"jsonrpc":"2.0","id":1,"method":"rpc.discover"}');
    const socket = connect(chain.server.port, '127.0.0.1');
    socket.setNoDelay(true).pause();
    const before = process.memoryUsage().arrayBuffers + process.memoryUsage().heapUsed;
    for (let sent = 0; sent < 300; sent++) {
      socket.write(large);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    const grown = process.memoryUsage().arrayBuffers + process.memoryUsage().heapUsed - before;
    assert.ok(grown < 50_000_000, `${grown} bytes more`);
    let [answers, text] = [0, ''];
    await new Promise<void>((resolve) => {
      socket.on('data', (part: Buffer) => {
        const pieces = (text + part.toString('latin1')).split('HTTP/1.1 200');
        answers += pieces.length - 1;
        text = pieces.at(-1)?.slice(-16) ?? '';
        if (answers === 300) resolve();
      });
      socket.resume();
    });
    socket.destroy();
  });

  test('a server that closes does not wait for those who keep their connection', async () => {
    const silent = (): void => undefined;
    const log = { info: silent, warn: silent, error: silent };
    const server = await startRpcServer({ backend: chain.backend, log, port: 0 });
    const socket = connect(server.port, '127.0.0.1');
    await new Promise((resolve) => {
      socket.once('data', resolve);
      socket.write(post(CALL));
    });
    const closed = new Promise((resolve) => socket.once('close', resolve));
    await server.close();
    await closed;
  });
});

describe('a plain request', () => {
  const read = (text: string): string | undefined => readPlainPost(Buffer.from(text, 'latin1'), 4_096)?.body;

  test('is read as those of viem, ethers, web3.js and cast are', () => {
    for (const headers of [
      ['connection: keep-alive', 'accept: */*', 'accept-language: *', 'sec-fetch-mode: cors'],
      ['accept-encoding: gzip, deflate', 'user-agent: node'],
      ['Accept-Encoding: gzip', 'User-Agent: ethers/6.17.0'],
    ])
      assert.equal(read(post(CALL, headers)), CALL);
  });

  test('is one whole request and nothing besides', () => {
    const whole = post(CALL);
    for (let end = 0; end < whole.length; end++) assert.equal(read(whole.slice(0, end)), undefined);
    assert.equal(read(whole + 'x'), undefined);
    assert.equal(read(post(CALL, ['X-Anything: 1'])), undefined);
    assert.equal(read(post(CALL, ['User-Agent: 1', 'user-agent: 2'])), undefined);
    assert.equal(read(post(' '.repeat(4_097))), undefined);
    assert.equal(read(post(CALL, [`User-Agent: ${'x'.repeat(5_000)}`])), undefined);
  });

  test('is judged by its own head, whatever that of the one before was', () => {
    const first = readPlainPost(Buffer.from(post(CALL)), 4_096);
    const other = post(`${CALL} `);
    assert.equal(readPlainPost(Buffer.from(other), 4_096, first?.head)?.body, `${CALL} `);
    assert.equal(readPlainPost(Buffer.from(post(CALL, ['X: 1'])), 4_096, first?.head), undefined);
  });
});
