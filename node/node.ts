import { mkdir } from 'node:fs/promises';
import { keyOf } from '../consensus/committee.js';
import { chainHandlers } from '../p2p/chain-requests.js';
import type { NetworkOptions } from '../p2p/network-config.js';
import { Network, type NetworkEvent } from '../p2p/network.js';
import { toHex } from '../protocol/bytes.js';
import { bls } from '../protocol/crypto/bls.js';
import type { ChainIdentity } from '../protocol/domains.js';
import type { ExtendedCommit } from '../protocol/types/commit.js';
import { Pruner, type Retention } from '../state/chain/retention.js';
import { chainIdentityAt, paramsRecord } from '../state/system/chain.js';
import { Closers } from './closers.js';
import type { LocalBlock } from './consensus/block-execution.js';
import { takeSeat, type Seat } from './consensus/seat.js';
import { journalFile, ledgerFolder } from './data-folder.js';
import type { DatabaseOptions } from './database.js';
import type { NodeIdentity } from './keys/node-identity.js';
import { openLedgerOf, type GenesisSource, type Ledger } from './ledger.js';
import { Listeners } from './listeners.js';
import type { Logger } from './logging/logger.js';
import { Repeats } from './logging/repeats.js';
import type { MempoolConfig } from './mempool/config.js';
import { TransactionService } from './mempool/service.js';
import type { SyncFigures } from './metrics/sources.js';
import { poolEngine } from './signatures/engine.js';
import { SignaturePool } from './signatures/pool.js';
import { storeChainSource } from './sync/chain-source.js';
import { systemClock } from './system-clock.js';
import { bindingOf, keyWarning, type ValidatorIdentity } from './validator-identity.js';

export interface NodeOptions {
  readonly dataDir: string;
  readonly genesis: GenesisSource;
  readonly identity: NodeIdentity;
  /** Undefined for a node that only follows. */
  readonly validator: ValidatorIdentity | undefined;
  readonly p2p: NetworkOptions;
  readonly mempool: Partial<MempoolConfig>;
  readonly database: Omit<DatabaseOptions, 'path' | 'identity'>;
  readonly retention: Retention;
  /** Threads that verify signatures. */
  readonly signatureWorkers: number;
  readonly checkInvariants: boolean;
  readonly log: Logger;
}

/** A block that has just become final. */
export interface FinalNews {
  readonly local: LocalBlock;
  readonly commit: ExtendedCommit;
}

/** A node that runs: what its servers and its command are given. */
export interface RunningNode {
  readonly ledger: Ledger;
  readonly transactions: TransactionService;
  readonly network: Network;
  readonly validator: ValidatorIdentity | undefined;
  readonly finals: Listeners<FinalNews>;
  /** Of the network, after the node has dealt with them. */
  readonly events: Listeners<NetworkEvent>;
  readonly sync: () => SyncFigures;
  /** The part it takes in consensus; undefined while it does not. */
  readonly seat: () => Seat | undefined;
  /** Resolves when the node has come to a trouble of its own that it must not go on with; it is to be stopped then. */
  readonly failed: Promise<unknown>;
  /** Ends what is in progress in order: the block, the journal, the store. */
  readonly stop: () => Promise<void>;
}

/**
 * Starts all parts of a node. What is opened last is closed first; where one does not open, the others are closed again.
 *
 * @throws what a part does not open with
 */
