import assert from 'node:assert/strict';
import { mkdtemp, open, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { wholePath, nameOf } from '../../../compute/blobs/layout.js';
import { DEFAULT_BLOB_LIMITS } from '../../../compute/blobs/store.js';
import { BlobService } from '../../../node/blobs/service.js';
import { BLOB_CHUNKS, blobHandlers, chunkRangeCodec, type BlobShelf } from '../../../p2p/blob-requests.js';
import { monotonicClock } from '../../../p2p/clock.js';
import type { RequestHandler, RequestProtocol } from '../../../p2p/requests.js';
import { blobIdOf } from '../../../protocol/blob.js';
import { joinBytes } from '../../../protocol/bytes.js';
import { OgpuError } from '../../../protocol/errors.js';
import { BLOB_CHUNK_BYTES } from '../../../protocol/limits.js';
import { connect, startNode, type TestNode } from '../../support/p2p.js';
import { createPrng } from '../../support/prng.js';

const LIMIT = { timeout: 60_000 };
const CHUNKS = 24;
const BYTES = createPrng(1).bytes(CHUNKS * BLOB_CHUNK_BYTES - 1000);
const ID = blobIdOf(BYTES);

/** A node of the network with a store of its own on the disk. */
class Place {
  readonly folder: string;
  readonly service: BlobService;
  readonly node: TestNode;

  private constructor(folder: string, service: BlobService, node: TestNode) {
    this.folder = folder;
    this.service = service;
    this.node = node;
  }

  /** @param serve what it gives in place of what it has */
  static async open(
    t: TestContext,
    number: number,
    serve: (shelf: BlobShelf) => readonly (readonly [RequestProtocol, RequestHandler])[] = blobHandlers,
  ): Promise<Place> {
    const folder = await mkdtemp(join(tmpdir(), 'ogpu-blobs-'));
    const late: { node?: TestNode } = {};
    const service = await BlobService.open({
      ...{ folder, limits: DEFAULT_BLOB_LIMITS, keepMs: 1e9, fetchTimeoutMs: 30_000 },
      network: () => late.node?.network,
      onFailure: (error) => assert.fail(String(error)),
    });
    const node = await startNode(number, { serve: serve(service.shelf) });
    late.node = node;
    t.after(async () => {
      await node.network.stop();
      await service.close();
      await rm(folder, { recursive: true });
    });
    return new Place(folder, service, node);
  }

  async put(bytes: Uint8Array): Promise<void> {
    async function* whole(): AsyncGenerator<Uint8Array, void> {
      yield Promise.resolve(bytes);
    }
    await this.service.write({ bytes: whole(), uploader: 'test' });
  }

  async content(): Promise<Uint8Array> {
    const blob = await this.service.read(ID);
    try {
      const pieces: Uint8Array[] = [];
      for await (const piece of blob.read()) pieces.push(piece);
      return joinBytes(pieces);
    } finally {
      await blob.close();
    }
  }

  /** Codes of what a peer was blamed for. */
  blames(peer: Place): string[] {
    return this.node.events.items.flatMap((event) =>
      event.kind === 'peer-blamed' && event.peer === peer.node.network.id ? [event.error.code] : [],
    );
  }
}

/** Two that give as `serve` says and as they should, and one that fetches from both. */
async function scene(
  t: TestContext,
  serve?: Parameters<typeof Place.open>[2],
): Promise<{ readonly odd: Place; readonly honest: Place; readonly fetcher: Place }> {
  const [odd, honest, fetcher] = [
    await Place.open(t, 1, serve),
    await Place.open(t, 2),
    await Place.open(t, 3),
  ];
  await odd.put(BYTES);
  await honest.put(BYTES);
  await connect(fetcher.node, odd.node);
  await connect(fetcher.node, honest.node);
  return { odd, honest, fetcher };
}

test('a blob comes from several peers at a time, each chunk once', LIMIT, async (t) => {
  const given = { odd: 0 };
  const { fetcher, odd } = await scene(t, (shelf) =>
    blobHandlers({
      ...shelf,
      chunks: async function* (range) {
        for await (const chunk of shelf.chunks(range)) {
          given.odd++;
          yield chunk;
        }
      },
    }),
  );
  // Both ask for the same, and wait for one download.
  await Promise.all([
    fetcher.service.obtain(ID, { hints: [odd.node.network.id] }),
    fetcher.service.obtain(ID),
  ]);
  assert.deepEqual(await fetcher.content(), BYTES);
  const { receivedChunks, wastedChunks, fetched, receivedBytes } = fetcher.service.figures;
  assert.deepEqual([receivedChunks - wastedChunks, fetched], [CHUNKS, 1]);
  assert.ok(receivedBytes < BYTES.length * 1.5);
  assert.ok(given.odd > 0 && given.odd < CHUNKS, `${given.odd} of ${CHUNKS}`);
  await fetcher.service.obtain(ID);
  assert.equal(fetcher.service.figures.fetched, 1, 'what is here is not fetched');
});

const withChunks =
  (chunks: (shelf: BlobShelf) => BlobShelf['chunks']) =>
  (shelf: BlobShelf): ReturnType<typeof blobHandlers> =>
    blobHandlers({ ...shelf, chunks: chunks(shelf) });

/** In place of the exchange of chunks. */
const withAnswer =
  (answer: RequestHandler, protocol: RequestProtocol = BLOB_CHUNKS) =>
  (shelf: BlobShelf): ReturnType<typeof blobHandlers> => [
    ...blobHandlers(shelf).filter(([{ name }]) => name !== BLOB_CHUNKS.name),
    [protocol, answer],
  ];

async function* yielding(bytes: Uint8Array): AsyncGenerator<Uint8Array, void> {
  yield Promise.resolve(bytes);
}

const ACTS: Readonly<
  Record<string, { serve: NonNullable<Parameters<typeof Place.open>[2]>; code: string | undefined }>
> = {
  'changes a byte': {
    serve: withChunks(
      (shelf) =>
        async function* (range) {
          for await (const chunk of shelf.chunks(range)) {
            const bytes = chunk.bytes.slice();
            bytes[7] = (bytes[7] ?? 0) ^ 1;
            yield { ...chunk, bytes };
          }
        },
    ),
    code: 'BLOB_CHUNK_WRONG',
  },
  'lies about the length': {
    serve: withChunks(
      (shelf) =>
        async function* (range) {
          for await (const chunk of shelf.chunks(range))
            yield { ...chunk, lengthBytes: chunk.lengthBytes - 1 };
        },
    ),
    code: 'BLOB_CHUNK_WRONG',
  },
  'sends chunks in another order': {
    serve: withChunks(
      (shelf) =>
        async function* (range) {
          for await (const chunk of shelf.chunks(range)) yield { ...chunk, index: chunk.index + 1 };
        },
    ),
    code: 'RESPONSE_MALFORMED',
  },
  'gives fewer than it has': {
    serve: withChunks(
      (shelf) =>
        async function* (range) {
          for await (const chunk of shelf.chunks(range)) {
            if (chunk.index > 0) return;
            yield chunk;
          }
        },
    ),
    code: 'RESPONSE_TRUNCATED',
  },
  'sends garbage': {
    serve: withAnswer(() => yielding(new Uint8Array(5000).fill(255))),
    code: 'SSZ_MALFORMED',
  },
  'sends too much': {
    serve: withAnswer(() => yielding(new Uint8Array(BLOB_CHUNKS.maxPartBytes + 1)), {
      ...BLOB_CHUNKS,
      maxPartBytes: 2 * BLOB_CHUNKS.maxPartBytes,
    }),
    code: 'FRAME_TOO_LONG',
  },
  'says that it has it and refuses': {
    serve: withChunks(
      () =>
        async function* (range) {
          yield* [];
          await Promise.resolve();
          throw new OgpuError('BLOB_UNKNOWN', `not here: ${chunkRangeCodec.name}`, { first: range.first });
        },
    ),
    // Worth no point.
    code: 'REQUEST_REFUSED',
  },
  'says nothing': {
    serve: withAnswer(async function* () {
      await new Promise((resolve) => monotonicClock.setTimer(8_000, () => resolve(undefined)));
      yield* [];
    }),
    // The others have given everything before its time is over.
    code: undefined,
  },
};

for (const [act, { serve, code }] of Object.entries(ACTS)) {
  test(`a peer that ${act} costs little time`, LIMIT, async (t) => {
    const { odd, honest, fetcher } = await scene(t, serve);
    await fetcher.service.obtain(ID, { hints: [odd.node.network.id] });
    assert.deepEqual(await fetcher.content(), BYTES);
    const blames = fetcher.blames(odd);
    if (code === undefined) assert.deepEqual(blames, []);
    else assert.ok(blames.includes(code), `${blames.join(' ')} has no ${code}`);
    assert.deepEqual(fetcher.blames(honest), []);
  });
}

test(
  'a download that was broken off goes on with what there is; a damaged chunk is fetched alone',
  LIMIT,
  async (t) => {
    const source = await Place.open(t, 1, (shelf) =>
      blobHandlers({
        ...shelf,
        chunks: async function* (range) {
          for await (const chunk of shelf.chunks(range)) {
            await new Promise((resolve) => setTimeout(resolve, 2));
            yield chunk;
          }
        },
      }),
    );
    const fetcher = await Place.open(t, 2);
    await source.put(BYTES);
    await connect(fetcher.node, source.node);
    const leaving = new AbortController();
    const first = fetcher.service.obtain(ID, { signal: leaving.signal });
    while (fetcher.service.figures.receivedChunks < 5) await new Promise((resolve) => setTimeout(resolve, 1));
    leaving.abort();
    await assert.rejects(first, { code: 'BLOB_FETCH_ENDED' });
    while (fetcher.service.figures.fetching > 0) await new Promise((resolve) => setTimeout(resolve, 1));
    assert.equal(fetcher.service.status(ID).state, 'partial');
    await fetcher.service.obtain(ID);
    assert.deepEqual(await fetcher.content(), BYTES);
    const { receivedChunks, wastedChunks } = fetcher.service.figures;
    assert.equal(receivedChunks - wastedChunks, CHUNKS, 'no chunk was kept twice');
    const file = await open(join(fetcher.folder, wholePath(nameOf(ID))), 'r+');
    await file.write(Uint8Array.of(1, 2, 3), 0, 3, 3 * BLOB_CHUNK_BYTES);
    await file.close();
    await assert.rejects(fetcher.content(), { code: 'BLOB_CORRUPT' });
    await fetcher.service.obtain(ID);
    assert.deepEqual(await fetcher.content(), BYTES);
    assert.equal(fetcher.service.figures.receivedChunks, receivedChunks + 1);
    assert.deepEqual(await readdir(join(fetcher.folder, 'partial')), []);
  },
);

test('what nobody has is not waited for, and what is too large is not begun', LIMIT, async (t) => {
  const [source, fetcher] = [await Place.open(t, 1), await Place.open(t, 2)];
  await connect(fetcher.node, source.node);
  await assert.rejects(fetcher.service.obtain(ID, { patienceMs: 300 }), { code: 'BLOB_UNAVAILABLE' });
  await assert.rejects(fetcher.service.obtain(ID, { timeoutMs: 200, patienceMs: 10_000 }), {
    code: 'BLOB_FETCH_TIMEOUT',
  });
  await source.put(BYTES);
  await fetcher.service.obtain(ID);
  assert.deepEqual(fetcher.service.figures.fetchFailures, 2);
});

test('a peer that asks for more than it may is refused and blamed', LIMIT, async (t) => {
  const [source, flooder] = [await Place.open(t, 1), await Place.open(t, 2)];
  await source.put(BYTES);
  await connect(flooder.node, source.node);
  const request = chunkRangeCodec.encode({ id: ID, first: 0, count: 8 });
  const ask = async (): Promise<void> => {
    for await (const _ of flooder.node.network.request(source.node.network.id, BLOB_CHUNKS, request)) break;
  };
  await Promise.allSettled(Array.from({ length: 12 }, ask));
  await source.node.events.first(
    (event) => event.kind === 'peer-blamed' && event.error.code === 'REQUEST_FLOODED',
  );
});
