import { Transaction as EthersTransaction } from 'ethers';
import {
  parseTransaction,
  serializeTransaction,
  type Hex,
  type Signature,
  type TransactionSerializable,
} from 'viem';
import { OgpuError } from '../../../protocol/errors.js';
import { toHex } from '../../../protocol/bytes.js';
import { decodeTransaction, type DecodedTransaction } from '../../../protocol/transactions/decode.js';
import { encodeTransaction } from '../../../protocol/transactions/encode.js';
import { RlpError } from '../../../protocol/transactions/rlp.js';
import { TransactionError } from '../../../protocol/transactions/errors.js';

/** A transaction as every decoder can describe it. Hex is lower-case; absent numbers are 0, as on the wire. */
export interface View {
  readonly type: string;
  readonly chainId: bigint;
  readonly nonce: bigint;
  readonly gasLimit: bigint;
  readonly to: string;
  readonly value: bigint;
  readonly data: string;
  readonly fees: readonly bigint[];
  readonly accessList: readonly { readonly address: string; readonly storageKeys: readonly string[] }[];
  readonly signature: { readonly r: bigint; readonly s: bigint; readonly yParity: number } | undefined;
}

export type Verdict =
  | { readonly accepted: true; readonly view: View; readonly reencoded: string | undefined }
  | { readonly accepted: false; readonly code: string };

export type Library = 'viem' | 'ethers';

export function judgeOurs(bytes: Uint8Array, chainId: bigint): Verdict & { decoded?: DecodedTransaction } {
  try {
    const decoded = decodeTransaction(bytes, { chainId });
    const reencoded = toHex(encodeTransaction(decoded.transaction));
    return { accepted: true, view: viewOfOurs(decoded), reencoded, decoded };
  } catch (error) {
    if (error instanceof TransactionError || error instanceof RlpError)
      return { accepted: false, code: error.code };
    throw error;
  }
}

export function judgeViem(hex: Hex): Verdict {
  try {
    const parsed: TransactionSerializable = parseTransaction(hex);
    return {
      accepted: true,
      view: viewOfViem(parsed),
      reencoded: attempt(() => serializeTransaction(parsed, legacySignature(parsed))),
    };
  } catch (error) {
    return refusal(error);
  }
}

export function judgeEthers(hex: Hex): Verdict {
  try {
    const parsed = EthersTransaction.from(hex);
    const reencoded = attempt(() => (parsed.isSigned() ? parsed.serialized : parsed.unsignedSerialized));
    return { accepted: true, view: viewOfEthers(parsed), reencoded };
  } catch (error) {
    return refusal(error);
  }
}

function viewOfOurs({ transaction }: DecodedTransaction): View {
  const { type, chainId, nonce, gasLimit, to, value, data, signature } = transaction;
  const accessList = transaction.type === 'legacy' ? [] : transaction.accessList;
  return {
    type,
    chainId,
    nonce,
    gasLimit,
    to: to === undefined ? '' : toHex(to),
    value,
    data: toHex(data),
    fees:
      transaction.type === 'eip1559'
        ? [transaction.maxPriorityFeePerGas, transaction.maxFeePerGas]
        : [transaction.gasPrice],
    accessList: accessList.map(({ address, storageKeys }) => ({
      address: toHex(address),
      storageKeys: storageKeys.map(toHex),
    })),
    signature: {
      r: BigInt(toHex(signature.rs.subarray(0, 32))),
      s: BigInt(toHex(signature.rs.subarray(32))),
      yParity: signature.yParity,
    },
  };
}

function viewOfViem(parsed: TransactionSerializable): View {
  const { r, s } = parsed;
  return {
    type: parsed.type ?? '',
    chainId: BigInt(parsed.chainId ?? 0),
    nonce: BigInt(parsed.nonce ?? 0),
    gasLimit: parsed.gas ?? 0n,
    to: parsed.to?.toLowerCase() ?? '',
    value: parsed.value ?? 0n,
    data: parsed.data ?? '0x',
    fees:
      parsed.type === 'eip1559'
        ? [parsed.maxPriorityFeePerGas ?? 0n, parsed.maxFeePerGas ?? 0n]
        : [parsed.gasPrice ?? 0n],
    accessList: (parsed.accessList ?? []).map(({ address, storageKeys }) => ({ address, storageKeys })),
    signature:
      r === undefined || s === undefined
        ? undefined
        : { r: uint(r), s: uint(s), yParity: parsed.yParity ?? -1 },
  };
}

const ETHERS_TYPES: Readonly<Record<number, string>> = { 0: 'legacy', 1: 'eip2930', 2: 'eip1559' };

function viewOfEthers(parsed: EthersTransaction): View {
  const { signature } = parsed;
  return {
    type: ETHERS_TYPES[parsed.type ?? -1] ?? '',
    chainId: parsed.chainId,
    nonce: BigInt(parsed.nonce),
    gasLimit: parsed.gasLimit,
    to: parsed.to?.toLowerCase() ?? '',
    value: parsed.value,
    data: parsed.data,
    fees:
      parsed.type === 2
        ? [parsed.maxPriorityFeePerGas ?? 0n, parsed.maxFeePerGas ?? 0n]
        : [parsed.gasPrice ?? 0n],
    accessList: (parsed.accessList ?? []).map(({ address, storageKeys }) => ({
      address: address.toLowerCase(),
      storageKeys,
    })),
    signature:
      signature === null
        ? undefined
        : { r: BigInt(signature.r), s: BigInt(signature._s), yParity: signature.yParity },
  };
}

/** viem keeps the signature inside a parsed transaction, but does not use it when it serializes a legacy one. */
function legacySignature({ type, r, s, yParity, chainId }: TransactionSerializable): Signature | undefined {
  if (type !== 'legacy' || r === undefined || s === undefined || yParity === undefined) return undefined;
  const v = chainId === undefined ? 27n + BigInt(yParity) : 35n + 2n * BigInt(chainId) + BigInt(yParity);
  return { r, s, v, yParity };
}

/** -1 for what is no hex: viem passes on a list in place of a scalar, whatever its types say. */
function uint(hex: unknown): bigint {
  if (typeof hex !== 'string') return -1n;
  return hex === '0x' ? 0n : BigInt(hex);
}

function attempt<Result>(compute: () => Result): Result | undefined {
  try {
    return compute();
  } catch {
    return undefined;
  }
}

function refusal(error: unknown): Verdict {
  if (error instanceof OgpuError) throw error;
  return { accepted: false, code: error instanceof Error ? error.name : String(error) };
}
