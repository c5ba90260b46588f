import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { z } from 'zod';
import {
  BundleError,
  formatBundle,
  MAX_BUNDLE_BYTES,
  MAX_BUNDLE_PARTS,
  parseBundle,
  type Bundle,
} from '../../../node/diagnosis/bundle.js';
import { bundlePath, readBundle, writeBundle } from '../../../node/diagnosis/bundle-file.js';
import { toHex } from '../../../protocol/bytes.js';
import { addToPool, takeFromPool } from '../../../state/accounts/pools.js';
import { diagnose, runBlock, type BlockRecord, type Diagnosis } from '../../../state/diagnosis/diagnose.js';
import { compareRecords, recheck, RecordsError } from '../../../state/diagnosis/recheck.js';
import { readStoredBlock, rewindBefore } from '../../../state/diagnosis/rewind.js';
import type { ModuleTable } from '../../../state/modules/index.js';
import type { CallContext } from '../../../state/modules/module.js';
import { spaceOf } from '../../../state/store/state-spaces.js';
import { STATE_KEYS } from '../../../state/store/keys.js';
import { StoreError } from '../../../state/store/errors.js';
import type { Reader } from '../../../state/store/store.js';
import { MemoryStore } from '../../../state/store/memory.js';
import { chainId, DELEGATION_HEIGHT, growChain, RULES, withDelegate } from '../../support/diagnosis.js';

const store = new MemoryStore();
await growChain(store);
const block = readStoredBlock(store, DELEGATION_HEIGHT);
const parent = readStoredBlock(store, DELEGATION_HEIGHT - 1).header;
const { state: view, root: parentRoot } = await rewindBefore(store, DELEGATION_HEIGHT);

/** Modules whose `delegate` does something more. */
function also(more: (context: CallContext) => void): ModuleTable {
  return withDelegate((delegate) => ({
    ...delegate,
    run: (context, values) => {
      more(context);
      return delegate.run(context, values);
    },
  }));
}

/** Money moved where it should not be, by a fault. */
const FAULTY = also(({ state }) => {
  takeFromPool(state, 'reserve', 3n);
  addToPool(state, 'verifierPool', 3n);
});

function diagnoseWith(modules: ModuleTable | undefined, at = block): Diagnosis {
  const rules = modules === undefined ? RULES : { ...RULES, modules };
  return diagnose({ view, parentRoot, parent, block: at, rules, first: runBlock(view, at, rules) });
}

function bundleOf({ verdict, record }: Diagnosis): Bundle {
  const chain = { chainId, genesisId: new Uint8Array(32).fill(0x6e), protocolVersion: 1 };
  return { software: '0.0.0', chain, verdict, record };
}

describe('the verdict', () => {
  test('a block that comes to what its header says is reproduced', () => {
    const { verdict, differences, damage } = diagnoseWith(undefined);
    assert.equal(verdict, 'reproduced');
    assert.deepEqual([differences, damage], [[], []]);
  });

  test('other rules: the header differs, nothing is damaged', () => {
    const { verdict, differences, damage } = diagnoseWith(FAULTY);
    assert.equal(verdict, 'other-rules');
    assert.deepEqual(
      differences.map(({ where }) => where),
      ['header.stateRoot'],
    );
    assert.deepEqual(damage, []);
  });

  test('other gas: every field of the header that follows from it', () => {
    const { verdict, differences } = diagnoseWith(
      withDelegate((delegate) => ({ ...delegate, gas: delegate.gas + 1 })),
    );
    assert.equal(verdict, 'other-rules');
    assert.deepEqual(
      differences.map(({ where }) => where),
      ['header.gasUsed', 'header.receiptsRoot', 'header.stateRoot'],
    );
  });

  test('nondeterminism: two runs on one state differ, and the keys are named', () => {
    let runs = 0n;
    const modules = also(({ state }) => {
      addToPool(state, 'verifierPool', ++runs);
    });
    const { verdict, differences } = diagnoseWith(modules);
    assert.equal(verdict, 'nondeterministic');
    const [first] = differences;
    assert.equal(first?.where, 'pool/ verifierPool (after)');
    const [expected, got] = [first.expected, first.got] as { balanceWei: string }[];
    assert.equal(BigInt(got?.balanceWei ?? 0) - BigInt(expected?.balanceWei ?? 0), 1n);
  });

  test('a block that cannot be executed here, and one that can be only sometimes', () => {
    const inadmissible = { ...block, header: { ...block.header, height: 99 } };
    const { verdict, differences } = diagnoseWith(undefined, inadmissible);
    assert.equal(verdict, 'other-rules');
    assert.match(JSON.stringify(differences[0]?.got), /BLOCK_COMMIT_SIGNERS|BLOCK_HEIGHT_WRONG|INVARIANT/);
    const first = { failure: 'out of luck' };
    const sometimes = diagnose({ view, parentRoot, parent, block, rules: RULES, first });
    assert.equal(sometimes.verdict, 'nondeterministic');
  });
});

