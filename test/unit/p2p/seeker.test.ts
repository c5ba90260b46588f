import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dialable, isOfUse } from '../../../p2p/addresses.js';
import { AddressBook, BOOK_FILE, type BookFolder } from '../../../p2p/address-book.js';
import type { Clock } from '../../../p2p/clock.js';
import { Conduct } from '../../../p2p/conduct.js';
import { P2pError } from '../../../p2p/errors.js';
import { claimedAddress, decodeContacts, encodeContacts, encodeRequest } from '../../../p2p/peer-exchange.js';
import { Seeker, type PresentPeer, type SeekerParts } from '../../../p2p/seeker.js';
import { HandClock } from '../../support/hand-clock.js';
import { nextTick } from '../../support/next-tick.js';

const MINUTE_MS = 60_000;

test('what can be dialled is an address and a port, and where it means something', () => {
  const scopes: readonly (readonly [string, string | undefined])[] = [
    ['/ip4/127.0.0.1/tcp/1', 'loopback'],
    ['/ip6/::1/tcp/65535', 'loopback'],
    ['/ip4/192.168.1.1/tcp/30303', 'private'],
    ['/ip4/100.64.0.1/tcp/30303', 'private'],
    ['/ip6/fd00::1/tcp/30303', 'private'],
    ['/ip4/8.8.8.8/tcp/30303', 'public'],
    ['/ip4/8.8.8.8/tcp/30303/p2p/12D3KooWGRUYJb9Q', 'public'],
    ['/ip6/2a00::1/tcp/30303', 'public'],
    ['/ip4/0.0.0.0/tcp/1', undefined],
    ['/ip4/224.0.0.1/tcp/1', undefined],
    ['/ip4/255.255.255.255/tcp/1', undefined],
    ['/ip4/256.1.1.1/tcp/1', undefined],
    ['/ip6/::ffff:10.0.0.1/tcp/1', undefined],
    ['/ip4/8.8.8.8/tcp/0', undefined],
    ['/ip4/8.8.8.8/tcp/65536', undefined],
    ['/ip4/8.8.8.8/udp/1', undefined],
    ['/dns4/example.org/tcp/1', undefined],
    ['/ip4/8.8.8.8/tcp/1/ws', undefined],
    ['', undefined],
  ];
  for (const [address, scope] of scopes) assert.equal(dialable(address)?.scope, scope, address);
  assert.deepEqual(
    [
      isOfUse('public', 'public'),
      isOfUse('private', 'public'),
      isOfUse('loopback', 'private'),
      isOfUse('public', 'loopback'),
    ],
    [true, false, false, true],
  );
});

test('a peer says where it is reached itself, and nothing about others', () => {
  const request = encodeRequest(['/ip4/8.8.4.4/tcp/7/p2p/12D3', '/ip4/1.2.3.4/tcp/9', '/ip4/1.2.3.4/udp/9']);
  assert.equal(claimedAddress(request, '/ip4/1.2.3.4/tcp/55555'), '/ip4/1.2.3.4/tcp/9');
  assert.equal(claimedAddress(request, '/ip4/1.2.3.5/tcp/55555'), undefined);
  assert.equal(claimedAddress(encodeRequest([]), '/ip4/1.2.3.4/tcp/55555'), undefined);
});

test('what is told by a stranger is no address of this house', () => {
  const told = encodeContacts([
    { id: 'a', address: '/ip4/127.0.0.1/tcp/1' },
    { id: 'b', address: '/ip4/10.0.0.1/tcp/1' },
    { id: 'c', address: '/ip4/8.8.8.8/tcp/1' },
    { id: 'not an id', address: '/ip4/8.8.8.8/tcp/1' },
    { id: 'd', address: 'nonsense' },
  ]);
  const ids = (scope: 'public' | 'private' | 'loopback'): string =>
    decodeContacts(told, scope)
      .map(({ id }) => id)
      .join('');
  assert.deepEqual([ids('public'), ids('private'), ids('loopback')], ['c', 'bc', 'abc']);
});

class MemoryFolder implements BookFolder {
  bytes: Uint8Array | undefined;
  isBroken = false;

