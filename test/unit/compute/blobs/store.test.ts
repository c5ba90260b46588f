import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BlobError } from '../../../../compute/blobs/errors.js';
import { nameOf, partialPath, wholePath } from '../../../../compute/blobs/layout.js';
import { BlobStore, DEFAULT_BLOB_LIMITS, type BlobLimits } from '../../../../compute/blobs/store.js';
import { blobIdOf, blobLeaf, provenBlobLeaf } from '../../../../protocol/blob.js';
import { joinBytes, toHex } from '../../../../protocol/bytes.js';
import { BLOB_CHUNK_BYTES } from '../../../../protocol/limits.js';
import { BlobCrash, BlobTestDisk } from '../../../support/blob-disk.js';
import { createPrng, type Prng } from '../../../support/prng.js';

const KIB = 1024;

const codeIs =
  (code: BlobError['code']) =>
  (error: unknown): boolean =>
    error instanceof BlobError && error.code === code;

class World {
  readonly disk: BlobTestDisk;
  nowMs = 1_000_000;
  readonly #limits: BlobLimits;

  constructor(prng: Prng, limits: Partial<BlobLimits> = {}) {
    this.disk = new BlobTestDisk(prng);
    this.#limits = { ...DEFAULT_BLOB_LIMITS, ...limits };
  }

