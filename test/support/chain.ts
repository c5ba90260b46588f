import { toHex } from '../../protocol/bytes.js';
import { keccak256 } from '../../protocol/crypto/hash.js';
import { encodeTransaction } from '../../protocol/transactions/encode.js';
import { bodyRoots, type Body } from '../../protocol/types/body.js';
import { emptyCommit } from '../../protocol/types/commit.js';
import { readAccount } from '../../state/accounts/account.js';
import { blockBatch, type FinalBlock } from '../../state/chain/block-batch.js';
import { updateStateRoot } from '../../state/chain/state-root.js';
import { STATE_KEYS } from '../../state/store/keys.js';
import type { Change, Entry, Reader, Store } from '../../state/store/store.js';
import { transition, type BlockOutcome } from '../../state/transition/transition.js';
import { hashKey, hashValue } from '../../state/tree/leaf.js';
import { naiveRoot } from '../unit/tree/naive.js';
import { genesisValidator, nextInput, TestLedger, transferFrom } from './ledger.js';
import type { Prng } from './prng.js';
import { SAMPLES } from './samples.js';

export const PEOPLE: readonly Uint8Array[] = Array.from({ length: 12 }, (_, i) =>
  new Uint8Array(20).fill(i + 1),
);
const START_WEI = 10n ** 18n;
const VALIDATORS = [61, 62, 63].map((number) => genesisValidator(number));

/** State entries and tree of a chain in which everybody starts with one OGPU. */
export function genesisBatch(store: Store): Change[] {
  const ledger = new TestLedger({ validators: VALIDATORS });
  for (const person of PEOPLE) ledger.setAccount(person, { balanceWei: START_WEI });
  const entries = ledger.entries();
  return [...entries, ...updateStateRoot(store, entries).nodes];
}

/** A block of a few random transfers on what `store` holds, executed for real; nothing is written. */
export function nextBlock(
  store: Store,
  prng: Prng,
  height: number,
): { final: FinalBlock; batch: Change[]; execute: (view: Reader) => BlockOutcome } {
  const nonces = new Map<string, number>();
  const transactions = Array.from({ length: prng.below(5) }, () => {
    const sender = prng.pick(PEOPLE);
    const nonce = nonces.get(toHex(sender)) ?? readAccount(store, sender).nonce;
    nonces.set(toHex(sender), nonce + 1);
    return transferFrom(sender, { nonce: BigInt(nonce), to: prng.pick(PEOPLE), value: prng.bigint(40) });
  });
  const input = nextInput(store, { height, proposer: prng.pick(VALIDATORS).owner, transactions });
  const execute = (view: Reader): BlockOutcome => transition(view, input);
  const { receipts, changes, gasUsed } = execute(store);
  const { root, nodes } = updateStateRoot(store, changes);
  const envelopes = transactions.map(({ transaction }) => encodeTransaction(transaction));
  const transactionHashes = envelopes.map(keccak256);
  const body: Body = {
    transactions: envelopes,
    evidence: [],
    parentCommit: emptyCommit(),
    parentExtensions: [],
  };
  const header = {
    ...SAMPLES.header(prng),
    ...bodyRoots(body, transactionHashes),
    height,
    stateRoot: root,
    gasUsed,
  };
  const final: FinalBlock = {
    block: { header, body },
    commit: { commit: { ...emptyCommit(), height }, extensions: [] },
    transactionHashes,
    receipts,
    changes,
    treeNodes: nodes,
  };
  return { final, batch: blockBatch(final), execute };
}

/** A genesis and `count` blocks, written to an empty store. */
export async function grow(store: Store, prng: Prng, count: number): Promise<ReturnType<typeof nextBlock>[]> {
  await store.write(genesisBatch(store));
  const blocks: ReturnType<typeof nextBlock>[] = [];
  for (let height = 1; height <= count; height++) {
    const next = nextBlock(store, prng, height);
    await store.write(next.batch);
    blocks.push(next);
  }
  return blocks;
}

/** Every entry of the state, in the order of the spaces. */
export async function stateEntries(store: Store): Promise<Entry[]> {
  const entries: Entry[] = [];
  for (const space of Object.values(STATE_KEYS)) {
    for await (const page of store.range({ ...space.range(), limit: 1_000_000 })) entries.push(...page);
  }
  return entries;
}

/** The state root from nothing but the entries and the definition. */
export function naiveStateRoot(entries: readonly Entry[]): string {
  const bare = (bytes: Uint8Array): string => toHex(bytes).slice(2);
  const leaves = entries.map(({ key, value }) => [bare(hashKey(key)), bare(hashValue(value))] as const);
  return `0x${naiveRoot(new Map(leaves))}`;
}