  readFile(): Promise<Uint8Array | undefined> {
    return Promise.resolve(this.bytes);
  }

  writeFile(_name: string, bytes: Uint8Array): Promise<void> {
    if (this.isBroken) return Promise.reject(new Error('of the test'));
    this.bytes = bytes;
    return Promise.resolve();
  }
}

function bookOf(
  folder: BookFolder,
  wallMs = 1_000_000,
): { book: AddressBook; conduct: Conduct; warnings: string[] } {
  const conduct = new Conduct({ nowMs: () => 0 });
  const warnings: string[] = [];
  const warn = (error: P2pError): void => {
    warnings.push(error.code);
  };
  return { book: new AddressBook(folder, conduct, () => wallMs, warn), conduct, warnings };
}

test('addresses and bans outlast a restart, and bans go on expiring', async () => {
  const folder = new MemoryFolder();
  const before = bookOf(folder);
  before.book.reached('a', '/ip4/8.8.8.8/tcp/1/p2p/a');
  before.book.reached('b', '/dns4/example.org/tcp/1');
  before.conduct.blame('bad', new P2pError('FRAME_TOO_LONG', 'test'), false);
  before.conduct.blame('clumsy', new P2pError('LINK_STALLED', 'test'), false);
  await before.book.save();
  const after = bookOf(folder, 1_000_000 + 4 * MINUTE_MS);
  await after.book.load();
  assert.deepEqual(after.book.entries, [{ id: 'a', address: '/ip4/8.8.8.8/tcp/1', seenMs: 1_000_000 }]);
  assert.deepEqual(after.conduct.bans, [{ id: 'bad', leftMs: 6 * MINUTE_MS, bans: 1 }]);
  after.conduct.blame('bad', new P2pError('FRAME_TOO_LONG', 'test'), false);
  assert.equal(after.conduct.banLeftMs('bad'), 20 * MINUTE_MS);
  const later = bookOf(folder, 1_000_000 + 11 * MINUTE_MS);
  await later.book.load();
  assert.deepEqual([later.conduct.bans, later.warnings], [[], []]);
});

test('a book that is none is given up, and said so; no address of it is believed', async () => {
  const good = { id: 'a', address: '/ip4/8.8.8.8/tcp/1', seenMs: 1 };
  const books: readonly string[] = [
    '',
    '{"version": 1, "peers": [',
    JSON.stringify({ version: 2, peers: [good], bans: [] }),
    JSON.stringify({ version: 1, peers: [good, { ...good, address: '/ip4/8.8.8.8/tcp/1/p2p/b' }], bans: [] }),
    JSON.stringify({ version: 1, peers: [good], bans: [{ id: 'b', untilMs: 'never', bans: 1 }] }),
    JSON.stringify({ version: 1, peers: Array.from({ length: 1025 }, () => good), bans: [] }),
  ];
  for (const text of books) {
    const folder = new MemoryFolder();
    folder.bytes = new TextEncoder().encode(text);
    const { book, warnings } = bookOf(folder);
    await book.load();
    assert.deepEqual([book.entries, warnings], [[], ['BOOK_UNREADABLE']], text);
    book.reached('c', '/ip4/9.9.9.9/tcp/1');
    await book.save();
    const { book: again, warnings: none } = bookOf(folder);
    await again.load();
    assert.deepEqual([again.entries.length, none], [1, []]);
  }
  assert.equal(BOOK_FILE, 'peers.json');
});

test('a disk that fails is told of once, and the book is bounded', async () => {
  const folder = new MemoryFolder();
  folder.isBroken = true;
  const { book, warnings } = bookOf(folder);
  for (let i = 0; i < 1500; i++) book.reached(`p${i}`.replaceAll('0', 'z'), '/ip4/8.8.8.8/tcp/1');
  assert.equal(book.entries.length, 1024);
  await book.save();
  await book.save();
  assert.deepEqual(warnings, ['BOOK_UNWRITABLE']);
});

interface Street {
  readonly seeker: Seeker;
  readonly book: AddressBook;
  readonly dialled: string[];
  readonly peers: PresentPeer[];
  readonly clock: HandClock;
}