  open(): Promise<BlobStore> {
    return BlobStore.open({ disk: this.disk.mount(), limits: this.#limits, nowMs: () => this.nowMs });
  }
}

async function* inPieces(bytes: Uint8Array, pieceBytes: number): AsyncGenerator<Uint8Array, void> {
  for (let at = 0; at < bytes.length; at += pieceBytes)
    yield Promise.resolve(bytes.subarray(at, at + pieceBytes));
}

async function put(
  store: BlobStore,
  bytes: Uint8Array,
  uploader = 'somebody',
  pieceBytes = 100 * KIB,
): ReturnType<BlobStore['write']> {
  return store.write({ bytes: inPieces(bytes, pieceBytes), uploader });
}

async function get(store: BlobStore, id: Uint8Array, start?: number, end?: number): Promise<Uint8Array> {
  const blob = await store.read(id);
  try {
    const pieces: Uint8Array[] = [];
    for await (const piece of blob.read(start, end)) pieces.push(piece);
    return joinBytes(pieces);
  } finally {
    await blob.close();
  }
}

const chunkOf = (bytes: Uint8Array, index: number): Uint8Array =>
  bytes.subarray(index * BLOB_CHUNK_BYTES, (index + 1) * BLOB_CHUNK_BYTES);

test('what goes in comes out, whole and in ranges, under the id it must have, after a restart too', async () => {
  const world = new World(createPrng(1));
  let store = await world.open();
  const prng = createPrng(2);
  const contents = [0, 1, BLOB_CHUNK_BYTES, BLOB_CHUNK_BYTES + 1, 700 * KIB].map((length) =>
    prng.bytes(length),
  );
  for (const bytes of contents) {
    const { id, lengthBytes, isNew } = await put(store, bytes, 'a', 1 + prng.below(300 * KIB));
    assert.deepEqual([toHex(id), lengthBytes, isNew], [toHex(blobIdOf(bytes)), bytes.length, true]);
    assert.equal((await put(store, bytes, 'b')).isNew, false, 'the same again is nothing new');
  }
  await store.close();
  await assert.rejects(put(store, Uint8Array.of(1)), codeIs('BLOB_STORE_CLOSED'));
  store = await world.open();
  for (const bytes of contents) {
    const id = blobIdOf(bytes);
    assert.deepEqual(await get(store, id), bytes);
    const start = prng.below(bytes.length + 1);
    const end = start + prng.below(bytes.length - start + 1);
    assert.deepEqual(await get(store, id, start, end), bytes.slice(start, end));
    const blob = await store.read(id);
    for (let index = 0; index < blob.chunkCount; index++) {
      const chunk = await blob.provenChunk(index);
      assert.deepEqual(provenBlobLeaf(id, chunk), blobLeaf(chunkOf(bytes, index)));
    }
    await blob.close();
  }
  assert.equal(store.figures.blobs, contents.length);
  await assert.rejects(store.read(new Uint8Array(32)), codeIs('BLOB_UNKNOWN'));
});

test('64 MiB pass through without being in memory at once', async () => {
  const world = new World(createPrng(1));
  const store = await world.open();
  const piece = createPrng(3).bytes(64 * KIB);
  async function* long(): AsyncGenerator<Uint8Array, void> {
    for (let i = 0; i < 1024; i++) yield Promise.resolve(piece);
  }
  const { id, lengthBytes } = await store.write({ bytes: long(), uploader: 'a' });
  assert.equal(lengthBytes, 64 * KIB * KIB);
  let largest = 0;
  let total = 0;
  const blob = await store.read(id);
  for await (const part of blob.read()) {
    largest = Math.max(largest, part.length);
    total += part.length;
  }
  assert.deepEqual(
    [total, largest, world.disk.largestBytes],
    [lengthBytes, BLOB_CHUNK_BYTES, BLOB_CHUNK_BYTES],
  );
});

test('bytes that are not what their sender has said are refused, and leave nothing', async () => {
  const world = new World(createPrng(1), { maxBlobBytes: 600 * KIB });
  const store = await world.open();
  const bytes = createPrng(4).bytes(300 * KIB);
  const send = (more: object): Promise<unknown> =>
    store.write({ bytes: inPieces(bytes, 64 * KIB), uploader: 'a', ...more });
  await assert.rejects(send({ lengthBytes: bytes.length + 1 }), codeIs('BLOB_LENGTH'));
  await assert.rejects(send({ lengthBytes: bytes.length - 1 }), codeIs('BLOB_LENGTH'));
  await assert.rejects(send({ lengthBytes: 601 * KIB }), codeIs('BLOB_TOO_LARGE'));
  await assert.rejects(send({ id: new Uint8Array(32) }), codeIs('BLOB_ID_MISMATCH'));
  await assert.rejects(put(store, new Uint8Array(600 * KIB + 1)), codeIs('BLOB_TOO_LARGE'));
  async function* breaksOff(): AsyncGenerator<Uint8Array, void> {
    yield Promise.resolve(bytes);
    throw new RangeError('the line is dead');
  }
  await assert.rejects(store.write({ bytes: breaksOff(), uploader: 'a' }), RangeError);
  assert.deepEqual(world.disk.paths(), []);
  assert.deepEqual([store.figures.usedBytes, store.figures.blobs], [0, 0]);
  await send({ lengthBytes: bytes.length, id: blobIdOf(bytes) });
});

test('quotas hold for all and for each uploader; unpinned blobs make room, pinned and fresh ones do not', async () => {
  const world = new World(createPrng(1), {
    ...{ maxBytes: 1000 * KIB, maxUploaderBytes: 450 * KIB, graceMs: 1000 },
  });
  let store = await world.open();
  const contents = [1, 2, 3, 4].map((seed) => createPrng(seed).bytes(400 * KIB));
  const [first, second, third] = contents as [Uint8Array, Uint8Array, Uint8Array];
  await put(store, first, 'a');
  await assert.rejects(put(store, second, 'a'), codeIs('BLOB_UPLOADER_FULL'));
  await put(store, second, 'b');
  await store.pin(blobIdOf(first), { kind: 'job', id: new Uint8Array(32).fill(7) });
  await assert.rejects(put(store, third, 'c'), codeIs('BLOB_STORE_FULL'), 'both are fresh or pinned');
  world.nowMs += 2000;
  store = await world.open();
  await assert.rejects(put(store, third, 'a'), codeIs('BLOB_UPLOADER_FULL'), 'known after a restart');
  world.nowMs += 2000;
  await put(store, third, 'c');
  assert.equal(store.lengthOf(blobIdOf(second)), undefined, 'the unpinned one made room');
  assert.equal(store.lengthOf(blobIdOf(first)), first.length);
  assert.ok(store.figures.usedBytes <= 1000 * KIB);
  await store.release({ kind: 'job', id: new Uint8Array(32).fill(7) });
  world.nowMs += 2000;
  await put(store, second, 'd');
  assert.equal(store.lengthOf(blobIdOf(first)), undefined);
});

test('pins count by reason, outlast a restart, and keep what is collected otherwise', async () => {
  const world = new World(createPrng(1));
  let store = await world.open();
  const [kept, dropped] = [createPrng(1).bytes(10), createPrng(2).bytes(10)];
  const [job, source] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)];
  const id = blobIdOf(kept);
  await store.pin(id, { kind: 'job', id: job });
  await put(store, kept);
  await put(store, dropped);
  await store.pin(id, { kind: 'job', id: source });
  await store.pin(id, { kind: 'source', id: source });
  await store.pin(id, { kind: 'operator' });
  await store.pin(id, { kind: 'operator' });
  await store.release({ kind: 'job', id: job });
  store = await world.open();
  assert.deepEqual(store.status(id).pins, { job: 1, source: 1, operator: 1 });
  world.nowMs += 10_000;
  assert.deepEqual(await store.collect(20_000), { blobs: 0, bytes: 0 });
  assert.equal((await store.collect(5_000)).blobs, 1);
  assert.deepEqual([store.status(id).state, store.status(blobIdOf(dropped)).state], ['whole', 'absent']);
  for (const reason of [
    { kind: 'job', id: source },
    { kind: 'source', id: source },
    { kind: 'operator' },
  ] as const)
    await store.unpin(id, reason);
  assert.equal((await store.collect(5_000)).blobs, 1);
  assert.deepEqual(world.disk.paths(), []);
});