test('a store that cannot be read is no verdict on the block', () => {
  const unread = STATE_KEYS.pool.encode('reserve');
  const broken: Reader = {
    get: (key) => {
      if (toHex(key) === toHex(unread)) throw new StoreError('STORE_CORRUPT', 'a rotten bit');
      return view.get(key);
    },
  };
  assert.throws(() => runBlock(broken, block, RULES), { code: 'STORE_CORRUPT' });
});

describe('a bundle stands alone', () => {
  test('it survives its text; the block is executed again from it without a store', () => {
    for (const modules of [undefined, FAULTY]) {
      const bundle = bundleOf(diagnoseWith(modules));
      const read = parseBundle(formatBundle(bundle));
      assert.deepEqual(read, bundle);
      const { unproven, fromRecord, fromHeader } = recheck(
        read.record,
        modules === undefined ? RULES : { ...RULES, modules },
      );
      assert.deepEqual([unproven, fromRecord], [[], []]);
      assert.deepEqual(
        fromHeader.map(({ where }) => where),
        modules === undefined ? [] : ['header.stateRoot'],
      );
    }
  });

  test('software with other rules says where it parts from the bundle', () => {
    const { record } = parseBundle(formatBundle(bundleOf(diagnoseWith(FAULTY))));
    const { fromRecord, fromHeader } = recheck(record, RULES);
    assert.deepEqual(fromHeader, [], 'here the block is as its header says');
    assert.ok(fromRecord.some(({ where }) => where === 'pool/ verifierPool (after)'));
    assert.ok(fromRecord.some(({ where }) => where === 'header.stateRoot'));
  });

  test('its parts belong together: body, header, parent and the state root before it', () => {
    const { record } = parseBundle(formatBundle(bundleOf(diagnoseWith(undefined))));
    const wheres = (other: BlockRecord): string[] => recheck(other, RULES).untied.map(({ where }) => where);
    assert.deepEqual(wheres(record), []);
    const { header } = block;
    const body = { ...block.body, transactions: [] };
    assert.deepEqual(wheres({ ...record, block: { header, body } }), ['header.transactionsRoot']);
    assert.deepEqual(wheres({ ...record, parent: header }), [
      'header.parentId',
      'state root before the block',
    ]);
    const parentId = new Uint8Array(32);
    assert.deepEqual(wheres({ ...record, block: { ...block, header: { ...header, parentId } } }), [
      'header.parentId',
    ]);
    assert.deepEqual(wheres({ ...record, parentRoot: new Uint8Array(32) }), ['state root before the block']);
    const orphan = { ...record, parent: undefined };
    assert.deepEqual(
      parseBundle(formatBundle(bundleOf({ ...diagnoseWith(undefined), record: orphan }))).record,
      orphan,
    );
  });

  test('an altered entry is not proven', () => {
    const { record } = diagnoseWith(undefined);
    const key = STATE_KEYS.pool.encode('reserve');
    const reads = record.reads.map((read) =>
      toHex(read.key) === toHex(key) ? { key, value: new Uint8Array(16).fill(1) } : read,
    );
    const { unproven } = recheck({ ...record, reads }, RULES);
    assert.deepEqual(
      unproven.map(({ where, reason }) => [where, reason]),
      [['pool/ reserve', 'PROOF_ROOT_MISMATCH']],
    );
  });

  test('each missing read is noticed, be it an entry or a node of the tree', () => {
    const { record } = diagnoseWith(undefined);
    for (const [i, { key }] of record.reads.entries()) {
      const reads = record.reads.filter((_, other) => other !== i);
      const { unproven, fromRecord } = recheck({ ...record, reads }, RULES);
      const isNoticed = unproven.length > 0 || fromRecord.length > 0;
      assert.ok(isNoticed, `${spaceOf(key) ?? 'tree'} ${toHex(key)}`);
    }
  });

  test('two bundles of one block: every key and receipt field on which they differ', () => {
    const [one, other] = [diagnoseWith(undefined), diagnoseWith(FAULTY)];
    assert.deepEqual(compareRecords(one.record, one.record), []);
    const wheres = compareRecords(one.record, other.record).map(({ where }) => where);
    assert.deepEqual(wheres, ['pool/ reserve (after)', 'pool/ verifierPool (after)', 'header.stateRoot']);
    const costly = diagnoseWith(withDelegate((delegate) => ({ ...delegate, gas: delegate.gas + 1 })));
    const receiptField = 'receipts.receipts[0].cumulativeGasUsed';
    assert.ok(compareRecords(one.record, costly.record).some(({ where }) => where === receiptField));
    const another = { ...other.record, block: readStoredBlock(store, 3) };
    assert.throws(() => compareRecords(one.record, another), RecordsError);
  });
});

