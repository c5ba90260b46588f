/** Error numbers of JSON-RPC 2.0, of EIP-1474, of a revert as wallets know it, and of EIP-7966. */
export const RPC = {
  parseError: -32700,
  invalidRequest: -32600,
  methodNotFound: -32601,
  invalidParams: -32602,
  internalError: -32603,
  invalidInput: -32000,
  resourceNotFound: -32001,
  resourceUnavailable: -32002,
  transactionRejected: -32003,
  methodNotSupported: -32004,
  limitExceeded: -32005,
  executionReverted: 3,
  waitTimedOut: 4,
  notReady: 5,
} as const;

export type RpcCode = (typeof RPC)[keyof typeof RPC];
