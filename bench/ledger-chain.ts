import { TOTAL_SUPPLY_WEI, WEI_PER_OGPU } from '../protocol/amounts.js';
import { compareBytes } from '../protocol/bytes.js';
import { keccak256, sha256 } from '../protocol/crypto/hash.js';
import type { ChainParams } from '../protocol/params.js';
import { PRESETS } from '../protocol/presets.js';
import { encodeTransaction } from '../protocol/transactions/encode.js';
import { bodyRoots, type Body } from '../protocol/types/body.js';
import { emptyCommit } from '../protocol/types/commit.js';
import type { FinalBlock } from '../state/chain/block-batch.js';
import { initializeLedger } from '../state/chain/genesis.js';
import type { RootUpdate } from '../state/chain/state-root.js';
import type { Store } from '../state/store/store.js';
import type { SenderTransaction } from '../state/transition/block-context.js';
import type { BlockOutcome } from '../state/transition/transition.js';
import { GENESIS_TIME_MS, genesisValidator, transferFrom } from '../test/support/ledger.js';
import { createPrng } from '../test/support/prng.js';
import { SAMPLES } from '../test/support/samples.js';

export const GENESIS_ID: Uint8Array = new Uint8Array(32).fill(7);

/** Of one block. */
export const TRANSFERS = 5000;
/** The accounts that send and receive where not all do. */
export const HOT_ACCOUNTS = 20_000;

/** Account `index` of a ledger: addresses lie at random places of the key space. */
export function addressOf(index: number): Uint8Array {
  return sha256(Uint8Array.of(index >> 16, (index >> 8) & 0xff, index & 0xff)).slice(0, 20);
}

/** Blocks of as many transfers fill the gas limit, which is the target too, so that the base fee stays. */
const PARAMS: ChainParams = {
  ...PRESETS.devnet.params,
  blocks: { ...PRESETS.devnet.params.blocks, gasLimit: TRANSFERS * 21_000, gasElasticity: 1 },
};

/** Writes the genesis of a ledger with `accounts` accounts of one OGPU each. */
export async function fillLedger(store: Store, accounts: number): Promise<void> {
  const addresses = Array.from({ length: accounts }, (_, index) => addressOf(index)).sort(compareBytes);
  const validator = genesisValidator(0x77);
  const reserveWei = TOTAL_SUPPLY_WEI - validator.stakeWei - BigInt(accounts) * WEI_PER_OGPU;
  await initializeLedger(store, {
    chainId: PRESETS.devnet.chainId,
    genesisId: GENESIS_ID,
    genesisTimeMs: GENESIS_TIME_MS,
    params: PARAMS,
    reserveWei,
    validators: [validator],
    accounts: () => addresses.map((address) => ({ address, balanceWei: WEI_PER_OGPU })),
  });
}

/** Makes blocks of transfers on a ledger that `fillLedger` made. */
export class TransferSource {
  readonly #prng = createPrng(1);
  readonly #nonces: Uint32Array;
  /** Signed once: recovery is not what is measured, and execution does not look at the signature. */
  readonly #template = transferFrom(new Uint8Array(20)).transaction;

  constructor(accounts: number) {
    this.#nonces = new Uint32Array(accounts);
  }

  /** Transfers between random ones of the first `among` accounts. */
  next(transfers: number, among: number): SenderTransaction[] {
    return Array.from({ length: transfers }, () => {
      const sender = this.#prng.below(among);
      const nonce = this.#nonces[sender] ?? 0;
      this.#nonces[sender] = nonce + 1;
      const to = addressOf(this.#prng.below(among));
      const transaction = { ...this.#template, nonce: BigInt(nonce), to, value: 1n };
      return { sender: addressOf(sender), transaction };
    });
  }
}

/** What a node has of its transactions before their block comes: envelopes and hashes. */
export interface Envelopes {
  readonly transactions: Uint8Array[];
  readonly hashes: Uint8Array[];
}

export function envelopesOf(block: readonly SenderTransaction[]): Envelopes {
  const transactions = block.map(({ transaction }) => encodeTransaction(transaction));
  return { transactions, hashes: transactions.map(keccak256) };
}

/** The final block of what was executed. */
export function finalBlockOf(
  height: number,
  envelopes: Envelopes,
  outcome: BlockOutcome,
  { root, nodes }: RootUpdate,
): FinalBlock {
  const body: Body = {
    transactions: envelopes.transactions,
    evidence: [],
    parentCommit: emptyCommit(),
    parentExtensions: [],
  };
  const header = {
    ...SAMPLES.header(createPrng(height)),
    ...bodyRoots(body, envelopes.hashes),
    height,
    stateRoot: root,
    gasUsed: outcome.gasUsed,
  };
  return {
    block: { header, body },
    commit: { commit: { ...emptyCommit(), height }, extensions: [] },
    transactionHashes: envelopes.hashes,
    receipts: outcome.receipts,
    changes: outcome.changes,
    treeNodes: nodes,
  };
}
