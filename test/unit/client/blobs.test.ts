import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { BlobTransferError, downloadBlob, uploadBlob, type UploadSource } from '../../../client/index.js';
import { DEFAULT_BLOB_LIMITS } from '../../../compute/blobs/store.js';
import { blobDesk } from '../../../node/blobs/desk.js';
import { BlobService } from '../../../node/blobs/service.js';
import { blobCommand } from '../../../node/commands/blob.js';
import { blobIdOf } from '../../../protocol/blob.js';
import { joinBytes, toHex, type Hex } from '../../../protocol/bytes.js';
import { BLOB_CHUNK_BYTES } from '../../../protocol/limits.js';
import { runCommand } from '../../support/commands.js';
import { createPrng } from '../../support/prng.js';
import { RpcChain } from '../../support/rpc-chain.js';

const BYTES = createPrng(5).bytes(2 * BLOB_CHUNK_BYTES + 1234);
const ID = toHex(blobIdOf(BYTES));

async function* inPieces(bytes: Uint8Array): AsyncGenerator<Uint8Array, void> {
  for (let at = 0; at < bytes.length; at += 100_000) yield Promise.resolve(bytes.subarray(at, at + 100_000));
}

async function gathered(pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const all: Uint8Array[] = [];
  for await (const piece of pieces) all.push(piece);
  return joinBytes(all);
}

