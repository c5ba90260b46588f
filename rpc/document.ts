import { CATALOGUE } from './errors/catalogue.js';
import { DEFAULT_LIMITS } from './limits.js';
import { namespaceOf, openRpcDocument, type JsonSchema, type OpenRpcMethod } from './openrpc.js';

/** The text of docs/rpc.md. */
export function rpcDocument(): string {
  const { methods, components } = openRpcDocument('');
  return [
    INTRODUCTION,
    limits(),
    DIFFERENCES,
    errors(),
    ...methodSections(methods),
    shapes(components.schemas),
  ].join('\n\n');
}

const INTRODUCTION = `# JSON-RPC

Generated from the OpenRPC document that every node serves as \`rpc.discover\`; the same schemas check what is sent.

A node answers JSON-RPC 2.0 by POST to \`/\` and by WebSocket at the same place, single requests and batches. It listens on the loopback
interface, port 8545, unless configured otherwise; no key is needed. Parameters may be given by position or by name. Every block is final when
it is there: \`latest\`, \`safe\` and \`finalized\` are the same block, and nothing is ever removed. \`GET /health\` and \`GET /ready\` answer 200 or
503.

Wallets: [wallets.md](wallets.md). Calls of modules: [modules.md](modules.md). Refusals of transactions: [mempool.md](mempool.md).`;

const DIFFERENCES = `## Where it differs from Ethereum

The shapes are those of the Ethereum execution API; the tests validate every reply against its schemas
(\`test/support/execution-api.ts\` names the versions). What is in them differs in this:

| what | here | why |
|---|---|---|
| \`hash\` of a block, \`parentHash\` | SSZ root of the header | blocks are SSZ; nothing but a header hashes to it |
| \`transactionsRoot\`, \`receiptsRoot\` | SSZ roots | the same |
| \`stateRoot\` | root of the state tree after the block | [state-tree.md](spec/state-tree.md); proofs by \`ogpu_getAccountProof\`, not \`eth_getProof\` |
| \`miner\` | id of the validator that proposed | it is nobody's coinbase: tips go to its payout address |
| \`mixHash\` | SHA-256 of the beacon reveal | as unpredictable as PREVRANDAO |
| \`nonce\`, \`difficulty\`, \`sha3Uncles\`, \`uncles\` | zero, zero, that of none, empty | no proof of work |
| \`timestamp\` | whole seconds of a time in ms | several blocks can share one; \`ogpu_header\` has the ms |
| block 0 | the genesis: its id, no transactions, \`stateRoot\` zero; fees and gas limit of block 1 | no validator made it |
| \`pending\` | for nonces, what waits in the mempool counts; for all else the last final block | there is no block in the making to show |
| logs of system phases | in \`eth_getLogs\` and subscriptions, numbered with the others; \`transactionHash\` is the hash of the block; \`transactionIndex\` 0 before the transactions, their number after them | rewards, unbonding, slashes and epochs belong to no transaction |
| \`eth_call\`, \`eth_estimateGas\` | run as in the block after the one named; on \`latest\` its time is now | modules know heights and times |
| \`eth_estimateGas\` | exact | gas of a function follows from its arguments alone |
| \`eth_getCode\` of a module | five bytes that revert | wallets take an address with code for a contract |
| \`eth_getStorageAt\` | zero | no contracts yet |
| blobs, withdrawals, EIP-7702 | absent | not part of this chain |
| a range of logs that ends above the head | ends at the head | |`;

function limits(): string {
  const row = (what: string, value: string): string => `| ${what} | ${value} |`;
  const count = (value: number): string => value.toLocaleString('en-GB');
  const mib = (bytes: number): string => `${bytes / 1024 / 1024} MiB`;
  const seconds = (ms: number): string => `${ms / 1000} s`;
  const limit = DEFAULT_LIMITS;
  return [
    '## Limits',
    '',
    'As a node has them unless its operator says otherwise.',
    '',
    '| what | limit |',
    '|---|---|',
    row('a request', mib(limit.maxRequestBytes)),
    row('a batch', `${count(limit.maxBatch)} requests`),
    row('an answer, a batch in all', mib(limit.maxResponseBytes)),
    row('a call', seconds(limit.maxCallMs)),
    row('heavy calls at a time; waiting', `${limit.maxHeavyCalls}; ${limit.maxHeavyWaiting}`),
    row('requests at a time; open sockets', `${count(limit.maxRequests)}; ${count(limit.maxConnections)}`),
    row(
      'requests of one client, but for those of the same machine',
      `${limit.requestsPerSecond} a second, ${count(limit.burst)} at once`,
    ),
    row(
      'logs in an answer; index entries looked at; blocks where neither emitter nor topic is named',
      `${count(limit.maxLogs)}; ${count(limit.maxLogEntries)}; ${count(limit.maxLogBlocks)}`,
    ),
    row('filters; forgotten after', `${count(limit.maxFilters)}; ${seconds(limit.filterIdleMs)}`),
    row('subscriptions of a socket', count(limit.maxSubscriptions)),
    row('bytes that wait for a socket before it is closed', mib(limit.maxSocketBacklogBytes)),
    row(
      'wait of `eth_sendRawTransactionSync`: usual; longest',
      `${seconds(limit.syncWaitMs)}; ${seconds(limit.maxSyncWaitMs)}`,
    ),
  ].join('\n');
}

