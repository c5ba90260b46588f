import { Network } from '../p2p/network.js';
import { bls } from '../protocol/crypto/bls.js';
import { toHex } from '../protocol/bytes.js';
import type { ChainIdentity } from '../protocol/domains.js';
import { PROTOCOL_VERSION, protocolVersionAt } from '../protocol/params.js';
import { readHead } from '../state/chain/marks.js';
import { ledgerFolder } from './data-folder.js';
import { openDatabase, type Database } from './database.js';
import { ledgerGenesis } from './ledger.js';
import { Repeats } from './logging/repeats.js';
import type { NodeOptions } from './node-parts.js';
import { SyncTeller } from './sync-teller.js';
import { StateSync } from './sync/state-sync.js';
import type { Checkpoint } from './sync/trusted-header.js';

/**
 * Begins the ledger of a node that has none with the state of a recent block, taken from peers. Where nobody offers one that can be trusted,
 * nothing has happened, and the node begins with the genesis.
 *
 * @throws as opening the database, the network and loading the genesis do; SyncError SYNC_DIVERGED
 */
export async function joinBySnapshot(
  options: NodeOptions,
  checkpoint: Checkpoint | undefined,
  signal: AbortSignal,
): Promise<void> {
  const { dataDir, genesis, database } = options;
  const identity = { chainId: genesis.chainId, genesisId: genesis.id, protocolVersion: PROTOCOL_VERSION };
  const opened = await openDatabase({ ...database, path: ledgerFolder(dataDir), identity });
  try {
    if (readHead(opened.store) === undefined) await join(options, opened, checkpoint, signal);
  } finally {
    await opened.store.close();
  }
}

async function join(
  { genesis, identity, p2p, log }: NodeOptions,
  { store }: Database,
  checkpoint: Checkpoint | undefined,
  signal: AbortSignal,
): Promise<void> {
  const state = await genesis.load();
  const { chainId, id: genesisId, params } = state;
  const chain: ChainIdentity = { chainId, genesisId, protocolVersion: protocolVersionAt(params, 1) };
  const network = await Network.start({
    privateKeyProtobuf: identity.privateKeyProtobuf,
    chain,
    headHeight: () => 0,
    bindings: { bls, keyOf: () => undefined },
    serve: [],
    onMessage: () => undefined,
    options: p2p,
  });
  const repeats = new Repeats();
  const teller = new SyncTeller(log, repeats);
  try {
    const head = await new StateSync({
      ...{ store, bls, network, genesis: ledgerGenesis(state) },
      ...(checkpoint === undefined ? {} : { checkpoint }),
      nowMs: () => Date.now(),
      onProgress: (progress) => {
        teller.state(progress);
      },
      onWarning: (error) => {
        repeats.write(error.code, log.warn, { err: error }, 'a snapshot was not taken');
      },
    }).run(signal);
    if (head === undefined) log.warn({}, 'no snapshot could be had: beginning with the genesis');
    else log.info({ height: head.height, id: toHex(head.id) }, 'state taken over');
  } finally {
    teller.end();
    await network.stop();
  }
}
