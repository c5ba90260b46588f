import { RPC, type RpcCode } from './codes.js';
import type { RpcErrorCode } from './rpc-error.js';

export interface CatalogueEntry {
  readonly rpcCode: RpcCode;
  readonly meaning: string;
  readonly cure: string;
}

/** Every code that this room makes itself, in the order of the documents. */
export const CATALOGUE: Readonly<Record<RpcErrorCode, CatalogueEntry>> = {
  RPC_PARSE: {
    rpcCode: RPC.parseError,
    meaning: 'the text is not JSON',
    cure: 'send one JSON value in UTF-8',
  },
  RPC_REQUEST_INVALID: {
    rpcCode: RPC.invalidRequest,
    meaning: 'the JSON is no JSON-RPC 2.0 request, or it came by another way than POST / or WebSocket',
    cure: 'the message says what is missing',
  },
  RPC_METHOD_UNKNOWN: {
    rpcCode: RPC.methodNotFound,
    meaning: 'there is no such method; `method`',
    cure: '`rpc.discover` lists them all',
  },
  RPC_METHOD_UNSUPPORTED: {
    rpcCode: RPC.methodNotSupported,
    meaning: 'a method of other nodes that cannot be here; `method`',
    cure: 'the message says what to use instead',
  },
  RPC_PARAMS_INVALID: {
    rpcCode: RPC.invalidParams,
    meaning: 'a parameter is missing or not what it must be; `argument`, `name`, `faults`',
    cure: 'the message names the parameter and the fault',
  },
  RPC_INTERNAL: {
    rpcCode: RPC.internalError,
    meaning: 'something is wrong with this node; its log says what',
    cure: 'try again; tell the operator',
  },
  RPC_BATCH_TOO_LARGE: {
    rpcCode: RPC.limitExceeded,
    meaning: 'a batch has more than `maxBatch` requests; none was looked at',
    cure: 'send smaller batches',
  },
  RPC_RESPONSE_TOO_LARGE: {
    rpcCode: RPC.limitExceeded,
    meaning: 'the answer, or that of the batch up to here, would have more than `maxResponseBytes`',
    cure: 'ask for less at a time',
  },
  RPC_RATE_LIMITED: {
    rpcCode: RPC.limitExceeded,
    meaning: 'this client asks too often; `retryAfterMs`. HTTP status 429',
    cure: 'wait that long; subscribe instead of polling',
  },
  RPC_BUSY: {
    rpcCode: RPC.limitExceeded,
    meaning: 'too many requests, heavy calls or waits are at work already',
    cure: 'try again later',
  },
  RPC_TIMEOUT: {
    rpcCode: RPC.resourceUnavailable,
    meaning: 'the call took longer than `maxMs`',
    cure: 'ask for less at a time',
  },
  RPC_WEBSOCKET_ONLY: {
    rpcCode: RPC.methodNotSupported,
    meaning: 'subscriptions need a connection that stays open',
    cure: 'connect by WebSocket, or use filters',
  },
  RPC_TOO_MANY_SUBSCRIPTIONS: {
    rpcCode: RPC.limitExceeded,
    meaning: 'a socket has more than `maxSubscriptions`',
    cure: 'end some, or open another socket',
  },
  RPC_TOO_MANY_FILTERS: {
    rpcCode: RPC.limitExceeded,
    meaning: 'the node keeps `maxFilters` filters already',
    cure: 'remove yours when you are done; subscribe',
  },
  RPC_FILTER_UNKNOWN: {
    rpcCode: RPC.invalidInput,
    meaning: 'no such filter, or none of this kind: it was removed, forgotten, or made before a restart',
    cure: 'make a new one',
  },
  RPC_BLOCK_UNKNOWN: {
    rpcCode: RPC.resourceNotFound,
    meaning: 'no final block has this number or hash; `head`',
    cure: 'ask for one up to `head`',
  },
  RPC_BLOCK_PRUNED: {
    rpcCode: RPC.resourceNotFound,
    meaning: 'the node does not keep this block any more; `lowest` is the lowest it keeps',
    cure: 'ask for a later one, or an archive node',
  },
  RPC_LOG_RANGE: {
    rpcCode: RPC.limitExceeded,
    meaning: 'the search looks at too many blocks or index entries; `from`, `to`: a range that would do',
    cure: 'search that range, then from there on',
  },
  RPC_TOO_MANY_LOGS: {
    rpcCode: RPC.limitExceeded,
    meaning: 'more logs match than one answer holds; `from`, `to`: a range that would do',
    cure: 'search that range, then from there on',
  },
  RPC_GAS_EXCEEDED: {
    rpcCode: RPC.transactionRejected,
    meaning:
      'the gas named is less than needed, or more than a block has; `gasLimit`, `required` or `available`',
    cure: 'name more, less, or none',
  },
  RPC_FUNDS: {
    rpcCode: RPC.transactionRejected,
    meaning: 'the balance does not cover value and fee of the simulated call; `availableWei`, `requiredWei`',
    cure: 'add money, or simulate without price',
  },
  RPC_CREATION_UNSUPPORTED: {
    rpcCode: RPC.transactionRejected,
    meaning: 'the call has no `to`: it would create a contract, and there are none yet',
    cure: 'name the module to call',
  },
  RPC_SYNC_TIMEOUT: {
    rpcCode: RPC.waitTimedOut,
    meaning:
      'the transaction is in the mempool but was not included in time; data is its hash alone (EIP-7966)',
    cure: 'ask for its receipt later',
  },
  RPC_SYNC_NOT_READY: {
    rpcCode: RPC.notReady,
    meaning: 'the transaction waits for an earlier nonce or for money; data is its hash alone (EIP-7966)',
    cure: 'send what is missing',
  },
  RPC_VALIDATOR_UNKNOWN: {
    rpcCode: RPC.resourceNotFound,
    meaning: 'no validator has this owner',
    cure: '`ogpu_validators` lists them',
  },
  RPC_PROVIDER_UNKNOWN: {
    rpcCode: RPC.resourceNotFound,
    meaning: 'the address stands for no provider',
    cure: '`ogpu_providers` lists them',
  },
  RPC_SOURCE_UNKNOWN: {
    rpcCode: RPC.resourceNotFound,
    meaning: 'no program is registered under this hash',
    cure: '`ogpu_sources` lists them',
  },
  RPC_FAUCET_CLOSED: {
    rpcCode: RPC.methodNotSupported,
    meaning: 'the node gives no coins away',
    cure: 'use a node of a devnet that does',
  },
  RPC_FAUCET_TOO_SOON: {
    rpcCode: RPC.limitExceeded,
    meaning: 'the address was given coins lately; `retryAfterMs`',
    cure: 'wait that long',
  },
  RPC_FAUCET_EMPTY: {
    rpcCode: RPC.resourceUnavailable,
    meaning: 'the faucet has too little left; `availableWei`, `requiredWei`',
    cure: 'ask for less; tell the operator',
  },
  RPC_CURSOR_INVALID: {
    rpcCode: RPC.invalidParams,
    meaning: 'the cursor is none of this list or chain',
    cure: 'begin anew without one',
  },
};