function errors(): string {
  const rows = Object.entries(CATALOGUE).map(
    ([code, { rpcCode, meaning, cure }]) => `| \`${code}\` | ${rpcCode} | ${meaning} | ${cure} |`,
  );
  return [
    '## Errors',
    '',
    'Numbers are those of JSON-RPC 2.0 and EIP-1474. `data` is `{ code, … }` with a stable code and the values to act on, amounts in decimal',
    'text; but for a revert (error 3, `execution reverted`) it is the revert data alone, as wallets expect, and for codes 4 and 5 (EIP-7966) the',
    'hash of the transaction.',
    '',
    '| code | number | meaning | cure |',
    '|---|---|---|---|',
    ...rows,
    '| `TX_…`, `RLP_…`, `MEMPOOL_…` | -32003 | a transaction is refused; texts are those of go-ethereum | [mempool.md](mempool.md), [transactions.md](spec/transactions.md) |',
    '| `RECOVERY_BUSY`, `QUEUE_FULL` | -32005 | too many signatures wait to be verified | try again later |',
    '| `PAST_STATE_PRUNED` | -32001 | the state of this block is not kept; `lowest`, `highest` | ask for a later one, or an archive node |',
    '| `PAST_STATE_TOO_MANY_KEYS` | -32005 | the call reads too much of a past state | ask for less |',
  ].join('\n');
}

const TITLES: Readonly<Record<string, string>> = {
  eth: 'Ethereum',
  net: 'Network',
  web3: 'Software',
  txpool: 'Mempool',
  ogpu: 'oGPU',
  rpc: 'This interface',
};

function methodSections(methods: readonly OpenRpcMethod[]): string[] {
  return Object.entries(TITLES).map(([namespace, title]) => {
    const some = methods.filter(({ name }) => namespaceOf(name) === namespace);
    return [`## ${title}: ${namespace}`, ...some.map(methodText)].join('\n\n');
  });
}

function methodText({ name, summary, description, params, result, errors: codes }: OpenRpcMethod): string {
  const rows = params.map(
    (param) =>
      `| \`${param.name}\`${param.required ? '' : ' (optional)'} | ${typeText(param.schema)} | ${param.description} |`,
  );
  return [
    `### ${name}`,
    '',
    description === undefined ? summary : `${summary} ${description}`,
    ...(rows.length === 0 ? [] : ['', '| parameter | type | meaning |', '|---|---|---|', ...rows]),
    '',
    `Result: ${typeText(result.schema)}. ${result.description}`,
    ...(codes === undefined ? [] : ['', `Errors: ${codes.map(({ data }) => `\`${data}\``).join(', ')}.`]),
  ].join('\n');
}

function shapes(schemas: Readonly<Record<string, JsonSchema>>): string {
  return ['## Types', ...Object.entries(schemas).map(([name, schema]) => shapeText(name, schema))].join(
    '\n\n',
  );
}

function shapeText(name: string, schema: JsonSchema): string {
  const { description } = schema;
  const fields = fieldsOf(schema);
  return [
    `### ${name}`,
    '',
    typeof description === 'string' ? description : '',
    ...(fields.length > 0
      ? ['', '| field | type | meaning |', '|---|---|---|', ...fields]
      : ['', `Type: ${typeText({ ...schema, description: undefined })}.`]),
  ].join('\n');
}

function fieldsOf({ properties, required }: JsonSchema): string[] {
  if (typeof properties !== 'object' || properties === null) return [];
  const names = Array.isArray(required) ? (required as unknown[]) : [];
  return Object.entries(properties as Record<string, JsonSchema>).map(([field, schema]) => {
    const mark = names.includes(field) ? '' : ' (optional)';
    const meaning = typeof schema['description'] === 'string' ? schema['description'] : '';
    return `| \`${field}\`${mark} | ${typeText(schema)} | ${meaning} |`;
  });
}

/** A schema in few words. */
function typeText(schema: JsonSchema): string {
  const { $ref, type, items, anyOf, oneOf, allOf, pattern, enum: choices, const: only, properties } = schema;
  if (typeof $ref === 'string') return linkTo($ref);
  if (Array.isArray(allOf)) return (allOf as JsonSchema[]).map(typeText).join(' and ');
  const options = anyOf ?? oneOf;
  if (Array.isArray(options)) return (options as JsonSchema[]).map(typeText).join(', or ');
  if (Array.isArray(choices))
    return (choices as unknown[]).map((choice) => `\`${JSON.stringify(choice)}\``).join(', ');
  if (only !== undefined) return `\`${JSON.stringify(only)}\``;
  if (type === 'array')
    return `list of ${typeof items === 'object' ? typeText(items as JsonSchema) : 'anything'}`;
  if (type === 'object' && typeof properties === 'object' && properties !== null)
    return `object of ${Object.entries(properties as Record<string, JsonSchema>)
      .map(([field, part]) => `\`${field}\` (${typeText(part)})`)
      .join(', ')}`;
  if (typeof pattern === 'string') return `text like \`${pattern.replaceAll('|', '\\|')}\``;
  return typeof type === 'string' ? ({ string: 'text', integer: 'whole number' }[type] ?? type) : 'anything';
}

function linkTo(reference: string): string {
  const name = reference.split('/').at(-1) ?? '';
  return `[${name}](#${name.toLowerCase()})`;
}
