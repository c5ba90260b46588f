import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { balanceOf, eachAccount, totalWei } from '../../../genesis/accounts.js';
import { loadGenesis } from '../../../genesis/load.js';
import { canonicalCsv, writeSnapshot } from '../../../genesis/snapshot-file.js';
import { importSnapshot } from '../../../genesis/snapshot-import.js';
import { TOTAL_SUPPLY_WEI, WEI_PER_OGPU } from '../../../protocol/amounts.js';
import { toHex } from '../../../protocol/bytes.js';
import { chainParamsToJson } from '../../../protocol/params-check.js';
import { PRESETS } from '../../../protocol/presets.js';
import { readVector } from '../../support/vectors.js';
import {
  address,
  addressText,
  faultsOf,
  load,
  ogpu,
  sampleDocument,
  temporaryDirectory,
  validatorEntry,
  type Json,
} from './sample.js';

const HOLDERS = `address,balanceWei\n${[1, 2, 3]
  .map((seed) => [addressText(seed), { 1: ogpu(1500), 2: ogpu(1000), 3: '1' }[seed]] as const)
  .sort(([a], [b]) => (a.toLowerCase() < b.toLowerCase() ? -1 : 1))
  .map((row) => `${row.join(',')}\n`)
  .join('')}`;

async function idOf(document: Json | string, directory?: string): Promise<string> {
  return toHex((await load(document, directory)).id);
}

function snapshotEntry(text: string, changes: Json = {}): Json {
  return {
    file: 'holders.csv',
    sha256: createHash('sha256').update(text).digest('hex'),
    holders: 3,
    totalWei: (2500n * WEI_PER_OGPU + 1n).toString(),
    ...changes,
  };
}

/** The same JSON value with the keys of every object in reverse order. */
function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .map(([key, item]) => [key, reversed(item)])
      .reverse(),
  );
}

describe('genesis state', () => {
  test('takes stakes out of the balances and adds up to the supply', async () => {
    const state = await load(sampleDocument());
    assert.equal(balanceOf(state.accounts, address(1)), 500n * WEI_PER_OGPU);
    assert.equal(balanceOf(state.accounts, address(3)), 1n);
    assert.equal(state.accounts.length, 2, 'an account with nothing left is no account');
    assert.equal(state.stakedWei, 2000n * WEI_PER_OGPU);
    assert.equal(state.reserveWei, TOTAL_SUPPLY_WEI - 2500n * WEI_PER_OGPU - 1n);
    assert.equal(totalWei(state.accounts) + state.stakedWei + state.reserveWei, TOTAL_SUPPLY_WEI);
  });

  test('adds up to the supply whatever is allocated', async () => {
    const amount = fc.bigInt({ min: 1n, max: TOTAL_SUPPLY_WEI / 40n });
    await fc.assert(
      fc.asyncProperty(fc.array(amount, { minLength: 1, maxLength: 30 }), async (amounts) => {
        const allocations = amounts.map((wei, i) => ({
          address: addressText(10 + i),
          balanceWei: wei.toString(),
        }));
        const owner = { address: addressText(1), balanceWei: ogpu(1000) };
        const state = await load(
          sampleDocument({ validators: [validatorEntry(1)], allocations: [owner, ...allocations] }),
        );
        assert.equal(
          totalWei(state.accounts),
          amounts.reduce((sum, wei) => sum + wei, 0n),
        );
        assert.equal(totalWei(state.accounts) + state.stakedWei + state.reserveWei, TOTAL_SUPPLY_WEI);
      }),
      { seed: 3, numRuns: 15 },
    );
  });

  test('may leave no reserve', async () => {
    const allocations = [
      { address: addressText(1), balanceWei: ogpu(1000) },
      { address: addressText(9), balanceWei: ogpu(20_999_000) },
    ];
    const state = await load(sampleDocument({ validators: [validatorEntry(1)], allocations }));
    assert.equal(state.reserveWei, 0n);
  });

  test('credits snapshot and allocations', async (context) => {
    const directory = temporaryDirectory(context, { 'holders.csv': HOLDERS });
    const allocations = [{ address: addressText(4), balanceWei: '5' }];
    const state = await load(sampleDocument({ allocations, snapshots: [snapshotEntry(HOLDERS)] }), directory);
    assert.equal(balanceOf(state.accounts, address(4)), 5n);
    assert.equal(balanceOf(state.accounts, address(1)), 500n * WEI_PER_OGPU);
    assert.deepEqual(
      [...eachAccount(state.accounts)].map((account) => account.balanceWei).sort((a, b) => (a < b ? -1 : 1)),
      [1n, 5n, 500n * WEI_PER_OGPU],
    );
  });
});