test('a damaged blob is noticed, set aside, and fetched again where it is damaged alone', async () => {
  const world = new World(createPrng(1));
  const store = await world.open();
  const bytes = createPrng(5).bytes(3 * BLOB_CHUNK_BYTES + 10);
  const { id } = await put(store, bytes);
  world.disk.damage(wholePath(nameOf(id)), BLOB_CHUNK_BYTES + 5);
  const blob = await store.read(id);
  assert.equal((await blob.chunk(0)).length, BLOB_CHUNK_BYTES);
  await assert.rejects(blob.chunk(1), codeIs('BLOB_CORRUPT'));
  assert.equal(store.status(id).state, 'partial');
  await assert.rejects(store.read(id), codeIs('BLOB_UNKNOWN'));
  const partial = await store.fetch(id);
  await assert.rejects(store.fetch(id), codeIs('BLOB_BUSY'));
  assert.deepEqual(
    [0, 1, 2, 3].map((index) => partial.has(index)),
    [true, false, true, true],
  );
  await partial.put(bytes.length, 1, chunkOf(bytes, 1), blobLeaf(chunkOf(bytes, 1)));
  await partial.finish();
  await partial.close();
  assert.deepEqual(await get(store, id), bytes);
  // Its leaves, its footer: then all of it, or what matches, is fetched again.
  for (const position of [bytes.length + 3, bytes.length + 4 * 32 + 10]) {
    world.disk.damage(wholePath(nameOf(id)), position);
    const fresh = await world.open();
    await assert.rejects(get(fresh, id), codeIs(fresh.figures.blobs === 1 ? 'BLOB_CORRUPT' : 'BLOB_UNKNOWN'));
    await refetch(fresh, id, bytes);
    assert.deepEqual(await get(fresh, id), bytes);
  }
  assert.equal(store.figures.corrupted, 1);
});

async function refetch(store: BlobStore, id: Uint8Array, bytes: Uint8Array): Promise<number> {
  const partial = await store.fetch(id);
  let fetched = 0;
  try {
    for (let index = 0; index * BLOB_CHUNK_BYTES < Math.max(1, bytes.length); index++) {
      if (partial.has(index)) continue;
      const chunk = chunkOf(bytes, index);
      await partial.put(bytes.length, index, chunk, blobLeaf(chunk));
      fetched++;
    }
    await partial.finish();
  } finally {
    await partial.close();
  }
  return fetched;
}

/** Everything a store does, in an order. */
async function live(
  store: BlobStore,
  contents: readonly Uint8Array[],
  acknowledged: Set<string>,
): Promise<void> {
  const [a, b, c] = contents as [Uint8Array, Uint8Array, Uint8Array];
  await store.pin(blobIdOf(a), { kind: 'operator' });
  acknowledged.add('pin');
  await put(store, a);
  acknowledged.add('a');
  await put(store, b);
  acknowledged.add('b');
  await refetch(store, blobIdOf(c), c);
  acknowledged.add('c');
  await store.unpin(blobIdOf(a), { kind: 'operator' });
  acknowledged.delete('pin');
  await store.collect(-1);
}

test('whatever step a crash comes at, and whatever is lost with it, nothing wrong is served and nothing acknowledged is gone', async () => {
  const contents = [11, 12, 13].map((seed) => createPrng(seed).bytes(BLOB_CHUNK_BYTES + 100 + seed));
  const dry = new World(createPrng(0));
  await live(await dry.open(), contents, new Set());
  const steps = dry.disk.steps;
  assert.ok(steps > 40, `${steps}`);
  for (let step = 0; step < steps; step++) {
    for (const isPowerLost of [false, true]) {
      const world = new World(createPrng(100 * step + (isPowerLost ? 1 : 0)));
      const acknowledged = new Set<string>();
      world.disk.plan(step);
      await assert.rejects(
        world.open().then((store) => live(store, contents, acknowledged)),
        BlobCrash,
      );
      world.disk.crash(isPowerLost);
      await checkAfterCrash(world, contents, acknowledged, `step ${step}, power ${isPowerLost}`);
    }
  }
});

