import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { openDatabase } from '../../../node/database.js';
import { maskedCrc32c } from '../../../node/database/log-check.js';
import { NODE_KEYS } from '../../../state/store/keys.js';
import type { Store } from '../../../state/store/store.js';
import { createPrng } from '../../support/prng.js';
import { IDENTITY, readAll, withFolder } from '../../support/faulty-stores.js';

const BATCHES = 30;
const PER_BATCH = 10;
const key = (batch: number, i: number): Uint8Array => NODE_KEYS.receipt.encode(batch, i);

/** A database of numbered batches: in its log, or (`flushed`) in a table. */
async function fill(path: string, valueBytes: number, flushed: boolean): Promise<void> {
  const { store } = await openDatabase({ path, identity: IDENTITY });
  const prng = createPrng(1);
  for (let batch = 0; batch < BATCHES; batch++) {
    await store.write(
      Array.from({ length: PER_BATCH }, (_, i) => ({ key: key(batch, i), value: prng.bytes(valueBytes) })),
    );
  }
  if (flushed) await store.compactRange(NODE_KEYS.receipt.range());
  await store.close();
}

function fileOf(path: string, ending: string): string {
  const name = readdirSync(path).find((entry) => entry.endsWith(ending));
  assert.ok(name !== undefined);
  return join(path, name);
}

async function entriesIn(store: Store): Promise<number> {
  return (await readAll(store, { ...NODE_KEYS.receipt.range(), limit: 1_000_000 })).length;
}

describe('the log of a database', () => {
  for (const valueBytes of [40, 8000]) {
    test(`cut anywhere, loses the batches from the cut on and no others (values of ${valueBytes} bytes)`, () =>
      withFolder(async (folder) => {
        const path = join(folder, 'db');
        await fill(path, valueBytes, false);
        const files = readdirSync(path).map((name) => ({ name, bytes: readFileSync(join(path, name)) }));
        const prng = createPrng(2);
        const log = fileOf(path, '.log');
        const whole = readFileSync(log);
        const counts: number[] = [];
        for (let round = 0; round < 12; round++) {
          const torn = join(folder, `torn-${round}`);
          const length = 200 + prng.below(whole.length - 200);
          copyTo(torn, files, (bytes, name) => (log.endsWith(name) ? bytes.subarray(0, length) : bytes));
          const { store } = await openDatabase({ path: torn, identity: IDENTITY });
          const entries = await entriesIn(store);
          assert.equal(entries % PER_BATCH, 0);
          assert.ok(Math.abs(entries / PER_BATCH - (length / whole.length) * BATCHES) <= 1.5);
          assert.equal(store.has(key(Math.max(0, entries / PER_BATCH - 1), 0)), entries > 0);
          counts.push(entries);
          await store.close();
        }
        assert.ok(new Set(counts).size > 5);
      }));

    test(`damaged before its end, is refused (values of ${valueBytes} bytes)`, () =>
      withFolder(async (folder) => {
        await fill(folder, valueBytes, false);
        const log = fileOf(folder, '.log');
        const whole = readFileSync(log);
        const prng = createPrng(3);
        for (let round = 0; round < 12; round++) {
          const damaged = Buffer.from(whole);
          const at = 200 + prng.below(Math.floor(whole.length / 2));
          damaged.writeUInt8(damaged.readUInt8(at) ^ (1 << prng.below(8)), at);
          writeFileSync(log, damaged);
          await assert.rejects(
            openDatabase({ path: folder, identity: IDENTITY }),
            { code: 'STORE_CORRUPT' },
            `byte ${at}`,
          );
        }
        writeFileSync(log, whole);
        const { store } = await openDatabase({ path: folder, identity: IDENTITY });
        assert.equal(await entriesIn(store), BATCHES * PER_BATCH);
        await store.close();
      }));
  }

  test('has the checksums of the CRC-32C examples', () => {
    // RFC 3720, B.4: 32 bytes of zeros, of ones, and ascending. Masked as in LevelDB's doc/log_format.md.
    const masked = (crc: number): number => (((crc >>> 15) | (crc << 17)) + 0xa282_ead8) >>> 0;
    assert.equal(maskedCrc32c(new Uint8Array(32)), masked(0x8a91_36aa));
    assert.equal(maskedCrc32c(new Uint8Array(32).fill(0xff)), masked(0x62a8_ab43));
    assert.equal(maskedCrc32c(Uint8Array.from({ length: 32 }, (_, i) => i)), masked(0x46dd_794e));
  });
});

test('a damaged table is reported by reads of the damaged part, one by one and in ranges, and never read as data', () =>
  withFolder(async (folder) => {
    await fill(folder, 400, true);
    const table = fileOf(folder, '.ldb');
    const bytes = readFileSync(table);
    const middle = bytes.length >> 1;
    bytes.writeUInt8(bytes.readUInt8(middle) ^ 0x10, middle);
    writeFileSync(table, bytes);
    const { store } = await openDatabase({ path: folder, identity: IDENTITY });
    let refused = 0;
    const prng = createPrng(1);
    for (let batch = 0; batch < BATCHES; batch++) {
      for (let i = 0; i < PER_BATCH; i++) {
        const written = prng.bytes(400);
        try {
          assert.deepEqual(store.get(key(batch, i)), written);
        } catch (error) {
          assert.equal((error as { code?: unknown }).code, 'STORE_CORRUPT', String(error));
          refused++;
        }
      }
    }
    assert.ok(refused > 0 && refused < 50, `${refused} reads refused`);
    await assert.rejects(entriesIn(store), { code: 'STORE_CORRUPT' });
    await store.close();
  }));

function copyTo(
  folder: string,
  files: readonly { readonly name: string; readonly bytes: Buffer }[],
  change: (bytes: Buffer, name: string) => Buffer,
): void {
  mkdirSync(folder);
  for (const { name, bytes } of files) writeFileSync(join(folder, name), change(bytes, name));
}
