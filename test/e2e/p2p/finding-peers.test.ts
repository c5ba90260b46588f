import assert from 'node:assert/strict';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openFolder } from '../../../node/disk/open-folder.js';
import { BOOK_FILE } from '../../../p2p/address-book.js';
import { encodeFrame } from '../../../p2p/frames.js';
import { admitted, connect, eventually, RawPeer, startNode, type TestNode } from '../../support/p2p.js';

const LIMIT = { timeout: 60_000 };

const seeking = (targetOutbound: number): { options: { targetOutbound: number } } => ({
  options: { targetOutbound },
});

test(
  'who knows one node finds the others, and finds them again after a restart with the file alone',
  LIMIT,
  async () => {
    const path = await mkdtemp(join(tmpdir(), 'ogpu-book-'));
    const [hub, other] = await Promise.all([startNode(1), startNode(2, seeking(2))]);
    await connect(other, hub);
    await eventually(() => hub.network.knownCount === 1);
    const first = await openFolder(path);
    const seeker = await startNode(3, { ...seeking(2), book: first.folder });
    await connect(seeker, hub);
    await Promise.all([admitted(seeker, other.network.id), admitted(other, seeker.network.id)]);
    await seeker.network.stop();
    await first.unlock();
    const second = await openFolder(path);
    const again = await startNode(3, { ...seeking(2), book: second.folder });
    await Promise.all([admitted(again, hub.network.id), admitted(again, other.network.id)]);
    await stopAll(hub, other, again);
    await second.unlock();
  },
);

test(
  'a ban outlasts a restart; a file that was tampered with is told of and does no harm',
  LIMIT,
  async () => {
    const path = await mkdtemp(join(tmpdir(), 'ogpu-book-'));
    const first = await openFolder(path);
    const node = await startNode(1, { book: first.folder });
    const bad = await RawPeer.dial(66, node);
    await bad.greet();
    const stream = await bad.open('consensus');
    stream.send(encodeFrame(Uint8Array.of(77)));
    await node.events.first((event) => event.kind === 'peer-blamed' && event.isBanned);
    await bad.stop();
    await node.network.stop();
    await first.unlock();

    const second = await openFolder(path);
    const again = await startNode(1, { book: second.folder });
    await assert.rejects(async () => {
      const back = await RawPeer.dial(66, again);
      await back.greet().finally(() => back.stop());
    });
    await again.network.stop();
    await second.unlock();

    const text = await readFile(join(path, BOOK_FILE), 'utf8');
    await writeFile(join(path, BOOK_FILE), text.slice(0, -10));
    const third = await openFolder(path);
    const fresh = await startNode(1, { book: third.folder });
    const failed = await fresh.events.first((event) => event.kind === 'book-failed');
    assert.equal(failed.kind === 'book-failed' && failed.error.code, 'BOOK_UNREADABLE');
    const forgiven = await RawPeer.dial(66, fresh);
    await forgiven.greet();
    await forgiven.stop();
    await fresh.network.stop();
    await third.unlock();
  },
);

test('what a peer tells of others is bounded, and nonsense is its fault', LIMIT, async () => {
  const node = await startNode(1, seeking(2));
  const liar = await RawPeer.dial(66, node, {
    peers: (stream) => {
      stream.send(encodeFrame(Uint8Array.of(0, 9, 9, 9, 9, 9)));
    },
  });
  await liar.greet();
  const blamed = await node.events.first((event) => event.kind === 'peer-blamed');
  assert.ok(blamed.kind === 'peer-blamed');
  assert.deepEqual([blamed.peer, blamed.error.code, blamed.isBanned], [liar.id, 'SSZ_MALFORMED', true]);
  await liar.stop();
  await node.network.stop();
});

async function stopAll(...nodes: readonly TestNode[]): Promise<void> {
  await Promise.all(nodes.map(({ network }) => network.stop()));
}
