import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { WalError } from '../../../consensus/wal/errors.js';
import { encodeGroup, type WalRecord } from '../../../consensus/wal/group.js';
import { encodeHeader, HEADER_BYTES, type WalIdentity } from '../../../consensus/wal/header.js';
import { MAX_WAL_RECORD_BYTES, openWal, type OpenedWal } from '../../../consensus/wal/wal.js';
import { concatBytes, toHex } from '../../../protocol/bytes.js';
import { crc32 } from '../../../protocol/crc32.js';
import { InvariantError } from '../../../protocol/invariant.js';
import { SimulatedDisk } from '../../sim/disk.js';
import { createPrng } from '../../support/prng.js';
import { IDENTITY, record } from './support.js';

const MARKER = Uint8Array.from({ length: 16 }, (_, i) => 0xa0 + i);
const FILE = '0000000000000005.wal';
const HEADER = encodeHeader({ identity: IDENTITY, height: 5, marker: MARKER });
/** Three syncs. */
const GROUPS = [
  encodeGroup(MARKER, 1, [record(1, 10), record(2, 0)]),
  encodeGroup(MARKER, 2, [record(3, 4)]),
  encodeGroup(MARKER, 3, [record(4, 30)]),
];

describe('the write-ahead log', () => {
  test('is empty in a new folder, and takes records once a height is started', async () => {
    const { wal, recovered } = await open(emptyDisk());
    assert.equal(recovered, undefined);
    assert.equal(wal.height, undefined);
    assert.throws(() => wal.append(record(1, 1)), InvariantError);
    await wal.startHeight(1);
    wal.append(record(1, 1));
    await wal.sync();
    assert.equal(wal.height, 1);
  });

  test('gives back what was synced, of the latest height only, and goes on after it', async () => {
    const disk = emptyDisk();
    const { wal } = await open(disk);
    await wal.startHeight(4);
    wal.append(record(9, 9));
    await wal.sync();
    await wal.startHeight(5);
    wal.append(record(1, 3));
    await wal.sync();
    await wal.close();
    const second = await open(disk.crash('process'));
    assert.deepEqual(shape(second), { height: 5, kinds: [1], tornBytes: 0 });
    second.wal.append(record(2, 3));
    await second.wal.sync();
    await second.wal.close();
    assert.throws(() => second.wal.append(record(3, 3)), code('WAL_BROKEN'));
  });

  test('shares one write among all who wait for it', async () => {
    const steps: string[] = [];
    const delay = (step: string): Promise<void> => Promise.resolve(void steps.push(step));
    const { wal } = await open(new SimulatedDisk({ prng: createPrng(1), delay }));
    await wal.startHeight(1);
    steps.length = 0;
    const waits = [1, 2, 3, 4].map((kind) => {
      wal.append(record(kind, 5));
      return wal.sync();
    });
    await Promise.all(waits);
    assert.deepEqual(steps, ['append', 'sync-file']);
    await wal.sync();
    assert.equal(steps.length, 2, 'nothing to write, nothing written');
  });

  test('refuses a record beyond its bounds, and goes on without it', async () => {
    const disk = emptyDisk();
    const { wal } = await open(disk, IDENTITY, HEADER_BYTES + 2 * (32 + 5 + 10));
    await wal.startHeight(1);
    wal.append(record(1, 10));
    await wal.sync();
    assert.throws(() => wal.append(record(2, 11)), code('WAL_FULL'));
    wal.append(record(3, 10));
    assert.throws(() => wal.append(record(4, 0)), code('WAL_FULL'), 'what waits counts too');
    await wal.sync();
    const large = { kind: 1, payload: new Uint8Array(MAX_WAL_RECORD_BYTES + 1) };
    assert.throws(() => wal.append(large), code('WAL_RECORD_TOO_LARGE'));
    assert.deepEqual(shape(await open(disk.crash())), { height: 1, kinds: [1, 3], tornBytes: 0 });
  });

  test('does not go back to a height that is over', async () => {
    const { wal } = await open(await diskWith(HEADER));
    await assert.rejects(wal.startHeight(5), code('WAL_HEIGHT_PASSED'));
    await assert.rejects(wal.startHeight(4), code('WAL_HEIGHT_PASSED'));
    await wal.startHeight(6);
  });

  test('takes nothing while a height is being started', async () => {
    const disk = emptyDisk();
    const { wal } = await open(disk);
    await wal.startHeight(1);
    wal.append(record(1, 1));
    const synced = wal.sync();
    const started = wal.startHeight(2);
    assert.throws(() => wal.append(record(2, 1)), InvariantError);
    await assert.rejects(wal.sync(), InvariantError);
    await assert.rejects(wal.startHeight(3), InvariantError);
    await Promise.all([synced, started]);
    wal.append(record(3, 1));
    await wal.sync();
    assert.deepEqual(shape(await open(disk.crash())), { height: 2, kinds: [3], tornBytes: 0 });
  });

  test('says of a failed write that it failed, and then refuses everything', async () => {
    const disk = emptyDisk();
    const { wal } = await open(disk);
    await wal.startHeight(1);
    disk.capacityBytes = HEADER_BYTES + 20;
    wal.append(record(1, 30));
    await assert.rejects(wal.sync(), { code: 'DISK_FULL' });
    assert.throws(() => wal.append(record(2, 1)), code('WAL_BROKEN'));
    await assert.rejects(wal.sync(), code('WAL_BROKEN'));
    await assert.rejects(wal.startHeight(2), code('WAL_BROKEN'));
    const next = disk.crash('process', { capacityBytes: Infinity });
    assert.deepEqual(shape(await open(next)), { height: 1, kinds: [], tornBytes: 20 });
  });
});

