import { toHex } from '../../protocol/bytes.js';
import { OgpuError, type ErrorData } from '../../protocol/errors.js';
import { RPC, type RpcCode } from './codes.js';
import { ExecutionReverted, jsonData, RpcError, SyncSendError, type ErrorObject } from './rpc-error.js';

/**
 * The answer for whatever a method has thrown. Texts of refused transactions are those of go-ethereum, by which wallets and libraries know
 * what is wrong; the typed code and its values are in `data`. What nobody has foreseen is error -32603 and says nothing of the inside.
 */
export function errorObject(error: unknown): ErrorObject {
  if (error instanceof ExecutionReverted)
    return { code: RPC.executionReverted, message: error.message, data: toHex(error.revertData) };
  if (error instanceof SyncSendError)
    return { code: error.rpcCode, message: error.message, data: toHex(error.hash) };
  if (error instanceof RpcError)
    return {
      code: error.rpcCode,
      message: error.message,
      data: { code: error.code, ...jsonData(error.data) },
    };
  if (error instanceof OgpuError) {
    const code = String(error.code);
    const answer = answerTo(code);
    if (answer !== undefined) {
      return {
        code: answer.code,
        message: answer.message(error.data, error.message),
        data: { code, ...jsonData(error.data) },
      };
    }
  }
  return { code: RPC.internalError, message: 'internal error', data: { code: 'RPC_INTERNAL' } };
}

/** Whether an error says nothing but that something is wrong with this node: to be logged. */
export function isInternal(error: unknown): boolean {
  const isKnown =
    error instanceof ExecutionReverted || error instanceof SyncSendError || error instanceof RpcError;
  return !isKnown && !(error instanceof OgpuError && answerTo(String(error.code)) !== undefined);
}

interface Answer {
  readonly code: RpcCode;
  readonly message: (data: ErrorData, text: string) => string;
}

function answerTo(code: string): Answer | undefined {
  const listed = ANSWERS[code];
  if (listed !== undefined) return listed;
  return FAMILIES.find(({ prefix }) => code.startsWith(prefix))?.answer;
}

function rejected(message: Answer['message']): Answer {
  return { code: RPC.transactionRejected, message };
}

const unsupportedType = rejected(() => 'transaction type not supported');
const badSignature = rejected((_, text) => `invalid transaction v, r, s values: ${text}`);