describe('blobs of a node, as clients bring and have them', () => {
  let folder: string;
  let service: BlobService;
  let chain: RpcChain;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ogpu-blobs-'));
    service = await BlobService.open({
      ...{ folder: join(folder, 'blobs'), limits: DEFAULT_BLOB_LIMITS, keepMs: 1e9, fetchTimeoutMs: 1_000 },
      network: () => undefined,
      onFailure: (error) => assert.fail(String(error)),
    });
    chain = await RpcChain.start({ blobs: blobDesk(service), server: { blobs: { uploads: 'operator' } } });
  });
  after(async () => {
    await chain.close();
    await service.close();
    await rm(folder, { recursive: true });
  });

  test('bytes, files and streams go up; chunks come down from any of them on', async () => {
    const node = { url: chain.server.url };
    const sources: UploadSource[] = [BYTES, new Blob([BYTES]), inPieces(BYTES)];
    for (const [i, source] of sources.entries()) {
      let sent = 0;
      const info = await uploadBlob(node, source, (bytes) => (sent = bytes));
      assert.deepEqual(info, { id: ID, lengthBytes: BYTES.length, isNew: i === 0 });
      assert.equal(sent, BYTES.length);
    }
    for (const firstChunk of [0, 1, 2]) {
      let length = 0;
      const onLength = (bytes: number): void => {
        length = bytes;
      };
      const got = await gathered(downloadBlob(node, ID, { firstChunk, onLength }));
      assert.ok(Buffer.from(got).equals(BYTES.subarray(firstChunk * BLOB_CHUNK_BYTES)));
      assert.equal(length, BYTES.length);
    }
    const empty = await uploadBlob(node, new Uint8Array(0));
    assert.deepEqual(await gathered(downloadBlob(node, empty.id)), new Uint8Array(0));
    const leaving = downloadBlob(node, ID);
    await leaving.next();
    await leaving.return();
  });

  test('the command line puts, gets, pins and drops', async () => {
    const [input, output] = [join(folder, 'in'), join(folder, 'out')];
    await writeFile(input, BYTES);
    const run = async (...args: string[]): Promise<Record<string, unknown>> => {
      const ran = await runCommand(blobCommand, [...args, '--rpc-url', chain.server.url, '--json']);
      if (ran.error instanceof Error) throw ran.error;
      return JSON.parse(ran.out) as Record<string, unknown>;
    };
    assert.equal((await run('put', input))['id'], ID);
    assert.deepEqual(await run('get', ID, '-o', output), {
      id: ID,
      lengthBytes: BYTES.length,
      resumedBytes: 0,
      output,
    });
    assert.ok((await readFile(output)).equals(BYTES));
    assert.deepEqual(await run('pin', ID), { id: ID, pinned: true });
    await run('gc', '--idle', '0');
    assert.deepEqual((await run('status', ID))['state'], 'whole');
    await run('unpin', ID);
    assert.equal((await run('gc', '--idle', '0'))['blobs'], 1);
    await assert.rejects(run('get', ID, '-o', output), { code: 'BLOB_REFUSED' });
    await assert.rejects(run('put', join(folder, 'nothing')), { code: 'FILE_UNUSABLE' });
    // What an earlier try left is of something else.
    await run('put', input);
    await writeFile(`${output}.part`, new Uint8Array(BLOB_CHUNK_BYTES + 5));
    await assert.rejects(run('get', ID, '-o', output), { code: 'BLOB_FILE_CHANGED' });
    await run('get', ID, '-o', output);
    assert.ok((await readFile(output)).equals(BYTES));
  });

  test('a node that lies is found out', async () => {
    const real = `${chain.server.url}/blobs/${ID}`;
    await uploadBlob({ url: chain.server.url }, BYTES);
    const leaves = Buffer.from(await (await fetch(`${real}/leaves`)).arrayBuffer());
    const wrongByte = Buffer.from(BYTES);
    wrongByte[BLOB_CHUNK_BYTES] = (wrongByte[BLOB_CHUNK_BYTES] ?? 0) ^ 1;
    const wrongLeaves = Buffer.from(leaves).fill(7, 40, 41);
    const cases: [Partial<Lies>, string][] = [
      [{}, 'none'],
      [{ bytes: wrongByte }, 'BLOB_ANSWER_WRONG'],
      [{ bytes: Buffer.from(BYTES.subarray(0, BLOB_CHUNK_BYTES + 9)) }, 'BLOB_ANSWER_SHORT'],
      [{ leaves: wrongLeaves }, 'BLOB_ANSWER_WRONG'],
      [{ leaves: leaves.subarray(1) }, 'BLOB_ANSWER_WRONG'],
      [{ length: `${BYTES.length + 1}` }, 'BLOB_ANSWER_WRONG'],
      [{ length: '1e99' }, 'BLOB_ANSWER_WRONG'],
      [{ length: undefined }, 'BLOB_ANSWER_WRONG'],
    ];
    for (const [lies, code] of cases) {
      const truth: Lies = { bytes: Buffer.from(BYTES), leaves, length: `${BYTES.length}`, id: ID };
      await withLiar({ ...truth, ...lies }, async (url) => {
        const got = gathered(downloadBlob({ url }, ID)).then(
          () => 'none',
          (error: unknown) => (error instanceof BlobTransferError ? error.code : String(error)),
        );
        assert.equal(await got, code, JSON.stringify(Object.keys(lies)));
      });
    }
    await withLiar(
      { bytes: Buffer.alloc(0), leaves, length: '0', id: `0x${'00'.repeat(32)}` },
      async (url) => {
        await assert.rejects(uploadBlob({ url }, BYTES), { code: 'BLOB_ID_WRONG' });
      },
    );
  });
});

interface Lies {
  readonly bytes: Buffer;
  readonly leaves: Buffer;
  readonly length: string | undefined;
  readonly id: Hex;
}

async function withLiar(lies: Lies, use: (url: string) => Promise<void>): Promise<void> {
  const server: Server = createServer((request: IncomingMessage, response: ServerResponse) => {
    request.resume();
    if (lies.length !== undefined) response.setHeader('x-blob-length', lies.length);
    if (request.method === 'PUT') {
      request.once('end', () => {
        const text = JSON.stringify({ id: lies.id });
        response.setHeader('content-length', text.length).end(text);
      });
    } else if (request.url?.endsWith('/leaves') === true) response.end(lies.leaves);
    else response.end(lies.bytes);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}
