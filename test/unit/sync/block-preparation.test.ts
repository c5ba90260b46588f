import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RecoveryError } from '../../../node/mempool/errors.js';
import { BlockPreparation } from '../../../node/sync/block-preparation.js';
import type { FetchedBlock } from '../../../node/sync/block-download.js';
import { SyncPeers } from '../../../node/sync/sync-peers.js';
import { VerifiedSignatures } from '../../../node/sync/verified-signatures.js';
import { TransactionError } from '../../../protocol/transactions/errors.js';
import { monotonicClock } from '../../../p2p/clock.js';
import { simulatedChain } from '../../sim/consensus/chain.js';
import { FinalChain } from '../../support/final-chain.js';

test('a node too busy to verify tries again, and holds nothing against a block but what is wrong with it', async () => {
  const chain = await simulatedChain(4, false);
  const source = await FinalChain.open(chain.store.snapshot(), chain);
  const { local, commit } = source.make();
  const body = { ...local.block.body, transactions: [Uint8Array.of(1)] };
  const network = {
    peers: [{ id: 'a', headHeight: 0 }],
    // eslint-disable-next-line require-yield -- nobody answers
    request: async function* () {
      await Promise.resolve();
      throw new RecoveryError('RECOVERY_BUSY', 'not asked for');
    },
    blame: () => undefined,
  };
  const peers = new SyncPeers(network, monotonicClock);
  peers.update();
  const [peer] = peers.above(-1);
  assert.ok(peer);
  const fetchedBlock = (): FetchedBlock => ({ block: { ...local.block, body }, commit, peer, bytes: 1 });
  let busy = 2;
  let fault: Error | undefined;
  const preparation = new BlockPreparation({
    resolve: () => {
      if (busy-- > 0) return Promise.reject(new RecoveryError('RECOVERY_BUSY', 'too many wait'));
      return fault === undefined ? Promise.resolve([]) : Promise.reject(fault);
    },
    verifyStatements: undefined,
    verified: new VerifiedSignatures(),
  });
  assert.deepEqual(await preparation.of(source.tip, fetchedBlock()), []);
  fault = new TransactionError('TX_SENDER_UNRECOVERABLE', 'no key');
  assert.equal(await preparation.of(source.tip, fetchedBlock()), fault);
  fault = new RangeError('a bug');
  await assert.rejects(preparation.of(source.tip, fetchedBlock()), RangeError);
});