export async function startNode(options: NodeOptions): Promise<RunningNode> {
  const closers = new Closers();
  const stop = (): Promise<void> =>
    closers.closeAll((name, error) => {
      options.log.error({ err: error, part: name }, 'a part of the node did not close in order');
    });
  try {
    return { ...(await openParts(options, closers)), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function openParts(options: NodeOptions, closers: Closers): Promise<Omit<RunningNode, 'stop'>> {
  const { log, validator } = options;
  const { failed, fail } = failure();
  const finals = new Listeners<FinalNews>();
  const events = new Listeners<NetworkEvent>();
  const repeats = new Repeats();
  const consensus: { seat?: Seat } = {};

  const ledger = await openStore(options, closers);
  const chain = identityOf(ledger);
  const signatures = new SignaturePool({ workers: options.signatureWorkers });
  closers.add('signatures', () => signatures.close());
  const gossip: { network?: Network } = {};
  const transactions = await openTransactions(options, closers, {
    ledger,
    signatures,
    publish: (envelopes) => gossip.network?.publishTransactions(envelopes),
  });

  const network = await Network.start({
    privateKeyProtobuf: options.identity.privateKeyProtobuf,
    chain,
    headHeight: () => consensus.seat?.participant.tip.parent.height ?? ledger.head.height,
    ...(validator === undefined ? {} : { binding: bindingOf(validator, chain, options.identity.peerId) }),
    bindings: {
      bls,
      keyOf: (id) => consensus.seat && keyOf(consensus.seat.participant.tip.committee, id),
    },
    serve: chainHandlers(storeChainSource(ledger.store)),
    gossip: { onTransactions: (_peer, envelopes) => transactions.takeFromPeer(envelopes) },
    onMessage: (peer, message) => {
      consensus.seat?.participant.receive(peer, message);
    },
    onEvent: (event) => {
      logNetworkEvent(log, repeats, event);
      if (event.kind === 'peer-gone') consensus.seat?.participant.disconnected(event.peer);
      if (event.kind === 'peer-admitted') transactions.republishSoon();
      events.tell(event);
    },
    options: options.p2p,
  });
  gossip.network = network;
  closers.add('network', () => network.stop());
  log.info({ peerId: network.id, addresses: network.addresses }, 'network listening');

  const seat = await takeSeat({
    dataDir: options.dataDir,
    store: ledger.store,
    bls,
    validator,
    signatures: poolEngine(signatures),
    network,
    clock: systemClock,
    transactions,
    checkInvariants: options.checkInvariants,
    onFinal: (local, commit) => {
      finals.tell({ local, commit });
    },
    onWarning: (error) => {
      repeats.write(error.code, log.warn, { err: error }, 'consensus');
    },
    onStop: fail,
  });
  consensus.seat = seat;
  closers.add('consensus', seat.close);
  prune(options, ledger, finals, fail);
  const sync = (): SyncFigures => ({
    isSyncing: false,
    bestPeerHeight: Math.max(0, ...network.peers.map(({ headHeight }) => headHeight)),
  });
  return {
    ...{ ledger, transactions, network, validator, finals, events, failed },
    seat: () => consensus.seat,
    sync,
  };
}

async function openStore(options: NodeOptions, closers: Closers): Promise<Ledger> {
  const { dataDir, genesis, database, log, validator } = options;
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const ledger = await openLedgerOf({ ...database, path: ledgerFolder(dataDir), genesis });
  closers.add('store', () => ledger.store.close());
  log.info({ height: ledger.head.height, id: toHex(ledger.head.id) }, 'ledger open');
  const warning = validator && keyWarning(ledger.store, validator);
  if (warning !== undefined) log.warn({ err: warning }, 'the validator key is of no use yet');
  return ledger;
}

async function openTransactions(
  { dataDir, mempool, log }: NodeOptions,
  closers: Closers,
  parts: {
    readonly ledger: Ledger;
    readonly signatures: SignaturePool;
    readonly publish: (envelopes: readonly Uint8Array[]) => void;
  },
): Promise<TransactionService> {
  const { ledger, signatures, publish } = parts;
  const service = new TransactionService({
    state: ledger.store,
    identity: identityOf(ledger),
    recover: (batch) => signatures.recoverAddresses(batch),
    nowMs: () => Date.now(),
    journal: journalFile(dataDir),
    config: mempool,
    publish,
    onJournalFault: (error) => {
      log.error({ err: error }, 'the journal of waiting transactions cannot be written');
    },
  });
  closers.add('transactions', () => service.close());
  const report = await service.restore();
  if (report.restored > 0 || report.damagedBytes > 0)
    log.info({ ...report }, 'waiting transactions restored');
  return service;
}

/** Drops what leaves the window of history, after each block. */
function prune(
  { retention }: NodeOptions,
  ledger: Ledger,
  finals: Listeners<FinalNews>,
  fail: (error: unknown) => void,
): void {
  const pruner = new Pruner(ledger.store, retention);
  finals.add(() => {
    pruner.step().catch(fail);
  });
}

function identityOf({ store, head }: Ledger): ChainIdentity {
  return chainIdentityAt(store, paramsRecord.read(store), head.height + 1);
}

/** The first trouble that a node must not go on with. */
function failure(): { readonly failed: Promise<unknown>; readonly fail: (error: unknown) => void } {
  let fail: (error: unknown) => void = () => undefined;
  const failed = new Promise<unknown>((resolve) => {
    fail = resolve;
  });
  return { failed, fail };
}

function logNetworkEvent(log: Logger, repeats: Repeats, event: NetworkEvent): void {
  switch (event.kind) {
    case 'peer-admitted':
      log.info({ peer: event.peer, inbound: event.isInbound }, 'peer connected');
      return;
    case 'peer-gone':
      log.info({ peer: event.peer }, 'peer gone');
      return;
    case 'peer-refused':
      repeats.write(
        `${event.peer} ${event.error.code}`,
        log.warn,
        { peer: event.peer, err: event.error },
        'peer refused',
      );
      return;
    case 'peer-blamed': {
      const fields = { peer: event.peer, err: event.error, banned: event.isBanned };
      const write = event.isBanned ? log.warn : log.debug;
      repeats.write(`${event.peer} ${event.error.code}`, write, fields, 'peer blamed');
      return;
    }
  }
}
