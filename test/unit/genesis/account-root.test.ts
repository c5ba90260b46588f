import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import { ByteVectorType, ContainerType, ListCompositeType, UintBigintType } from '@chainsafe/ssz';
import { accountListRoot } from '../../../genesis/account-root.js';
import { AccountTableBuilder, eachAccount, type AccountTable } from '../../../genesis/accounts.js';
import { toHex } from '../../../protocol/bytes.js';
import { createPrng } from '../../support/prng.js';

const AccountList = new ListCompositeType(
  new ContainerType({ address: new ByteVectorType(20), balanceWei: new UintBigintType(16) }),
  2 ** 32,
);

/** Straight from the SSZ specification, one hash at a time. */
function naiveRoot(table: AccountTable): Uint8Array {
  const sha256 = (left: Uint8Array, right: Uint8Array): Uint8Array =>
    createHash('sha256').update(left).update(right).digest();
  const chunk = (bytes: Iterable<number>): Uint8Array => {
    const padded = new Uint8Array(32);
    padded.set([...bytes]);
    return padded;
  };
  const littleEndian = (value: bigint): number[] =>
    Array.from({ length: 16 }, (_, byte) => Number((value >> BigInt(8 * byte)) & 0xffn));
  let nodes = [...eachAccount(table)].map(({ address, balanceWei }) =>
    sha256(chunk(address), chunk(littleEndian(balanceWei))),
  );
  let zero = chunk([]);
  for (let depth = 0; depth < 32; depth++) {
    const parents: Uint8Array[] = [];
    for (let i = 0; i < nodes.length; i += 2) parents.push(sha256(nodes[i] ?? zero, nodes[i + 1] ?? zero));
    nodes = parents;
    zero = sha256(zero, zero);
  }
  return sha256(nodes[0] ?? zero, chunk(littleEndian(BigInt(table.length))));
}

function randomTable(accounts: number): AccountTable {
  const prng = createPrng(accounts + 1);
  const builder = new AccountTableBuilder();
  for (let i = 0; i < accounts; i++) builder.add(prng.bytes(20), prng.bigint(85), i);
  return builder.build(() => assert.fail('unexpected duplicate'));
}

describe('root of the account list', () => {
  for (const accounts of [0, 1, 2, 3, 5, 64, 1000, 4095, 4096, 4097, 8192, 12_289]) {
    test(`${accounts} accounts: as the SSZ library and as the specification`, () => {
      const table = randomTable(accounts);
      const root = toHex(accountListRoot(table));
      const list = [...eachAccount(table)].map(({ address, balanceWei }) => ({
        address: Uint8Array.from(address),
        balanceWei,
      }));
      assert.equal(root, toHex(AccountList.hashTreeRoot(list)));
      assert.equal(root, toHex(naiveRoot(table)));
    });
  }
});