function street(changes: Partial<SeekerParts> = {}): Street {
  const clock = new HandClock();
  const { book } = bookOf(new MemoryFolder());
  const [dialled, peers]: [string[], PresentPeer[]] = [[], []];
  const network: Clock = { nowMs: () => clock.nowMs, setTimer: (...timer) => clock.setTimer(...timer) };
  const seeker = new Seeker({
    ...{ ownId: () => 'me', ownAddresses: () => [], targetOutbound: 3, clock: network, book },
    ...{
      peers: () => peers,
      isExcluded: (id) => id === 'banned',
      blame: () => assert.fail('nobody is blamed'),
    },
    dial: (address) => {
      dialled.push(address);
      return Promise.reject(new Error('nobody there'));
    },
    // eslint-disable-next-line @typescript-eslint/require-await -- at once
    ask: async function* () {
      yield encodeContacts([]);
    },
    draw: () => 0,
    ...changes,
  });
  return { seeker, book, dialled, peers, clock };
}

async function pass(clock: HandClock, ms: number): Promise<void> {
  const endMs = clock.nowMs + ms;
  await nextTick();
  while (Math.min(...[...clock.timers].map(({ atMs }) => atMs)) <= endMs) {
    clock.fireNext();
    await nextTick();
  }
  clock.nowMs = endMs;
}

test('who is in the book is dialled, ever less often, and neither the banned, this node nor who is there', async () => {
  const { seeker, book, dialled, peers, clock } = street();
  for (const id of ['a', 'banned', 'me', 'here']) book.reached(id, `/ip4/8.8.8.8/tcp/${id.length}`);
  peers.push({ id: 'here', remote: '/ip4/9.9.9.9/tcp/1', isOutbound: true });
  seeker.start();
  await pass(clock, 3_600_000);
  assert.deepEqual(new Set(dialled), new Set(['/ip4/8.8.8.8/tcp/1/p2p/a']));
  assert.ok(dialled.length >= 5 && dialled.length <= 8, `${dialled.length} times in an hour`);
  await seeker.stop();
});

test('peers are asked for others until there are enough, and few of one address are tried', async () => {
  const asked: string[] = [];
  const contacts = [1, 2, 3, 4, 5].map((port) => ({ id: `x${port}`, address: `/ip4/7.7.7.7/tcp/${port}` }));
  const { seeker, dialled, clock, peers } = street({
    // eslint-disable-next-line @typescript-eslint/require-await -- at once
    ask: async function* (peer) {
      asked.push(peer);
      yield encodeContacts(contacts);
    },
  });
  peers.push({ id: 'friend', remote: '/ip4/9.9.9.9/tcp/1', isOutbound: false });
  seeker.start();
  await pass(clock, 300);
  assert.deepEqual([asked, dialled.length], [['friend'], 2]);
  peers.push(...[1, 2, 3].map((i) => ({ id: `y${i}`, remote: `/ip4/6.6.6.${i}/tcp/1`, isOutbound: true })));
  await pass(clock, 10 * MINUTE_MS);
  assert.deepEqual([asked.length, dialled.length], [1, 2]);
  await seeker.stop();
  assert.equal(clock.timers.size, 0);
});

test('who asks is told of others, not of itself, and of nothing that only this house can reach', async () => {
  const { seeker, book } = street();
  book.reached('a', '/ip4/8.8.8.8/tcp/1');
  book.reached('b', '/ip4/192.168.0.1/tcp/1');
  const stranger = { id: 's', remote: '/ip4/7.7.7.7/tcp/5', isOutbound: false };
  const neighbour = { id: 'n', remote: '/ip4/192.168.0.9/tcp/5', isOutbound: false };
  const ids = (answer: Uint8Array): string[] =>
    decodeContacts(answer, 'loopback')
      .map(({ id }) => id)
      .sort();
  assert.deepEqual(ids(seeker.answer(stranger, encodeRequest(['/ip4/7.7.7.7/tcp/9']))), ['a']);
  assert.deepEqual(ids(seeker.answer(neighbour, encodeRequest([]))), ['a', 'b', 's']);
  seeker.gone('s');
  assert.deepEqual(ids(seeker.answer(neighbour, encodeRequest([]))), ['a', 'b']);
  await seeker.stop();
});