describe('genesis id', () => {
  test('is the one of the fixture', async () => {
    const { document, id } = readVector<{ document: Json; id: string }>('genesis.json');
    assert.equal(await idOf(document), id);
  });

  test('does not depend on order, formatting or letter case', async () => {
    const id = await idOf(sampleDocument());
    const sample = sampleDocument();
    const lists = fc.record({
      validators: fc.shuffledSubarray(sample['validators'] as Json[], { minLength: 2 }),
      allocations: fc.shuffledSubarray(sample['allocations'] as Json[], { minLength: 3 }),
      lowerCase: fc.boolean(),
      reverseKeys: fc.boolean(),
      indent: fc.nat(3),
    });
    await fc.assert(
      fc.asyncProperty(lists, async ({ validators, allocations, lowerCase, reverseKeys, indent }) => {
        const document = sampleDocument({ validators, allocations });
        const text = JSON.stringify(reverseKeys ? reversed(document) : document, null, indent);
        const cased = lowerCase ? text.replace(/0x[0-9a-fA-F]{40}"/g, (match) => match.toLowerCase()) : text;
        assert.equal(await idOf(cased), id);
      }),
      { seed: 1, numRuns: 12 },
    );
  });

  test('does not depend on whether an account came from an allocation or a snapshot', async (context) => {
    const directory = temporaryDirectory(context, { 'holders.csv': HOLDERS });
    const id = await idOf(sampleDocument());
    assert.equal(
      await idOf(sampleDocument({ allocations: [], snapshots: [snapshotEntry(HOLDERS)] }), directory),
      id,
    );
  });

  test('does not depend on labels and sources', async () => {
    const allocations = (sampleDocument()['allocations'] as Json[]).map((entry) => ({
      ...entry,
      label: 'other',
    }));
    assert.equal(await idOf(sampleDocument({ allocations })), await idOf(sampleDocument()));
  });

  test('differs with everything that matters', async () => {
    const params = chainParamsToJson(PRESETS.devnet.params);
    const jobs = params['jobs'] as Json;
    const [first = {}, ...others] = sampleDocument()['allocations'] as Json[];
    const variants = [
      sampleDocument(),
      sampleDocument({ chain: 'othernet' }),
      sampleDocument({ genesisTimeMs: 1_800_000_000_001 }),
      sampleDocument({ params: { ...params, jobs: { ...jobs, maxAttempts: 4 } } }),
      sampleDocument({
        allocations: [{ ...first, balanceWei: (1500n * WEI_PER_OGPU + 1n).toString() }, ...others],
      }),
      sampleDocument({ allocations: [...others, first, { address: addressText(4), balanceWei: '1' }] }),
      sampleDocument({
        allocations: [first, ...others.slice(0, 1), { address: addressText(4), balanceWei: '1' }],
      }),
      sampleDocument({ validators: [validatorEntry(1)] }),
      ...[
        { name: 'renamed' },
        { operator: addressText(50) },
        { payout: addressText(51) },
        { stakeWei: ogpu(1001) },
        { commissionBps: 501 },
      ].map((change) =>
        sampleDocument({ validators: [{ ...validatorEntry(1), ...change }, validatorEntry(2)] }),
      ),
    ];
    const ids = await Promise.all(variants.map((variant) => idOf(variant)));
    assert.equal(new Set(ids).size, variants.length);
  });
});

describe('snapshot files', () => {
  const document = (changes: Json = {}, text = HOLDERS): Json =>
    sampleDocument({ allocations: [], snapshots: [snapshotEntry(text, changes)] });

  const cases: readonly (readonly [name: string, text: string, document: Json, faults: readonly string[]])[] =
    [
      [
        'another file',
        HOLDERS.replace(',1\n', ',2\n'),
        document(),
        ['snapshots[0].sha256 SNAPSHOT_HASH', 'snapshots[0].totalWei SNAPSHOT_TOTAL'],
      ],
      ['another count', HOLDERS, document({ holders: 4 }), ['snapshots[0].holders SNAPSHOT_HOLDERS']],
      ['another total', HOLDERS, document({ totalWei: '5' }), ['snapshots[0].totalWei SNAPSHOT_TOTAL']],
      [
        'lower-case addresses',
        HOLDERS.toLowerCase().replace('balancewei', 'balanceWei'),
        document({}, HOLDERS.toLowerCase().replace('balancewei', 'balanceWei')),
        ['snapshots[0].file SNAPSHOT_NOT_CANONICAL'],
      ],
      ['another order', unsorted(), document({}, unsorted()), ['snapshots[0].file SNAPSHOT_NOT_CANONICAL']],
      [
        'CRLF',
        HOLDERS.replaceAll('\n', '\r\n'),
        document({}, HOLDERS.replaceAll('\n', '\r\n')),
        ['snapshots[0].file SNAPSHOT_NOT_CANONICAL'],
      ],
      ['a bad row', `${HOLDERS}x,1\n`, document({}, `${HOLDERS}x,1\n`), ['holders.csv:5 ADDRESS_SYNTAX']],
      [
        'an account that is also allocated',
        HOLDERS,
        { ...document(), allocations: [{ address: addressText(3), balanceWei: '7' }] },
        ['snapshots[0] ACCOUNT_IN_TWO_SOURCES'],
      ],
      [
        'the same file twice',
        HOLDERS,
        sampleDocument({ allocations: [], snapshots: [snapshotEntry(HOLDERS), snapshotEntry(HOLDERS)] }),
        ['snapshots[1].file SNAPSHOT_FILE_DUPLICATE'],
      ],
    ];

  function unsorted(): string {
    const [header = '', first = '', second = '', ...rest] = HOLDERS.split('\n');
    return [header, second, first, ...rest].join('\n');
  }

  for (const [name, text, json, faults] of cases) {
    test(`refuses ${name}`, async (context) => {
      const directory = temporaryDirectory(context, { 'holders.csv': text });
      assert.deepEqual(await faultsOf(load(json, directory)), faults);
    });
  }

  test('are written once, in one form', async (context) => {
    const directory = temporaryDirectory(context, {});
    const source = (async function* () {
      yield await Promise.resolve(
        Buffer.from(`address,balance\r\n${unsorted().toLowerCase().split('\n').slice(1).join('\r\n')}`),
      );
    })();
    const snapshot = await importSnapshot(source, { name: 'export.csv', decimals: 0 });
    assert.equal(Buffer.concat([...canonicalCsv(snapshot.accounts)]).toString(), HOLDERS);
    const entry = await writeSnapshot(directory, 'holders.csv', snapshot);
    const written = sampleDocument({
      allocations: [],
      snapshots: [{ ...entry, totalWei: entry.totalWei.toString() }],
    });
    assert.equal(await idOf(written, directory), await idOf(sampleDocument()));
  });

  test('a missing document is refused', async () => {
    await assert.rejects(loadGenesis('/nowhere/genesis.json'), { code: 'GENESIS_FILE' });
  });
});
