import { SECP256K1_ORDER } from './mutate.js';
import type { Library, View } from './oracles.js';

const HALF_ORDER = SECP256K1_ORDER / 2n;
const UINT256_END = 2n ** 256n;
const UINT64_END = 2n ** 64n;

/** What a library made of bytes that we refuse. */
export interface Theirs {
  readonly view: View;
  /** Undefined when the library cannot serialize what it parsed. */
  readonly reencoded: string | undefined;
  readonly input: string;
}

export interface Difference {
  readonly name: string;
  readonly why: string;
  readonly libraries: readonly Library[];
  /** Codes of ours that it can explain. */
  readonly codes: readonly string[];
  /** Evidence in what the *library* decoded, so that a mistake of ours explains nothing. */
  readonly holds: (theirs: Theirs, chainId: bigint) => boolean;
}

/** Bytes a library takes and we refuse. docs/spec/transactions.md has the same table. */
export const STRICTER: readonly Difference[] = [
  {
    name: 'non-canonical RLP',
    why: 'Yellow Paper, appendix B: one encoding per item; else one transaction has many hashes',
    libraries: ['ethers'],
    codes: ['RLP_LENGTH_LEADING_ZERO', 'RLP_LENGTH_NOT_SHORTEST', 'RLP_SINGLE_BYTE_PREFIXED'],
    holds: reencodesDifferently,
  },
  {
    name: 'leading zero in an integer',
    why: 'Yellow Paper, appendix B: integers have no leading zeros (ethereum/tests maxPriorityFeePerGas00prefix)',
    libraries: ['viem', 'ethers'],
    codes: ['RLP_INTEGER_LEADING_ZERO', 'RLP_INTEGER_TOO_WIDE'],
    holds: reencodesDifferently,
  },
  {
    name: 'list for a string, or the reverse',
    why: 'viem reads a list as an absent field, and an empty string as an empty access list',
    libraries: ['viem'],
    codes: ['RLP_EXPECTED_STRING', 'RLP_EXPECTED_LIST'],
    holds: reencodesDifferently,
  },
  {
    name: 'odd access list entry',
    why: 'EIP-2930: pairs of a 20-byte address and 32-byte keys; viem ignores further items and trims keys',
    libraries: ['viem'],
    codes: ['TX_ACCESS_LIST_ENTRY', 'TX_ACCESS_LIST_KEY_LENGTH'],
    holds: reencodesDifferently,
  },
  {
    name: 'integer beyond 256 bits',
    why: 'Yellow Paper §4.3 bounds every integer by 2^256; viem checks only prices, and r and s of typed transactions',
    libraries: ['viem'],
    codes: ['RLP_INTEGER_TOO_WIDE'],
    holds: ({ view: { gasLimit, value, fees, signature } }) =>
      [gasLimit, value, ...fees, signature?.r ?? 0n, signature?.s ?? 0n].some(
        (integer) => integer >= UINT256_END,
      ),
  },
  {
    name: 'list in place of a scalar',
    why: 'EIP-2718 payloads have strings there; viem does not look',
    libraries: ['viem'],
    codes: ['RLP_EXPECTED_STRING'],
    holds: ({ view: { signature } }) => signature !== undefined && (signature.r < 0n || signature.s < 0n),
  },
  {
    name: 'unsigned',
    why: 'the library also parses what is still to be signed',
    libraries: ['viem', 'ethers'],
    codes: [
      'TX_UNSIGNED',
      'TX_LEGACY_V_INVALID',
      'TX_CHAIN_ID_WRONG',
      'TX_NOT_REPLAY_PROTECTED',
      'TX_SIGNATURE_R_RANGE',
    ],
    holds: ({ view }) => view.signature === undefined,
  },
  {
    name: 'another chain, or every chain',
    why: 'a library decodes for any chain; EIP-155 is compulsory here',
    libraries: ['viem', 'ethers'],
    codes: ['TX_CHAIN_ID_WRONG', 'TX_NOT_REPLAY_PROTECTED'],
    holds: ({ view }, chainId) => view.chainId !== chainId,
  },
  {
    name: 'malleable signature',
    why: 'EIP-2: s above n / 2 is a second valid signature; libraries leave that to the node',
    libraries: ['viem', 'ethers'],
    codes: ['TX_SIGNATURE_HIGH_S'],
    holds: ({ view }) => view.signature !== undefined && view.signature.s > HALF_ORDER,
  },
  {
    name: 'signature out of range',
    why: 'SEC 1 §4.1.4: r and s are in [1, n); the libraries notice when they recover',
    libraries: ['viem', 'ethers'],
    codes: ['TX_SIGNATURE_R_RANGE', 'TX_SIGNATURE_S_RANGE'],
    holds: ({ view: { signature } }) =>
      signature !== undefined &&
      [signature.r, signature.s].some((scalar) => scalar === 0n || scalar >= SECP256K1_ORDER),
  },
  {
    name: 'tip above fee cap',
    why: 'EIP-1559: max_fee_per_gas >= max_priority_fee_per_gas; ethers notices when it serializes',
    libraries: ['ethers'],
    codes: ['TX_TIP_ABOVE_FEE_CAP'],
    holds: ({ view: { fees } }) => (fees[0] ?? 0n) > (fees[1] ?? 0n),
  },
  {
    name: 'gas limit beyond 64 bits',
    why: 'every client keeps gas in 64 bits; the libraries keep any integer',
    libraries: ['viem', 'ethers'],
    codes: ['TX_GAS_LIMIT_TOO_HIGH'],
    holds: ({ view }) => view.gasLimit >= UINT64_END,
  },
  {
    name: 'cost beyond 256 bits',
    why: 'no balance can pay gasLimit * price + value >= 2^256 (ethereum/tests GasLimitPriceProductOverflow)',
    libraries: ['viem', 'ethers'],
    codes: ['TX_COST_OVERFLOW'],
    holds: ({ view }) => view.gasLimit * (view.fees.at(-1) ?? 0n) + view.value >= UINT256_END,
  },
  {
    name: 'init code too large',
    why: 'EIP-3860',
    libraries: ['viem', 'ethers'],
    codes: ['TX_INIT_CODE_TOO_LARGE'],
    holds: ({ view }) => view.to === '' && view.data.length / 2 - 1 > 49_152,
  },
  {
    name: 'transaction too large',
    why: 'MAX_TRANSACTION_BYTES',
    libraries: ['viem', 'ethers'],
    codes: ['TX_TOO_LARGE'],
    holds: ({ input }) => input.length / 2 - 1 > 131_072,
  },
];

/** Bytes we take and a library refuses. */
export const LAXER: readonly {
  readonly name: string;
  readonly why: string;
  readonly libraries: readonly Library[];
  readonly holds: (ours: View) => boolean;
}[] = [
  {
    name: 'nonce beyond 53 bits',
    why: 'EIP-2681 allows 2^64 - 2; the libraries hold nonces in a JavaScript number',
    libraries: ['viem', 'ethers'],
    holds: (ours) => ours.nonce > BigInt(Number.MAX_SAFE_INTEGER),
  },
];

function reencodesDifferently({ reencoded, input }: Theirs): boolean {
  return reencoded !== input;
}
