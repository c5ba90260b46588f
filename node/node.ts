import { mkdir } from 'node:fs/promises';
import type { Network } from '../p2p/network.js';
import { type NetworkEvent } from '../p2p/network.js';
import { bytesEqual, toHex } from '../protocol/bytes.js';
import { bls } from '../protocol/crypto/bls.js';
import type { ExtendedCommit } from '../protocol/types/commit.js';
import { Pruner } from '../state/chain/retention.js';
import { nextValidators } from '../state/staking/active-set.js';
import { progressRecord } from '../state/system/chain.js';
import { BlobService } from './blobs/service.js';
import { Closers } from './closers.js';
import type { LocalBlock } from './consensus/block-execution.js';
import { takeSeat, type Seat } from './consensus/seat.js';
import { journalFile, ledgerFolder, verdictsFolder } from './data-folder.js';
import { openNetwork } from './node-network.js';
import { identityOf, type FinalNews, type NodeOptions, type Parts } from './node-parts.js';
import { openLedgerOf, type Ledger } from './ledger.js';
import { Listeners } from './listeners.js';
import { Repeats } from './logging/repeats.js';
import { TransactionService } from './mempool/service.js';
import type { SyncFigures } from './metrics/sources.js';
import { poolEngine } from './signatures/engine.js';
import { SignaturePool } from './signatures/pool.js';
import { SyncTeller } from './sync-teller.js';
import { ChainFollower } from './sync/chain-follower.js';
import { systemClock } from './system-clock.js';
import { Troubles } from './troubles.js';
import { keyTrouble, type ValidatorIdentity } from './validator-identity.js';
import { AuditDesk } from './verifier/audit-desk.js';

/** A node that runs: what its servers and its command are given. */
export interface RunningNode {
  readonly ledger: Ledger;
  readonly transactions: TransactionService;
  readonly network: Network;
  readonly validator: ValidatorIdentity | undefined;
  /** Undefined where it keeps none. */
  readonly blobs: BlobService | undefined;
  readonly finals: Listeners<FinalNews>;
  /** Of the network, after the node has dealt with them. */
  readonly events: Listeners<NetworkEvent>;
  readonly troubles: Troubles;
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
  const { failed, fail } = failure();
  const ledger = await openStore(options, closers);
  const signatures = new SignaturePool({ workers: options.signatureWorkers });
  closers.add('signatures', () => signatures.close());
  const parts: Parts = {
    ...{ options, closers, ledger, signatures, fail },
    finals: new Listeners<FinalNews>(),
    events: new Listeners<NetworkEvent>(),
    repeats: new Repeats(),
    troubles: new Troubles(options.log),
    late: {},
  };
  watchKey(parts);
  const transactions = await openTransactions(parts);
  await openBlobs(parts);
  const network = await openNetwork(parts, transactions);
  await openAudits(parts);
  const follower = openFollower(parts, transactions, network);
  prune(parts);
  return {
    ...{ ledger, transactions, network, failed },
    ...{ finals: parts.finals, events: parts.events, troubles: parts.troubles },
    ...{ validator: options.validator, blobs: parts.late.blobs },
    seat: () => parts.late.seat,
    sync: () => ({
      isSyncing: follower.state === 'syncing',
      bestPeerHeight: Math.max(0, ...network.peers.map(({ headHeight }) => headHeight)),
    }),
  };
}

/** Whether the ledger has the key this node signs with: looked at after every block, as another key may be registered at any time. */
function watchKey({ options, ledger, finals, troubles, late }: Parts): void {
  const { validator } = options;
  if (validator === undefined) return;
  const look = (): boolean => troubles.tell('validator', keyTrouble(ledger.store, validator));
  look();
  finals.add(() => {
    if (look()) late.network?.greetAnew();
  });
}

/** Catches up with the chain, and takes part in consensus where it has. */
function openFollower(parts: Parts, transactions: TransactionService, network: Network): ChainFollower {
  const { options, closers, ledger, signatures, finals, late, fail, troubles } = parts;
  const { log, checkInvariants } = options;
  const teller = new SyncTeller(log, parts.repeats);
  closers.add('progress', () => {
    teller.end();
  });
  const onFinal = (local: LocalBlock, commit: ExtendedCommit): void => {
    finals.tell({ local, commit });
  };
  const follower = new ChainFollower({
    ...{ store: ledger.store, bls, network, transactions, checkInvariants, onFinal },
    verifyStatements: (statements) => signatures.verifyStatements(statements),
    openParticipant: async () => (late.seat = await openSeat(parts, transactions, network, onFinal)),
    onProgress: (progress) => {
      teller.blocks(progress);
    },
    onState: (state) => {
      if (state !== 'syncing') teller.end();
      if (state !== 'participating') late.seat = undefined;
      log.info({ state, height: progressRecord.read(ledger.store).height }, 'chain');
    },
    onStop: fail,
    onGap: (error) => {
      troubles.tell('sync', error);
    },
    ...(isAlone(ledger, options.validator) ? { lonelyMs: 0 } : {}),
  });
  late.follower = follower;
  closers.add('consensus', () => follower.stop());
  follower.start();
  return follower;
}

