import { Ajv, type ValidateFunction } from 'ajv';

/**
 * What the public Ethereum execution API asks of results: names, patterns and required fields as in `src/schemas` of
 * `ethereum/execution-apis`, in the versions below. Written anew, for the methods there are here.
 */
export const EXECUTION_API_VERSIONS = {
  'base-types.yaml': '01e6f627d7caa5e5b23b9729046bceebadbbd02b',
  'block.yaml': '070e33b9572fa4734cd291a0f0ea8977b7b411ac',
  'receipt.yaml': '024e954f1e51ce0d4efb3fab76e3b68dfa2d62cc',
  'transaction.yaml': '00eba3941bc2cad39bc4797e474048244e19ce1f',
} as const;

type Schema = Readonly<Record<string, unknown>>;

const text = (pattern: string): Schema => ({ type: 'string', pattern });
const uint = text('^0x([1-9a-f]+[0-9a-f]*|0)$');
const bytes = text('^0x[0-9a-f]*$');
const hash32 = text('^0x[0-9a-f]{64}$');
const address = text('^0x[0-9a-fA-F]{40}$');
const byte = text('^0x[0-9a-fA-F]{1,2}$');
const bytes8 = text('^0x[0-9a-f]{16}$');
const bytes256 = text('^0x[0-9a-f]{512}$');
const nothing: Schema = { type: 'null' };
const boolean: Schema = { type: 'boolean' };

const orNull = (schema: Schema): Schema => ({ oneOf: [nothing, schema] });
const listOf = (items: Schema): Schema => ({ type: 'array', items });

function object(
  required: Record<string, Schema>,
  optional: Record<string, Schema> = {},
  isClosed = false,
): Schema {
  return {
    type: 'object',
    required: Object.keys(required),
    properties: { ...required, ...optional },
    ...(isClosed ? { additionalProperties: false } : {}),
  };
}

const accessList = listOf(object({ address, storageKeys: listOf(hash32) }, {}, true));

const common = { nonce: uint, gas: uint, value: uint, input: bytes, gasPrice: uint };
const signature = { yParity: byte, r: uint, s: uint };
const to = { to: orNull(address) };
const signed: Schema = {
  oneOf: [
    object(
      {
        type: text('^0x2$'),
        ...common,
        maxFeePerGas: uint,
        maxPriorityFeePerGas: uint,
        chainId: uint,
        accessList,
        ...signature,
      },
      { ...to, v: byte },
    ),
    object({ type: text('^0x1$'), ...common, chainId: uint, accessList, ...signature }, { ...to, v: byte }),
    object({ type: text('^0x0$'), ...common, v: uint, r: uint, s: uint }, { ...to, chainId: uint }),
  ],
};
const placed = { blockHash: hash32, blockNumber: uint, blockTimestamp: uint, transactionIndex: uint };
const transactionInfo: Schema = {
  allOf: [object({ ...placed, from: address, hash: hash32 }), signed],
};
/** The API has no word for one that waits; nodes give null for its place. */
const pendingInfo: Schema = {
  allOf: [
    object({
      blockHash: nothing,
      blockNumber: nothing,
      transactionIndex: nothing,
      from: address,
      hash: hash32,
    }),
    signed,
  ],
};

const header = {
  parentHash: hash32,
  sha3Uncles: hash32,
  miner: address,
  stateRoot: hash32,
  transactionsRoot: hash32,
  receiptsRoot: hash32,
  logsBloom: bytes256,
  number: uint,
  gasLimit: uint,
  gasUsed: uint,
  timestamp: uint,
  extraData: bytes,
  mixHash: hash32,
  nonce: bytes8,
};
const block = object(
  {
    ...header,
    size: uint,
    transactions: { anyOf: [listOf(hash32), listOf(transactionInfo)] },
    uncles: listOf(hash32),
  },
  { hash: hash32, difficulty: uint, baseFeePerGas: uint },
);

const log = object(
  { transactionHash: hash32 },
  {
    ...{ removed: boolean, logIndex: uint, transactionIndex: uint, blockHash: hash32, blockNumber: uint },
    ...{ blockTimestamp: uint, address, data: bytes, topics: listOf(hash32) },
  },
  true,
);
const receipt = object(
  {
    ...{ blockHash: hash32, blockNumber: uint, from: address, cumulativeGasUsed: uint, gasUsed: uint },
    ...{ logs: listOf(log), logsBloom: bytes256, transactionHash: hash32, transactionIndex: uint },
    effectiveGasPrice: uint,
  },
  { type: byte, to: orNull(address), contractAddress: orNull(address), status: uint },
  true,
);

const feeHistory = object(
  {
    oldestBlock: uint,
    baseFeePerGas: listOf(uint),
    gasUsedRatio: listOf({ type: 'number', minimum: 0, maximum: 1 }),
  },
  { reward: listOf(listOf(uint)) },
);

const anyTransaction: Schema = { oneOf: [nothing, transactionInfo, pendingInfo] };

const RESULTS: Readonly<Record<string, Schema>> = {
  eth_chainId: uint,
  eth_blockNumber: uint,
  eth_gasPrice: uint,
  eth_maxPriorityFeePerGas: uint,
  eth_feeHistory: feeHistory,
  eth_accounts: listOf(address),
  eth_coinbase: address,
  eth_syncing: {
    oneOf: [{ const: false }, object({}, { startingBlock: uint, currentBlock: uint, highestBlock: uint })],
  },
  eth_getBalance: uint,
  eth_getTransactionCount: uint,
  eth_getCode: bytes,
  eth_getStorageAt: bytes,
  eth_call: bytes,
  eth_estimateGas: uint,
  eth_createAccessList: object({ accessList, gasUsed: uint }, { error: { type: 'string' } }),
  eth_getBlockByNumber: orNull(block),
  eth_getBlockByHash: orNull(block),
  eth_getBlockTransactionCountByNumber: orNull(uint),
  eth_getBlockTransactionCountByHash: orNull(uint),
  eth_getUncleCountByBlockNumber: orNull(uint),
  eth_getUncleCountByBlockHash: orNull(uint),
  eth_getBlockReceipts: orNull(listOf(receipt)),
  eth_sendRawTransaction: hash32,
  eth_sendRawTransactionSync: receipt,
  eth_getTransactionByHash: anyTransaction,
  eth_getTransactionByBlockNumberAndIndex: orNull(transactionInfo),
  eth_getTransactionByBlockHashAndIndex: orNull(transactionInfo),
  eth_getTransactionReceipt: orNull(receipt),
  eth_getLogs: listOf(log),
  eth_getFilterLogs: listOf(log),
  eth_getFilterChanges: { anyOf: [listOf(log), listOf(hash32)] },
  eth_newFilter: uintLike(),
  eth_newBlockFilter: uintLike(),
  eth_newPendingTransactionFilter: uintLike(),
  eth_uninstallFilter: boolean,
};

/** Ids are opaque; other nodes give quantities or 16 bytes. */
function uintLike(): Schema {
  return text('^0x[0-9a-f]+$');
}

const ajv = new Ajv({ strict: false });
const compiled = new Map<string, ValidateFunction>();

/** What is wrong with a result; undefined where nothing is, or the API does not know the method. */
export function executionApiFault(method: string, result: unknown): string | undefined {
  const schema = RESULTS[method];
  if (schema === undefined) return undefined;
  const validate = compiled.get(method) ?? ajv.compile(schema);
  compiled.set(method, validate);
  return validate(result) ? undefined : JSON.stringify(validate.errors?.slice(0, 6));
}
