import assert from 'node:assert/strict';
import { createReadStream } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readFooter, readLeaves } from '../../compute/blobs/open-blob.js';
import { realDisk } from '../../compute/blobs/disk.js';
import { nameOf, partialPath } from '../../compute/blobs/layout.js';
import { dataFolder } from '../../node/devnet/layout.js';
import { fromHex, toHex, type Hex } from '../../protocol/bytes.js';
import { BLOB_CHUNK_BYTES } from '../../protocol/limits.js';
import { BlobHasher, uploadBlob } from '../../rpc/blobs/transfer.js';
import { runCli } from '../support/cli.js';
import { createPrng } from '../support/prng.js';
import { Cluster } from './network/cluster.js';
import { call } from './network/rpc-client.js';
import { sleep } from './network/wait.js';

/** Enough to be killed in the middle of. */
const CHUNKS = 240;

/** A large file without as much randomness: every chunk differs. */
async function* pieces(): AsyncGenerator<Uint8Array, void> {
  const piece = createPrng(1).bytes(BLOB_CHUNK_BYTES);
  for (let i = 0; i < CHUNKS; i++) {
    new DataView(piece.buffer).setUint32(0, i);
    yield Promise.resolve(piece.slice());
  }
}

/** Chunks of a broken-off download. */
async function heldChunks(folder: string, id: Hex): Promise<number> {
  const file = await realDisk(join(folder, 'blobs')).open(partialPath(nameOf(fromHex(id))), 'read');
  if (file === undefined) return 0;
  try {
    const footer = await readFooter(file);
    const leaves = footer === undefined ? [] : await readLeaves(file, footer.lengthBytes);
    return leaves.filter((leaf) => leaf.some((byte) => byte !== 0)).length;
  } finally {
    await file.close();
  }
}

async function receivedBytes(metricsPort: number): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
  return Number(/^ogpu_blobs_received_bytes_total (\d+)/m.exec(text)?.[1] ?? NaN);
}

test(
  'a blob goes from one node to another, over a kill -9 in the middle, without a verified chunk coming twice',
  { timeout: 180_000 },
  async (t) => {
    const cluster = await Cluster.create(1, { isProxied: false });
    const folder = await mkdtemp(join(tmpdir(), 'ogpu-blob-files-'));
    t.after(async () => {
      await cluster.dispose();
      await rm(folder, { recursive: true });
    });
    const follower = await cluster.addFollower();
    cluster.start(0);
    cluster.start(follower);
    await cluster.reach(0, [0, follower], 60_000);
    const urlOf = (index: number): string => `http://127.0.0.1:${cluster.node(index).rpcPort}`;
    const { id, lengthBytes } = await uploadBlob({ url: urlOf(0) }, pieces());
    assert.equal(lengthBytes, CHUNKS * BLOB_CHUNK_BYTES);

    // Killed with a part of it.
    const data = dataFolder(cluster.node(follower));
    const lost = fetch(`${urlOf(follower)}/blobs/${id}`).then(
      () => 'whole',
      () => 'lost',
    );
    while ((await heldChunks(data, id)) < 20) await sleep(5);
    await cluster.signal(follower, 'SIGKILL');
    assert.equal(await lost, 'lost');
    const held = await heldChunks(data, id);
    assert.ok(held >= 20 && held < CHUNKS, `${held} of ${CHUNKS}`);
    cluster.start(follower);
    await cluster.reach(0, [follower], 60_000);
    assert.equal(
      ((await call(cluster.node(follower).rpcPort, 'ogpu_blob', [id])) as { state: string }).state,
      'partial',
    );

    // By the command line, resumed: the file has a start that is right.
    const output = join(folder, 'got.bin');
    const first = pieces();
    const start = [(await first.next()).value, (await first.next()).value].map(
      (piece) => piece ?? new Uint8Array(0),
    );
    await writeFile(`${output}.part`, Buffer.concat([...start, Uint8Array.of(1, 2)]));
    const got = runCli(['blob', 'get', id, '-o', output, '--rpc-url', urlOf(follower), '--json']);
    assert.equal(got.exitCode, 0, got.stderr);
    assert.deepEqual(JSON.parse(got.stdout), { id, lengthBytes, resumedBytes: 2 * BLOB_CHUNK_BYTES, output });
    const received = (await receivedBytes(cluster.node(follower).metricsPort)) / BLOB_CHUNK_BYTES;
    // Some chunks may have been asked of the one holder twice, for being late.
    assert.ok(
      received >= CHUNKS - held && received < CHUNKS - held / 2,
      `${received} of ${CHUNKS}, ${held} were here`,
    );
    const hasher = new BlobHasher();
    for await (const piece of createReadStream(output, { highWaterMark: BLOB_CHUNK_BYTES }))
      hasher.add(piece as Buffer);
    assert.equal(toHex(hasher.id()), id);
  },
);
