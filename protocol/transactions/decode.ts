import { keccak256 } from '../crypto/hash.js';
import { invariant } from '../invariant.js';
import { MAX_TRANSACTION_BYTES } from '../limits.js';
import { TransactionError } from './errors.js';
import { encodeRlp, rlpHeaderLength, writeRlpListHeader } from './rlp-encode.js';
import { RlpReader } from './rlp.js';
import { assertAccessListAddress, assertRules, assertStorageKey, assertToLength } from './rules.js';
import { readLegacySignature, readTypedSignature } from './signature.js';
import {
  TRANSACTION_TYPE_NUMBER,
  type AccessList,
  type AccessListEntry,
  type SignedTransaction,
} from './types.js';

export interface DecodeOptions {
  /** At least 1. */
  readonly chainId: bigint;
  /** Default: MAX_TRANSACTION_BYTES. */
  readonly maxBytes?: number;
  /** keccak-256 of the bytes, where whoever asks has it. */
  readonly hash?: Uint8Array;
}

export interface DecodedTransaction {
  readonly transaction: SignedTransaction;
  /** keccak-256 of the bytes: the transaction's id. */
  readonly hash: Uint8Array;
  /** What was signed. `recoverSender(signingHash, transaction.signature)` needs nothing else. */
  readonly signingHash: Uint8Array;
}

/**
 * Decodes one signed transaction and checks all that needs neither state, nor the gas schedule, nor curve arithmetic:
 * canonical encoding, chain id, signature form and the rules between fields (`assertRules`). A result re-encodes to
 * exactly `bytes`. Left to the caller: `recoverSender` and `assertIntrinsicGas`.
 *
 * `to`, `data` and the access list are views into `bytes`, which must not change afterwards.
 *
 * @throws TransactionError any code but TX_INTEGER_RANGE, TX_GAS_LIMIT_BELOW_INTRINSIC, TX_SENDER_UNRECOVERABLE
 * @throws RlpError when a field is not canonical RLP
 */
export function decodeTransaction(bytes: Uint8Array, options: DecodeOptions): DecodedTransaction {
  const { chainId, maxBytes = MAX_TRANSACTION_BYTES, hash } = options;
  invariant(chainId > 0n, 'a chain id is positive');
  if (bytes.length > maxBytes) {
    throw new TransactionError('TX_TOO_LARGE', 'transaction is too large', { bytes: bytes.length, maxBytes });
  }
  const first = bytes[0];
  if (first === undefined) throw new TransactionError('TX_EMPTY', 'transaction has no bytes');
  if (first >= 0xc0) return decodeLegacy(bytes, chainId, hash);
  if (first === TRANSACTION_TYPE_NUMBER.eip1559) return decodeEip1559(bytes, chainId, hash);
  if (first === TRANSACTION_TYPE_NUMBER.eip2930) return decodeEip2930(bytes, chainId, hash);
  throw unsupported(first);
}

function decodeLegacy(bytes: Uint8Array, chainId: bigint, hash: Uint8Array | undefined): DecodedTransaction {
  const fields = openList(bytes, 0);
  const start = fields.position;
  const nonce = fields.uint('nonce');
  const gasPrice = fields.uint('gasPrice');
  const gasLimit = fields.uint('gasLimit');
  const to = readTo(fields);
  const value = fields.uint('value');
  const data = fields.string('data');
  const signedEnd = fields.position;
  const signature = readLegacySignature(fields, chainId);

  const transaction = {
    type: 'legacy',
    chainId,
    nonce,
    gasPrice,
    gasLimit,
    to,
    value,
    data,
    signature,
  } as const;
  assertRules(transaction);
  const signingHash = hashLegacyPayload(bytes.subarray(start, signedEnd), chainId);
  return { transaction, hash: hash ?? keccak256(bytes), signingHash };
}

function decodeEip2930(
  bytes: Uint8Array,
  ourChainId: bigint,
  hash: Uint8Array | undefined,
): DecodedTransaction {
  const fields = openList(bytes, 1);
  const start = fields.position;
  const chainId = readChainId(fields, ourChainId);
  const nonce = fields.uint('nonce');
  const gasPrice = fields.uint('gasPrice');
  const gasLimit = fields.uint('gasLimit');
  const to = readTo(fields);
  const value = fields.uint('value');
  const data = fields.string('data');
  const accessList = readAccessList(fields.list('accessList'));
  const signedEnd = fields.position;
  const signature = readTypedSignature(fields);

  const type = 'eip2930';
  const transaction = {
    type,
    chainId,
    nonce,
    gasPrice,
    gasLimit,
    to,
    value,
    data,
    accessList,
    signature,
  } as const;
  assertRules(transaction);
  const signingHash = hashTypedPayload(type, bytes.subarray(start, signedEnd));
  return { transaction, hash: hash ?? keccak256(bytes), signingHash };
}

