import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { Level } from 'level';
import { openDatabase, type Database } from '../../../node/database.js';
import { toHex } from '../../../protocol/bytes.js';
import type { ChainIdentity } from '../../../protocol/domains.js';
import { StoreError } from '../../../state/store/errors.js';
import { MemoryStore } from '../../../state/store/memory.js';
import {
  claimStore,
  decodeStamp,
  encodeStamp,
  SCHEMA_KEY,
  STORE_FORMAT_VERSION,
} from '../../../state/store/schema.js';
import { createPrng } from '../../support/prng.js';
import { IDENTITY, withFolder } from '../../support/faulty-stores.js';

const stampWith = (change: object): Uint8Array =>
  encodeStamp({ formatVersion: STORE_FORMAT_VERSION, ...IDENTITY, ...change });

describe('the schema stamp', () => {
  test('is made in an empty store, found again, and follows protocol upgrades', async () => {
    const store = new MemoryStore();
    const made = await claimStore(store, IDENTITY);
    assert.deepEqual(made, { formatVersion: STORE_FORMAT_VERSION, ...IDENTITY });
    assert.deepEqual(await claimStore(store, IDENTITY), made);
    await claimStore(store, { ...IDENTITY, protocolVersion: 3 });
    await assert.rejects(claimStore(store, IDENTITY), { code: 'STORE_NEWER' });
  });

  test('has locked bytes', () => {
    assert.equal(toHex(stampWith({})), `0x6f47505500000001000000000000fd0e${'07'.repeat(32)}00000001`);
    assert.deepEqual(decodeStamp(stampWith({})), { formatVersion: STORE_FORMAT_VERSION, ...IDENTITY });
  });

  const refused: [string, string, Uint8Array][] = [
    ['another chain', 'STORE_FOREIGN', stampWith({ chainId: 1 })],
    ['another genesis', 'STORE_FOREIGN', stampWith({ genesisId: new Uint8Array(32) })],
    ['a newer format', 'STORE_NEWER', stampWith({ formatVersion: STORE_FORMAT_VERSION + 1 })],
    ['a newer format of another length', 'STORE_NEWER', Uint8Array.of(0x6f, 0x47, 0x50, 0x55, 0, 0, 0, 9, 1)],
    ['an older format', 'STORE_OLDER', stampWith({ formatVersion: STORE_FORMAT_VERSION - 1 })],
    ['a newer protocol', 'STORE_NEWER', stampWith({ protocolVersion: 2 })],
    ['a stamp cut short', 'STORE_CORRUPT', stampWith({}).subarray(0, 51)],
    ['something else under our key', 'STORE_UNSTAMPED', Uint8Array.of(1, 2, 3)],
  ];
  for (const [what, code, value] of refused) {
    test(`refuses ${what} and leaves it as it is`, async () => {
      const store = new MemoryStore();
      await store.write([{ key: SCHEMA_KEY, value }]);
      await assert.rejects(claimStore(store, IDENTITY), hasCure(code));
      assert.deepEqual(store.get(SCHEMA_KEY), value);
    });
  }

  test('refuses content without a stamp', async () => {
    const store = new MemoryStore();
    await store.write([{ key: Uint8Array.of(0xff), value: new Uint8Array(0) }]);
    await assert.rejects(claimStore(store, IDENTITY), hasCure('STORE_UNSTAMPED'));
    assert.equal(store.get(SCHEMA_KEY), undefined);
  });

  test('decoding any bytes gives a stamp or a StoreError', () => {
    const prng = createPrng(4);
    for (let i = 0; i < 3000; i++) {
      const bytes = prng.chance(1, 4) ? prng.bytes(prng.below(60)) : stampWith({});
      bytes[prng.below(bytes.length)] = prng.below(256);
      try {
        assert.deepEqual(encodeStamp(decodeStamp(bytes)), bytes);
      } catch (error) {
        assert.ok(error instanceof StoreError, String(error));
      }
    }
  });
});

describe('opening a database', () => {
  const openAt = (path: string, identity: ChainIdentity = IDENTITY): Promise<Database> =>
    openDatabase({ path, identity });

  test('makes it with its folders, and finds it and its content again', () =>
    withFolder(async (folder) => {
      const path = join(folder, 'a', 'b');
      const first = await openAt(path);
      await first.store.write([{ key: Uint8Array.of(1), value: Uint8Array.of(2) }]);
      await first.store.close();
      const second = await openAt(path);
      assert.deepEqual(second.stamp, first.stamp);
      assert.deepEqual(second.store.get(Uint8Array.of(1)), Uint8Array.of(2));
      await second.store.close();
    }));

  test('refuses the ledger of another chain, and lets go of it', () =>
    withFolder(async (folder) => {
      await (await openAt(folder)).store.close();
      await assert.rejects(openAt(folder, { ...IDENTITY, chainId: 1 }), hasCure('STORE_FOREIGN'));
      await (await openAt(folder)).store.close();
    }));

  test('refuses a database that is open', () =>
    withFolder(async (folder) => {
      const { store } = await openAt(folder);
      await assert.rejects(openAt(folder), hasCure('STORE_LOCKED'));
      await store.close();
    }));

  test('refuses a LevelDB of something else', () =>
    withFolder(async (folder) => {
      const other = new Level(folder);
      await other.put('theirs', '1');
      await other.close();
      await assert.rejects(openAt(folder), hasCure('STORE_UNSTAMPED'));
      assert.equal(await other.open().then(() => other.get('theirs')), '1');
      await other.close();
    }));

  test('refuses a folder of other files without touching it', () =>
    withFolder(async (folder) => {
      writeFileSync(join(folder, 'thesis.txt'), 'dear');
      await assert.rejects(openAt(folder), hasCure('STORE_NOT_A_DATABASE'));
      assert.deepEqual(readdirSync(folder), ['thesis.txt']);
    }));

  test('refuses a path that is no folder', () =>
    withFolder(async (folder) => {
      writeFileSync(join(folder, 'file'), '');
      await assert.rejects(openAt(join(folder, 'file')), hasCure('STORE_OPEN_FAILED'));
    }));

  test('does not begin afresh over tables whose list is missing', () =>
    withFolder(async (folder) => {
      const { store } = await openAt(folder);
      await store.write([{ key: Uint8Array.of(1), value: Uint8Array.of(2) }]);
      await store.close();
      rmSync(join(folder, 'CURRENT'));
      const names = readdirSync(folder);
      await assert.rejects(openAt(folder), hasCure('STORE_CORRUPT'));
      assert.deepEqual(readdirSync(folder), names);
    }));

  test('finishes a creation that was interrupted', () =>
    withFolder(async (folder) => {
      const path = join(folder, 'db');
      mkdirSync(path);
      for (const name of ['LOCK', 'LOG', 'MANIFEST-000001', '000001.dbtmp'])
        writeFileSync(join(path, name), '');
      await (await openAt(path)).store.close();
      const level = new Level(join(folder, 'no-stamp-yet'));
      await level.open();
      await level.close();
      await (await openAt(join(folder, 'no-stamp-yet'))).store.close();
    }));
});

function hasCure(code: string): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof StoreError, String(error));
    assert.equal(error.code, code);
    assert.ok(typeof error.data['cure'] === 'string' && error.data['cure'].length > 10);
    return true;
  };
}
