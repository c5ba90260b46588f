import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  AccountTableBuilder,
  accountAt,
  balanceOf,
  debitAccounts,
  eachAccount,
  totalWei,
  type AccountTable,
  type DuplicateAccount,
} from '../../../genesis/accounts.js';
import { compareBytes, toHex } from '../../../protocol/bytes.js';
import { InvariantError } from '../../../protocol/invariant.js';
import { createPrng } from '../../support/prng.js';
import { address } from './sample.js';

function tableOf(entries: readonly (readonly [Uint8Array, bigint])[]): AccountTable {
  const builder = new AccountTableBuilder();
  entries.forEach(([holder, balanceWei], index) => {
    builder.add(holder, balanceWei, index);
  });
  return builder.build(() => assert.fail('unexpected duplicate'));
}

describe('account table', () => {
  test('holds what was added, in address order, whatever the order of addition', () => {
    const prng = createPrng(1);
    const entries = Array.from({ length: 5000 }, () => [prng.bytes(20), prng.bigint(84)] as const);
    const table = tableOf(entries);
    const expected = entries
      .toSorted(([a], [b]) => compareBytes(a, b))
      .map(([holder, wei]) => `${toHex(holder)} ${wei}`);
    assert.deepEqual(
      [...eachAccount(table)].map((a) => `${toHex(a.address)} ${a.balanceWei}`),
      expected,
    );
    assert.equal(
      totalWei(table),
      entries.reduce((sum, [, wei]) => sum + wei, 0n),
    );
  });

  test('finds every holder and nobody else', () => {
    const prng = createPrng(2);
    const entries = Array.from({ length: 1000 }, (_, i) => [prng.bytes(20), BigInt(i + 1)] as const);
    const table = tableOf(entries);
    for (const [holder, balanceWei] of entries) assert.equal(balanceOf(table, holder), balanceWei);
    for (let i = 0; i < 1000; i++) assert.equal(balanceOf(table, prng.bytes(20)), 0n);
    assert.equal(balanceOf(tableOf([]), address(1)), 0n);
  });

  test('keeps all 128 bits of a balance', () => {
    const wei = (1n << 128n) - 1n;
    assert.equal(accountAt(tableOf([[address(1), wei]]), 0).balanceWei, wei);
    assert.throws(() => tableOf([[address(1), wei + 1n]]), InvariantError);
    assert.throws(() => tableOf([[address(1), -1n]]), InvariantError);
  });

  test('reports each further entry of an address with both origins and keeps the first', () => {
    const builder = new AccountTableBuilder();
    builder.add(address(1), 1n, 10);
    builder.add(address(2), 2n, 11);
    builder.add(address(1), 3n, 12);
    builder.add(address(1), 4n, 13);
    const duplicates: DuplicateAccount[] = [];
    const table = builder.build((duplicate) => duplicates.push(duplicate));
    assert.deepEqual(
      duplicates.map(({ origins }) => origins),
      [
        [10, 12],
        [10, 13],
      ],
    );
    assert.equal(table.length, 2);
    assert.equal(balanceOf(table, address(1)), 1n);
  });

  test('debits accounts, drops the emptied ones and leaves the source alone', () => {
    const table = tableOf([
      [address(1), 5n],
      [address(2), 7n],
      [address(3), 9n],
    ]);
    const debited = debitAccounts(table, [
      { address: address(1), amountWei: 5n },
      { address: address(3), amountWei: 4n },
    ]);
    assert.deepEqual(
      [1, 2, 3].map((seed) => balanceOf(debited, address(seed))),
      [0n, 7n, 5n],
    );
    assert.equal(debited.length, 2);
    assert.equal(totalWei(table), 21n);
    assert.throws(() => debitAccounts(table, [{ address: address(1), amountWei: 6n }]), InvariantError);
    assert.throws(() => debitAccounts(table, [{ address: address(4), amountWei: 1n }]), InvariantError);
  });
});
