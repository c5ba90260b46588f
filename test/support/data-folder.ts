import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { createGenesis } from '../../genesis/create.js';
import { bindOwner } from '../../genesis/owner-binding.js';
import { genesisFolder, ledgerFolder } from '../../node/data-folder.js';
import { SoloChain } from './solo-chain.js';
import { openLedger } from '../../node/ledger.js';
import { WEI_PER_OGPU } from '../../protocol/amounts.js';
import { bls } from '../../protocol/crypto/bls.js';
import type { Store } from '../../state/store/store.js';
import { MEMBERS, chainId } from './diagnosis.js';

/**
 * A data folder as a node leaves it: a genesis of four validators, and a ledger with some blocks (without any, no ledger either), each without a transaction but those that
 * `envelopes` gives for its height.
 *
 * @returns its path
 */
export async function dataFolderOf(
  t: TestContext,
  blocks: number,
  envelopes: (store: Store, height: number) => Uint8Array[] = () => [],
): Promise<string> {
  const data = await mkdtemp(join(tmpdir(), 'ogpu-data-'));
  t.after(() => rm(data, { recursive: true, force: true }));
  const stakeWei = 10_000n * WEI_PER_OGPU;
  const { state } = await createGenesis({
    preset: 'devnet',
    genesisTimeMs: Date.now() - 3_600_000,
    validators: MEMBERS.map(({ owner, blsSecretKey, blsPublicKey }, index) => ({
      ...{ name: `member-${index}`, owner, operator: owner, payout: owner, blsPublicKey },
      proofOfPossession: bls.provePossession(blsSecretKey),
      ownerBinding: bindOwner(blsSecretKey, { chainId, protocolVersion: 1 }, owner),
      ...{ stakeWei, commissionBps: 500 },
    })),
    allocations: MEMBERS.map(({ owner }) => ({ address: owner, balanceWei: 2n * stakeWei })),
    ...{ snapshots: [], decimals: 0, directory: genesisFolder(data), force: false },
  });
  if (blocks === 0) return data;
  const { store } = await openLedger({ path: ledgerFolder(data), genesis: state });
  try {
    const chain = new SoloChain(store, MEMBERS);
    for (let height = 1; height <= blocks; height++)
      await chain.produce({ stepMs: 1, envelopes: envelopes(store, height) });
  } finally {
    await store.close();
  }
  return data;
}
