import { bytes, keySpace, nibblePath, sizedBytes, uint, word } from './key-space.js';

/**
 * Every key of the ledger. State is what the state root commits to; the rest is the node's own and can be dropped or
 * rebuilt. Widths are part of the format: changing one is a new `STORE_FORMAT_VERSION`.
 */
export const STATE_KEYS = {
  /** Account: nonce, balance, code hash. */
  account: keySpace('acct/', bytes('address', 20)),
  /** Reserved for an EVM: code by its hash. */
  code: keySpace('code/', bytes('hash', 32)),
  /** Reserved for an EVM: storage of an account. */
  slot: keySpace('slot/', bytes('address', 20), bytes('slot', 32)),
  /** Totals outside of accounts: reserve, verifier pool, escrow. */
  pool: keySpace('pool/', word('name')),
  /** Values of the chain itself: identity, parameters, where it stands, epoch, active set. */
  system: keySpace('sys/', word('name')),
  /** When, where and with what power each epoch began, as long as evidence of it is accepted. */
  epoch: keySpace('epo/', uint('epoch', 8)),
  validator: keySpace('val/', bytes('owner', 20)),
  /** BLS key, in use or retired, → its validator. */
  validatorKey: keySpace('valk/', bytes('blsPublicKey', 48)),
  delegation: keySpace('del/', bytes('validator', 20), bytes('delegator', 20)),
  /** The same the other way round: what a delegator has delegated. */
  delegator: keySpace('delr/', bytes('delegator', 20), bytes('validator', 20)),
  /** What one delegator has asked back, until it is paid. */
  unbonding: keySpace('unb/', bytes('delegator', 20), uint('number', 8)),
  /** All that left one validator in one epoch: slashed as one. */
  unbondingPool: keySpace('unbp/', bytes('validator', 20), uint('epoch', 8)),
  /** Blocks an active validator has not signed. */
  liveness: keySpace('live/', bytes('validator', 20)),
  provider: keySpace('prov/', bytes('master', 20)),
  /** Address that stands for a provider besides its master → the provider. */
  operator: keySpace('oper/', bytes('operator', 20)),
  source: keySpace('src/', bytes('source', 32)),
  /** Graph of a source, as it was registered. */
  sourceGraph: keySpace('srcg/', bytes('source', 32)),
  /** What validators say of a source. */
  attestations: keySpace('srca/', bytes('source', 32)),
  job: keySpace('job/', bytes('job', 32)),
  /** Jobs of one status that are not over, in the order of their ids. */
  jobStatus: keySpace('jobs/', uint('status', 1), bytes('job', 32)),
  /** Jobs of one client, until they are forgotten. */
  clientJob: keySpace('jobc/', bytes('client', 20), bytes('job', 32)),
  /** Jobs a provider has claimed or works on. */
  providerJob: keySpace('jobp/', bytes('provider', 20), bytes('job', 32)),
  /** Who wants to do an open job. */
  claims: keySpace('clm/', bytes('job', 32)),
  attempt: keySpace('att/', bytes('job', 32), uint('attempt', 4)),
  /** Jobs in whose present attempt a validator has a voice. */
  duty: keySpace('duty/', bytes('validator', 20), bytes('job', 32)),
  /** What a validator owes audits, and its faults in them. */
  verifier: keySpace('vfy/', bytes('validator', 20)),
  /** The beacon of a recent height, at that height modulo their number. */
  beacon: keySpace('bcn/', uint('place', 4)),
  /** Heaps in the state: items by place, the smallest at 0, */
  heapItem: keySpace('heap/', word('heap'), uint('place', 4)),
  /** and the place of each item by its subject, the number of items by the empty one. */
  heapPlace: keySpace('hplc/', word('heap'), sizedBytes('subject')),
} as const;

export const NODE_KEYS = {
  /** Node of the state tree at a path: latest version only. */
  treeNode: keySpace('tree/', nibblePath('path')),
  /** What a block changed, so that it can be undone or its history dropped: height, then state key. */
  undo: keySpace('undo/', uint('height', 8), sizedBytes('stateKey')),
  /** The same by state key: its first entry above height h holds the value that was there after block h. */
  history: keySpace('hist/', sizedBytes('stateKey'), uint('height', 8)),
  block: keySpace('blk/', uint('height', 8)),
  /** Block id → height. */
  blockId: keySpace('bid/', bytes('id', 32)),
  /** Extended commit of a height. */
  commit: keySpace('com/', uint('height', 8)),
  receipt: keySpace('rcpt/', uint('height', 8), uint('index', 4)),
  /** Logs of a block's system phases, where there are any. */
  systemLogs: keySpace('slog/', uint('height', 8)),
  /** Transaction hash → height and index. */
  transaction: keySpace('tx/', bytes('hash', 32)),
  /** Logs by emitter. */
  logAddress: keySpace('loga/', bytes('address', 20), uint('height', 8), uint('logIndex', 4)),
  /** Logs by topic and its position 0–3. */
  logTopic: keySpace(
    'logt/',
    uint('position', 1),
    bytes('topic', 32),
    uint('height', 8),
    uint('logIndex', 4),
  ),
  /** The node's own marks: `schema`, `genesis`, `head`, `tail`. */
  meta: keySpace('meta/', word('name')),
} as const;
