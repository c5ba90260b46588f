import { keyOf } from '../consensus/committee.js';
import { verifyExtendedCommit } from '../consensus/extended-commit.js';
import type { BookFolder } from '../p2p/address-book.js';
import { blobHandlers } from '../p2p/blob-requests.js';
import { chainHandlers, type FinalBlock } from '../p2p/chain-requests.js';
import type { GossipHandlers } from '../p2p/gossip/gossip.js';
import type { Binding } from '../p2p/handshake.js';
import { lightHandler } from '../p2p/light-requests.js';
import { Network, type NetworkEvent } from '../p2p/network.js';
import { snapshotHandlers } from '../p2p/snapshot-requests.js';
import { bytesEqual } from '../protocol/bytes.js';
import { bls } from '../protocol/crypto/bls.js';
import type { ChainIdentity } from '../protocol/domains.js';
import { keccak256 } from '../protocol/crypto/hash.js';
import { bodyRoots } from '../protocol/types/body.js';
import { blockId } from '../protocol/types/header.js';
import { progressRecord } from '../state/system/chain.js';
import { isNamedBy } from './consensus/block-assembly.js';
import { isFaultOfBlock } from './consensus/block-workshop.js';
import type { Seat } from './consensus/seat.js';
import { peersFolder, snapshotsFolder } from './data-folder.js';
import { openFolder } from './disk/open-folder.js';
import type { Logger } from './logging/logger.js';
import type { Repeats } from './logging/repeats.js';
import type { BatchVerdict, TransactionService } from './mempool/service.js';
import { identityOf, type Parts } from './node-parts.js';
import { storeChainSource } from './sync/chain-source.js';
import { storeLightSource } from './sync/light-source.js';
import { SnapshotShelf } from './sync/snapshots/shelf.js';
import { bindingOf, type ValidatorIdentity } from './validator-identity.js';

/** A node among others: what it serves them, what it makes of what they send. */
export async function openNetwork(parts: Parts, transactions: TransactionService): Promise<Network> {
  const { options, closers, ledger, late, events, repeats } = parts;
  const { log, validator, identity, p2p } = options;
  const chain = identityOf(ledger);
  const shelf = await openShelf(parts);
  const network = await Network.start({
    privateKeyProtobuf: identity.privateKeyProtobuf,
    chain,
    headHeight: () => progressRecord.read(ledger.store).height,
    ...(validator === undefined ? {} : { binding: bindingWhileKnown(parts, validator, chain) }),
    bindings: { bls, keyOf: (id) => late.seat && keyOf(late.seat.tip.committee, id) },
    serve: [
      ...chainHandlers(storeChainSource(ledger.store)),
      lightHandler(storeLightSource(ledger.store)),
      ...(shelf === undefined ? [] : snapshotHandlers(shelf)),
      ...(late.blobs === undefined ? [] : blobHandlers(late.blobs.shelf)),
    ],
    gossip: gossipHandlers(parts, transactions),
    book: await openBook(parts),
    onMessage: (peer, message) => late.follower?.receive(peer, message),
    onEvent: (event) => {
      logNetworkEvent(log, repeats, event);
      if (event.kind === 'peer-gone') late.follower?.disconnected(event.peer);
      if (event.kind === 'peer-admitted') transactions.republishSoon();
      events.tell(event);
    },
    options: p2p,
  });
  late.network = network;
  closers.add('network', () => network.stop());
  log.info({ peerId: network.id, addresses: network.addresses }, 'network listening');
  publishBlocks(parts, network);
  return network;
}

/** Nobody lets a peer in that speaks for a validator with another key than the ledger's. */
function bindingWhileKnown(
  { options, troubles }: Parts,
  validator: ValidatorIdentity,
  chain: ChainIdentity,
): () => Binding | undefined {
  const binding = bindingOf(validator, chain, options.identity.peerId);
  return () => (troubles.about('validator') === undefined ? binding : undefined);
}

/** Validators hear of blocks from each other; who only follows lives on what is gossiped. */
function gossipHandlers(
  { options, troubles, late }: Parts,
  transactions: TransactionService,
): GossipHandlers {
  const onTransactions = (_peer: string, envelopes: readonly Uint8Array[]): Promise<BatchVerdict> =>
    transactions.takeFromPeer(envelopes);
  const isValidator = options.validator !== undefined && troubles.about('validator') === undefined;
  if (isValidator) return { onTransactions };
  const onBlock = (peer: string, block: FinalBlock): Promise<BatchVerdict> =>
    Promise.resolve(late.seat === undefined ? 'ignore' : takeBlock(late.seat, peer, block));
  return { onTransactions, onBlock };
}

/** Takes a final block that was gossiped, and says what it is worth to others. */
function takeBlock(seat: Seat, peer: string, { block, commit }: FinalBlock): BatchVerdict {
  const { header, body } = block;
  const { tip } = seat;
  if (header.height !== tip.parent.height + 1) return 'ignore';
  try {
    const expected = { height: header.height, blockId: blockId(header) };
    verifyExtendedCommit(tip.committee, tip.chainAt(header.height), commit, expected);
  } catch (error) {
    if (!isFaultOfBlock(error)) throw error;
    return 'reject';
  }
  if (!isNamedBy(header, bodyRoots(body, body.transactions.map(keccak256)))) return 'reject';
  seat.receive(peer, { kind: 'commit', commit });
  seat.receive(peer, { kind: 'block', block });
  return 'accept';
}

/** The proposer of a block tells those that follow. */
function publishBlocks({ options, finals }: Parts, network: Network): void {
  const { validator } = options;
  if (validator === undefined) return;
  finals.add(({ local: { block }, commit }) => {
    const isOwn = bytesEqual(block.header.proposer, validator.id);
    const isHeard = (network.gossipStats?.blocks.subscribers ?? 0) > 0;
    if (isOwn && isHeard) network.publishBlock({ block, commit });
  });
}

/** Where addresses and bans are kept. */
async function openBook({ options, closers }: Parts): Promise<BookFolder> {
  const { folder, unlock } = await openFolder(peersFolder(options.dataDir));
  closers.add('address book', unlock);
  return folder;
}

/** Snapshots of the state that newcomers can begin with. */
async function openShelf({ options, closers, ledger, finals }: Parts): Promise<SnapshotShelf | undefined> {
  const { dataDir, snapshotIntervalBlocks, log } = options;
  if (snapshotIntervalBlocks === 0) return undefined;
  const shelf = await SnapshotShelf.open({
    ...{ store: ledger.store, folder: snapshotsFolder(dataDir), intervalBlocks: snapshotIntervalBlocks },
    onFailure: (error) => {
      log.error({ err: error }, 'a snapshot of the state could not be made');
    },
  });
  closers.add('snapshots', () => shelf.close());
  finals.add(({ local }) => {
    shelf.onBlock(local.block.header.height);
  });
  return shelf;
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
    case 'book-failed':
      repeats.write(event.error.code, log.error, { err: event.error }, 'the book of addresses and bans');
      return;
  }
}
