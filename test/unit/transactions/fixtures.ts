import { encodeRlp, type RlpInput } from '../../../protocol/transactions/rlp-encode.js';
import type {
  Eip1559Transaction,
  Eip2930Transaction,
  LegacyTransaction,
} from '../../../protocol/transactions/types.js';

export const CHAIN_ID = 1234n;
export const SECRET_KEY = new Uint8Array(32).fill(0x11);
export const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;

const TO = new Uint8Array(20).fill(0xaa);
const COMMON = { chainId: CHAIN_ID, nonce: 7n, gasLimit: 50_000n, to: TO, value: 10n ** 18n };

export const LEGACY: LegacyTransaction = {
  type: 'legacy',
  ...COMMON,
  gasPrice: 10n ** 9n,
  data: Uint8Array.of(0, 1, 2),
};

export const EIP2930: Eip2930Transaction = {
  type: 'eip2930',
  ...COMMON,
  gasPrice: 10n ** 9n,
  data: new Uint8Array(0),
  accessList: [
    { address: new Uint8Array(20).fill(0xbb), storageKeys: [new Uint8Array(32), new Uint8Array(32).fill(1)] },
  ],
};

export const EIP1559: Eip1559Transaction = {
  type: 'eip1559',
  ...COMMON,
  maxPriorityFeePerGas: 10n ** 9n,
  maxFeePerGas: 3n * 10n ** 9n,
  data: Uint8Array.of(0xff),
  accessList: [],
};

/** Wire fields of an EIP-1559 transaction that decodes, by name and in order; a test replaces some of them. */
export const EIP1559_FIELDS = {
  chainId: CHAIN_ID,
  nonce: 7n,
  maxPriorityFeePerGas: 1n,
  maxFeePerGas: 3n,
  gasLimit: 50_000n,
  to: TO,
  value: 1n,
  data: Uint8Array.of(0xff),
  accessList: [],
  yParity: 1n,
  r: 5n,
  s: 6n,
} satisfies Record<string, RlpInput>;

/** As {@link EIP1559_FIELDS}, of a legacy transaction. */
export const LEGACY_FIELDS = {
  nonce: 7n,
  gasPrice: 1n,
  gasLimit: 50_000n,
  to: TO,
  value: 1n,
  data: Uint8Array.of(0xff),
  v: 35n + 2n * CHAIN_ID,
  r: 5n,
  s: 6n,
} satisfies Record<string, RlpInput>;

/** The EIP-1559 envelope of EIP1559_FIELDS with some replaced. */
export function eip1559Bytes(replaced: Readonly<Record<string, RlpInput>> = {}): Uint8Array {
  return encodeRlp(Object.values({ ...EIP1559_FIELDS, ...replaced }), 2);
}

/** The legacy envelope of LEGACY_FIELDS with some replaced. */
export function legacyBytes(replaced: Readonly<Record<string, RlpInput>> = {}): Uint8Array {
  return encodeRlp(Object.values({ ...LEGACY_FIELDS, ...replaced }));
}
