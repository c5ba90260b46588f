import { join } from 'node:path';
import { openDatabase } from '../../node/database.js';
import { BlockSync } from '../../node/sync/block-sync.js';
import { StateSync } from '../../node/sync/state-sync.js';
import { PROTOCOL_VERSION } from '../../protocol/params.js';
import { initializeLedger } from '../../state/chain/genesis.js';
import { GENESIS_TIME_MS, simulatedChain } from '../sim/consensus/chain.js';
import { SimulatedTransactions } from '../sim/consensus/transactions.js';
import { startNode } from './p2p.js';
import { withAccounts } from './sync.js';

/** Of the chain that both sides of a crash test make for themselves. */
export const CRASH_ACCOUNTS = 9_000;

/**
 * A process that catches up: `blocks` or `state <folder> <server address> [steps]`. After so many steps, blocks or writes of pages, it dies
 * without warning. At its end it prints `done`.
 */
async function main([what, folder, address, steps]: readonly string[]): Promise<void> {
  if (folder === undefined || address === undefined) throw new RangeError('usage: what folder address');
  let left = Number(steps ?? Infinity);
  const step = (): void => {
    left--;
    if (left === 0) process.kill(process.pid, 'SIGKILL');
  };
  const { bls, genesis } = await withAccounts(await simulatedChain(4, false), CRASH_ACCOUNTS);
  const { chainId, genesisId } = genesis;
  const identity = { chainId, genesisId, protocolVersion: PROTOCOL_VERSION };
  const { store } = await openDatabase({ path: join(folder, 'ledger'), identity });
  const { network } = await startNode(99);
  await network.dial(address);
  if (what === 'state') {
    const nowMs = (): number => GENESIS_TIME_MS + 2_500;
    await new StateSync({ store, bls, network, genesis, nowMs, onProgress: step }).run();
  } else {
    await initializeLedger(store, genesis);
    const transactions = new SimulatedTransactions(store, chainId, () => GENESIS_TIME_MS);
    await new BlockSync({ store, bls, network, transactions, onFinal: step }).run();
  }
  process.stdout.write('done');
  await network.stop();
  await store.close();
}

if (process.argv[1]?.endsWith('sync-client.js') === true) await main(process.argv.slice(2));
