import assert from 'node:assert/strict';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { blobIdOf, splitLeaves, blobIdOfLeaves } from '../../../protocol/blob.js';
import { toHex, type Hex } from '../../../protocol/bytes.js';
import type { BlobAccess } from '../../../rpc/blobs/access.js';
import { parseRange } from '../../../rpc/blobs/range.js';
import { BlobService } from '../../../node/blobs/service.js';
import { DEFAULT_BLOB_LIMITS } from '../../../compute/blobs/store.js';
import { blobDesk } from '../../../node/blobs/desk.js';
import { RpcChain } from '../../support/rpc-chain.js';
import { createPrng } from '../../support/prng.js';
import { eventually } from '../../support/p2p.js';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const KIB = 1024;
const MIB = 1024 * KIB;
const BYTES = createPrng(1).bytes(700 * KIB);
const ID = toHex(blobIdOf(BYTES));
const TOKEN = 'correct-horse-battery-staple';

interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

interface Sent {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: Uint8Array;
}

describe('blobs over HTTP', () => {
  let folder: string;
  let service: BlobService;
  let chain: RpcChain;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ogpu-blobs-'));
    service = await BlobService.open({
      ...{ folder, keepMs: 1_000_000, fetchTimeoutMs: 1_000, network: () => undefined },
      limits: {
        ...DEFAULT_BLOB_LIMITS,
        maxBytes: 160 * MIB,
        maxUploaderBytes: 52 * MIB,
        maxBlobBytes: 50 * MIB,
      },
      onFailure: (error) => assert.fail(String(error)),
    });
    chain = await startChain({ uploads: 'operator', token: TOKEN });
  });
  after(async () => {
    await chain.close();
    await service.close();
    await rm(folder, { recursive: true });
  });

  const startChain = (blobs: BlobAccess, trustedProxies?: string[]): Promise<RpcChain> =>
    RpcChain.start({
      blobs: blobDesk(service),
      server: {
        blobs,
        limits: { maxBlobDownloads: 2, blobIdleMs: 400 },
        ...(trustedProxies ? { trustedProxies } : {}),
      },
    });

  function send(
    path: string,
    { method = 'GET', headers = {}, body }: Sent = {},
    to = chain,
  ): Promise<HttpAnswer> {
    return new Promise((resolve, reject) => {
      const request = httpRequest(`${to.server.url}${path}`, { method, headers }, (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.once('end', () => {
          const { statusCode = 0, headers: got } = response;
          resolve({ status: statusCode, headers: got, body: Buffer.concat(parts) });
        });
        response.once('error', reject);
      });
      request.once('error', reject);
      request.end(body);
    });
  }
  const codeIn = ({ body }: HttpAnswer): string =>
    (JSON.parse(body.toString()) as { error: { code: string } }).error.code;
  const refused = async (
    path: string,
    sent: Sent,
    status: number,
    code: string,
    to = chain,
  ): Promise<void> => {
    const answer = await send(path, sent, to);
    assert.deepEqual(
      [answer.status, codeIn(answer)],
      [status, code],
      `${path} ${JSON.stringify(sent.headers)}`,
    );
    assert.match(answer.headers['content-type'] ?? '', /^application\/json/);
  };
  const put = (body: Uint8Array, sent: Sent = {}, to = chain): Promise<HttpAnswer> =>
    send('/blobs', { method: 'PUT', body, ...sent }, to);

  test('what is put can be had again: whole, in ranges, with its proof', async () => {
    const stored = await put(BYTES);
    assert.deepEqual([stored.status, stored.headers.location], [201, `/blobs/${ID}`]);
    assert.deepEqual(JSON.parse(stored.body.toString()), { id: ID, lengthBytes: BYTES.length, isNew: true });
    assert.equal((await send(`/blobs/${ID}`, { method: 'PUT', body: BYTES })).status, 200);
    const whole = await send(`/blobs/${ID}`);
    assert.equal(whole.status, 200);
    assert.ok(whole.body.equals(BYTES));
    const { headers } = whole;
    assert.deepEqual(
      [headers.etag, headers['content-length'], headers['x-content-type-options'], headers['x-blob-length']],
      [`"${ID}"`, `${BYTES.length}`, 'nosniff', `${BYTES.length}`],
    );
    const part = await send(`/blobs/${ID}`, { headers: { range: 'bytes=262140-300000' } });
    assert.deepEqual(
      [part.status, part.headers['content-range']],
      [206, `bytes 262140-300000/${BYTES.length}`],
    );
    assert.ok(part.body.equals(BYTES.subarray(262_140, 300_001)));
    const other = await send(`/blobs/${ID}`, {
      headers: { range: 'bytes=0-1', 'if-range': '"something else"' },
    });
    assert.deepEqual([other.status, other.body.length], [200, BYTES.length]);
    await refused(`/blobs/${ID}`, { headers: { range: `bytes=${BYTES.length}-` } }, 416, 'RPC_BLOB_RANGE');
    const known = await send(`/blobs/${ID}`, { headers: { 'if-none-match': `"${ID}"` } });
    assert.deepEqual([known.status, known.body.length], [304, 0]);
    const head = await send(`/blobs/${ID}`, { method: 'HEAD' });
    assert.deepEqual(
      [head.status, head.headers['content-length'], head.body.length],
      [200, `${BYTES.length}`, 0],
    );
    const leaves = splitLeaves((await send(`/blobs/${ID}/leaves`)).body);
    assert.equal(toHex(blobIdOfLeaves(BYTES.length, leaves)), ID);
  });

  test('ogpu_blob says what is here, and pins are the operator’s', async () => {
    const standing = async (id: Hex): Promise<Record<string, unknown>> =>
      (await chain.call('ogpu_blob', [id])).result as Record<string, unknown>;
    await put(BYTES);
    assert.equal((await send(`/blobs/${ID}/pin`, { method: 'PUT' })).status, 204);
    const { usedMs, ...rest } = await standing(ID);
    assert.deepEqual(rest, {
      ...{ id: ID, state: 'whole', lengthBytes: BYTES.length, chunks: 3 },
      pins: { job: 0, source: 0, operator: 1 },
    });
    assert.ok(Number(usedMs) > 1_700_000_000_000);
    assert.deepEqual(JSON.parse((await send('/blobs?idleMs=0', { method: 'DELETE' })).body.toString()), {
      blobs: 0,
      bytes: 0,
    });
    assert.equal((await send(`/blobs/${ID}/pin`, { method: 'DELETE' })).status, 204);
    const dropped = JSON.parse((await send('/blobs?idleMs=0', { method: 'DELETE' })).body.toString()) as {
      blobs: number;
    };
    assert.equal(dropped.blobs, 1);
    assert.deepEqual((await standing(ID))['state'], 'absent');
    assert.equal((await send(`/blobs/${ID}`, { method: 'HEAD' })).status, 404);
    await refused('/blobs', { method: 'DELETE' }, 400, 'RPC_BLOB_REQUEST_INVALID');
  });

  test('bad requests are refused with a code, and leave nothing', async () => {
    await refused('/blobs/0x12', {}, 400, 'RPC_BLOB_REQUEST_INVALID');
    await refused(
      `/blobs/0x${'11'.repeat(32)}`,
      { headers: { 'x-forwarded-for': '1.1.1.1' } },
      404,
      'BLOB_UNKNOWN',
    );
    await refused(`/blobs/0x${'11'.repeat(32)}`, { method: 'PUT', body: BYTES }, 422, 'BLOB_ID_MISMATCH');
    const announced = { 'content-length': `${51 * MIB}` };
    await refused(
      '/blobs',
      { method: 'PUT', headers: announced, body: Uint8Array.of(1) },
      413,
      'BLOB_TOO_LARGE',
    );
    const chunked = await put(new Uint8Array(51 * MIB), {
      headers: { 'transfer-encoding': 'chunked' },
    }).catch(String);
    // The node does not read to the end what it does not want: the client may be cut off before it hears why.
    if (typeof chunked !== 'string')
      assert.deepEqual([chunked.status, codeIn(chunked)], [413, 'BLOB_TOO_LARGE']);
    const before = service.figures.usedBytes;
    const socket = connect(chain.server.port, '127.0.0.1');
    socket.write('PUT /blobs HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 1000000\r\n\r\nabc');
    await eventually(() => service.figures.uploading === 1);
    socket.destroy();
    await eventually(() => service.figures.uploading === 0);
    assert.equal(service.figures.usedBytes, before);
    // One that sends nothing any more is cut off.
    const silent = connect(chain.server.port, '127.0.0.1');
    silent.write('PUT /blobs HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 1000000\r\n\r\nabc');
    await new Promise((resolve) => silent.resume().once('close', resolve));
    await eventually(() => service.figures.uploading === 0);
    assert.equal(service.figures.usedBytes, before);
  });

  test('strangers bring nothing: not through a proxy, a page or a name, unless they have the token', async () => {
    const strangers: Record<string, string>[] = [
      { 'x-forwarded-for': '10.0.0.1' },
      { origin: 'https://evil.example' },
      { 'sec-fetch-site': 'cross-site' },
      { host: 'evil.example' },
      { 'x-forwarded-for': '10.0.0.1', authorization: 'Bearer wrong' },
    ];
    for (const headers of strangers) {
      await refused('/blobs', { method: 'PUT', body: Uint8Array.of(1), headers }, 403, 'RPC_BLOB_FORBIDDEN');
      await refused(`/blobs/${ID}/pin`, { method: 'PUT', headers }, 403, 'RPC_BLOB_FORBIDDEN');
      const authorization = `Bearer ${TOKEN}`;
      const { status } = await put(Uint8Array.of(1), { headers: { ...headers, authorization } });
      assert.ok([200, 201].includes(status), `${status}`);
    }
    const closed = await startChain({ uploads: 'off', token: TOKEN });
    await refused('/blobs', { method: 'PUT', body: Uint8Array.of(1) }, 403, 'RPC_BLOB_FORBIDDEN', closed);
    assert.equal(
      (await send(`/blobs/${toHex(blobIdOf(Uint8Array.of(1)))}`, {}, closed)).status,
      200,
      'reading is free',
    );
    await closed.close();
  });

  test('where anybody may bring blobs, each has a quota of its own', async () => {
    const open = await startChain({ uploads: 'anyone' }, ['127.0.0.1']);
    const [a, b] = [2, 3].map((seed) => new Uint8Array(25 * MIB).fill(seed)) as [Uint8Array, Uint8Array];
    const by = (client: string): Sent => ({ headers: { 'x-forwarded-for': client } });
    assert.equal((await put(a, by('10.0.0.1'), open)).status, 201);
    assert.equal((await put(b, by('10.0.0.1'), open)).status, 201);
    await refused(
      '/blobs',
      { method: 'PUT', body: new Uint8Array(3 * MIB), ...by('10.0.0.1') },
      507,
      'BLOB_UPLOADER_FULL',
      open,
    );
    assert.equal((await put(new Uint8Array(3 * MIB), by('10.0.0.2'), open)).status, 201);
    await open.close();
  });

  test('a client that takes nothing holds a place for a while only, and others are told that there is none', async () => {
    await send('/blobs?idleMs=0', { method: 'DELETE' });
    const large = new Uint8Array(48 * MIB).fill(9);
    const id = toHex(blobIdOf(large));
    const stored = await put(large);
    assert.equal(stored.status, 201, stored.body.toString());
    const idle: Socket[] = [];
    for (let i = 0; i < 2; i++) {
      const socket = connect(chain.server.port, '127.0.0.1');
      socket.write(`GET /blobs/${id} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n`);
      await once(socket, 'readable');
      // All buffers on the way hold less than the rest.
      idle.push(socket);
    }
    let { status } = await send(`/blobs/${id}`, { headers: { range: 'bytes=0-9' } });
    assert.equal(status, 503);
    for (let tries = 0; status !== 206 && tries < 500; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      ({ status } = await send(`/blobs/${id}`, { headers: { range: 'bytes=0-9' } }));
    }
    assert.equal(status, 206, 'the places are free again');
    for (const socket of idle) socket.destroy();
  });
});

