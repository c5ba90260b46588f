import { z } from 'zod';
import { parseAddress } from '../../protocol/address.js';
import { fromHex } from '../../protocol/bytes.js';
import { DEFAULT_BLOB_LIMITS } from '../../compute/blobs/store.js';
import { DEFAULT_LIMITS } from '../../rpc/limits.js';
import type { Retention } from '../../state/chain/retention.js';
import { DEVICES } from '../compute/device.js';
import { DATABASE_DEFAULTS } from '../database.js';
import { DEFAULT_MEMPOOL_CONFIG } from '../mempool/config.js';
import { parseMultiaddress, parseNetwork, parseOrigin, parsePeer } from './addresses.js';
import {
  booleanSetting,
  bytesSetting,
  choiceSetting,
  formatBytes,
  integerSetting,
  listSetting,
  optionalInteger,
  optionalPath,
  optionalText,
  pathSetting,
  portSetting,
  specialSetting,
  textSetting,
} from './setting.js';

export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const;

/** With fewer, a node could not help a peer that was away for a moment. */
export const MIN_HISTORY_BLOCKS = 128;
const MAX_MS = 30 * 24 * 3_600_000;
const MIB = 1024 ** 2;
const GIB = 1024 ** 3;
const MEMPOOL = DEFAULT_MEMPOOL_CONFIG;