function openSeat(
  { options, ledger, signatures, repeats, late, fail }: Parts,
  transactions: TransactionService,
  network: Network,
  onFinal: (local: LocalBlock, commit: ExtendedCommit) => void,
): Promise<Seat> {
  const { dataDir, validator, checkInvariants, log } = options;
  const { audits } = late;
  return takeSeat({
    ...{ dataDir, store: ledger.store, bls, validator, network, transactions, checkInvariants, onFinal },
    signatures: poolEngine(signatures),
    clock: systemClock,
    ...(audits && {
      extensionContent: () => audits.extensionContent(),
      hasOwnWork: () => audits.hasWork(),
    }),
    onWarning: (error) => {
      repeats.write(error.code, log.warn, { err: error }, 'consensus');
    },
    onStop: fail,
  });
}

/** Whether the chain goes on without any other node. */
export function isAlone({ store }: Ledger, validator: ValidatorIdentity | undefined): boolean {
  const [first, ...others] = nextValidators(store);
  return (
    first !== undefined &&
    others.length === 0 &&
    validator !== undefined &&
    bytesEqual(first.id, validator.id)
  );
}

async function openStore(options: NodeOptions, closers: Closers): Promise<Ledger> {
  const { dataDir, genesis, database, log } = options;
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const ledger = await openLedgerOf({ ...database, path: ledgerFolder(dataDir), genesis });
  closers.add('store', () => ledger.store.close());
  log.info({ height: ledger.head.height, id: toHex(ledger.head.id) }, 'ledger open');
  return ledger;
}

async function openTransactions(parts: Parts): Promise<TransactionService> {
  const { options, closers, ledger, signatures, late } = parts;
  const { dataDir, mempool, log } = options;
  const service = new TransactionService({
    state: ledger.store,
    identity: identityOf(ledger),
    recover: (batch) => signatures.recoverAddresses(batch),
    nowMs: () => Date.now(),
    journal: journalFile(dataDir),
    config: mempool,
    publish: (envelopes) => late.network?.publishTransactions(envelopes),
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

/** Closed after the network: a peer that is being served comes to an end first. */
async function openBlobs({ options, closers, late }: Parts): Promise<void> {
  const { blobs, log } = options;
  if (blobs === undefined) return;
  const service = await BlobService.open({
    ...blobs,
    network: () => late.network,
    onFailure: (error) => {
      log.error({ err: error }, 'blobs that nobody needs could not be dropped');
    },
  });
  late.blobs = service;
  closers.add('blobs', () => service.close());
  const { blobs: count, usedBytes } = service.figures;
  log.info({ count, usedBytes }, 'blobs open');
}

/** A validator that keeps no blobs, or is told so, judges nothing: it never says that it can run a source. */
async function openAudits({ options, closers, ledger, finals, repeats, late, fail }: Parts): Promise<void> {
  const { dataDir, validator, compute, log } = options;
  const { blobs } = late;
  if (validator === undefined || compute === undefined || blobs === undefined) return;
  const desk = await AuditDesk.open({
    ...{ store: ledger.store, validator, blobs, clock: systemClock, log, onFailure: fail },
    ...{ folder: verdictsFolder(dataDir), ...compute, hidden: [dataDir] },
    onWork: () => late.seat?.noticeWork(),
    warn: (error) => {
      repeats.write(error.code, log.warn, { err: error }, 'judging jobs');
    },
  });
  late.audits = desk;
  closers.add('audits', () => desk.close());
  finals.add(({ local }) => {
    desk.follow(local.executed.outcome.changes);
  });
  await desk.start();
}

/** Drops what leaves the window of history, after each block. */
function prune({ options, ledger, finals, fail }: Parts): void {
  const pruner = new Pruner(ledger.store, options.retention);
  finals.add(() => {
    pruner.step().catch(fail);
  });
}

/** The first trouble that a node must not go on with. */
function failure(): { readonly failed: Promise<unknown>; readonly fail: (error: unknown) => void } {
  let fail: (error: unknown) => void = () => undefined;
  const failed = new Promise<unknown>((resolve) => {
    fail = resolve;
  });
  return { failed, fail };
}
