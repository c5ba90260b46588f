import { WEI_PER_OGPU } from '../protocol/amounts.js';
import { keccak256, sha256 } from '../protocol/crypto/hash.js';
import { encodeTransaction } from '../protocol/transactions/encode.js';
import { bodyRoots, type Body } from '../protocol/types/body.js';
import { emptyCommit } from '../protocol/types/commit.js';
import { encodeAccount } from '../state/accounts/account.js';
import type { FinalBlock } from '../state/chain/block-batch.js';
import { updateStateRoot, type RootUpdate } from '../state/chain/state-root.js';
import { STATE_KEYS } from '../state/store/keys.js';
import type { Store } from '../state/store/store.js';
import type { SenderTransaction } from '../state/transition/block-context.js';
import type { BlockOutcome } from '../state/transition/transition.js';
import { transferFrom } from '../test/support/ledger.js';
import { createPrng } from '../test/support/prng.js';
import { SAMPLES } from '../test/support/samples.js';

/** Of one block. */
export const TRANSFERS = 5000;
/** The accounts that send and receive where not all do. */
export const HOT_ACCOUNTS = 20_000;

/** Accounts written at a time while a ledger is made. */
const BUILD_CHUNK = 20_000;

/** Account `index` of a ledger: addresses lie at random places of the key space. */
export function addressOf(index: number): Uint8Array {
  return sha256(Uint8Array.of(index >> 16, (index >> 8) & 0xff, index & 0xff)).slice(0, 20);
}

export function accountKeyOf(index: number): Uint8Array {
  return STATE_KEYS.account.encode(addressOf(index));
}

/** Fills an empty store with `accounts` accounts and their tree, as a genesis does. */
export async function fillLedger(store: Store, accounts: number): Promise<void> {
  const value = encodeAccount({ nonce: 0, balanceWei: WEI_PER_OGPU, contract: undefined });
  for (let first = 0; first < accounts; first += BUILD_CHUNK) {
    const length = Math.min(BUILD_CHUNK, accounts - first);
    const changes = Array.from({ length }, (_, i) => ({ key: accountKeyOf(first + i), value }));
    await store.write([...changes, ...updateStateRoot(store, changes).nodes], { sync: false });
  }
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