async function checkAfterCrash(
  world: World,
  contents: readonly Uint8Array[],
  acknowledged: ReadonlySet<string>,
  where: string,
): Promise<void> {
  const store = await world.open();
  const isCollecting = acknowledged.has('c') && !acknowledged.has('pin');
  for (const [i, bytes] of contents.entries()) {
    const id = blobIdOf(bytes);
    const { state } = store.status(id);
    if (acknowledged.has('abc'[i] ?? '') && !isCollecting) assert.equal(state, 'whole', where);
    if (state === 'whole') assert.deepEqual(await get(store, id), bytes, where);
    else await refetch(store, id, bytes);
    assert.deepEqual(await get(store, id), bytes, where);
  }
  if (acknowledged.has('pin'))
    assert.equal(store.status(blobIdOf(contents[0] ?? new Uint8Array())).pins.operator, 1, where);
  assert.ok(
    !world.disk.paths().some((path) => path.startsWith('incoming/') || path.startsWith('partial/')),
    where,
  );
  const used = contents.reduce((sum, bytes) => sum + bytes.length + 2 * 32 + 48, 0);
  assert.equal(store.figures.usedBytes, used, where);
}

test('a full disk at any step is a typed error that loses nothing and can be tried again', async () => {
  const contents = [21, 22, 23].map((seed) => createPrng(seed).bytes(BLOB_CHUNK_BYTES + 50));
  for (let step = 6; ; step++) {
    const world = new World(createPrng(step));
    const store = await world.open();
    world.disk.plan(step, 'full');
    const steps = world.disk.steps;
    const acknowledged = new Set<string>();
    try {
      await live(store, contents, acknowledged);
      assert.ok(step >= world.disk.steps - steps);
      return;
    } catch (error) {
      if (!codeIs('BLOB_DISK_FULL')(error)) throw error;
    }
    for (const bytes of contents) {
      if (store.lengthOf(blobIdOf(bytes)) === undefined) await refetch(store, blobIdOf(bytes), bytes);
      assert.deepEqual(await get(store, blobIdOf(bytes)), bytes, `step ${step}`);
    }
    assert.equal(
      store.figures.usedBytes,
      contents.length * (BLOB_CHUNK_BYTES + 50 + 2 * 32 + 48),
      `step ${step}`,
    );
  }
});

test('a download that a crash broke off goes on with the chunks it has', async () => {
  const world = new World(createPrng(9));
  let store = await world.open();
  const bytes = createPrng(6).bytes(10 * BLOB_CHUNK_BYTES);
  const id = blobIdOf(bytes);
  const partial = await store.fetch(id);
  for (const index of [7, 0, 3])
    await partial.put(bytes.length, index, chunkOf(bytes, index), blobLeaf(chunkOf(bytes, index)));
  world.disk.crash(false);
  store = await world.open();
  assert.deepEqual([store.status(id).state, store.status(id).lengthBytes], ['partial', bytes.length]);
  assert.equal(await refetch(store, id, bytes), 7);
  assert.deepEqual(await get(store, id), bytes);
  assert.ok(!world.disk.paths().includes(partialPath(nameOf(id))));
});

test('downloads nobody goes on with are collected, and the room of one is reserved as a whole', async () => {
  const world = new World(createPrng(9), { maxBytes: 900 * KIB });
  const store = await world.open();
  const bytes = createPrng(6).bytes(600 * KIB);
  const partial = await store.fetch(blobIdOf(bytes));
  await partial.put(bytes.length, 1, chunkOf(bytes, 1), blobLeaf(chunkOf(bytes, 1)));
  assert.ok(store.figures.usedBytes > 600 * KIB);
  world.nowMs += 10_000;
  assert.equal((await store.collect(5_000)).blobs, 0, 'it is open');
  const other = await store.fetch(new Uint8Array(32));
  await assert.rejects(other.put(400 * KIB, 0, bytes, new Uint8Array(32)), codeIs('BLOB_STORE_FULL'));
  await other.close();
  await partial.close();
  assert.equal((await store.collect(5_000)).blobs, 1);
  assert.deepEqual([store.figures.usedBytes, store.figures.partials], [0, 0]);
});