describe('the format of the log', () => {
  test('is locked', () => {
    assert.equal(
      toHex(HEADER),
      '0x' +
        '6f4750552d57414c00000001000000000000fd0c' +
        '07'.repeat(32) +
        '08'.repeat(20) +
        '0000000000000005' +
        toHex(MARKER).slice(2) +
        'd8fe22e7',
    );
    assert.equal(
      toHex(encodeGroup(MARKER, 1, [{ kind: 3, payload: Uint8Array.of(1, 2) }])),
      `${toHex(MARKER)}0000000000000001` + '00000007' + '8e111287' + '03000000020102',
    );
  });
});

describe('a log as a crash leaves it', () => {
  test('ends at its last whole group, wherever it is cut off; the rest is told and gone', async () => {
    const whole = concatBytes(HEADER, ...GROUPS);
    const ends = [HEADER, ...GROUPS].reduce<number[]>(
      (list, part) => [...list, (list.at(-1) ?? 0) + part.length],
      [],
    );
    for (let length = HEADER_BYTES; length <= whole.length; length++) {
      const disk = await diskWith(whole.slice(0, length));
      const opened = await open(disk);
      const groups = ends.filter((end) => end <= length).length - 1;
      const kinds = [[], [1, 2], [1, 2, 3], [1, 2, 3, 4]][groups];
      assert.deepEqual(shape(opened), { height: 5, kinds, tornBytes: length - (ends[groups] ?? 0) });
      assert.equal(shape(await open(disk.crash())).tornBytes, 0);
    }
  });

  test('ends there whatever the lost tail was overwritten with', async () => {
    const prng = createPrng(11);
    const whole = concatBytes(HEADER, ...GROUPS);
    const start = whole.length - (GROUPS[2]?.length ?? 0);
    for (let run = 0; run < 300; run++) {
      const torn = whole.slice();
      const from = start + prng.below(whole.length - start);
      torn.set(
        prng.chance(1, 2) ? new Uint8Array(whole.length - from) : prng.bytes(whole.length - from),
        from,
      );
      assert.deepEqual(shape(await open(await diskWith(torn))).kinds, [1, 2, 3]);
    }
  });

  test('is not misled by a record that looks like a group of another log', async () => {
    const foreign = encodeGroup(new Uint8Array(16).fill(0xbb), 9, [record(7, 3)]);
    const last = encodeGroup(MARKER, 2, [{ kind: 5, payload: foreign }]);
    const torn = concatBytes(HEADER, encodeGroup(MARKER, 1, [record(1, 1)]), last);
    torn.fill(0, torn.length - last.length, torn.length - foreign.length);
    assert.deepEqual(shape(await open(await diskWith(torn))).kinds, [1]);
  });
});