/** Amounts of `data` as decimal wei. */
const ANSWERS: Readonly<Record<string, Answer>> = {
  TX_NONCE_TOO_LOW: rejected(
    (data) => `nonce too low: next nonce ${show(data, 'expected')}, tx nonce ${show(data, 'received')}`,
  ),
  TX_NONCE_GAP: rejected(
    (data) => `nonce too high: next nonce ${show(data, 'expected')}, tx nonce ${show(data, 'received')}`,
  ),
  MEMPOOL_NONCE_TOO_FAR: rejected(
    (data) => `nonce too high: next nonce ${show(data, 'expected')}, tx nonce ${show(data, 'received')}`,
  ),
  TX_INSUFFICIENT_FUNDS: rejected(
    (data) =>
      `insufficient funds for gas * price + value: balance ${show(data, 'availableWei')}, tx cost ${show(data, 'requiredWei')}, overshot ${overshot(data)}`,
  ),
  MEMPOOL_OVERDRAFT: rejected(
    (data) =>
      `insufficient funds for gas * price + value: balance ${show(data, 'availableWei')}, queued cost ${show(data, 'committedWei')}, tx cost with it ${show(data, 'requiredWei')}, overshot ${overshot(data)}`,
  ),
  MEMPOOL_KNOWN: rejected(() => 'already known'),
  MEMPOOL_UNDERPRICED: rejected(
    (data) =>
      `transaction underpriced: gas tip cap ${show(data, 'maxPriorityFeePerGas')}, minimum needed ${show(data, 'requiredMaxPriorityFeePerGas')}`,
  ),
  MEMPOOL_REPLACEMENT_UNDERPRICED: rejected(
    (data) =>
      `replacement transaction underpriced: needs maxFeePerGas ${show(data, 'requiredMaxFeePerGas')} and maxPriorityFeePerGas ${show(data, 'requiredMaxPriorityFeePerGas')}`,
  ),
  MEMPOOL_SENDER_FULL: rejected((_, text) => `account limit exceeded: ${text}`),
  MEMPOOL_FULL: rejected((data, text) =>
    data['requiredMaxFeePerGas'] === undefined
      ? `txpool is full: ${text}`
      : `transaction underpriced: ${text}; needs maxFeePerGas ${show(data, 'requiredMaxFeePerGas')} and maxPriorityFeePerGas ${show(data, 'requiredMaxPriorityFeePerGas')}`,
  ),
  MEMPOOL_TOO_MANY_SUBSCRIBERS: { code: RPC.limitExceeded, message: (_, text) => text },
  TX_FEE_CAP_BELOW_BASE_FEE: rejected(
    (data) =>
      `max fee per gas less than block base fee: maxFeePerGas: ${show(data, 'feeCapPerGas')}, baseFee: ${show(data, 'baseFeeWei')}`,
  ),
  TX_GAS_LIMIT_BELOW_INTRINSIC: rejected(
    (data) =>
      `intrinsic gas too low: gas ${show(data, 'gasLimit')}, minimum needed ${show(data, 'required')}`,
  ),
  TX_GAS_LIMIT_ABOVE_BLOCK: rejected(
    (data) => `exceeds block gas limit: gas ${show(data, 'gasLimit')}, block ${show(data, 'available')}`,
  ),
  TX_CREATION_UNSUPPORTED: rejected((_, text) => `contract creation is not supported: ${text}`),
  TX_TOO_LARGE: rejected(
    (data) => `oversized data: transaction size ${show(data, 'bytes')}, limit ${show(data, 'maxBytes')}`,
  ),
  TX_TYPE_BLOB_UNSUPPORTED: unsupportedType,
  TX_TYPE_SET_CODE_UNSUPPORTED: unsupportedType,
  TX_TYPE_UNKNOWN: unsupportedType,
  TX_CHAIN_ID_WRONG: rejected(
    (data) => `invalid chain id for signer: have ${show(data, 'received')} want ${show(data, 'expected')}`,
  ),
  TX_NOT_REPLAY_PROTECTED: rejected(() => 'only replay-protected (EIP-155) transactions allowed over RPC'),
  TX_TIP_ABOVE_FEE_CAP: rejected(
    (_, text) => `max priority fee per gas higher than max fee per gas: ${text}`,
  ),
  TX_LEGACY_V_INVALID: badSignature,
  TX_Y_PARITY_INVALID: badSignature,
  TX_SIGNATURE_R_RANGE: badSignature,
  TX_SIGNATURE_S_RANGE: badSignature,
  TX_SIGNATURE_HIGH_S: badSignature,
  TX_SENDER_UNRECOVERABLE: badSignature,
  TX_INIT_CODE_TOO_LARGE: rejected((_, text) => `max initcode size exceeded: ${text}`),
  QUEUE_FULL: { code: RPC.limitExceeded, message: (_, text) => text },
  RECOVERY_BUSY: { code: RPC.limitExceeded, message: (_, text) => text },
  PAST_STATE_PRUNED: {
    code: RPC.resourceNotFound,
    message: (data) =>
      `state of block ${show(data, 'height')} is not available: kept are ${show(data, 'lowest')} to ${show(data, 'highest')}`,
  },
  PAST_STATE_NOT_FINAL: { code: RPC.resourceNotFound, message: () => 'header not found' },
  PAST_STATE_TOO_MANY_KEYS: { code: RPC.limitExceeded, message: (_, text) => text },
};

/** Errors without an entry of their own. */
const FAMILIES: readonly { readonly prefix: string; readonly answer: Answer }[] = [
  { prefix: 'TX_', answer: rejected((_, text) => `invalid transaction: ${text}`) },
  { prefix: 'RLP_', answer: rejected((_, text) => `rlp: ${text}`) },
];

function show(data: ErrorData, name: string): string {
  const value = data[name];
  return typeof value === 'bigint' || typeof value === 'number' || typeof value === 'string'
    ? value.toString()
    : 'unknown';
}

function overshot({ requiredWei, availableWei }: ErrorData): string {
  return typeof requiredWei === 'bigint' && typeof availableWei === 'bigint'
    ? (requiredWei - availableWei).toString()
    : 'unknown';
}