/** Everything that can be set, in the order in which it is documented. The file, the environment and the flags follow from it. */
export const SETTINGS = {
  dataDir: pathSetting({
    about: 'Folder of everything the node keeps: ledger, log of consensus, keys, this file.',
    initial: '~/.ogpu',
    flag: '--data',
  }),
  genesis: pathSetting({
    about: 'The genesis document of the chain. Its snapshots lie beside it.',
    initial: 'genesis/genesis.json',
  }),
  history: specialSetting<Retention>(
    `"archive" or the number of blocks to keep, at least ${MIN_HISTORY_BLOCKS}`,
    z.union([z.string(), z.number()]).transform((value, context): Retention => {
      const blocks = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value;
      if (blocks === 'archive') return { mode: 'archive' };
      if (typeof blocks === 'number' && Number.isSafeInteger(blocks) && blocks >= MIN_HISTORY_BLOCKS)
        return { mode: 'pruned', blocks };
      context.issues.push({ code: 'invalid_type', expected: 'custom', input: value });
      return z.NEVER;
    }),
    {
      about:
        'How much of the past is kept: "archive" for all of it, or the number of newest blocks with receipts and past states. What is dropped stays gone.',
      initial: 'archive',
    },
  ),
  checkInvariants: booleanSetting({
    about:
      'Check after every block what must always hold, such as the supply. Costs some time for each block.',
    initial: false,
  }),
  p2p: {
    listen: listSetting(16, 'a multiaddress such as /ip4/0.0.0.0/tcp/26600', parseMultiaddress, {
      about: 'Where other nodes can connect to. The loopback address serves this machine alone.',
      initial: ['/ip4/127.0.0.1/tcp/26600'],
    }),
    announce: listSetting(16, 'a multiaddress such as /dns4/node.example.org/tcp/26600', parseMultiaddress, {
      about: 'What other nodes are told in place of it: for nodes behind a router, or with a name.',
      initial: [],
      example: ['/dns4/node.example.org/tcp/26600'],
    }),
    peers: listSetting(256, 'a multiaddress that ends in /p2p/<peer id>', parsePeer, {
      about: 'Nodes to stay connected with. `ogpu keys show node-key` prints the peer id of a node.',
      initial: [],
      example: ['/dns4/other.example.org/tcp/26600/p2p/12D3KooWQYhTNQdmr3ArTeUHRYzFg94BKyTkoWBDWez9kSCVe2Xo'],
    }),
    maxPeers: integerSetting(1, 1_024, {
      about: 'Peers at once, apart from those named above.',
      initial: 64,
    }),
  },
  rpc: {
    enabled: booleanSetting({ about: 'Serve JSON-RPC over HTTP and WebSocket.', initial: true }),
    host: textSetting('an address of this machine', parseHost, {
      about: 'Address to serve at. Beyond the loopback address, put a proxy with TLS and limits in front.',
      initial: '127.0.0.1',
    }),
    port: portSetting({ about: 'Port to serve at; 0 takes any that is free.', initial: 8545 }),
    corsOrigins: listSetting(64, 'an origin such as https://app.example.org, or *', parseOrigin, {
      about: 'Web pages that may call the node from a browser; * for all of them.',
      initial: [],
      example: ['https://app.example.org'],
    }),
    trustedProxies: listSetting(64, 'an IP address or a network such as 10.0.0.0/8', parseNetwork, {
      about:
        'Proxies whose word on the address of a client is taken, so that limits count clients and not the proxy.',
      initial: [],
      example: ['127.0.0.1'],
    }),
    maxConnections: integerSetting(1, 65_536, {
      about: 'Open connections of all clients.',
      initial: DEFAULT_LIMITS.maxConnections,
    }),
    requestsPerSecond: integerSetting(1, 1_000_000, {
      about: 'Requests of one client in a second on average. Clients of this machine are not counted.',
      initial: DEFAULT_LIMITS.requestsPerSecond,
    }),
    burst: integerSetting(1, 10_000_000, {
      about: 'Requests of one client at once.',
      initial: DEFAULT_LIMITS.burst,
    }),
    maxRequestBytes: bytesSetting(1_024, GIB, {
      about: 'Bytes of one request.',
      initial: formatBytes(DEFAULT_LIMITS.maxRequestBytes),
    }),
    maxBatch: integerSetting(1, 100_000, {
      about: 'Calls in one request.',
      initial: DEFAULT_LIMITS.maxBatch,
    }),
    maxResponseBytes: bytesSetting(1_024, GIB, {
      about: 'Bytes of one answer.',
      initial: formatBytes(DEFAULT_LIMITS.maxResponseBytes),
    }),
    maxCallMs: integerSetting(1, 600_000, {
      about: 'Time of one call, in milliseconds.',
      initial: DEFAULT_LIMITS.maxCallMs,
    }),
    maxLogs: integerSetting(1, 1_000_000, { about: 'Logs in one answer.', initial: DEFAULT_LIMITS.maxLogs }),
    faucetKeyFile: optionalPath({
      about:
        'File, mode 0600, with the private key in hex of an account that gives coins to whoever asks. For devnets alone.',
      example: 'faucet.key',
    }),
  },
  metrics: {
    enabled: booleanSetting({ about: 'Serve /metrics, /health and /ready over HTTP.', initial: true }),
    host: textSetting('an address of this machine', parseHost, {
      about: 'Address to serve at. Nothing here asks who is reading.',
      initial: '127.0.0.1',
    }),
    port: portSetting({ about: 'Port to serve at; 0 takes any that is free.', initial: 9464 }),
  },
  validator: {
    enabled: booleanSetting({
      about:
        'Sign blocks with a validator key. Never run one key on two machines: the stake would be slashed.',
      initial: false,
    }),
    keystoreFile: optionalPath({
      about: 'The validator key, as `ogpu keys new validator` made it.',
      example: 'keys/validator-0x97a7b14f.json',
    }),
    passwordFile: optionalPath({
      about: 'File with the password of that key, mode 0600.',
      example: 'keys/validator.password',
    }),
    owner: optionalText('an address', parseAddress, {
      about: 'Address of the account that owns the validator: its name on the chain.',
      example: '0x70997970C51812dc3A010C7d01b50e0d17dc79C8',
    }),
  },
  sync: {
    mode: choiceSetting(['blocks', 'snapshot'], {
      about:
        'How a node without a ledger catches up: "blocks" executes every block since the genesis, "snapshot" fetches a recent state and proves it against a header that follows from the genesis, or from a block that you trust.',
      initial: 'blocks',
    }),
    trustedHeight: optionalInteger(1, Number.MAX_SAFE_INTEGER, {
      about:
        'For "snapshot": height of a final block that you have from somebody you trust. Needed once the genesis is older than the unbonding time of the chain.',
      example: 1_000_000,
    }),
    trustedId: optionalText('a block id: 0x and 64 hex digits', (text) => fromHex(text, 32), {
      about: 'Its id. It must be younger than the unbonding time of the chain.',
      example: `0x${'4f'.repeat(32)}`,
    }),
    snapshotIntervalBlocks: integerSetting(0, 1_000_000_000, {
      about:
        'A snapshot of the state is made and offered to other nodes at each multiple of this height; 0 makes none. Takes as much room as the state, twice. Equal on all nodes, pages can come from each of them.',
      initial: 10_000,
    }),
  },
  blobs: {
    enabled: booleanSetting({
      about:
        'Keep blobs – weights, inputs, states and outputs of jobs – and exchange them with peers and clients.',
      initial: true,
    }),
    folder: pathSetting({ about: 'Where they lie: a folder of their own.', initial: 'blobs' }),
    maxBytes: bytesSetting(MIB, 1_048_576 * GIB, {
      about:
        'Room for all of them. Where it is used up, those that no job, source or operator has pinned make room.',
      initial: formatBytes(DEFAULT_BLOB_LIMITS.maxBytes),
    }),
    maxUploaderBytes: bytesSetting(MIB, 1_048_576 * GIB, {
      about: 'Room for what one uploader has brought: the operator, or one address.',
      initial: formatBytes(DEFAULT_BLOB_LIMITS.maxUploaderBytes),
    }),
    maxBlobBytes: bytesSetting(MIB, 4 * GIB, {
      about: 'Bytes of one blob that is uploaded or fetched.',
      initial: formatBytes(DEFAULT_BLOB_LIMITS.maxBlobBytes),
    }),
    keepMs: integerSetting(60_000, 365 * 24 * 3_600_000, {
      about: 'What nobody has pinned is dropped when nobody has used it for so long, in milliseconds.',
      initial: 7 * 24 * 3_600_000,
    }),
    uploads: choiceSetting(['off', 'operator', 'anyone'], {
      about:
        'Who may bring blobs over HTTP: nobody; programs of this machine and who has the token; or anyone, each within its quota. Reading is free.',
      initial: 'operator',
    }),
    tokenFile: optionalPath({
      about: 'File, mode 0600, with a token of at least 16 characters that makes its sender the operator.',
      example: 'blobs.token',
    }),
    fetchTimeoutMs: integerSetting(1_000, 24 * 3_600_000, {
      about:
        'Time to fetch one blob from peers, in milliseconds. What has come of it is kept for the next try.',
      initial: 600_000,
    }),
  },
  compute: {
    verify: booleanSetting({
      about:
        'Judge jobs: a validator re-executes the segments it is drawn for and is paid for it. Needs blobs. One that does not judge says nothing about jobs.',
      initial: true,
    }),
    device: choiceSetting(DEVICES, {
      about:
        'What computes: "auto" is a GPU that answers all known questions as the reference does, else the reference; "reference" is the processor.',
      initial: 'auto',
    }),
    maxMemoryBytes: bytesSetting(64 * MIB, 1_024 * GIB, {
      about:
        'Memory that one segment of a job may take on the device. Sources that take more are left to others.',
      initial: formatBytes(2 * GIB),
    }),
  },
  log: {
    level: choiceSetting(LOG_LEVELS, {
      about: 'The least severe entries that are written.',
      initial: 'info',
    }),
    format: choiceSetting(['auto', 'json', 'pretty'], {
      about: 'One JSON object a line, or lines for people. "auto" is pretty on a terminal, JSON elsewhere.',
      initial: 'auto',
    }),
  },
  mempool: {
    maxCount: integerSetting(16, 10_000_000, {
      about: 'Transactions that wait for a block, at most.',
      initial: MEMPOOL.maxCount,
    }),
    maxBytes: bytesSetting(MIB, 4 * GIB, {
      about: 'Bytes of all of them. In memory they take several times that.',
      initial: formatBytes(MEMPOOL.maxBytes),
    }),
    maxSenderCount: integerSetting(1, 100_000, {
      about: "Transactions of one sender, and how far a nonce may be ahead of its account's.",
      initial: MEMPOOL.maxSenderCount,
    }),
    maxSenderBytes: bytesSetting(131_072, GIB, {
      about: 'Bytes of one sender.',
      initial: formatBytes(MEMPOOL.maxSenderBytes),
    }),
    maxExemptCount: integerSetting(1, 10_000_000, {
      about: 'Transactions of clients of this node that are safe from eviction.',
      initial: MEMPOOL.maxExemptCount,
    }),
    maxExemptBytes: bytesSetting(1_024, 4 * GIB, {
      about: 'Bytes of those.',
      initial: formatBytes(MEMPOOL.maxExemptBytes),
    }),
    minTipWei: specialSetting(
      'a whole number of wei',
      z.union([z.number().int().min(0), z.string().regex(/^\d{1,30}$/)]).transform(BigInt),
      { about: 'Least priority fee per gas, in wei.', initial: MEMPOOL.minTipWei.toString() },
    ),
    replacementBumpBps: integerSetting(1, 100_000, {
      about: 'What a replacement must offer more in both fee fields, in 1/10,000.',
      initial: MEMPOOL.replacementBumpBps,
    }),
    maxAgeMs: integerSetting(1_000, MAX_MS, {
      about: 'A transaction leaves after this time, in milliseconds.',
      initial: MEMPOOL.maxAgeMs,
    }),
    maxAnnouncements: integerSetting(16, 10_000_000, {
      about: 'Announced hashes that are kept for peers that lag.',
      initial: MEMPOOL.maxAnnouncements,
    }),
  },
  database: {
    readCacheBytes: bytesSetting(0, 4 * GIB, {
      about: 'Memory for values of the ledger that were read last.',
      initial: formatBytes(DATABASE_DEFAULTS.readCacheBytes),
    }),
    blockCacheBytes: bytesSetting(MIB, 64 * GIB, {
      about: 'Memory for blocks of the files of the database.',
      initial: formatBytes(DATABASE_DEFAULTS.blockCacheBytes),
    }),
    writeBufferBytes: bytesSetting(MIB, GIB, {
      about: 'Writes gathered in memory before they become files; up to twice this is held.',
      initial: formatBytes(DATABASE_DEFAULTS.writeBufferBytes),
    }),
    openFiles: integerSetting(64, 100_000, {
      about: 'Files of 1 MiB that stay open. Reads are slower when the state is larger than that.',
      initial: DATABASE_DEFAULTS.openFiles,
    }),
  },
} as const;

/** Meaning of each section, for the documentation. */
export const SECTIONS: Readonly<Record<string, string>> = {
  p2p: 'The network between nodes.',
  rpc: 'For clients: wallets, explorers, your own programs.',
  metrics: 'For operators: figures for Prometheus, and whether the node is alive and of use.',
  validator: 'Taking part in consensus. Without it the node follows the chain.',
  sync: 'Catching up with the chain.',
  blobs: 'What jobs compute with and is too large for the chain. See [blobs.md](blobs.md).',
  log: 'What the node tells on standard output.',
  mempool: 'Transactions that wait for a block.',
  database: 'Memory and files of the ledger.',
};

function parseHost(text: string): string {
  if (/^[A-Za-z0-9.:_-]{1,253}$/.test(text)) return text;
  throw new Error('not an address or a host name');
}