test('a node without blobs says so', async () => {
  const chain = await RpcChain.start();
  const { error } = await chain.call('ogpu_blob', [`0x${'00'.repeat(32)}`]);
  assert.deepEqual((error?.data as { code: string }).code, 'RPC_BLOBS_OFF');
  await chain.close();
});

test('ranges are read as HTTP has them', () => {
  const cases: [string | undefined, number, unknown][] = [
    [undefined, 10, undefined],
    ['bytes=0-', 10, { start: 0, end: 10 }],
    ['bytes=2-4', 10, { start: 2, end: 5 }],
    ['bytes=2-400', 10, { start: 2, end: 10 }],
    ['bytes=-3', 10, { start: 7, end: 10 }],
    ['bytes=-30', 10, { start: 0, end: 10 }],
    ['bytes=-0', 10, 'unsatisfiable'],
    ['bytes=10-', 10, 'unsatisfiable'],
    ['bytes=0-', 0, 'unsatisfiable'],
    ['bytes=4-2', 10, undefined],
    ['bytes=0-1,3-4', 10, undefined],
    ['bytes=-', 10, undefined],
    ['lines=0-1', 10, undefined],
    [`bytes=0-${'9'.repeat(40)}`, 10, undefined],
  ];
  for (const [header, length, range] of cases) assert.deepEqual(parseRange(header, length), range, header);
});