function decodeEip1559(
  bytes: Uint8Array,
  ourChainId: bigint,
  hash: Uint8Array | undefined,
): DecodedTransaction {
  const fields = openList(bytes, 1);
  const start = fields.position;
  const chainId = readChainId(fields, ourChainId);
  const nonce = fields.uint('nonce');
  const maxPriorityFeePerGas = fields.uint('maxPriorityFeePerGas');
  const maxFeePerGas = fields.uint('maxFeePerGas');
  const gasLimit = fields.uint('gasLimit');
  const to = readTo(fields);
  const value = fields.uint('value');
  const data = fields.string('data');
  const accessList = readAccessList(fields.list('accessList'));
  const signedEnd = fields.position;
  const signature = readTypedSignature(fields);

  const type = 'eip1559';
  const transaction = {
    type,
    chainId,
    nonce,
    maxPriorityFeePerGas,
    maxFeePerGas,
    gasLimit,
    to,
    value,
    data,
    accessList,
    signature,
  } as const;
  assertRules(transaction);
  const signingHash = hashTypedPayload(type, bytes.subarray(start, signedEnd));
  return { transaction, hash: hash ?? keccak256(bytes), signingHash };
}

/** The list that is the rest of `bytes`, and nothing after it. */
function openList(bytes: Uint8Array, offset: number): RlpReader {
  const reader = new RlpReader(bytes, offset);
  const fields = reader.list('transaction');
  reader.finish();
  return fields;
}

function readChainId(fields: RlpReader, expected: bigint): bigint {
  const received = fields.uint('chainId');
  if (received !== expected) {
    throw new TransactionError('TX_CHAIN_ID_WRONG', 'signed for another chain', { expected, received });
  }
  return received;
}

function readTo(fields: RlpReader): Uint8Array | undefined {
  const to = fields.string('to');
  if (to.length === 0) return undefined;
  assertToLength(to);
  return to;
}

function readAccessList(list: RlpReader): AccessList {
  const entries: AccessListEntry[] = [];
  while (!list.done) {
    const entry = list.list('accessList entry');
    const address = entry.string('accessList address');
    assertAccessListAddress(address);
    const storageKeys = readStorageKeys(entry.list('accessList storageKeys'));
    if (!entry.done) {
      const data = { entry: entries.length };
      throw new TransactionError('TX_ACCESS_LIST_ENTRY', 'access list entry has more than two items', data);
    }
    entries.push({ address, storageKeys });
  }
  return entries;
}

function readStorageKeys(list: RlpReader): Uint8Array[] {
  const keys: Uint8Array[] = [];
  while (!list.done) {
    const key = list.string('accessList storageKey');
    assertStorageKey(key);
    keys.push(key);
  }
  return keys;
}

/** The signed fields as they came, under a new list header: EIP-2718, keccak256(type ‖ rlp([...fields])). */
function hashTypedPayload(type: 'eip2930' | 'eip1559', payload: Uint8Array): Uint8Array {
  const frame = new Uint8Array(1 + rlpHeaderLength(payload.length) + payload.length);
  frame[0] = TRANSACTION_TYPE_NUMBER[type];
  frame.set(payload, writeRlpListHeader(frame, 1, payload.length));
  return keccak256(frame);
}

/** EIP-155: keccak256(rlp([...fields, chainId, 0, 0])). */
function hashLegacyPayload(payload: Uint8Array, chainId: bigint): Uint8Array {
  const tail = encodeRlp([chainId, 0n, 0n]).subarray(1);
  const length = payload.length + tail.length;
  const frame = new Uint8Array(rlpHeaderLength(length) + length);
  const start = writeRlpListHeader(frame, 0, length);
  frame.set(payload, start);
  frame.set(tail, start + payload.length);
  return keccak256(frame);
}

function unsupported(typeByte: number): TransactionError {
  const data = { typeByte };
  if (typeByte >= 0x80) {
    return new TransactionError('TX_ENVELOPE_MISPLACED', 'an envelope is not wrapped in an RLP string', data);
  }
  if (typeByte === 0x03) {
    return new TransactionError(
      'TX_TYPE_BLOB_UNSUPPORTED',
      'no blob transactions (EIP-4844) on this chain',
      data,
    );
  }
  if (typeByte === 0x04) {
    return new TransactionError(
      'TX_TYPE_SET_CODE_UNSUPPORTED',
      'no set-code transactions (EIP-7702) on this chain',
      data,
    );
  }
  return new TransactionError('TX_TYPE_UNKNOWN', 'no such transaction type', data);
}