describe('bundles from anybody', () => {
  const good = formatBundle(bundleOf(diagnoseWith(undefined)));
  const json = JSON.parse(good) as Record<string, unknown>;
  const reads = json['reads'] as unknown[];

  test('whatever the entries say, execution ends with a result', () => {
    const { record } = diagnoseWith(undefined);
    const damages: ((value: Uint8Array) => Uint8Array | undefined)[] = [
      () => undefined,
      (value) => value.slice(1),
      (value) => value.map(() => 0),
      (value) => value.map(() => 0xff),
      (value) => Uint8Array.of(...value, ...value),
      ...[0, 4, 8, 16, 24].map((at) => (value: Uint8Array) => value.slice().fill(0xff, at, at + 8)),
    ];
    for (const [i, { key, value }] of record.reads.entries()) {
      if (value === undefined) continue;
      for (const damage of damages) {
        const reads = record.reads.with(i, { key, value: damage(value) });
        assert.doesNotThrow(() => recheck({ ...record, reads }, RULES), toHex(key));
      }
    }
  });

  test('what is no bundle is refused with a reason', () => {
    const hostile: Record<string, unknown>[] = [
      { ...json, version: 2 },
      { ...json, extra: 1 },
      { ...json, block: '0x00' },
      { ...json, block: '0xzz' },
      { ...json, height: 99 },
      { ...json, blockId: `0x${'00'.repeat(32)}` },
      { ...json, parentRoot: '0x00' },
      { ...json, reads: [['0x', null]] },
      { ...json, reads: [[`0x${'00'.repeat(256)}`, null]] },
      { ...json, reads: [['0x00', `0x${'00'.repeat(65_537)}`]] },
      { ...json, reads: 7 },
      { ...json, result: { failure: 'x'.repeat(10_001) } },
      { ...json, result: { changes: [], receipts: '0x00', commitments: {} } },
      { ...json, verdict: 'fine' },
      { ...json, software: '1.0\nevery entry it read is proven' },
      { ...json, parent: '0x00' },
      { ...json, reads: [...reads].reverse() },
      { ...json, reads: [...reads, ...reads.slice(-1)] },
    ];
    const texts = [
      ...hostile.map((bundle) => JSON.stringify(bundle)),
      '',
      '[]',
      '{',
      'null',
      '['.repeat(100_000),
    ];
    for (const text of texts) {
      assert.throws(
        () => parseBundle(text),
        (error) =>
          error instanceof BundleError &&
          error.code === 'BUNDLE_INVALID' &&
          String(error.data['reason']).length <= 500,
        text.slice(0, 60),
      );
    }
  });

  test('short parts in great number are refused before they take memory', () => {
    const text = JSON.stringify({ ...json, reads: 'here' });
    for (const part of ['1', '[]', '{}']) {
      const parts = `[${`${part},`.repeat(MAX_BUNDLE_PARTS)}${part}]`;
      assert.throws(() => parseBundle(text.replace('"here"', parts)), {
        code: 'BUNDLE_INVALID',
        data: { reason: `more than ${MAX_BUNDLE_PARTS} parts` },
      });
    }
    const faults = JSON.stringify({ ...json, reads: Array.from({ length: 100_000 }, () => 1) });
    assert.throws(
      () => parseBundle(faults),
      ({ cause }: Error) => cause instanceof z.ZodError && cause.issues.length === 1,
    );
  });

  test('a long byte string is checked without exhausting a stack', () => {
    const text = JSON.stringify({ ...json, block: `0x${'0'.repeat(16 * 1024 * 1024)}` });
    assert.throws(() => parseBundle(text), { code: 'BUNDLE_INVALID' });
  });

  test('files: written whole under a name of the block, never over another, read within bounds', async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'ogpu-bundle-'));
    t.after(() => rm(folder, { recursive: true, force: true }));
    const bundle = bundleOf(diagnoseWith(FAULTY));
    const inside = join(folder, 'diagnosis');
    const path = await writeBundle(inside, bundle);
    assert.equal(path, bundlePath(inside, bundle));
    assert.deepEqual(await readBundle(path), bundle);
    await assert.rejects(() => writeBundle(inside, bundle), { code: 'BUNDLE_EXISTS' });
    assert.equal((await readdir(inside)).length, 1, 'nothing temporary is left');
    const huge = join(folder, 'huge');
    await writeFile(huge, '');
    await truncate(huge, MAX_BUNDLE_BYTES + 1);
    for (const bad of [huge, join(folder, 'none'), folder])
      await assert.rejects(() => readBundle(bad), { code: 'BUNDLE_FILE' }, bad);
  });
});
