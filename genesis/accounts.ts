import { ADDRESS_LENGTH, type Address } from '../protocol/address.js';
import { compareBytes } from '../protocol/bytes.js';
import { invariant } from '../protocol/invariant.js';

const BALANCE_BYTES = 16;
const UINT64_BITS = 64n;
const UINT64_MASK = (1n << UINT64_BITS) - 1n;
const INITIAL_CAPACITY = 1024;

/** Accounts one table holds at most: the memory bound of an import (56 bytes each while building). */
export const MAX_TABLE_ACCOUNTS = 16_000_000;

export interface Account {
  readonly address: Address;
  readonly balanceWei: bigint;
}

/**
 * Balances by address, each address once, in ascending order of address bytes.
 *
 * Two flat arrays instead of a map of objects: a million accounts take 36 MB.
 */
export interface AccountTable {
  readonly length: number;
  /** 20 bytes for each account. */
  readonly addresses: Uint8Array;
  /** 16 bytes for each account: the balance in wei, little-endian, as SSZ writes a uint128. */
  readonly balances: Uint8Array;
}

/** The accounts of a table in address order. Addresses are views into the table. */
export function* eachAccount(table: AccountTable): Generator<Account> {
  for (let index = 0; index < table.length; index++) yield accountAt(table, index);
}

export function accountAt(table: AccountTable, index: number): Account {
  invariant(index >= 0 && index < table.length, 'account index within the table');
  return { address: addressAt(table.addresses, index), balanceWei: readBalance(table.balances, index) };
}

/** Balance of `address` in wei, 0 for an address the table does not hold. */
export function balanceOf(table: AccountTable, address: Address): bigint {
  const index = indexOf(table, address);
  return index === undefined ? 0n : readBalance(table.balances, index);
}

/** Place of `address` in the table, by binary search. */
export function indexOf(table: AccountTable, address: Address): number | undefined {
  invariant(address.length === ADDRESS_LENGTH, 'an address has 20 bytes');
  let low = 0;
  let high = table.length - 1;
  while (low <= high) {
    const middle = (low + high) >>> 1;
    const order = compareBytes(addressAt(table.addresses, middle), address);
    if (order === 0) return middle;
    if (order < 0) low = middle + 1;
    else high = middle - 1;
  }
  return undefined;
}

export function totalWei(table: AccountTable): bigint {
  let total = 0n;
  for (let index = 0; index < table.length; index++) total += readBalance(table.balances, index);
  return total;
}

/** What is taken from one account. */
export interface Debit {
  readonly address: Address;
  readonly amountWei: bigint;
}

/** A copy of `table` without the debited amounts, which it must hold. Accounts left with nothing are dropped. */
export function debitAccounts(table: AccountTable, debits: readonly Debit[]): AccountTable {
  const addresses = table.addresses.slice();
  const balances = table.balances.slice();
  for (const { address, amountWei } of debits) {
    const index = indexOf(table, address);
    invariant(index !== undefined, 'a debited account is in the table');
    const leftWei = readBalance(balances, index) - amountWei;
    invariant(amountWei >= 0n && leftWei >= 0n, 'a debit is covered by the balance');
    writeBalance(balances, index, leftWei);
  }
  return dropEmpty({ length: table.length, addresses, balances });
}

/** Moves the accounts with a balance together, in place, and leaves out the others. */
export function dropEmpty({ length: count, addresses, balances }: AccountTable): AccountTable {
  let length = 0;
  for (let index = 0; index < count; index++) {
    if (readBalance(balances, index) === 0n) continue;
    addresses.copyWithin(length * ADDRESS_LENGTH, index * ADDRESS_LENGTH, (index + 1) * ADDRESS_LENGTH);
    balances.copyWithin(length * BALANCE_BYTES, index * BALANCE_BYTES, (index + 1) * BALANCE_BYTES);
    length++;
  }
  return {
    length,
    addresses: addresses.subarray(0, length * ADDRESS_LENGTH),
    balances: balances.subarray(0, length * BALANCE_BYTES),
  };
}

export function isZeroAddress(address: Address): boolean {
  return address.every((byte) => byte === 0);
}

/** One address given more than once; origins are the numbers its entries were added with, in order of addition. */
export interface DuplicateAccount {
  readonly address: Address;
  readonly origins: readonly [number, number];
}

