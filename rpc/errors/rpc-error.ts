import { toHex } from '../../protocol/bytes.js';
import type { ErrorData } from '../../protocol/errors.js';
import { OgpuError } from '../../protocol/errors.js';
import { RPC, type RpcCode } from './codes.js';

/** The errors that this room makes itself; meanings and cures are in `catalogue.ts`. */
export type RpcErrorCode =
  | 'RPC_PARSE'
  | 'RPC_REQUEST_INVALID'
  | 'RPC_METHOD_UNKNOWN'
  | 'RPC_METHOD_UNSUPPORTED'
  | 'RPC_PARAMS_INVALID'
  | 'RPC_INTERNAL'
  | 'RPC_BATCH_TOO_LARGE'
  | 'RPC_RESPONSE_TOO_LARGE'
  | 'RPC_RATE_LIMITED'
  | 'RPC_BUSY'
  | 'RPC_TIMEOUT'
  | 'RPC_WEBSOCKET_ONLY'
  | 'RPC_TOO_MANY_SUBSCRIPTIONS'
  | 'RPC_TOO_MANY_FILTERS'
  | 'RPC_FILTER_UNKNOWN'
  | 'RPC_BLOCK_UNKNOWN'
  | 'RPC_BLOCK_PRUNED'
  | 'RPC_LOG_RANGE'
  | 'RPC_TOO_MANY_LOGS'
  | 'RPC_GAS_EXCEEDED'
  | 'RPC_FUNDS'
  | 'RPC_CREATION_UNSUPPORTED'
  | 'RPC_SYNC_TIMEOUT'
  | 'RPC_SYNC_NOT_READY'
  | 'RPC_VALIDATOR_UNKNOWN'
  | 'RPC_PROVIDER_UNKNOWN'
  | 'RPC_SOURCE_UNKNOWN'
  | 'RPC_FAUCET_CLOSED'
  | 'RPC_FAUCET_TOO_SOON'
  | 'RPC_FAUCET_EMPTY'
  | 'RPC_CURSOR_INVALID';

/** An answer that is an error: its number, its text for wallets, and `{ code, … }` as its data. */
export class RpcError extends OgpuError<RpcErrorCode> {
  readonly rpcCode: RpcCode;

  constructor(rpcCode: RpcCode, code: RpcErrorCode, message: string, data: ErrorData = {}) {
    super(code, message, data);
    this.rpcCode = rpcCode;
  }
}

/** A call that was undone: error 3, whose data is nothing but the revert data, as wallets expect. */
export class ExecutionReverted extends Error {
  readonly revertData: Uint8Array;

  constructor(revertData: Uint8Array) {
    super('execution reverted');
    this.revertData = revertData;
  }
}

/** What EIP-7966 answers in place of a receipt: its data is the hash alone. */
export class SyncSendError extends Error {
  readonly rpcCode: typeof RPC.waitTimedOut | typeof RPC.notReady;
  readonly hash: Uint8Array;

  constructor(rpcCode: SyncSendError['rpcCode'], message: string, hash: Uint8Array) {
    super(message);
    this.rpcCode = rpcCode;
    this.hash = hash;
  }
}

export interface ErrorObject {
  readonly code: number;
  readonly message: string;
  readonly data?: unknown;
}

export function invalidParams(message: string, data: ErrorData = {}): RpcError {
  return new RpcError(RPC.invalidParams, 'RPC_PARAMS_INVALID', message, data);
}

/** Data of an error as JSON: whole numbers beyond JavaScript's as decimal text, bytes as hex. */
export function jsonData(data: ErrorData): Record<string, unknown> {
  return Object.fromEntries(Object.entries(data).map(([name, value]) => [name, jsonValue(value)]));
}

function jsonValue(value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (value instanceof Uint8Array) return toHex(value);
  return value;
}
