import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { exportRecord, importRecord, parseDocument } from '../../../consensus/signer/interchange.js';
import type { SignerRecord } from '../../../consensus/signer/record.js';
import { SimulatedDisk } from '../../sim/disk.js';
import { createPrng } from '../../support/prng.js';
import { openOn, vote } from './support.js';

describe('signer state carried to another machine', () => {
  test('makes the signer there refuse what was signed here, and repeat what was signed last', async () => {
    const here = await openOn(newDisk());
    const first = await here.signPrecommit(vote(4, 1, 5), Uint8Array.of(1, 2));
    const there = newDisk();
    assert.equal(await importInto(there, carried(here.record)), 'created');
    const signer = await openOn(there.crash(), { create: false });
    assert.deepEqual(await signer.signPrecommit(vote(4, 1, 5), Uint8Array.of(9)), first);
    await assert.rejects(signer.signPrecommit(vote(4, 1, 6), Uint8Array.of(1)), { code: 'SIGNER_CONFLICT' });
    await assert.rejects(signer.signPrevote(vote(4, 1, 5)), { code: 'SIGNER_REGRESSION' });
  });

  test('raises a record and never lowers one', async () => {
    const disk = newDisk();
    const signer = await openOn(disk);
    const states = [carried(signer.record)];
    for (const height of [2, 3]) {
      await signer.signPrevote(vote(height, 0, 5));
      states.push(carried(signer.record));
    }
    const [never, second, third] = states;
    assert.ok(never !== undefined && second !== undefined && third !== undefined);
    const other = newDisk();
    assert.equal(await importInto(other, second), 'created');
    assert.equal(await importInto(other, never), 'kept');
    assert.equal(await importInto(other, third), 'raised');
    assert.equal(await importInto(other, second), 'kept');
    assert.equal(await importInto(other, third), 'kept');
    assert.deepEqual((await openOn(other.crash(), { create: false })).record, third);
  });

  test('is refused where the two have signed different things for one step', async () => {
    const [one, two] = [newDisk(), newDisk()];
    await (await openOn(one)).signPrecommit(vote(2, 0, 5), Uint8Array.of(1));
    const same = await openOn(two);
    await same.signPrecommit(vote(2, 0, 5), Uint8Array.of(2));
    await assert.rejects(importInto(one, carried(same.record)), { code: 'SIGNER_CONFLICT' });
    assert.deepEqual((await openOn(one)).record.last?.extension[0]?.content, Uint8Array.of(1));
  });

  test('of another key or chain, or into a folder that lost its record, is refused', async () => {
    const disk = newDisk();
    const { record } = await openOn(disk);
    const { identity } = record;
    for (const foreign of [
      { ...identity, chainId: 1 },
      { ...identity, genesisId: new Uint8Array(32) },
      { ...identity, publicKey: new Uint8Array(48) },
    ]) {
      const imported = carried({ identity: foreign, last: undefined });
      await assert.rejects(importInto(disk, imported), { code: 'SIGNER_RECORD_FOREIGN' });
    }
    disk.deleteFile('signer', 'record');
    await assert.rejects(importInto(disk, record), { code: 'SIGNER_RECORD_MISSING' });
  });

  test('is understood whole or not at all', async () => {
    const signer = await openOn(newDisk());
    await signer.signPrecommit(vote(2, 0, 5), Uint8Array.of(1));
    const good = exportRecord(signer.record);
    const last = good.last ?? assert.fail();
    assert.deepEqual(parseDocument(JSON.stringify(good)), signer.record);
    const bad: Readonly<Record<string, unknown>> = {
      'no object': 7,
      'no fields': {},
      'another format': { ...good, format: 'x' },
      'a later version': { ...good, version: 2 },
      'a field too many': { ...good, note: '' },
      'a field too few': { ...good, last: undefined },
      'a fraction': { ...good, chainId: 1.5 },
      'a short key': { ...good, publicKey: '0x00' },
      'an unknown step': { ...good, last: { ...last, step: 'vote' } },
      'an inherited step': { ...good, last: { ...last, step: 'toString' } },
      'a large round': { ...good, last: { ...last, round: 2 ** 32 } },
      'a negative height': { ...good, last: { ...last, height: -1 } },
      'an extension of a prevote': { ...good, last: { ...last, step: 'prevote' } },
      'a long extension': {
        ...good,
        last: { ...last, extension: { content: `0x${'00'.repeat(2049)}`, signBytes: last.signBytes } },
      },
    };
    for (const [what, document] of Object.entries(bad)) {
      assert.throws(() => parseDocument(JSON.stringify(document)), { code: 'SIGNER_DOCUMENT_INVALID' }, what);
    }
    for (const text of ['', '{', ' '.repeat(20_000)]) {
      assert.throws(() => parseDocument(text), { code: 'SIGNER_DOCUMENT_INVALID' });
    }
  });
});

/** Through the document, as text. */
function carried(record: SignerRecord): SignerRecord {
  return parseDocument(JSON.stringify(exportRecord(record)));
}

async function importInto(disk: SimulatedDisk, record: SignerRecord): Promise<string> {
  const { folder, unlock } = disk.openFolder('signer');
  return importRecord(folder, record).finally(unlock);
}

function newDisk(): SimulatedDisk {
  return new SimulatedDisk({ prng: createPrng(1) });
}