describe('a log that is damaged', () => {
  test('at any byte before its last group is refused, and left as it is', async () => {
    const whole = concatBytes(HEADER, ...GROUPS);
    const lastStart = whole.length - (GROUPS[2]?.length ?? 0);
    for (let at = 0; at < lastStart; at++) {
      const rotten = whole.slice();
      rotten[at] = (rotten[at] ?? 0) ^ 0x10;
      const disk = await diskWith(rotten);
      await assert.rejects(open(disk), code('WAL_CORRUPT'), `byte ${at}`);
      const { folder } = disk.crash('process').openFolder('wal');
      assert.deepEqual(await folder.readFile(FILE, 1000), rotten);
    }
  });

  test('by the loss of a group is refused', async () => {
    for (const lost of [0, 1]) {
      const groups = GROUPS.filter((_, i) => i !== lost);
      await assert.rejects(open(await diskWith(concatBytes(HEADER, ...groups))), code('WAL_CORRUPT'));
    }
    await assert.rejects(open(await diskWith(HEADER.slice(0, 99))), code('WAL_CORRUPT'));
    await assert.rejects(open(await diskWith(new Uint8Array(0))), code('WAL_CORRUPT'));
  });

  test('says where, and what to do', async () => {
    const rotten = concatBytes(HEADER, ...GROUPS);
    rotten[HEADER_BYTES + 40] = 0;
    const error = await open(await diskWith(rotten)).catch((caught: unknown) => caught);
    assert.ok(error instanceof WalError);
    assert.equal(error.data.at, HEADER_BYTES);
    assert.equal(error.data.group, 1);
    assert.match(String(error.data.cure), /move the file away/);
  });
});

describe('a log that is not ours', () => {
  const others: Readonly<Record<string, WalIdentity>> = {
    chainId: { ...IDENTITY, chainId: 1 },
    genesisId: { ...IDENTITY, genesisId: new Uint8Array(32) },
    validator: { ...IDENTITY, validator: new Uint8Array(20) },
  };
  for (const [field, identity] of Object.entries(others)) {
    test(`by its ${field} is refused`, async () => {
      const disk = await diskWith(encodeHeader({ identity, height: 5, marker: MARKER }));
      const error = await open(disk).catch((caught: unknown) => caught);
      assert.ok(error instanceof WalError && error.code === 'WAL_FOREIGN');
      assert.equal(error.data.field, field);
    });
  }

  test('by its height or its format is refused', async () => {
    const newer = HEADER.slice();
    newer[11] = 2;
    new DataView(newer.buffer).setUint32(96, crc32(newer.subarray(0, 96)));
    await assert.rejects(open(await diskWith(newer)), code('WAL_VERSION'));
    const other = encodeHeader({ identity: IDENTITY, height: 6, marker: MARKER });
    await assert.rejects(open(await diskWith(other)), code('WAL_CORRUPT'));
  });

  test('by other files in its folder is not disturbed', async () => {
    const disk = await diskWith(HEADER);
    disk.rot('wal', FILE, () => concatBytes(HEADER, ...GROUPS));
    const { folder, unlock } = disk.openFolder('wal');
    await folder.writeFile('notes.txt', Uint8Array.of(1));
    await unlock();
    assert.deepEqual(shape(await open(disk)).kinds, [1, 2, 3, 4]);
    await disk.crash('process').openFolder('wal').folder.readFile('notes.txt', 1);
  });
});

function emptyDisk(): SimulatedDisk {
  return new SimulatedDisk({ prng: createPrng(1) });
}

async function diskWith(file: Uint8Array): Promise<SimulatedDisk> {
  const disk = emptyDisk();
  const { folder, unlock } = disk.openFolder('wal');
  await folder.writeFile(FILE, file);
  await unlock();
  return disk;
}

async function open(disk: SimulatedDisk, identity = IDENTITY, maxBytes = 10_000): Promise<OpenedWal> {
  const { folder, unlock } = disk.openFolder('wal');
  const entropy = createPrng(99);
  try {
    return await openWal({ folder, identity, maxBytes, randomBytes: (length) => entropy.bytes(length) });
  } finally {
    await unlock();
  }
}

interface Shape {
  readonly height: number | undefined;
  readonly kinds: number[];
  readonly tornBytes: number | undefined;
}

/** Each record of these tests is known by its kind. */
function shape({ recovered }: OpenedWal): Shape {
  const check = ({ kind, payload }: WalRecord): number => {
    assert.deepEqual(new Uint8Array(payload), record(kind, payload.length).payload);
    return kind;
  };
  return {
    height: recovered?.height,
    kinds: (recovered?.records ?? []).map(check),
    tornBytes: recovered?.tornBytes,
  };
}

function code(expected: WalError['code']): (error: unknown) => boolean {
  return (error) => error instanceof WalError && error.code === expected;
}
