import type { Address } from '../../protocol/address.js';
import { OgpuError } from '../../protocol/errors.js';
import { invariant } from '../../protocol/invariant.js';
import { STATE_KEYS } from '../store/keys.js';
import type { Overlay } from '../store/overlay.js';
import type { Reader } from '../store/store.js';

/** Reserved for an EVM on this state: what makes an account a contract. */
export interface Contract {
  /** 32 bytes. */
  readonly codeHash: Uint8Array;
  /** 32 bytes. */
  readonly storagePrefix: Uint8Array;
}

export interface Account {
  /** Transactions sent; a safe integer. */
  readonly nonce: number;
  readonly balanceWei: bigint;
  /** Undefined for an account with a key. */
  readonly contract: Contract | undefined;
}

/** What every address is before anything is sent to it; never stored. */
export const EMPTY_ACCOUNT: Account = { nonce: 0, balanceWei: 0n, contract: undefined };

export function readAccount(state: Reader, address: Address): Account {
  const bytes = state.get(STATE_KEYS.account.encode(address));
  return bytes === undefined ? EMPTY_ACCOUNT : decodeAccount(bytes);
}

/** Stores an account, or removes it when it is empty, so that one state has one form. */
export function writeAccount(state: Overlay, address: Address, account: Account): void {
  const key = STATE_KEYS.account.encode(address);
  if (isEmpty(account)) state.delete(key);
  else state.put(key, encodeAccount(account));
}

export function credit(state: Overlay, address: Address, amountWei: bigint): void {
  invariant(amountWei >= 0n, 'a credit is not negative');
  if (amountWei === 0n) return;
  const account = readAccount(state, address);
  writeAccount(state, address, { ...account, balanceWei: account.balanceWei + amountWei });
}

/** The balance must cover the amount: callers check and refuse before. */
export function debit(state: Overlay, address: Address, amountWei: bigint): void {
  const account = readAccount(state, address);
  invariant(amountWei >= 0n && account.balanceWei >= amountWei, 'a debit is covered by the balance');
  if (amountWei === 0n) return;
  writeAccount(state, address, { ...account, balanceWei: account.balanceWei - amountWei });
}

function isEmpty({ nonce, balanceWei, contract }: Account): boolean {
  return nonce === 0 && balanceWei === 0n && contract === undefined;
}

/** A stored account that `encodeAccount` did not write: the store is damaged. */
export class AccountError extends OgpuError<'ACCOUNT_CORRUPT'> {}

const PLAIN_BYTES = 24;
const CONTRACT_BYTES = PLAIN_BYTES + 64;
const UINT64_BITS = 64n;
/** The plain part of the account at hand: a view of each account's own bytes would move those out of the heap, at ten times their size. */
const PLAIN = new Uint8Array(PLAIN_BYTES);
const PLAIN_VIEW = new DataView(PLAIN.buffer);
const MAX_BALANCE_WEI = (1n << 128n) - 1n;

/**
 * nonce (8 bytes) ‖ balance (16 bytes), little-endian, and for a contract code hash (32) ‖ storage prefix (32). Written by hand: these are
 * read and written twice in every transfer.
 */
export function encodeAccount({ nonce, balanceWei, contract }: Account): Uint8Array {
  invariant(Number.isSafeInteger(nonce) && nonce >= 0, 'a nonce is a safe integer');
  invariant(balanceWei >= 0n && balanceWei <= MAX_BALANCE_WEI, 'a balance fits in 128 bits');
  const bytes = new Uint8Array(contract === undefined ? PLAIN_BYTES : CONTRACT_BYTES);
  PLAIN_VIEW.setBigUint64(0, BigInt(nonce), true);
  PLAIN_VIEW.setBigUint64(8, BigInt.asUintN(64, balanceWei), true);
  PLAIN_VIEW.setBigUint64(16, balanceWei >> UINT64_BITS, true);
  bytes.set(PLAIN);
  if (contract !== undefined) {
    invariant(
      contract.codeHash.length === 32 && contract.storagePrefix.length === 32,
      'contract fields have 32 bytes',
    );
    bytes.set(contract.codeHash, PLAIN_BYTES);
    bytes.set(contract.storagePrefix, PLAIN_BYTES + 32);
  }
  return bytes;
}

/** @throws AccountError ACCOUNT_CORRUPT */
export function decodeAccount(bytes: Uint8Array): Account {
  if (bytes.length !== PLAIN_BYTES && bytes.length !== CONTRACT_BYTES) throw corrupt(bytes);
  for (let i = 0; i < PLAIN_BYTES; i++) PLAIN[i] = bytes[i] ?? 0;
  const nonce = Number(PLAIN_VIEW.getBigUint64(0, true));
  if (!Number.isSafeInteger(nonce)) throw corrupt(bytes);
  const balanceWei = (PLAIN_VIEW.getBigUint64(16, true) << UINT64_BITS) | PLAIN_VIEW.getBigUint64(8, true);
  const contract =
    bytes.length === PLAIN_BYTES
      ? undefined
      : {
          codeHash: bytes.slice(PLAIN_BYTES, PLAIN_BYTES + 32),
          storagePrefix: bytes.slice(PLAIN_BYTES + 32),
        };
  return { nonce, balanceWei, contract };
}

function corrupt(bytes: Uint8Array): AccountError {
  return new AccountError('ACCOUNT_CORRUPT', 'a stored account is damaged', { length: bytes.length });
}