/** Collects accounts in any order and sorts them into an {@link AccountTable}. */
export class AccountTableBuilder {
  #length = 0;
  #addresses = new Uint8Array(INITIAL_CAPACITY * ADDRESS_LENGTH);
  #balances = new Uint8Array(INITIAL_CAPACITY * BALANCE_BYTES);
  #origins = new Uint32Array(INITIAL_CAPACITY);

  get length(): number {
    return this.#length;
  }

  /** @param origin where the entry came from (a line, an index), to name both places of a duplicate */
  add(address: Address, balanceWei: bigint, origin: number): void {
    invariant(address.length === ADDRESS_LENGTH, 'an address has 20 bytes');
    invariant(balanceWei >= 0n && balanceWei >> 128n === 0n, 'a balance fits in 128 bits');
    invariant(this.#length < MAX_TABLE_ACCOUNTS, 'an account table is bounded');
    if (this.#length === this.#origins.length) this.#grow();
    this.#addresses.set(address, this.#length * ADDRESS_LENGTH);
    writeBalance(this.#balances, this.#length, balanceWei);
    this.#origins[this.#length] = origin;
    this.#length++;
  }

  /**
   * The table of the first entry of every address, and one {@link DuplicateAccount} for each further entry.
   * `onDuplicate` is called in address order.
   */
  build(onDuplicate: (duplicate: DuplicateAccount) => void): AccountTable {
    const order = this.#sortedOrder();
    const addresses = new Uint8Array(order.length * ADDRESS_LENGTH);
    const balances = new Uint8Array(order.length * BALANCE_BYTES);
    let length = 0;
    let first = 0;
    for (const entry of order) {
      const address = addressAt(this.#addresses, entry);
      if (length > 0 && compareBytes(addressAt(addresses, length - 1), address) === 0) {
        onDuplicate({ address, origins: [this.#origins[first] ?? 0, this.#origins[entry] ?? 0] });
        continue;
      }
      addresses.set(address, length * ADDRESS_LENGTH);
      balances.set(
        this.#balances.subarray(entry * BALANCE_BYTES, (entry + 1) * BALANCE_BYTES),
        length * BALANCE_BYTES,
      );
      first = entry;
      length++;
    }
    return {
      length,
      addresses: addresses.subarray(0, length * ADDRESS_LENGTH),
      balances: balances.subarray(0, length * BALANCE_BYTES),
    };
  }

  /** Entry numbers in ascending (address, entry) order. */
  #sortedOrder(): Uint32Array {
    const order = Uint32Array.from({ length: this.#length }, (_, entry) => entry);
    const addresses = this.#addresses;
    const compare = (a: number, b: number): number => compareAddresses(addresses, a, b) || a - b;
    const alreadySorted = order.every((entry) => entry === 0 || compare(entry - 1, entry) < 0);
    return alreadySorted ? order : order.sort(compare);
  }

  #grow(): void {
    const capacity = Math.min(this.#origins.length * 2, MAX_TABLE_ACCOUNTS);
    const addresses = new Uint8Array(capacity * ADDRESS_LENGTH);
    const balances = new Uint8Array(capacity * BALANCE_BYTES);
    const origins = new Uint32Array(capacity);
    addresses.set(this.#addresses);
    balances.set(this.#balances);
    origins.set(this.#origins);
    this.#addresses = addresses;
    this.#balances = balances;
    this.#origins = origins;
  }
}

function addressAt(addresses: Uint8Array, index: number): Uint8Array {
  return addresses.subarray(index * ADDRESS_LENGTH, (index + 1) * ADDRESS_LENGTH);
}

/** As `compareBytes` on two addresses of one array, without making views: this is the inner loop of sorting. */
function compareAddresses(addresses: Uint8Array, a: number, b: number): number {
  for (let i = 0; i < ADDRESS_LENGTH; i++) {
    const difference = (addresses[a * ADDRESS_LENGTH + i] ?? 0) - (addresses[b * ADDRESS_LENGTH + i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function readBalance(balances: Uint8Array, index: number): bigint {
  const view = viewOf(balances, index);
  return (view.getBigUint64(8, true) << UINT64_BITS) | view.getBigUint64(0, true);
}

function writeBalance(balances: Uint8Array, index: number, balanceWei: bigint): void {
  const view = viewOf(balances, index);
  view.setBigUint64(0, balanceWei & UINT64_MASK, true);
  view.setBigUint64(8, balanceWei >> UINT64_BITS, true);
}

function viewOf(balances: Uint8Array, index: number): DataView {
  return new DataView(balances.buffer, balances.byteOffset + index * BALANCE_BYTES, BALANCE_BYTES);
}
