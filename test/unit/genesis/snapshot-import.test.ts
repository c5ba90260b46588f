import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { balanceOf, eachAccount } from '../../../genesis/accounts.js';
import { GenesisError } from '../../../genesis/faults.js';
import { canonicalCsv } from '../../../genesis/snapshot-file.js';
import { importSnapshot, type Snapshot } from '../../../genesis/snapshot-import.js';
import { TOTAL_SUPPLY_WEI, WEI_PER_OGPU } from '../../../protocol/amounts.js';
import { toChecksumAddress } from '../../../protocol/address.js';
import { createPrng } from '../../support/prng.js';
import { address, addressText, faultsOf } from './sample.js';

async function* chunked(text: string, size = 7): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text);
  for (let offset = 0; offset < bytes.length; offset += size) {
    yield await Promise.resolve(bytes.subarray(offset, offset + size));
  }
}

function read(text: string, decimals = 0): Promise<Snapshot> {
  return importSnapshot(chunked(text), { name: 'h.csv', decimals });
}

const rows = (...lines: string[]): string => ['address,balance', ...lines, ''].join('\n');
const A = addressText(1);
const B = addressText(2);

describe('snapshot import', () => {
  test('reads balances in wei', async () => {
    const snapshot = await read(rows(`${A},1`, `${B.toLowerCase()},20000000000000000000`));
    assert.equal(balanceOf(snapshot.accounts, address(1)), 1n);
    assert.equal(balanceOf(snapshot.accounts, address(2)), 20n * WEI_PER_OGPU);
    assert.equal(snapshot.totalWei, 20n * WEI_PER_OGPU + 1n);
    assert.equal(snapshot.rows, 2);
  });

  test('reads balances in tokens', async () => {
    const { accounts } = await read(rows(`${A},1.5`, `${B},0.000000000000000001`), 18);
    assert.equal(balanceOf(accounts, address(1)), (3n * WEI_PER_OGPU) / 2n);
    assert.equal(balanceOf(accounts, address(2)), 1n);
  });

  for (const [name, text] of [
    ['byte order mark', `\ufeffaddress,balance\n${A},7\n${B},8\n`],
    ['CRLF', `address,balance\r\n${A},7\r\n${B},8\r\n`],
    ['mixed line endings', `address,balance\r\n${A},7\n${B},8\r\n`],
    ['quoted fields', `"address","balance"\n"${A}","7"\n${B},"8"\n`],
    ['no line ending at the end', `address,balance\n${A},7\n${B},8`],
    ['blank lines', `address,balance\n\n${A},7\n\n\n${B},8\n\n`],
    ['canonical header', `address,balanceWei\n${A},7\n${B},8\n`],
  ] as const) {
    test(`accepts ${name}`, async () => {
      const { accounts } = await read(text);
      assert.deepEqual([...eachAccount(accounts)].map(({ balanceWei }) => balanceWei).sort(), [7n, 8n]);
    });
  }

  test('counts and leaves out zero balances', async () => {
    const snapshot = await read(rows(`${A},0`, `${B},1`));
    assert.deepEqual([snapshot.rows, snapshot.zeroBalances, snapshot.accounts.length], [2, 1, 1]);
  });

  const flipped = A.replace(/[a-f]/i, (letter) =>
    letter < 'a' ? letter.toLowerCase() : letter.toUpperCase(),
  );
  const supply = TOTAL_SUPPLY_WEI.toString();
  for (const [name, lines, faults] of [
    [
      'duplicate holder, case-insensitively',
      [`${A},1`, `${B},1`, `${A.toLowerCase()},2`],
      ['h.csv:4 HOLDER_DUPLICATE'],
    ],
    [
      'duplicate holder, once without a balance',
      [`${A},0`, `${B},1`, `${A},2`],
      ['h.csv:4 HOLDER_DUPLICATE'],
    ],
    ['duplicate holder without a balance', [`${A},0`, `${A},0`, `${B},1`], ['h.csv:3 HOLDER_DUPLICATE']],
    ['bad checksum', [`${flipped},1`], ['h.csv:2 ADDRESS_CHECKSUM']],
    ['short address', [`${A.slice(0, 41)},1`], ['h.csv:2 ADDRESS_SYNTAX']],
    ['empty address', [`,1`], ['h.csv:2 ADDRESS_SYNTAX']],
    ['zero address', [`0x${'0'.repeat(40)},1`], ['h.csv:2 ADDRESS_ZERO']],
    ['negative balance', [`${A},-1`], ['h.csv:2 AMOUNT_NEGATIVE']],
    ['fractional wei', [`${A},1.5`], ['h.csv:2 AMOUNT_FRACTIONAL_WEI']],
    ['empty balance', [`${A},`], ['h.csv:2 AMOUNT_SYNTAX']],
    ['garbage balance', [`${A},1e18`], ['h.csv:2 AMOUNT_SYNTAX']],
    ['padded balance', [`${A}, 1`], ['h.csv:2 AMOUNT_SYNTAX']],
    ['grouped digits', [`${A},"1,000"`], ['h.csv:2 AMOUNT_SYNTAX']],
    ['balance above the supply', [`${A},${supply}0`], ['h.csv:2 AMOUNT_ABOVE_SUPPLY']],
    [
      'sum above the supply',
      [`${A},${supply}`, `${B},1`, `${addressText(3)},1`],
      ['h.csv:3 TOTAL_ABOVE_SUPPLY'],
    ],
    ['one column', [A], ['h.csv:2 ROW_COLUMNS']],
    ['three columns', [`${A},1,2`], ['h.csv:2 ROW_COLUMNS']],
    ['quote in a field', [`${A}"x,1`], ['h.csv:2 CSV_MALFORMED']],
    ['endless row', [`${A},${'1'.repeat(2000)}`], ['h.csv:2 CSV_MALFORMED']],
    ['address and balance at once', ['0x12,-1'], ['h.csv:2 ADDRESS_SYNTAX', 'h.csv:2 AMOUNT_NEGATIVE']],
    ['no holder', [`${A},0`], ['h.csv SNAPSHOT_EMPTY']],
  ] as const) {
    test(`refuses ${name}`, async () => {
      assert.deepEqual(await faultsOf(read(rows(...lines))), faults);
    });
  }

  for (const [name, text] of [
    ['a missing header', `${A},1\n`],
    ['other columns', `holder,amount\n${A},1\n`],
    ['a header in one quoted cell', `"address,balance"\n${A},1\n`],
    ['a canonical header in one quoted cell', `"address,balanceWei"\n${A},1\n`],
    ['columns in the other order', `balance,address\n${A},1\n`],
  ] as const) {
    test(`refuses ${name}`, async () => {
      assert.deepEqual((await faultsOf(read(text))).slice(0, 1), ['h.csv:1 HEADER_INVALID']);
    });
  }

  test('refuses an empty file', async () => {
    assert.deepEqual(await faultsOf(read('')), ['h.csv SNAPSHOT_EMPTY']);
  });

  for (const [name, encoded] of [
    ['little', Buffer.from(`\ufeff${rows(`${A},1`)}`, 'utf16le')],
    ['big', Buffer.from(`\ufeff${rows(`${A},1`)}`, 'utf16le').swap16()],
  ] as const) {
    test(`refuses ${name}-endian UTF-16`, async () => {
      const source = (async function* () {
        yield await Promise.resolve(encoded);
      })();
      assert.deepEqual(await faultsOf(importSnapshot(source, { name: 'h.csv', decimals: 0 })), [
        'h.csv:1 CSV_ENCODING',
      ]);
    });
  }

  test('refuses a wei header with decimals', async () => {
    assert.deepEqual(await faultsOf(read(`address,balanceWei\n${A},1\n`, 18)), ['h.csv:1 HEADER_INVALID']);
  });

  test('reports what precedes a syntax error beside it', async () => {
    const text = rows(`${A},-1`, `${B}"x,1`, `${A},-2`);
    assert.deepEqual(await faultsOf(read(text)), ['h.csv:2 AMOUNT_NEGATIVE', 'h.csv:3 CSV_MALFORMED']);
  });

  test('names line, value and, for duplicates, both lines', async () => {
    const error = await read(rows(`${A},-5`, `${B},1`, `${B},2`)).catch((cause: unknown) => cause);
    assert.ok(error instanceof GenesisError);
    assert.match(error.faults[0]?.message ?? '', /"-5"/);
    const message = `${B} is already on line 3`;
    assert.deepEqual(error.faults[1], { path: 'h.csv:4', code: 'HOLDER_DUPLICATE', message });
  });

  test('reports all faults at once, the first hundred in full', async () => {
    const error = await read(rows(...Array.from({ length: 250 }, () => 'x,y'))).catch(
      (cause: unknown) => cause,
    );
    assert.ok(error instanceof GenesisError);
    assert.equal(error.faultCount, 500);
    assert.equal(error.faults.length, 100);
  });

  test('passes on an error of the source', async () => {
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield await Promise.resolve(Buffer.from('address,balance\n'));
      throw new Error('disk on fire');
    }
    await assert.rejects(importSnapshot(broken(), { name: 'h.csv', decimals: 0 }), /disk on fire/);
  });

  test('imports 100,000 holders exactly', async () => {
    const prng = createPrng(7);
    const lines: string[] = [];
    const expected = new Map<string, bigint>();
    let total = 0n;
    for (let i = 0; i < 100_000; i++) {
      const holder = toChecksumAddress(prng.bytes(20));
      const wei = prng.bigint(66) + 1n;
      expected.set(holder, wei);
      total += wei;
      lines.push(`${i % 2 === 0 ? holder : holder.toLowerCase()},${wei}`);
    }
    const source = (async function* () {
      yield await Promise.resolve(Buffer.from(rows(...lines)));
    })();
    const progress: number[] = [];
    const snapshot = await importSnapshot(source, {
      name: 'h.csv',
      decimals: 0,
      onProgress: (n) => progress.push(n),
    });
    assert.equal(snapshot.accounts.length, 100_000);
    assert.equal(snapshot.totalWei, total);
    for (const holder of eachAccount(snapshot.accounts)) {
      assert.equal(holder.balanceWei, expected.get(toChecksumAddress(holder.address)));
    }
    assert.equal(progress.at(-1), 100_000);
    const csv = Buffer.concat([...canonicalCsv(snapshot.accounts)]).toString();
    const again = await read(csv.slice(0, csv.indexOf('\n', 50_000) + 1));
    assert.ok(again.accounts.length > 500);
  });
});
